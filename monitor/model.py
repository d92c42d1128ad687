"""What Presswatch talks about; docs/glossary.md has the same words for people.

All datetimes are aware and UTC. Everything here is frozen and JSON-able (`as_json`, `from_json`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

from monitor.hiding import Secret, hidden, without_userinfo

Priority = Literal["low", "normal", "high"]
OncePer = Literal["story", "article", "none"]
TextSource = Literal["page", "feed"]
# How much of an article there was to read: all of it, what stands before a paywall, or what the
# feed said.
Quality = Literal["full", "teaser", "feed"]

T = TypeVar("T")


def content_id(*parts: str) -> str:
    """Name content by its SHA-256, cut to 128 bits (32 hex digits); parts cannot run together."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Feed:
    """A subscribed URL. `name` defaults to the title that the feed gives itself.

    `public_url` is what may be shown of the URL, `secrets` what must not be shown anywhere.
    """

    url: str
    name: str | None = None
    tags: tuple[str, ...] = ()
    every: timedelta | None = None
    public_url: str = field(default="", compare=False)
    secrets: tuple[Secret, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        shown = without_userinfo(self.public_url or self.url)
        object.__setattr__(self, "public_url", shown)

    def shown(self, url: str) -> str:
        """What may be shown of an address that this feed has led to."""
        return self.public_url if url == self.url else hidden(url, self.secrets)

    @property
    def id(self) -> str:
        """The feed's name in Redis and on the command line: stable as long as its URL is."""
        return content_id(self.url)[:12]


@dataclass(frozen=True, slots=True)
class FeedState:
    """What a feed's polls have taught us; everything about the last poll, but for the entries."""

    title: str | None = None
    language: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    polled_at: datetime | None = None
    succeeded_at: datetime | None = None
    changed_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    entries: int = 0
    # What makes the last document doubtful, such as a charset that it does not declare.
    problem: str | None = None
    # New and edited entries of the last document that later polls take.
    held_back: int = 0
    # The day on which the feed's present document was read.
    listed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An element of a feed. `summary` and `content` are HTML as the feed gave it.

    `date_is_doubtful` tells that `published_at`, or without one `updated_at`, may be wrong: no
    zone or an ambiguous one, day and month that might be swapped, the future, the distant past.
    `name_at_link` tells an entry from others that have, or had, the same link; it is empty when the
    link alone names the entry. `owns_page` is false when other entries of the same document lead to
    the same page, as in live blogs and changelogs.
    """

    guid: str | None = None
    url: str | None = None
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    date_is_doubtful: bool = False
    name_at_link: str = ""
    owns_page: bool = True


@dataclass(frozen=True, slots=True)
class Article:
    """A fetched and cleaned page, or what the feed gave where the page could not be had.

    `text` holds paragraphs separated by a newline; `title` is not repeated in it. `source` is the
    feed's name, `tags` are the feed's; `story` is the id of the first article of its story.
    `paywalled` says that not every reader of the page gets to see all of it.
    """

    id: str
    url: str
    title: str
    text: str
    source: str
    feed_url: str
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    language: str | None = None
    text_from: TextSource = "page"
    story: str = ""
    quality: Quality = "full"
    paywalled: bool = False


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Which feeds a watchlist looks at; an empty part says nothing, all other parts must hold."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A named query, with who is told and how often."""

    name: str
    query: str
    feeds: FeedFilter = FeedFilter()
    priority: Priority = "normal"
    subscribers: tuple[str, ...] = ()
    once_per: OncePer = "story"


@dataclass(frozen=True, slots=True)
class Digest:
    """Gather alerts and send them at times of day in `timezone`, or at an interval."""

    at: tuple[str, ...] = ()
    every: timedelta | None = None
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hold alerts between two times of day (HH:MM), but for those of priority `exempt`."""

    start: str
    end: str
    timezone: str = "UTC"
    exempt: Priority | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many messages within any stretch of this length."""

    most: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Where alerts go: `kind` names the channel, `options` are that channel's own."""

    name: str
    kind: str
    options: dict[str, Any]
    digest: Digest | None = None
    quiet: Quiet | None = None
    limit: Limit | None = None

    @property
    def gathers(self) -> bool:
        """Whether alerts that were held come in one message; else each comes in its own."""
        return any((self.digest, self.quiet, self.limit))

    @property
    def threads(self) -> bool:
        """Whether later articles of a story go below the first message."""
        return self.kind == "slack" and "token" in self.options and self.digest is None


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """What deliveries have taught us of a subscriber since its last success."""

    failures: int = 0
    failing_since: datetime | None = None
    error: str = ""
    paused_at: datetime | None = None
    probes: int = 0
    probe_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A term that matched: as written in the query, in which field, at which offsets.

    `spans` are half-open ranges of code points into that field's original text.
    """

    term: str
    field: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A watchlist that matched an article, with the evidence."""

    watchlist: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A passage that shows why; `highlights` are half-open ranges of code points into `text`."""

    text: str
    highlights: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """A watchlist's word on an article, as published; `document` is version 1 of the contract."""

    id: str
    watchlist: str
    subscribers: tuple[str, ...]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Alerts on their way to a subscriber, in one message.

    `to` are the recipients that are left, where there are several and some have it already.
    `released` says that the alerts were held and their time has come, `resent` when an operator
    asked for them once more. With `article`, it is that later article of the first alert's story.
    `tried` says that the receiver may have taken the message already: it stays as it is, since a
    receiver knows a repetition by the message's id.
    """

    subscriber: str
    alerts: tuple[str, ...]
    to: tuple[str, ...] = ()
    released: bool = False
    resent: str = ""
    article: str = ""
    tried: bool = False

    @property
    def id(self) -> str:
        """By what the other side may know a repetition: the alert's own id, if it is one alert."""
        if len(self.alerts) == 1 and not self.resent and not self.article:
            return self.alerts[0]
        return content_id(*self.alerts, self.resent, self.article)


DeliveryEvent = Literal["held", "delivered", "failed", "given up"]


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    """A line of an alert's ledger: what happened on the way to a subscriber, and what it said."""

    at: datetime
    subscriber: str
    channel: str
    event: DeliveryEvent
    detail: str


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def as_json(value: object) -> str:
    """One of this module's values as JSON text."""
    return _adapter(type(value)).dump_json(value).decode()


def as_plain(value: object) -> Any:
    """One of this module's values as what `json.dumps` takes."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], text: str | bytes) -> T:
    """Read back what `as_json` wrote; raises pydantic.ValidationError where it is not that."""
    value: T = _adapter(kind).validate_json(text)
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """Read back what `as_plain` made."""
    value: T = _adapter(kind).validate_python(plain)
    return value
