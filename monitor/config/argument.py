"""Reads a feed's address from the command line as a configuration file would read it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from monitor.config.variables import VARIABLE
from monitor.errors import PresswatchError
from monitor.hiding import Secret, secrets
from monitor.model import Feed


def given_feed(
    url: str, name: str | None, tags: tuple[str, ...], environ: Mapping[str, str]
) -> tuple[Feed, str | None]:
    """Returns a feed, and its address as a file must write it if it holds a `${NAME}`, else None.

    Without a variable, the address is meant literally. Raises PresswatchError for a variable that
    is not set.
    """
    if not any(variable["name"] for variable in VARIABLE.finditer(url)):
        return Feed(url, name, tags), None
    variables: list[Secret] = []

    def value(variable: re.Match[str]) -> str:
        if variable[0] == "$${":
            return "${"
        if variable["name"] is None:
            raise PresswatchError(
                "`${` must begin a variable such as ${NAME} or ${NAME:-default}; "
                "write $${ for the characters themselves"
            )
        given = environ.get(variable["name"]) or variable["default"]
        if given is None:
            raise PresswatchError(
                f"the environment has no {variable['name']}, which the address names: set it for "
                f"this command and for the daemon, or write ${{{variable['name']}:-default}}"
            )
        variables.append((given, f"${{{variable['name']}}}"))
        return given

    def shown(variable: re.Match[str]) -> str:
        return f"${{{variable['name']}}}" if variable["name"] else "${"

    expanded = VARIABLE.sub(value, url)
    public_url = VARIABLE.sub(shown, url)
    return Feed(expanded, name, tags, public_url=public_url, secrets=secrets(variables)), url
