"""Converts Redis replies to Python types, which redis-py's annotations leave open."""

from __future__ import annotations

from typing import Any


def text(reply: Any) -> str:
    """Returns a reply as text; bytes that are not UTF-8, which anyone may store, are replaced."""
    return reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)


def stream_entries(reply: Any) -> list[tuple[str, dict[bytes, bytes]]]:
    """Returns the entries (id, fields) in a reply to XRANGE, without deleted ones."""
    return [(text(stream_id), fields) for stream_id, fields in reply or () if fields is not None]


def first_stream(reply: Any) -> list[tuple[str, dict[bytes, bytes]]]:
    """Returns the entries in a reply to XREAD for one stream: a list in RESP2, a map in RESP3."""
    if not reply:
        return []
    if isinstance(reply, dict):
        return [entry for page in next(iter(reply.values())) for entry in stream_entries(page)]
    return stream_entries(reply[0][1])
