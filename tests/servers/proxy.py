"""A real HTTP proxy on loopback, for tests: forwards requests and tunnels, and notes them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from urllib.parse import urlsplit


class Proxy:
    """Runs in a thread until it is closed. `names` says where a host is, as a proxy's DNS would."""

    def __init__(self, user=None, password=None):
        self.asked: list[str] = []
        self.names: dict[str, tuple[str, int]] = {}
        self._login = None
        if user:
            self._login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self):
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self):
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closes what the tasks have let go

    async def _serve(self, reader, writer):
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        self.asked.append(f"{method} {target}")
        if self._login and f"proxy-authorization: basic {self._login}".lower() not in head.lower():
            writer.write(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = self.names.get(parts.hostname, (parts.hostname, parts.port or 80))
        try:
            inner_reader, inner_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.write(b"HTTP/1.1 502 No way\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            lines = head.replace(target, path, 1).split("\r\n")
            kept = [each for each in lines[:-2] if not each.lower().startswith(("proxy-", "conn"))]
            inner_writer.write("\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1"))
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))


async def _copy(reader, writer):
    try:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()
