"""Chooses the next feeds to poll from those that are due, host by host in turn. Pure.

A host with thousands of due feeds and few places thus delays no other host.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from monitor.store.claims import Place


class Candidates:
    """Feeds that are due, the longest overdue of each host first."""

    def __init__(self, due: Iterable[Place] = ()) -> None:
        self._waiting: dict[str, deque[Place]] = {}
        for place in due:
            self._waiting.setdefault(place.host, deque()).append(place)
        # The hosts to choose from, in turn; a dict, because it keeps their order.
        self._open = dict.fromkeys(self._waiting)

    def take(self, most: int, per_host: int) -> list[Place]:
        """Removes and returns the next candidates, at most `per_host` of each host."""
        taken: list[Place] = []
        count: Counter[str] = Counter()
        exhausted: list[str] = []
        while self._open and len(taken) < most:
            host = next(iter(self._open))
            del self._open[host]
            taken.append(self._waiting[host].popleft())
            count[host] += 1
            if self._waiting[host]:
                if count[host] < per_host:
                    self._open[host] = None
                else:
                    exhausted.append(host)
        self._open |= dict.fromkeys(exhausted)
        return taken

    def put_back(self, places: Iterable[Place], *, busy: bool) -> None:
        """Puts back what could not be polled; a busy host is left out until it is `free`."""
        for place in reversed(list(places)):
            self._waiting[place.host].appendleft(place)
            if busy:
                self._open.pop(place.host, None)
            else:
                self._open[place.host] = None

    def free(self, host: str) -> None:
        """Notes that a host has a place."""
        if self._waiting.get(host):
            self._open[host] = None
