"""Follows the definitions that queries use. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model import Watchlist, content_id
from monitor.watchlists.lexer import lex


def used_definitions(query: str, definitions: Mapping[str, str]) -> dict[str, str]:
    """Returns the definitions that a query uses, itself or through others."""
    used: dict[str, str] = {}
    texts = [query]
    while texts:
        text = texts.pop()
        if "@" not in text:
            continue
        for lexeme in lex(text):
            name = lexeme.text[1:]
            is_new = name not in used and name in definitions
            if lexeme.kind == "reference" and is_new:
                used[name] = definitions[name]
                texts.append(used[name])
    return used


def subject_id(watchlist: Watchlist, definitions: Mapping[str, str]) -> str:
    """Returns an id of a watchlist's query, with its definitions, and of its feeds.

    It depends on the query as written, not as read: a new version of Presswatch that reads queries
    otherwise must not make all watchlists new.
    """
    used = sorted(used_definitions(watchlist.query, definitions).items())
    parts = [part for name_and_text in used for part in name_and_text]
    return content_id(watchlist.query, *parts, repr(watchlist.feeds))
