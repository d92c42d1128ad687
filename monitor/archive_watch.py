"""The base of what looks at the archive at regular times, in the process that writes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from monitor.archive.database import Archive
    from monitor.config import Config
    from monitor.runtime.composition import Runtime


class ArchiveWatch(ABC):
    """Looks at the archive every `every`, with the configuration that is in use."""

    every: ClassVar[timedelta]

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._looked_at: datetime | None = None

    def use(self, config: Config) -> None:
        """Takes a new configuration."""
        self._runtime = replace(self._runtime, config=config)

    def look_if_due(self, engine: Archive, now: datetime) -> None:
        """Looks, unless it did so lately."""
        # A clock that is set back must not keep it waiting.
        if self._looked_at is None or not timedelta(0) <= now - self._looked_at < self.every:
            self._looked_at = now
            self.look(engine, now)

    @abstractmethod
    def look(self, engine: Archive, now: datetime) -> None:
        """Looks at once."""
