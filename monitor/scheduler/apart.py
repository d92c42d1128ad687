"""Reads large feeds in a separate process each, so that they do not delay other feeds.

feedparser holds the interpreter for half a minute to read a feed of 50,000 entries. A process takes
a third of a second to start, and if it crashes, hangs or grows, only its feed is affected.

The parent sends a line of JSON (url, headers, moment, size) and then the body, and keeps the pipe
open while it lives. The child answers with lines of JSON: first the document's properties or its
fault, then its entries, several to a line.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import IO, Any

from pydantic import TypeAdapter

from monitor.errors import FeedError
from monitor.feeds.document import Document, read
from monitor.feeds.entries import Listed
from monitor.feeds.hints import Head

# Larger bodies are read in a separate process; smaller ones take up to a second.
LARGE_BYTES = 256 * 1024
# 50,000 entries take half a minute on an idle processor, and several minutes on a busy machine.
LIMIT_S = 300
CPU_LIMIT_S = 120
# What is not known to take longer has a reader of its own, which slower feeds do not occupy.
QUICK_S = 5.0
# So much of an ordinary feed is read in a second.
BYTES_PER_S = 200 * 1024
# Decoding a line of this many entries holds the interpreter for some milliseconds.
ENTRIES_A_LINE = 500


class LargeFeeds:
    """Reads large feeds in separate processes, a quick and a slow one, within a time limit."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._quick = asyncio.Semaphore(1)
        self._slow = asyncio.Semaphore(1)
        self._limit_s = limit_s

    async def read(
        self,
        body: bytes,
        *,
        url: str,
        headers: Mapping[str, str],
        now: datetime,
        expected_s: float,
    ) -> tuple[Document, float]:
        """Reads a feed as `monitor.feeds.document.read` does; also returns the seconds it took.

        Also raises FeedError if that takes too long or crashes, and ReaderFault for an error that
        the reader did not foresee.
        """
        request = {
            "url": url, "headers": dict(headers), "now": now.isoformat(), "size": len(body),
        }  # fmt: skip
        about = json.dumps(request).encode()
        async with self._quick if expected_s < QUICK_S else self._slow:
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._limit_s):
                    code, answer = await _run(about + b"\n" + body)
            except TimeoutError as error:
                raise FeedError(f"reading the feed takes more than {self._limit_s:g} s") from error
            seconds = time.monotonic() - started
        if code:
            raise FeedError(f"reading the feed crashes ({_ending(code)})")
        return await asyncio.to_thread(_document, answer), seconds


class ReaderFault(Exception):
    """A fault of Presswatch in the reading process; the message is that of the original error."""


async def _run(request: bytes) -> tuple[int, bytes]:
    """Starts a process that answers a request, and ends it before returning."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the reading process has no pipes")
    try:
        # If the child dies while we write, its exit code says so.
        with suppress(ConnectionError):
            process.stdin.write(request)
            await process.stdin.drain()
        answer = await process.stdout.read()
        return await process.wait(), answer
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.stdin.close()
        await process.wait()


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _document(answer: bytes) -> Document:
    """Decodes the child's answer; raises the error that it reports."""
    about, *lines = map(json.loads, answer.splitlines())
    if "refused" in about:
        raise FeedError(about["refused"])
    if "fault" in about:
        fault = ReaderFault(about["fault"])
        fault.add_note(about["trace"])
        raise fault
    entries = tuple(_entry(plain) for line in lines for plain in line)
    head = TypeAdapter(Head).validate_python(about.pop("head"))
    return Document(entries=entries, head=head, **about)


def _entry(plain: dict[str, Any]) -> Listed:
    for name in ("identities", "lasting"):
        plain[name] = tuple(plain[name])
    dated = plain.pop("dated")
    return Listed(dated=datetime.fromisoformat(dated) if dated else None, **plain)


def _answer(request: Mapping[str, Any], body: bytes) -> Iterator[Any]:
    """Yields the lines of the answer to a request."""
    now = datetime.fromisoformat(request["now"])
    try:
        document = read(body, url=request["url"], headers=request["headers"], now=now)
    except FeedError as error:
        yield {"refused": str(error)}
        return
    except Exception as error:  # noqa: BLE001 - the parent reports it
        yield {"fault": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        return
    yield {
        "title": document.title,
        "language": document.language,
        "problem": document.problem,
        "is_sitemap": document.is_sitemap,
        "head": asdict(document.head),
    }
    for start in range(0, len(document.entries), ENTRIES_A_LINE):
        yield [_plain(entry) for entry in document.entries[start : start + ENTRIES_A_LINE]]


def _plain(entry: Listed) -> dict[str, Any]:
    dated = entry.dated.isoformat() if entry.dated else None
    return asdict(entry) | {"dated": dated}


def _end_with(parent: IO[bytes]) -> None:
    """Ends this process when the parent, which holds the pipe open, is gone."""
    parent.read()
    os._exit(1)


def main() -> None:
    """Answers one request."""
    # The parent handles Ctrl-C, and ends this process itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # If it loops without ever yielding to another thread, the system ends it.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 5))
    # The scheduler and the workers take precedence.
    os.nice(5)
    request = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read(request["size"])
    threading.Thread(target=_end_with, args=(sys.stdin.buffer,), daemon=True).start()
    for line in _answer(request, body):
        sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
