"""Serves files after a delay that the path names: /500/page.html is page.html after 500 ms.

    python tests/bench/slow_site.py FOLDER LOG PORT HOSTS

A program of its own, so that it takes no turn of the benchmark's interpreter. Logs as the site does.
"""

import asyncio
import sys
import time
from functools import cache
from pathlib import Path

from loopback import addresses


class SlowSite:
    """Answers GET requests, and keeps connections."""

    def __init__(self, folder, log):
        self._folder = folder
        self._log = log
        self._page = cache(lambda name: (folder / name).read_bytes())

    async def serve(self, reader, writer):
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader, writer):
        request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = request.split(" ", 2)[1]
        headers = dict(
            line.lower().split(": ", 1) for line in request.split("\r\n")[1:] if ": " in line
        )
        if path == "/robots.txt":
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return headers.get("connection") != "close"
        delay_ms, _, name = path.lstrip("/").partition("/")
        await asyncio.sleep(int(delay_ms) / 1000)
        body = self._page(name.partition("?")[0])
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body
        )
        await writer.drain()
        self._log.write(f"{time.time():.3f} {headers.get('host')} {path} 200\n")
        return headers.get("connection") != "close"


async def serve(site, port, hosts):
    await asyncio.start_server(site.serve, hosts, port, backlog=1024)
    await asyncio.Event().wait()


def main(folder, log, port, hosts):
    with Path(log).open("a", buffering=1, encoding="ascii") as lines:
        asyncio.run(serve(SlowSite(Path(folder), lines), int(port), addresses(int(hosts))))


if __name__ == "__main__":
    main(*sys.argv[1:])
