"""Governs how much is asked of each host: whose budget it has, and when it is left alone.

Schedulers and workers report each answer that may limit us. What one of them learns, all know
within a few seconds.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.articles.urls import host
from monitor.errors import BadStatus, FetchError, RobotsUnknown
from monitor.http.scopes import Limited, hold_for, is_limiting, registered_domain
from monitor.store.limits import Learned

if TYPE_CHECKING:
    from monitor.store import Store

REFRESH_S = 5.0

log = structlog.stdlib.get_logger(__name__)


class Governor:
    """Knows the budgets of hosts; to be used by any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._learned = Learned()
        self._refresh_at = 0.0

    def refresh(self, now: datetime) -> None:
        """Reads what other processes have learned, if that was long ago; raises RedisError."""
        if time.monotonic() >= self._refresh_at:
            self._refresh_at = time.monotonic() + REFRESH_S
            self._learned = self._store.limits.learned(now)

    def budget(self, name: str) -> str:
        """Returns the name of a host's budget: its own, or that of its domain."""
        if not self._learned.domains:
            return name
        domain = registered_domain(name)
        return domain if domain in self._learned.domains else name

    def is_suspect(self, url: str) -> bool:
        """Returns whether `answered` must be called if a URL answers as it should."""
        return host(url) in self._learned.suspects

    def answered(self, url: str) -> None:
        """Takes back what was held against the host of a URL; raises RedisError."""
        name = host(url)
        self._store.limits.clear(_group(name), name)
        self._learned = replace(self._learned, suspects=self._learned.suspects - {name})

    def limited(
        self, error: FetchError, source: str, now: datetime, *, is_page: bool
    ) -> timedelta | None:
        """Takes note of an error; returns for how long its host is left alone, if it is.

        `source` is the feed or page that met the error. Raises RedisError.
        """
        cause = error.__cause__ if isinstance(error, RobotsUnknown) else error
        if not isinstance(cause, BadStatus):
            return None
        asked_s = cause.retry_after_s
        if not is_limiting(cause.status, asks_for_pause=bool(asked_s)):
            return None
        name = host(cause.answered_by)
        pause = timedelta(seconds=asked_s) if asked_s else None
        latest = Limited(name, source, cause.status, pause, is_page)
        self._learned = replace(self._learned, suspects=self._learned.suspects | {name})
        hold = hold_for(latest, self._store.limits.add(_group(name), latest, now))
        if hold is None:
            return None
        if hold.scope == "domain":
            self._store.limits.learn(hold.name, now)
            self._learned = replace(self._learned, domains=self._learned.domains | {hold.name})
            self._store.hosts.close(hold.name, hold.domain_pause, now)
        self._store.hosts.close(name, hold.pause, now)
        log.warning(
            "host left alone",
            host=hold.name,
            scope=hold.scope,
            status=cause.status,
            seconds=round(hold.pause.total_seconds()),
        )
        return hold.pause


def _group(name: str) -> str:
    """Returns what a host's evidence is kept under."""
    return registered_domain(name) or name
