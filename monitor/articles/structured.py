"""What a page says of its article in structured data: JSON-LD, Open Graph, meta elements. Pure."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias

from lxml.html import HtmlElement

from monitor.articles.features import Told
from monitor.articles.markup import CONTROLS

# Of 242 pages of news sites, none has more than 140 meta elements or 90 nodes.
_MAX_METAS = 500
_MAX_NODES = 1_000
_MAX_DEPTH = 8
_MAX_VALUE = 4_000

_LANGUAGE = re.compile(r"^[a-z]{2,3}\b", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z!/][^<>]*>")
_ENTITY = re.compile(r"&#?\w+;")
# Strings, which stay as they are, and what JSON has no place for: comments, and commas before a
# closing bracket. An end that is missing is not looked for again.
_NOT_JSON = re.compile(
    r"""("(?:[^"\\]|\\.)*+"?)|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|,(?=\s*+[}\]])""", re.DOTALL
)
_WRAPS = re.compile(r"(?:\s|\ufeff|//|/\*|\*/|<!\[CDATA\[|<!--)+")
# Looked for in the end alone: a search would begin at each space of a megabyte of them.
_END_CHARS = 50
_WRAPPED = re.compile(r"(?:\s|//|/\*|\*/|]]>|-->|;)+$")
# What holds the article in a node about something else, such as the page.
_HOLDERS = ("@graph", "mainEntity", "mainEntityOfPage")
# Of https://schema.org/Article, of which there are too many kinds to list.
_ARTICLES = re.compile(r"Article$|^(?:BlogPosting|LiveBlogPosting|Report|NewsStory)$")

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


def claimed_language(tree: HtmlElement) -> str | None:
    """The language that the page claims, a primary subtag."""
    claims = [tree.get("lang"), *tree.xpath('//meta[@property="og:locale"]/@content')]
    for claim in claims:
        subtag = _LANGUAGE.match(claim or "")
        if subtag:
            return subtag[0].lower()
    return None


def is_declared(tree: HtmlElement, nodes: Iterable[Node]) -> bool:
    """Whether a page says that it is an article."""
    types = tree.xpath('//meta[@property="og:type"]/@content')
    return any(map(is_article, nodes)) or any("article" in one.lower() for one in types)


def is_article(node: Node) -> bool:
    """Whether this is about an article of any kind."""
    return any(_ARTICLES.search(kind) for kind in kinds(node))


def kinds(node: Node) -> list[str]:
    """The types of a node, without the vocabulary that they are of."""
    said = node.get("@type")
    return [
        re.split(r"[/#:]", kind[:200])[-1]
        for kind in (said if isinstance(said, list) else [said])
        if isinstance(kind, str)
    ]


def metas(tree: HtmlElement) -> Mapping[str, list[str]]:
    """What the meta elements say, by lower-case name or property; `itemprop` has its own names."""
    said: dict[str, list[str]] = defaultdict(list)
    for meta in islice(tree.iter("meta"), _MAX_METAS):
        value = line(meta.get("content"), _MAX_VALUE)
        if not value:
            continue
        for attribute in ("property", "name"):
            for name in (meta.get(attribute) or "")[:200].lower().split():
                said[name.removeprefix("http://ogp.me/ns/").replace("#", ":")].append(value)
        for name in (meta.get("itemprop") or "")[:200].lower().split():
            said[f"itemprop {name}"].append(value)
    return said


def line(value: object, limit: int) -> str:
    """What somebody wrote as one line of plain text of `limit` characters at most.

    Markup and entities, which CMSs leave in titles, are taken out.
    """
    if not isinstance(value, str):
        return ""
    text = value[: 4 * limit]
    for _ in range(2):  # what was escaped twice is as common as what was escaped once
        if _ENTITY.search(text):
            text = html.unescape(text)
    text = " ".join(CONTROLS.sub(" ", _TAG.sub(" ", text)).replace("\u00ad", "").split())
    return text[:limit].rstrip()


def json_ld(tree: HtmlElement) -> Iterator[Node]:
    """The objects of the page's JSON-LD."""
    found = (
        node
        for script in tree.iter("script")
        if _is_json_ld(script.get("type")) and script.text
        for data in _loaded(script.text)
        for node in _nodes(data)
    )
    return islice(found, _MAX_NODES)


def _is_json_ld(kind: str | None) -> bool:
    return (kind or "")[:100].partition(";")[0].strip().lower() == "application/ld+json"


def _loaded(script: str) -> Iterator[Any]:
    """The values of a script, which may need repair, and may be several."""
    try:
        # Not strictly: headlines with a line break in them are common.
        yield json.loads(script, strict=False)
    except RecursionError:
        return
    except ValueError:
        yield from _repaired(script)


def _repaired(script: str) -> Iterator[Any]:
    wrap = _WRAPS.match(script)
    text = script[wrap.end() if wrap else 0 :].rstrip()
    text = text[:-_END_CHARS] + _WRAPPED.sub("", text[-_END_CHARS:])
    if '"' not in text:
        text = html.unescape(text)
    text = _NOT_JSON.sub(lambda found: found[1] or "", text)
    decoder = json.JSONDecoder(strict=False)
    at = 0
    try:
        while at < len(text):
            value, end = decoder.raw_decode(text, at)
            yield value
            at = end + re.match(r"[\s,;]*", text[end : end + 1_000]).end()  # type: ignore[union-attr]
    except (ValueError, RecursionError):
        return


def _nodes(data: Any, depth: int = 0) -> Iterator[Node]:
    """The objects of JSON-LD: one, a list, a graph, or what a page is said to be about."""
    for node in data if isinstance(data, list) else [data]:
        if isinstance(node, list) and depth < _MAX_DEPTH:
            yield from _nodes(node, depth + 1)
        elif isinstance(node, dict):
            yield node
            for holder in _HOLDERS:
                if isinstance(node.get(holder), (dict, list)) and depth < _MAX_DEPTH:
                    yield from _nodes(node[holder], depth + 1)
