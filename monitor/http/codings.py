"""Content codings of HTTP bodies (RFC 9110, section 8.4.1), undone piece by piece. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

MAX_MEMBERS = 100  # of a compressed body: each copies the rest of its chunk
# How zlib calls those that we undo. Servers also name charsets and other things in this header;
# they mean nothing.
CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
UNREADABLE = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})


class UnknownCoding(ValueError):
    """A body is compressed in a way that we never said that we accept."""


def inflater_for(said: Iterable[str]) -> Inflater | None:
    """What decompresses a body with these Content-Encoding headers; None where nothing has to."""
    names = [name.strip() for name in ",".join(said).lower().split(",")]
    codings = [name for name in names if name in CODINGS or name in UNREADABLE]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] in UNREADABLE:
        raise UnknownCoding(f"content coding {', '.join(codings)} is not usable")
    return Inflater(CODINGS[codings[0]])


class Inflater:
    """Decompresses a body piece by piece, so that nothing expands far beyond the limit."""

    def __init__(self, wbits: int) -> None:
        """Begin; `wbits` is zlib's word for the coding."""
        self._wbits = wbits
        self._zlib: Any = None
        self._members = 0

    def feed(self, data: bytes, room: int) -> bytes:
        """What `data` expands to, but no more than a byte beyond `room`."""
        out = bytearray()
        while data and len(out) <= room:
            if self._zlib is None or self._zlib.eof:
                if self._zlib is not None and not data.startswith(b"\x1f"):
                    break  # padding, which browsers overlook, too
                self._zlib = self._member(data[0])
            out += self._zlib.decompress(data, room + 1 - len(out))
            data = self._zlib.unused_data
        return bytes(out)

    def finish(self) -> None:
        """Raises zlib.error where the body broke off."""
        if self._zlib is not None and not self._zlib.eof:
            raise zlib.error("incomplete")

    def _member(self, first: int) -> Any:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise zlib.error("too many members")
        # Some servers leave zlib's header out of `deflate`; RFC 1950 has an 8 there.
        bare = self._wbits == zlib.MAX_WBITS and first & 0x0F != 8  # noqa: PLR2004
        return zlib.decompressobj(-zlib.MAX_WBITS if bare else self._wbits)
