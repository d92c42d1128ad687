"""The words of Presswatch as data types; docs/glossary.md explains the same words to people.

All datetimes are aware and in UTC. Everything is immutable, and can be turned into JSON and back
(`as_json`, `from_json`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from monitor.access import USUAL, Access
from monitor.hiding import Secret, hidden, without_secrets, without_userinfo

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Priority = Literal["low", "normal", "high"]
OncePer = Literal["story", "article", "none"]
TextSource = Literal["page", "feed"]
# How much of an article was read: all of it, the part before a paywall, or what the feed says.
Quality = Literal["full", "teaser", "feed"]

T = TypeVar("T")


def content_id(*parts: str) -> str:
    """Returns an id for content: the SHA-256 of its parts, cut to 128 bits (32 hex digits).

    The same text divided into other parts has another id.
    """
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Feed:
    """A subscribed URL. `name` defaults to the feed's own title.

    `public_url` is the URL as it may be shown; `secrets` must not be shown anywhere. `access` is
    how the feed, and the pages that it lists, are asked for.
    """

    url: str
    name: str | None = None
    tags: tuple[str, ...] = ()
    every: timedelta | None = None
    public_url: str = field(default="", compare=False)
    secrets: tuple[Secret, ...] = field(default=(), compare=False, repr=False)
    access: Access = field(default=USUAL, compare=False, repr=False)

    def __post_init__(self) -> None:
        shown = without_userinfo(self.public_url or self.url)
        object.__setattr__(self, "public_url", shown)

    def shown(self, url: str) -> str:
        """Returns a URL that came from this feed as it may be shown."""
        return self.public_url if url == self.url else hidden(url, self.secrets)

    def shown_text(self, text: str) -> str:
        """Returns a message about this feed as it may be shown."""
        return without_secrets(text, self.secrets)

    @property
    def id(self) -> str:
        """Returns the feed's id in Redis and on the command line; it depends only on the URL."""
        return content_id(self.url)[:12]


@dataclass(frozen=True, slots=True)
class FeedHints:
    """What a feed says about when to poll it: an interval in seconds, and times to skip.

    Hours are in UTC, and weekdays count from Monday, which is 0.
    """

    every_s: int | None = None
    skip_hours: tuple[int, ...] = ()
    skip_weekdays: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedGaps:
    """The polls of a feed that may have missed entries: how many, and how many gaps were filled.

    `in_a_row` counts those since a new document had a known entry. `hurry_s` is the longest wait
    until the next poll that follows from them, in seconds.
    """

    found: int = 0
    filled: int = 0
    last_at: datetime | None = None
    in_a_row: int = 0
    hurry_s: float | None = None


