"""The demo's newsroom as a process of its own."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime

from monitor.demo.site import serve
from monitor.runtime import lifeline

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Returns a port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with socket.create_server((LOOPBACK, port)) as listening:
        site = asyncio.create_task(serve(listening, started_at=datetime.now(UTC)))
        await stop.wait()
        site.cancel()
        with suppress(asyncio.CancelledError):
            await site


if __name__ == "__main__":
    lifeline.stop_with_owner()
    asyncio.run(_serve(int(sys.argv[1])))
