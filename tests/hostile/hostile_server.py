"""A web server of many hosts on loopback that may answer anything at all, or nothing.

Each host is an address of 127.0.0.0/8, since what is asked of one host at once is limited.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

# A request whose head is longer is not Presswatch's.
MOST_HEAD = 65_536


@dataclass(frozen=True)
class Request:
    """A request for a path, and how often the path was asked for before."""

    url: str
    path: str
    number: int


Answer = Callable[[Request], AsyncIterator[bytes]]


class Reset(Exception):
    """Raised by an answer that ends with a reset instead of an orderly close."""


class HostileServer:
    """Answers requests by the first part of their path, on as many hosts as are asked for."""

    def __init__(self, hosts: int):
        self.answers: dict[str, Answer] = {}
        self.asked: Counter[str] = Counter()
        self.addresses = [f"127.2.{number // 250}.{number % 250 + 1}" for number in range(hosts)]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._start())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _start(self):
        first = await asyncio.start_server(self._serve, self.addresses[0], 0, limit=MOST_HEAD)
        self.port = first.sockets[0].getsockname()[1]
        others = await asyncio.start_server(
            self._serve, self.addresses[1:], self.port, limit=MOST_HEAD
        )
        self._servers = (first, others)

    def url(self, host: int, name: str) -> str:
        return f"http://{self.addresses[host]}:{self.port}/{name}"

    async def _serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ", 2)[1]
            host = next(
                line.split(":", 1)[1].strip()
                for line in head.split("\r\n")
                if line.lower().startswith("host:")
            )
            number = self.asked[path]
            self.asked[path] += 1
            name = urlsplit(path).path.strip("/").split("/")[0]
            request = Request(f"http://{host}{path}", path, number)
            async for part in self.answers[name](request):
                writer.write(part)
                await writer.drain()
        except Reset:
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            pass  # The server closes; asyncio would log what nobody awaits.
        finally:
            writer.close()

    def close(self):
        async def end():
            for server in self._servers:
                server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
