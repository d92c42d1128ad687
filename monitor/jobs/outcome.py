"""How a run of a job ended: done, or to be run again. Jobs of both kinds return one of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Again:
    """Everything that can be done now is done; the job runs again after a pause in seconds."""

    pause_s: int


@dataclass(frozen=True, slots=True)
class Done:
    """The job is settled: nothing is left to do."""
