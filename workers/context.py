"""Holds what all deliveries of a process share, since RQ calls jobs by name, without arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.runtime.composition import Runtime

_current: Runtime | None = None


def use(runtime: Runtime) -> None:
    """Shows a runtime to the jobs of this process."""
    global _current  # noqa: PLW0603 - see above
    _current = runtime


def get() -> Runtime:
    """Returns the runtime of this process; raises RuntimeError unless `use` was called before."""
    if _current is None:
        raise RuntimeError("start workers with `presswatch worker`, not with `rq worker`")
    return _current
