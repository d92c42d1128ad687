"""What a configuration may say: the shape of the YAML files, and its defaults."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from monitor.model import OncePer, Priority

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_SIZE = re.compile(r"(\d+) ?([kKMG]?)B?")
_SIZES = {"": 1, "k": 1000, "K": 1000, "M": 1000**2, "G": 1000**3}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")


def _expected(what: str) -> PydanticCustomError:
    """A fault in plain words; who reports it adds what was found instead."""
    return PydanticCustomError("presswatch", what)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    written = _DURATION.fullmatch(str(value)) if isinstance(value, str) and value else None
    if not written:
        raise _expected("must be a duration such as 20s, 15m, 6h or 1h30m")
    days, hours, minutes, seconds, millis = (int(part or 0) for part in written.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis)


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise _expected("must be longer than nothing")
    return value


def _size(value: Any) -> int:
    written = _SIZE.fullmatch(str(value))
    if not written or isinstance(value, bool | float):
        raise _expected("must be a size such as 512kB or 10MB")
    return int(written[1]) * _SIZES[written[2]]


def _url(value: Any) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except (ValueError, AttributeError, TypeError):
        good = False
    if not good or re.search(r"[\s\x00-\x1f]", value):
        raise _expected("must be an address that starts with http:// or https://")
    return str(value)


def _matching(pattern: re.Pattern[str], what: str) -> BeforeValidator:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _expected(what)
        return value

    return BeforeValidator(check)


def _network(value: Any) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(value)
    except (ValueError, TypeError):
        raise _expected("must be a network such as 127.0.0.1/32 or 10.0.0.0/8") from None


def _timezone(value: Any) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, TypeError, AttributeError):
        raise _expected("must be a time zone such as Europe/Brussels or UTC") from None
    return str(value)


def _times(value: Any) -> Any:
    """Times of day, in one string with commas or in a list."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(
        isinstance(part, str) and _TIME.fullmatch(part) for part in parts
    ):
        raise _expected('must be times of day such as "08:00" or "08:00,17:00"')
    return tuple(parts)


_TEXT_SCHEMA = WithJsonSchema({"type": "string"})
Duration = Annotated[timedelta, BeforeValidator(_duration), _TEXT_SCHEMA]
Interval = Annotated[
    timedelta, BeforeValidator(lambda value: _positive(_duration(value))), _TEXT_SCHEMA
]
Size = Annotated[int, BeforeValidator(_size), WithJsonSchema({"type": ["string", "integer"]})]
Url = Annotated[str, BeforeValidator(_url), _TEXT_SCHEMA]
Zone = Annotated[str, BeforeValidator(_timezone), _TEXT_SCHEMA]
Times = Annotated[
    tuple[str, ...], BeforeValidator(_times), WithJsonSchema({"type": ["string", "array"]})
]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), _TEXT_SCHEMA]
TimeOfDay = Annotated[str, _matching(_TIME, 'must be a time of day such as "22:00"')]
Language = Annotated[str, _matching(_LANGUAGE, "must be a language code such as en or de")]
Name = Annotated[
    str,
    _matching(
        _NAME,
        "must be a name of at most 64 letters, digits, dots, dashes and underscores, since it "
        "names a channel",
    ),
]
DefinitionName = Annotated[
    str, _matching(_NAME, "must be a name of letters, digits, dots, dashes and underscores")
]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=1000)]


class Model(BaseModel):
    """Frozen, and strict about keys and kinds of values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class PollSettings(Model):
    """How feeds are polled."""

    every: Interval = timedelta(minutes=15)
    fastest: Interval = timedelta(minutes=1)
    slowest: Interval = timedelta(hours=6)
    per_host: Count = 2
    at_once: Count = 32
    timeout: Interval = timedelta(seconds=20)
    max_size: Size = 10_000_000


class ArticleSettings(Model):
    """How articles are fetched, and how long they are kept."""

    per_host: Count = 2
    delay: Duration = timedelta(seconds=1)
    keep: Interval = timedelta(days=30)
    timeout: Interval = timedelta(seconds=20)
    max_size: Size = 10_000_000


class Settings(Model):
    """Everything that is not about one feed, watchlist or subscriber."""

    user_agent: Text = "Presswatch/0.1"
    redis_prefix: Text = "presswatch:"
    poll: PollSettings = PollSettings()
    articles: ArticleSettings = ArticleSettings()
    backfill: Duration = timedelta(hours=24)
    allow_private_addresses: Annotated[tuple[Network, ...], Field(strict=False)] = ()


class FeedEntry(Model):
    """A feed."""

    url: Url
    name: Text | None = None
    tags: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    every: Interval | None = None


class FilterEntry(Model):
    """Which feeds a watchlist looks at."""

    names: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    tags: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    languages: Annotated[tuple[Language, ...], Field(strict=False)] = ()


class ExampleFile(Model):
    """A text file that a watchlist is tried on, beside the file that names it."""

    file: Text


class WatchlistEntry(Model):
    """A watchlist: a query, or the plain form of words that must and must not be there."""

    name: Name
    query: Text | None = None
    any: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    all: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    none: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    must_match: Annotated[tuple[Text | ExampleFile, ...], Field(strict=False)] = ()
    must_not_match: Annotated[tuple[Text | ExampleFile, ...], Field(strict=False)] = ()
    feeds: FilterEntry = FilterEntry()
    priority: Priority = "normal"
    subscribers: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    once_per: OncePer = "story"

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.query is None) == (not self.any and not self.all):
            raise _expected("must have either query, or any or all")
        if self.query is not None and self.none:
            raise _expected("must not have none beside query; write AND NOT in the query")
        return self


class Slack(Model):
    """A Slack channel: by an incoming webhook, or by a bot's token."""

    webhook_url: Url | None = None
    token: Text | None = None
    channel: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.webhook_url is None) == (self.token is None or self.channel is None):
            raise _expected("must have either webhook_url, or token and channel")
        return self


class Email(Model):
    """Mail to people."""

    to: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]
    smtp_url: Text
    sender: Text | None = None


class Webhook(Model):
    """A POST request for each alert."""

    url: Url
    secret: Text | None = None


class Apprise(Model):
    """Any of the services that Apprise knows."""

    url: Text


class DigestEntry(Model):
    """When alerts are sent together."""

    at: Times = ()
    every: Interval | None = None
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _one_rhythm(self) -> Self:
        if bool(self.at) == bool(self.every):
            raise _expected("must have either at or every")
        return self


class QuietEntry(Model):
    """When nothing is sent."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    exempt: Priority | None = Field(None, alias="except")
    timezone: Zone = "UTC"


KINDS = ("slack", "email", "webhook", "apprise")


class SubscriberEntry(Model):
    """A subscriber: one of the channels, and when it may be used."""

    name: Name
    slack: Slack | None = None
    email: Email | None = None
    webhook: Webhook | None = None
    apprise: Apprise | None = None
    digest: DigestEntry | None = None
    quiet: QuietEntry | None = None

    @model_validator(mode="after")
    def _one_channel(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise _expected(f"must have exactly one of {', '.join(KINDS)}")
        return self


class File(Model):
    """What one file may hold, and all of them together."""

    settings: Settings = Settings()
    definitions: dict[DefinitionName, Text] = {}
    feeds: Annotated[tuple[FeedEntry, ...], Field(strict=False)] = ()
    watchlists: Annotated[tuple[WatchlistEntry, ...], Field(strict=False)] = ()
    subscribers: Annotated[tuple[SubscriberEntry, ...], Field(strict=False)] = ()
    model_config = ConfigDict(title="A configuration file of Presswatch")
