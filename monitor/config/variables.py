"""Variables from the environment in the texts of a configuration: `${NAME}`, `${NAME:-default}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.hiding import Secret

# Also matches a bare `${`, so that a malformed variable is a fault instead of plain text.
VARIABLE = re.compile(
    r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_]\w*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\})?"
)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A text with its variables replaced.

    `written` is the text as it may be shown, with the variables' names only; `variables` holds each
    value with its name, and `problems` says what is wrong, in the words of a fault.
    """

    text: str
    written: str
    variables: tuple[Secret, ...]
    problems: tuple[str, ...]


def escaped(text: str) -> str:
    """Escapes a text so that it is read literally, without variables."""
    return text.replace("${", "$${")


def has_variables(text: str) -> bool:
    """Returns whether a text has variables, well-formed or not."""
    return any(found[0] != "$${" for found in VARIABLE.finditer(text))


def expand(text: str, environ: Mapping[str, str]) -> Expansion:
    """Replaces the variables in a text; `$${` means `${`, and an empty variable is not set."""
    variables: list[Secret] = []
    problems: list[str] = []

    def value(variable: re.Match[str]) -> str:
        if variable[0] == "$${":
            return "${"
        name, default = variable["name"], variable["default"]
        if name is None:
            problems.append(
                "`${` must begin a variable such as ${NAME} or ${NAME:-default}; "
                "write $${ for the characters themselves"
            )
            return ""
        given = environ.get(name) or default
        if given is None:
            problems.append(f"the environment has no {name}; set it, or write ${{{name}:-default}}")
        variables.append((given or "", f"${{{name}}}"))
        return given or ""

    def shown(variable: re.Match[str]) -> str:
        return f"${{{variable['name']}}}" if variable["name"] else "${"

    expanded = VARIABLE.sub(value, text)
    return Expansion(expanded, VARIABLE.sub(shown, text), tuple(variables), tuple(problems))
