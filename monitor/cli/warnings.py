"""Finds what is valid in a configuration, but seldom meant."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitor.alerts.build import OPERATORS
from monitor.http.addresses import is_allowed

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.model import Subscriber

# So many watchlists are named in a warning.
MOST_NAMED = 5


def warnings(config: Config) -> Iterator[str]:
    """Yields a sentence for each thing that an operator may not have meant."""
    silent = [watchlist.name for watchlist in config.watchlists if not watchlist.subscribers]
    if silent:
        named = ", ".join(silent[:MOST_NAMED]) + (" …" if len(silent) > MOST_NAMED else "")
        count = f"{len(silent)} of {len(config.watchlists)} watchlists"
        yield (
            f"{count} ({named}) name no subscribers: nobody is sent their alerts, which are on the "
            "pages, on the console, and on the Redis stream"
        )
    if not config.subscribers:
        yield (
            "there are no subscribers: when a feed goes silent, or Presswatch itself fails, only "
            "the log and `status` say so"
        )
    used = {name for watchlist in config.watchlists for name in watchlist.subscribers}
    for subscriber in config.subscribers:
        if subscriber.name not in used and subscriber.name != OPERATORS:
            yield f"no watchlist names the subscriber {subscriber.name}"
        yield from _of_channel(config, subscriber)


def _of_channel(config: Config, subscriber: Subscriber) -> Iterator[str]:
    if subscriber.kind == "apprise" and not _apprise_knows(subscriber.options["url"]):
        yield (
            f"Apprise does not support the address of the subscriber {subscriber.name}, or it is "
            "incomplete; see https://appriseit.com/services/"
        )
    for key in ("url", "webhook_url", "api_url"):
        if subscriber.kind in {"webhook", "slack"} and (url := subscriber.options.get(key)):
            host = urlsplit(url).hostname or ""
            if not _is_allowed_host(config, host):
                yield (
                    f"the subscriber {subscriber.name} has a private address ({host}), to which "
                    "nothing is sent; name its network in settings.allow_private_addresses"
                )


def _is_allowed_host(config: Config, host: str) -> bool:
    """Returns whether a host may be connected to; of a name, other than `localhost`, it may."""
    if host == "localhost":
        host = "127.0.0.1"
    try:
        ip_address(host)
    except ValueError:
        return True
    return is_allowed(host, config.settings.allow_private_addresses)


def _apprise_knows(url: str) -> bool:
    # Loading it takes a third of a second.
    from apprise import Apprise

    return Apprise.instantiate(url) is not None
