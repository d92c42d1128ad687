"""Reads the structured data of a page: JSON-LD, Open Graph and other meta elements. Pure."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeAlias

from lxml.html import HtmlElement

from monitor.articles.features import ArticleHints
from monitor.untrusted import plain_line

# None of 242 pages of news sites has more than 140 meta elements or 90 nodes.
_MAX_METAS = 500
_MAX_NODES = 1_000
_MAX_NODE_DEPTH = 8
_MAX_VALUE = 4_000

_PRIMARY_SUBTAG = re.compile(r"^[a-z]{2,3}\b", re.IGNORECASE)
# Strings, which are kept, and what JSON does not allow: comments, and commas before a closing
# bracket. Possessive quantifiers keep an unclosed string or comment from being rescanned.
_NOT_JSON = re.compile(
    r"""("(?:[^"\\]|\\.)*+"?)|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|,(?=\s*+[}\]])""", re.DOTALL
)
_OPENING_WRAPPER = re.compile(r"(?:\s|\ufeff|//|/\*|\*/|<!\[CDATA\[|<!--)+")
# Only the last characters are searched, since a search would start at each of a megabyte of spaces.
_END_CHARS = 50
_CLOSING_WRAPPER = re.compile(r"(?:\s|//|/\*|\*/|]]>|-->|;)+$")
# Keys under which a node about something else, such as the page, holds the article.
_NESTING_KEYS = ("@graph", "mainEntity", "mainEntityOfPage")
# Subtypes of https://schema.org/Article, which are too many to list.
_ARTICLE_TYPES = re.compile(r"Article$|^(?:BlogPosting|LiveBlogPosting|Report|NewsStory)$")

JsonLdNode: TypeAlias = dict[str, Any]


def page_hints(tree: HtmlElement, nodes: Iterable[JsonLdNode]) -> ArticleHints:
    """Returns title, summary and body of the article as the page's metadata give them."""
    bodies = [node.get("articleBody") for node in nodes]
    return ArticleHints(
        title=_first(tree, '//meta[@property="og:title"]/@content', "//title/text()"),
        summary=_first(
            tree,
            '//meta[@property="og:description"]/@content',
            '//meta[@name="description"]/@content',
        ),
        body="\n".join(body for body in bodies if isinstance(body, str)),
    )


def _first(tree: HtmlElement, *paths: str) -> str:
    """Returns the first result of the XPath expressions that is not blank, or ""."""
    results = (result for path in paths for result in tree.xpath(path))
    return next((str(result) for result in results if result.strip()), "")


def claimed_language(tree: HtmlElement) -> str | None:
    """Returns the primary subtag of the language that the page claims, or None."""
    claims = [tree.get("lang"), *tree.xpath('//meta[@property="og:locale"]/@content')]
    for claim in claims:
        subtag = _PRIMARY_SUBTAG.match(claim or "")
        if subtag:
            return subtag[0].lower()
    return None


def is_declared(tree: HtmlElement, nodes: Iterable[JsonLdNode]) -> bool:
    """Returns whether a page declares itself an article."""
    types = tree.xpath('//meta[@property="og:type"]/@content')
    return any(map(is_article, nodes)) or any("article" in name.lower() for name in types)


def is_article(node: JsonLdNode) -> bool:
    """Returns whether a node describes an article of any kind."""
    return any(_ARTICLE_TYPES.search(kind) for kind in kinds(node))


def kinds(node: JsonLdNode) -> list[str]:
    """Returns the types of a node, without the URL or prefix of their vocabulary."""
    types = node.get("@type")
    return [
        re.split(r"[/#:]", kind[:200])[-1]
        for kind in (types if isinstance(types, list) else [types])
        if isinstance(kind, str)
    ]


def metas(tree: HtmlElement) -> Mapping[str, list[str]]:
    """Returns the values of meta elements by lower-case name, property, or "itemprop NAME"."""
    values: dict[str, list[str]] = defaultdict(list)
    for meta in islice(tree.iter("meta"), _MAX_METAS):
        value = plain_line(meta.get("content"), _MAX_VALUE)
        if not value:
            continue
        for attribute in ("property", "name"):
            for name in (meta.get(attribute) or "")[:200].lower().split():
                values[name.removeprefix("http://ogp.me/ns/").replace("#", ":")].append(value)
        for name in (meta.get("itemprop") or "")[:200].lower().split():
            values[f"itemprop {name}"].append(value)
    return values


def json_ld(tree: HtmlElement) -> Iterator[JsonLdNode]:
    """Yields the objects of the page's JSON-LD."""
    nodes = (
        node
        for script in tree.iter("script")
        if _is_json_ld(script.get("type")) and script.text
        for data in _loaded(script.text)
        for node in _nodes(data)
    )
    return islice(nodes, _MAX_NODES)


def _is_json_ld(kind: str | None) -> bool:
    return (kind or "")[:100].partition(";")[0].strip().lower() == "application/ld+json"


def _loaded(script: str) -> Iterator[Any]:
    """Yields the values in a script, repairing it if it is not valid JSON."""
    try:
        # strict=False, because line breaks inside headlines are common.
        yield json.loads(script, strict=False)
    except RecursionError:
        return
    except ValueError:
        yield from _repaired(script)


def _repaired(script: str) -> Iterator[Any]:
    """Yields the values in a script that is nearly JSON, as far as they can be read."""
    wrapper = _OPENING_WRAPPER.match(script)
    text = script[wrapper.end() if wrapper else 0 :].rstrip()
    text = text[:-_END_CHARS] + _CLOSING_WRAPPER.sub("", text[-_END_CHARS:])
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


def _nodes(data: Any, depth: int = 0) -> Iterator[JsonLdNode]:
    """Yields the objects in JSON-LD: one, a list, a graph, and the main entities of each."""
    for node in data if isinstance(data, list) else [data]:
        if isinstance(node, list) and depth < _MAX_NODE_DEPTH:
            yield from _nodes(node, depth + 1)
        elif isinstance(node, dict):
            yield node
            for key in _NESTING_KEYS:
                if isinstance(node.get(key), (dict, list)) and depth < _MAX_NODE_DEPTH:
                    yield from _nodes(node[key], depth + 1)
