"""What a page says of its article in structured data: JSON-LD, Open Graph, meta elements. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

from lxml.html import HtmlElement

from monitor.articles.features import Told

_LANGUAGE = re.compile(r"^[a-z]{2,3}\b", re.IGNORECASE)


Node: TypeAlias = dict[str, Any]


def told(tree: HtmlElement, nodes: Iterable[Node]) -> Told:
    """Title, summary and text of the article, as far as the page tells them apart."""
    bodies = [node.get("articleBody") for node in nodes]
    return Told(
        title=_first(tree, '//meta[@property="og:title"]/@content', "//title/text()"),
        summary=_first(
            tree,
            '//meta[@property="og:description"]/@content',
            '//meta[@name="description"]/@content',
        ),
        body="\n".join(body for body in bodies if isinstance(body, str)),
    )


def _first(tree: HtmlElement, *paths: str) -> str:
    """The first thing found that is not empty."""
    return next((str(one) for path in paths for one in tree.xpath(path) if one.strip()), "")


def language(tree: HtmlElement) -> str | None:
    """The language that the page claims, a primary subtag."""
    claims = [tree.get("lang"), *tree.xpath('//meta[@property="og:locale"]/@content')]
    for claim in claims:
        subtag = _LANGUAGE.match(claim or "")
        if subtag:
            return subtag[0].lower()
    return None


def published_at(tree: HtmlElement, nodes: Iterable[Node]) -> datetime | None:
    """The moment of publication, which here has time and zone."""
    for node in nodes:
        moment = moment_of(node.get("datePublished"))
        kinds = node.get("@type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if moment and any(isinstance(kind, str) and "Article" in kind for kind in kinds):
            return moment
    metas = tree.xpath('//meta[@property="article:published_time"]/@content')
    return next(filter(None, map(moment_of, metas)), None)


def json_ld(tree: HtmlElement) -> Iterator[Node]:
    """The objects of the page's JSON-LD."""
    for script in tree.xpath('//script[@type="application/ld+json"]/text()'):
        try:
            # Not strictly: headlines with a line break in them are common.
            data = json.loads(script, strict=False)
        except (ValueError, RecursionError):
            continue
        yield from _nodes(data)


def _nodes(data: Any) -> Iterator[Node]:
    """The objects of JSON-LD: one, a list, or a graph."""
    for node in data if isinstance(data, list) else [data]:
        if isinstance(node, dict):
            yield node
            graph = node.get("@graph")
            if isinstance(graph, list):
                yield from (one for one in graph if isinstance(one, dict))


def moment_of(value: object) -> datetime | None:
    """An ISO 8601 moment in UTC; a day alone is its beginning."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
