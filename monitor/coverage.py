"""What the archive keeps, as the processes that make it record it. Pure.

A record travels from workers to the archive as JSON, on a stream in Redis. Every record can be
written twice without a difference: its parts have ids of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.model import Article, DeliveryNote


@dataclass(frozen=True, slots=True)
class MatchRecord:
    """A watchlist that matched an article; `alert` is the id of the alert that this led to.

    `muted` says that a mute held the alert back.
    """

    watchlist: str
    alert: str | None = None
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """An article as it was processed at a moment, with its matches and its new alerts.

    `alerts` are documents, version 1 of the JSON that subscribers rely on.
    """

    at: datetime
    article: Article
    matches: tuple[MatchRecord, ...] = ()
    alerts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """A line of the ledgers of these alerts."""

    alerts: tuple[str, ...]
    note: DeliveryNote


@dataclass(frozen=True, slots=True)
class Record:
    """Something for the archive: exactly one of its parts is there."""

    publication: Publication | None = None
    # The document of an alert about a watchlist's coverage as a whole.
    alert: dict[str, Any] | None = None
    delivery: DeliveryRecord | None = None
