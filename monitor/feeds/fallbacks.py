"""Finds what entries leave to their feed, or say only in elements that few feeds have. Pure."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from monitor.articles.urls import host, joined
from monitor.feeds.fields import html, line, link
from monitor.feeds.refusals import ROOT_ELEMENT

_FIRST_ENTRY = re.compile(r"<(?:\w{1,20}:)?item[\s>]", re.IGNORECASE)
# What is before the first entry is searched no further.
_HEAD_CHARS = 20_000
_TEXT = r"\s{0,100}(?:<!\[CDATA\[\s{0,100})?([^<>\]]{1,2000})"
_LINK = re.compile(f"<link>{_TEXT}", re.IGNORECASE)
_GUID = re.compile(rf"<guid\b[^<>]{{0,200}}>{_TEXT}", re.IGNORECASE)


def is_atom(text: str) -> bool:
    """Returns whether a document is Atom, by its first element."""
    root = ROOT_ELEMENT.search(text)
    return root is not None and root[1].rpartition(":")[2].lower() == "feed"


def base_of(text: str, url: str) -> str:
    """Returns the URL to which the links of a document's entries are relative.

    RSS does not say, and feeds are often served from elsewhere: there it is the channel's link, if
    that can be the site's. In Atom it is the document's own URL (RFC 4287, section 2).
    """
    if is_atom(text):
        return url
    first = _FIRST_ENTRY.search(text, 0, _HEAD_CHARS)
    found = _LINK.search(text, 0, first.start() if first else _HEAD_CHARS)
    return site_of(entities.unescape(found[1]) if found else None, url)


def site_of(claimed: object, url: str) -> str:
    """Returns the URL of the site that a feed at `url` claims, or else `url`."""
    site = link(claimed, url)
    if site is None or (host(site) != host(url) and not _is_public_name(host(site))):
        return url
    return site


def _is_public_name(name: str) -> bool:
    """Returns whether a host may be a site's: templates leave `localhost` and addresses behind."""
    return bool(re.fullmatch(r"(?:[^.]+\.)+[^\d.][^.]*", name)) and ":" not in name


def links_from_guids(text: str, base: str) -> frozenset[str]:
    """Returns the links that feedparser makes of guids that are not URLs, such as `12345`.

    A guid is taken for a permalink unless it says that it is not one, and then resolved.
    """
    names = {_unescaped(guid) for guid in _GUID.findall(text)}
    made = {joined(base, name) for name in names if not _is_absolute(name)}
    meant = (
        {joined(base, _unescaped(written)) for written in _LINK.findall(text)} if made else set()
    )
    return frozenset(url for url in made - meant if url)


def _unescaped(text: str) -> str:
    return entities.unescape(text).strip()


def _is_absolute(name: str) -> bool:
    try:
        return bool(urlsplit(name).scheme)
    except ValueError:
        return False


def link_of(element: Mapping[str, Any], base: str, made: frozenset[str]) -> str | None:
    """Returns an entry's link; `made` holds those that `links_from_guids` returned.

    FeedBurner puts the site's own link beside the one that counts readers.
    """
    original = line(element.get("feedburner_origlink"))
    if original.startswith(("http://", "https://")) and (found := link(original, base)):
        return found
    found = link(element.get("link"), base)
    return None if found in made and element.get("link") == element.get("id") else found


def spare_content(element: Mapping[str, Any]) -> str:
    """Returns what a podcast's or a picture's entry says where others have a text."""
    if text := html(element.get("media_text")) or html(element.get("subtitle")):
        return text
    links = element.get("links") or []
    return titles(each for each in links if each.get("rel") == "enclosure")


def titles(attachments: Iterable[Any]) -> str:
    """Returns the titles of what is attached to an entry, one a line."""
    return "\n".join(
        title
        for each in attachments
        if isinstance(each, Mapping) and (title := line(each.get("title")))
    )


def names(people: object) -> Iterator[str]:
    """Yields the names of a list of people, as feedparser gives them."""
    for person in people if isinstance(people, list) else []:
        if isinstance(person, Mapping) and (name := line(person.get("name"))):
            yield name


def inherited_authors(element: Mapping[str, Any], of_feed: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the authors of an Atom entry that names none (RFC 4287, section 4.2.1)."""
    source = element.get("source")
    return (tuple(names(source.get("authors"))) if isinstance(source, Mapping) else ()) or of_feed