@dataclass(frozen=True, slots=True)
class FeedHubs:
    """The hubs that push a feed, and `topic`, the address under which they know it (WebSub)."""

    topic: str
    hubs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of a feed after its last poll, without the records of its entries."""

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
    # By the dates of the last document; None if it has none.
    entries_a_day: float | None = None
    # What makes the last document doubtful, such as a charset that it does not declare.
    problem: str | None = None
    # New and edited entries of the last document that are left to later polls.
    held_back: int = 0
    # The day on which the feed's current document was read.
    listed_on: date | None = None
    # How often it publishes, as `monitor.feeds.rhythm` packs it.
    rhythm: str | None = None
    hints: FeedHints | None = None
    # Where it is polled in place of the configured address, since it has moved for good.
    address: str | None = None
    # Where the last polls in a row were redirected for good, and how many of them.
    moving_to: str | None = None
    moving_polls: int = 0
    # When its server said that it is gone (HTTP 410), since when nobody polls it.
    stopped_at: datetime | None = None
    gaps: FeedGaps | None = None
    hubs: FeedHubs | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An element of a feed. `summary` and `content` are HTML as in the feed.

    `date_is_doubtful` says that `published_at`, or without one `updated_at`, may be wrong: no zone
    or an ambiguous one, day and month that may be swapped, the future, the distant past.
    `name_at_link` distinguishes an entry from others that have, or had, the same link; it is empty
    if the link alone identifies the entry. `owns_page` is false if other entries of the document
    lead to the same page, as in live blogs and changelogs.
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
    """A fetched and cleaned page, or what the feed says when the page could not be fetched.

    A newline separates the paragraphs of `text`, which does not repeat `title`. `source` is the
    name of the feed, and `tags` are the feed's; `story` is the id of the first article of its
    story. `paywalled` says that some readers of the page see only part of it.
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

    @property
    def version(self) -> str:
        """Returns a hash of the article's title and text, by which edits are recognised."""
        return content_id(self.title, self.text)


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Selects the feeds that a watchlist covers; all parts that are not empty must hold."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spike:
    """Alerts when coverage is `times` its usual, as it was in the time `over` before."""

    times: float = 3.0
    over: timedelta = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A named query, with its subscribers, and how often it alerts on the same news."""

    name: str
    query: str
    feeds: FeedFilter = FeedFilter()
    priority: Priority = "normal"
    subscribers: tuple[str, ...] = ()
    once_per: OncePer = "story"
    spike: Spike | None = None
    # How far it looks back in the archive when it is new, or its query or feeds have changed.
    backfill: timedelta | None = None
    # What people read in place of the name, if it is not empty.
    title: str = ""

    @property
    def heading(self) -> str:
        """Returns what people read: the title, or without one the name."""
        return self.title or self.name


@dataclass(frozen=True, slots=True)
class Digest:
    """Collects alerts into messages at times of day in `timezone`, or at an interval."""

    at: tuple[str, ...] = ()
    every: timedelta | None = None
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Holds alerts between two times of day (HH:MM), except those of priority `exempt`."""

    start: str
    end: str
    timezone: str = "UTC"
    exempt: Priority | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """Allows at most `most` messages within any period of length `per`."""

    most: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class ReportSchedule:
    """Sends a report at a time of day in `timezone`: each `day`, or on the weekday that is named.

    It is about the time `since` before.
    """

    every: str
    at: str
    since: timedelta
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A destination of alerts: `kind` names the channel, `options` are specific to it."""

    name: str
    kind: str
    options: dict[str, Any]
    digest: Digest | None = None
    quiet: Quiet | None = None
    limit: Limit | None = None
    report: ReportSchedule | None = None

    @property
    def timezone(self) -> str:
        """Returns the zone of its times of day, in which its mails also write times."""
        named = [part.timezone for part in (self.digest, self.quiet) if part]
        return next((zone for zone in named if zone != "UTC"), "UTC")

    @property
    def gathers(self) -> bool:
        """Returns whether held alerts are sent in one message rather than one by one."""
        return any((self.digest, self.quiet, self.limit))


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """The state of a subscriber: its failures since the last delivery that succeeded."""

    failures: int = 0
    failing_since: datetime | None = None
    error: str = ""
    paused_at: datetime | None = None
    probes: int = 0
    probe_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """A term that matched, as written in the query, with its field and its offsets there.

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
    """A passage that shows a match; `highlights` are half-open ranges of code points of `text`."""

    text: str
    highlights: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """A published match; `document` is version 1 of the JSON that subscribers rely on."""

    id: str
    watchlist: str
    subscribers: tuple[str, ...]
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Alerts on their way to a subscriber, in one message.

    `to` holds the recipients that are left, if there are several and some have the message already.
    `released` says that the alerts were held until now; `resent` is when an operator asked to send
    them again. With `article`, that later article of the first alert's story is delivered. `tried`
    says that the receiver may have accepted the message already: it must not change, since a
    receiver recognises a repetition by the message's id.
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
        """Returns the id by which receivers recognise a repetition; for one alert, the alert's."""
        if len(self.alerts) == 1 and not self.resent and not self.article:
            return self.alerts[0]
        return content_id(*self.alerts, self.resent, self.article)


DeliveryEvent = Literal["held", "delivered", "failed", "given up"]


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    """A line of an alert's ledger: an event of its delivery to a subscriber, and the answer."""

    at: datetime
    subscriber: str
    channel: str
    event: DeliveryEvent
    detail: str


def _new_adapter(kind: Any) -> TypeAdapter[Any]:
    # Commands that neither write nor read JSON start without pydantic, which takes long to load.
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(_new_adapter)


def as_json(value: object, *, without_defaults: bool = False) -> str:
    """Returns one of this module's values as JSON text, if wanted without what has its default."""
    return _adapter(type(value)).dump_json(value, exclude_defaults=without_defaults).decode()


def as_plain(value: object) -> Any:
    """Returns one of this module's values in the types that `json.dumps` accepts."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], text: str | bytes) -> T:
    """Reads what `as_json` wrote; raises pydantic.ValidationError for anything else."""
    value: T = _adapter(kind).validate_json(text)
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """Reads what `as_plain` returned; raises pydantic.ValidationError for anything else."""
    value: T = _adapter(kind).validate_python(plain)
    return value
