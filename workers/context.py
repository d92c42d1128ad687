"""What all jobs of a worker share, made once before the worker forks."""

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
    """Compile the watchlists and make them what jobs see, in this process and its children."""
    global _current  # noqa: PLW0603 - RQ calls jobs by name: there is no other way to hand it over
    # What is compiled stays for good: collecting in between finds nothing, and looking at it later
    # would make each forked child copy it.
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
    """What `use` was given last."""
    if _current is None:
        raise RuntimeError("start workers with `presswatch worker`, not with `rq worker`")
    return _current
