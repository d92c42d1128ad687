"""Replaces a stored state only if it is still what the caller knew, so that one process acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from monitor.model import as_json, from_json

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

State = TypeVar("State")


def exchange(
    redis: Redis,
    key: str,
    before: State | None,
    after: State,
    alongside: Callable[[Pipeline], None],
) -> bool:
    """Replaces a state, unless another process did: then returns False, and changes nothing.

    `alongside` adds to the same transaction.
    """
    is_ours = False

    def write(pipe: Pipeline) -> None:
        nonlocal is_ours
        stored = pipe.get(key)
        is_ours = (from_json(type(after), stored) if stored else None) == before
        pipe.multi()
        if is_ours:
            pipe.set(key, as_json(after))
            alongside(pipe)

    redis.transaction(write, key)
    return is_ours
