"""Undoes the content codings of HTTP bodies (RFC 9110, section 8.4.1), piece by piece. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

# A compressed body may consist of several members; each one costs a copy of the rest of its chunk.
MAX_MEMBERS = 100
# Codings that we undo, with zlib's `wbits`. Servers also put charsets and other names into this
# header, which are ignored.
CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
UNREADABLE = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})


class UnknownCoding(ValueError):
    """A body has a content coding that we do not accept."""


def inflater_for(headers: Iterable[str]) -> Inflater | None:
    """Returns what decompresses a body with these Content-Encoding headers; None if it is plain.

    Raises UnknownCoding.
    """
    names = [name.strip() for name in ",".join(headers).lower().split(",")]
    codings = [name for name in names if name in CODINGS or name in UNREADABLE]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] in UNREADABLE:
        raise UnknownCoding(f"content coding {', '.join(codings)} is not usable")
    return Inflater(CODINGS[codings[0]])


class Inflater:
    """Decompresses a body piece by piece, so that it cannot expand far beyond the limit."""

    def __init__(self, wbits: int) -> None:
        """Begins a body; `wbits` is zlib's number for the coding."""
        self._wbits = wbits
        self._zlib: Any = None
        self._members = 0

    def feed(self, data: bytes, room: int) -> bytes:
        """Returns what `data` expands to, but at most one byte more than `room`."""
        out = bytearray()
        while data and len(out) <= room:
            if self._zlib is None or self._zlib.eof:
                if self._zlib is not None and not data.startswith(b"\x1f"):
                    break  # padding, which browsers ignore, too
                self._zlib = self._member(data[0])
            out += self._zlib.decompress(data, room + 1 - len(out))
            data = self._zlib.unused_data
        return bytes(out)

    def finish(self) -> None:
        """Raises zlib.error if the body broke off."""
        if self._zlib is not None and not self._zlib.eof:
            raise zlib.error("incomplete")

    def _member(self, first: int) -> Any:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise zlib.error("too many members")
        # Some servers omit zlib's header from `deflate`; by RFC 1950 it begins with an 8 here.
        bare = self._wbits == zlib.MAX_WBITS and first & 0x0F != 8  # noqa: PLR2004
        return zlib.decompressobj(-zlib.MAX_WBITS if bare else self._wbits)
