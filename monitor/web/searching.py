"""Runs searches of the archive for pages: few at a time, and none for a reader who has left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from anyio import to_thread
from fastapi import Request

# Searches that run at once in this process: more would only take longer each.
MOST_SEARCHES = 2
LOOK_S = 0.1

T = TypeVar("T")


async def run_search(request: Request, search: Callable[[Callable[[], bool]], T]) -> T:
    """Runs a search in a thread, and returns its result.

    The search is given a function to ask whether it should stop, since its reader's browser has
    closed the connection, as it does when more is typed.
    """
    gone = threading.Event()
    watching = asyncio.create_task(_watch(request, gone))
    try:
        return await to_thread.run_sync(search, gone.is_set, limiter=request.app.state.searches)
    finally:
        gone.set()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(request: Request, gone: threading.Event) -> None:
    while not await request.is_disconnected():  # noqa: ASYNC110 - there is no event for this
        await asyncio.sleep(LOOK_S)
    gone.set()
