"""Redis replies in Python's types: the client's own annotations leave open what comes back."""

from __future__ import annotations

from typing import Any


def text(reply: Any) -> str:
    """A reply that is text."""
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def stream_entries(reply: Any) -> list[tuple[str, dict[bytes, bytes]]]:
    """A stream's entries (id, fields), as XRANGE gives them; those deleted in between left out."""
    return [(text(name), fields) for name, fields in reply or () if fields is not None]


def first_stream(reply: Any) -> list[tuple[str, dict[bytes, bytes]]]:
    """The entries of the one stream that XREAD was asked for: RESP2 gives a list, RESP3 a map."""
    if not reply:
        return []
    if isinstance(reply, dict):
        return [entry for page in next(iter(reply.values())) for entry in stream_entries(page)]
    return stream_entries(reply[0][1])
