"""Calls functions in other threads, from an event loop that must not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def call_in(
    executor: Executor | None, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Calls a function in a thread of the executor, by default the event loop's own."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(executor, partial(function, *args, **kwargs))
