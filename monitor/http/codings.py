"""Undoes the content codings of HTTP bodies (RFC 9110, section 8.4.1), piece by piece. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import brotli
import zstandard

# What requests offer; each of these is undone here.
ACCEPTED = "gzip, deflate, br, zstd"
# A compressed body may consist of several members; each one costs a copy of the rest of its chunk.
MAX_MEMBERS = 100
# Servers also put charsets and other names into this header, which are ignored.
UNREADABLE = frozenset({"compress", "x-compress", "dcb", "dcz"})
# HTTP allows no larger window (RFC 9659), and each body under way may hold one in memory.
MAX_ZSTD_WINDOW = 8 * 1024 * 1024
# zstandard decompresses all that it is given. Four bytes may expand to a block of 128 kB, so a
# slice of this size expands to 2 MB at most.
ZSTD_SLICE_BYTES = 64
# The first byte of a frame, and of those that decoders skip.
ZSTD_FRAME_STARTS = frozenset({0x28, *range(0x50, 0x60)})
# What one slice mostly expands to; zstandard allocates this for each.
ZSTD_WRITE_BYTES = 4096


class UnknownCoding(ValueError):
    """A body has a content coding that we do not accept."""


class BrokenBody(Exception):
    """A compressed body broke off, or is not what its coding says."""


class Inflater(Protocol):
    """Decompresses a body piece by piece, so that it cannot expand far beyond the limit."""

    def feed(self, data: bytes, room: int) -> bytes:
        """Returns what `data` expands to; stops soon after more than `room`. Raises BrokenBody."""

    def finish(self) -> None:
        """Raises BrokenBody if the body broke off."""


def inflater_for(headers: Iterable[str]) -> Inflater | None:
    """Returns what decompresses a body with these Content-Encoding headers; None if it is plain.

    Raises UnknownCoding.
    """
    names = [name.strip() for name in ",".join(headers).lower().split(",")]
    codings = [name for name in names if name in _CODINGS or name in UNREADABLE]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] in UNREADABLE:
        raise UnknownCoding(f"content coding {', '.join(codings)} is not usable")
    return _CODINGS[codings[0]]()


class _Zlib:
    """Undoes gzip and deflate."""

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
            try:
                out += self._zlib.decompress(data, room + 1 - len(out))
            except zlib.error as error:
                raise BrokenBody(str(error)) from error
            data = self._zlib.unused_data
        return bytes(out)

    def finish(self) -> None:
        """Raises BrokenBody if the body broke off."""
        if self._zlib is not None and not self._zlib.eof:
            raise BrokenBody("incomplete")

    def _member(self, first: int) -> Any:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise BrokenBody("too many members")
        # Some servers omit zlib's header from `deflate`; by RFC 1950 it begins with an 8 here.
        bare = self._wbits == zlib.MAX_WBITS and first & 0x0F != 8  # noqa: PLR2004
        return zlib.decompressobj(-zlib.MAX_WBITS if bare else self._wbits)


class _Brotli:
    """Undoes brotli (RFC 7932), whose window is at most 16 MB."""

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()
        self._is_begun = False

    def feed(self, data: bytes, room: int) -> bytes:
        """Returns what `data` expands to; stops within a few kilobytes after `room`."""
        out = bytearray()
        self._is_begun = self._is_begun or bool(data)
        while len(out) <= room and not self._brotli.is_finished():
            try:
                out += self._brotli.process(data, output_buffer_limit=room + 1 - len(out))
            except brotli.error as error:
                raise BrokenBody(str(error)) from error
            data = b""
            if self._brotli.can_accept_more_data():
                break
        return bytes(out)

    def finish(self) -> None:
        """Raises BrokenBody if the body broke off."""
        if self._is_begun and not self._brotli.is_finished():
            raise BrokenBody("incomplete")


class _Zstd:
    """Undoes Zstandard (RFC 8878)."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
        self._frame: Any = None
        self._frames = 0

    def feed(self, data: bytes, room: int) -> bytes:
        """Returns what `data` expands to; stops within 2 MB after `room`."""
        out = bytearray()
        start = 0
        while start < len(data) and len(out) <= room:
            if self._frame is None or self._frame.eof:
                if self._frame is not None and data[start] not in ZSTD_FRAME_STARTS:
                    break  # padding, as after gzip
                self._frame = self._next_frame()
            piece = data[start : start + ZSTD_SLICE_BYTES]
            try:
                out += self._frame.decompress(piece)
            except zstandard.ZstdError as error:
                raise BrokenBody(str(error)) from error
            start += len(piece) - (len(self._frame.unused_data) if self._frame.eof else 0)
        return bytes(out)

    def finish(self) -> None:
        """Raises BrokenBody if the body broke off."""
        if self._frame is not None and not self._frame.eof:
            raise BrokenBody("incomplete")

    def _next_frame(self) -> Any:
        self._frames += 1
        if self._frames > MAX_MEMBERS:
            raise BrokenBody("too many frames")
        return self._zstd.decompressobj(write_size=ZSTD_WRITE_BYTES)


def gzip_inflater() -> Inflater:
    """Returns what decompresses a gzip file, for bodies that are one."""
    return _Zlib(31)


_CODINGS: dict[str, Callable[[], Inflater]] = {
    "gzip": gzip_inflater,
    "x-gzip": gzip_inflater,
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}
