"""Finds the hubs that push a feed, and the address under which they know it. Pure.

WebSub (W3C Recommendation of 23 January 2018), section 4: the links of the response's headers come
first, and those of the document count only if the headers name no hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from monitor.articles.urls import joined
from monitor.articles.wrappers import web_address
from monitor.feeds.hints import Head
from monitor.model import FeedHubs

MOST_HUBS = 3
_MAX_URL = 2_000
_LINK = re.compile(r"<([^<>]{1,2000})>([^<]{0,2000})")
_RELATION = re.compile(
    r"""\brel\s{0,3}=\s{0,3}(?:"([^"]{0,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE
)


def feed_hubs(headers: Mapping[str, str], head: Head, url: str) -> FeedHubs | None:
    """Returns the hubs that a feed names, if it also says under which address they know it.

    `headers` are those of the response, in lower case, `head` is that of the document, and `url` is
    where it was found. Hubs that are asked over HTTPS come first, since they are told a secret.
    """
    links = dict[str, list[str]]()
    for relation, reference in _links(headers.get("link", "")):
        links.setdefault(relation, []).append(reference)
    topics = [*links.get("self", ()), head.topic or ""]
    if "hub" not in links:
        topics.reverse()
    topic = next(_addresses(topics, url), None)
    hubs = dict.fromkeys(_addresses(links.get("hub") or head.hubs, url))
    if topic is None or not hubs:
        return None
    secure_first = sorted(hubs, key=lambda hub: not hub.startswith("https:"))
    return FeedHubs(topic, tuple(secure_first[:MOST_HUBS]))


def _links(header: str) -> Iterator[tuple[str, str]]:
    """Yields the relations of a Link header with their references (RFC 8288)."""
    for reference, parameters in _LINK.findall(header):
        if relation := _RELATION.search(parameters):
            for name in (relation[1] or relation[2] or "").lower().split():
                yield name, reference.strip()


def _addresses(references: list[str] | tuple[str, ...], url: str) -> Iterator[str]:
    """Yields the references that are addresses of the web, as absolute ones."""
    for reference in references:
        address = web_address(joined(url, reference)) if reference else None
        if address and len(address) <= _MAX_URL and address.isprintable() and " " not in address:
            yield address
