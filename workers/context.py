"""Holds what all jobs of a worker share; it is built once, before the worker forks."""

from __future__ import annotations

import gc
from dataclasses import dataclass

from monitor.runtime.composition import Runtime
from workers.articles.process import Processor


@dataclass(frozen=True)
class Context:
    """A worker's configuration, connections and compiled watchlists."""

    runtime: Runtime
    processor: Processor


_current: Context | None = None


def use(runtime: Runtime) -> None:
    """Compiles the watchlists and shows them to the jobs of this process and its children."""
    global _current  # noqa: PLW0603 - RQ calls jobs by name, without arguments
    # Compiled watchlists are never garbage: collecting meanwhile finds nothing, and inspecting them
    # later would make each forked child copy them.
    gc.disable()
    try:
        processor = Processor(
            runtime.redis, runtime.store, runtime.queues, runtime.config, runtime.matcher()
        )
    finally:
        gc.enable()
    gc.freeze()
    _current = Context(runtime, processor)


def get() -> Context:
    """Returns the context that `use` built last; raises RuntimeError if there is none."""
    if _current is None:
        raise RuntimeError("start workers with `presswatch worker`, not with `rq worker`")
    return _current
