"""The demo newsroom: three made-up outlets on loopback, and watchlists to try on them."""

from __future__ import annotations

from string import Template

from monitor.demo.stories import DECOYS, EXPECTED, resource

__all__ = ["DECOYS", "EXPECTED", "configuration"]


def configuration(base_url: str, web: str = "127.0.0.1:0") -> str:
    """Returns the YAML of a configuration for the newsroom at `base_url`; pages are at `web`."""
    template = Template(resource("config/demo.yaml"))
    return template.substitute(base_url=base_url.rstrip("/"), web=web)
