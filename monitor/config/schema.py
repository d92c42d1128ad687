"""The schema of a configuration: the keys of the YAML files, their types and defaults."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import GenerateJsonSchema

from monitor.config.values import (
    AUTO,
    MIN_SECRET_LENGTH,
    AccessSecret,
    Cookie,
    CookieName,
    Count,
    CountOrAuto,
    DatabaseUrl,
    DefinitionName,
    Duration,
    Example,
    Header,
    HeaderName,
    Interval,
    IntervalOrAuto,
    Language,
    Listen,
    LoginPassword,
    LoginUser,
    Mailbox,
    Name,
    Network,
    Proxy,
    PublicUrl,
    Rate,
    SecretHeader,
    Size,
    SmtpUrl,
    SpikeHistory,
    SpikeTimes,
    Text,
    TimeOfDay,
    Times,
    Title,
    Unsubscribe,
    Url,
    WebhookSecret,
    Zone,
    expected,
    host_and_port,
    is_loopback,
    written,
)
from monitor.hiding import has_userinfo
from monitor.model import OncePer, Priority

ReportDay = Literal[
    "day", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
]
# What a webhook's request says of itself, beside `webhook-…`.
OUR_HEADERS = frozenset(
    {"connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"}
)
# What a feed's request says of itself, or has a key of its own for.
FEED_HEADERS = OUR_HEADERS | frozenset(
    {
        "accept-encoding",
        "cookie",
        "if-modified-since",
        "if-none-match",
        "proxy-authorization",
        "range",
        "te",
        "upgrade",
        "user-agent",
    }
)
# For each core: how many pages the reader has under way, which mostly wait for their sites.
PAGES_A_CORE = 32
# Beside one for each core: these keep short pages moving while large ones take seconds.
MORE_CLEANERS = 2


def _cores() -> int:
    return os.cpu_count() or 1


class Model(BaseModel):
    """A frozen model that refuses unknown keys and values of the wrong type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PollSettings(Model):
    """The settings for polling feeds; without an interval, each feed is polled by its rhythm."""

    every: IntervalOrAuto = AUTO
    fastest: Interval = timedelta(minutes=1)
    slowest: Interval = timedelta(minutes=30)
    per_host: Count = 2
    at_once: Count = 100
    timeout: Interval = timedelta(seconds=20)
    max_size: Size = 10_000_000

    @property
    def fixed_every(self) -> timedelta | None:
        """Returns the interval that the settings name, or None for each feed's own."""
        return None if isinstance(self.every, str) else self.every


class ArticleSettings(Model):
    """The settings for fetching articles and keeping them.

    `pages` of them are under way in each pool of workers, and `processes` clean them.
    """

    at_once: CountOrAuto = AUTO
    cleaners: CountOrAuto = AUTO
    per_host: Count = 2
    delay: Duration = timedelta(seconds=1)
    robots: Literal["obey", "ignore"] = "obey"
    keep: Interval = timedelta(days=30)
    timeout: Interval = timedelta(seconds=20)
    max_size: Size = 10_000_000

    @property
    def pages(self) -> int:
        """Returns how many pages are fetched at once."""
        return PAGES_A_CORE * _cores() if isinstance(self.at_once, str) else self.at_once

    @property
    def processes(self) -> int:
        """Returns how many processes clean pages."""
        return MORE_CLEANERS + _cores() if isinstance(self.cleaners, str) else self.cleaners


class ArchiveSettings(Model):
    """The settings for the archive; without `url`, it is a file in the data directory."""

    url: DatabaseUrl | None = None
    keep: Interval = timedelta(days=365)
    max_size: Size = 100_000_000_000


class WebSettings(Model):
    """The settings for the pages and the API.

    Whoever has the `password` sees and changes everything; whoever has one of the `tokens` reads
    the API and the feeds. Requests from `proxies` are believed about where they come from and, by
    `user_header`, about who sent them. `public_url` is where hubs reach us, without a slash at the
    end.
    """

    listen: Listen = "127.0.0.1:8080"
    public_url: PublicUrl | None = None
    password: AccessSecret = ""
    tokens: Annotated[tuple[AccessSecret, ...], Field(strict=False)] = ()
    proxies: Annotated[tuple[Network, ...], Field(strict=False)] = ()
    user_header: HeaderName | None = None
    edit_watchlists: bool = False

    @property
    def is_open(self) -> bool:
        """Returns whether nobody has to say who they are."""
        return not self.password and self.user_header is None

    @model_validator(mode="after")
    def _lets_no_strangers_in(self) -> Self:
        if self.user_header is not None and not self.proxies:
            raise expected("must name proxies beside user_header, since others could send it too")
        host, _ = host_and_port(self.listen)
        if self.is_open and not is_loopback(host):
            raise expected(
                f"must have a password (at least {MIN_SECRET_LENGTH} characters), since other "
                f"machines reach {host}; or listen on 127.0.0.1"
            )
        return self


class Settings(Model):
    """The settings that are not about one feed, watchlist or subscriber."""

    user_agent: Header = "Presswatch/0.1"
    proxy: Proxy = ""
    redis_prefix: Text = "presswatch:"
    poll: PollSettings = PollSettings()
    articles: ArticleSettings = ArticleSettings()
    archive: ArchiveSettings = ArchiveSettings()
    web: WebSettings = WebSettings()
    backfill: Duration = timedelta(hours=24)
    allow_private_addresses: Annotated[tuple[Network, ...], Field(strict=False)] = ()

    @property
    def requests_per_host(self) -> int:
        """Returns how many requests, for feeds and pages, one host gets at once."""
        return max(self.poll.per_host, self.articles.per_host)


class Login(Model):
    """A user and password, for Basic authentication."""

    user: LoginUser
    password: LoginPassword


class FeedEntry(Model):
    """A feed, and how it and its pages are asked for: see `monitor.access`."""

    url: Url
    name: Text | None = None
    tags: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    every: Interval | None = None
    user_agent: Header | None = None
    headers: dict[HeaderName, SecretHeader] = {}
    cookies: dict[CookieName, Cookie] = {}
    login: Login | None = None
    proxy: Proxy | None = None

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        names = {name.lower() for name in self.headers}
        for name in self.headers:
            if name.lower() in FEED_HEADERS:
                raise expected(f"must not set the header {name}; see cookies and user_agent")
        logins = [self.login is not None, "authorization" in names, has_userinfo(self.url)]
        if sum(logins) > 1:
            raise expected(
                "must have only one of login, the header Authorization, and a user in its url"
            )
        return self


class FilterEntry(Model):
    """The feeds whose articles a watchlist looks at."""

    names: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    tags: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    languages: Annotated[tuple[Language, ...], Field(strict=False)] = ()


class ExampleFile(Model):
    """A text file to test a watchlist with; its path is relative to the configuration file."""

    file: Text


class SpikeEntry(Model):
    """When to alert on a watchlist's coverage as a whole."""

    times: SpikeTimes = 3.0
    over: SpikeHistory = timedelta(days=28)


class WatchlistEntry(Model):
    """A watchlist: a query, or lists of words that an article must or must not contain."""

    name: Name
    title: Title | None = None
    query: Text | None = None
    any: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    all: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    none: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    must_match: Annotated[
        tuple[Annotated[Text | ExampleFile, Example], ...], Field(strict=False)
    ] = ()
    must_not_match: Annotated[
        tuple[Annotated[Text | ExampleFile, Example], ...], Field(strict=False)
    ] = ()
    feeds: FilterEntry = FilterEntry()
    priority: Priority = "normal"
    subscribers: Annotated[tuple[Text, ...], Field(strict=False)] = ()
    once_per: OncePer = "story"
    spike: SpikeEntry | None = None
    backfill: Interval | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.query is None) == (not self.any and not self.all):
            raise expected("must have either query, or any or all")
        if self.query is not None and self.none:
            raise expected("must not have none beside query; write AND NOT in the query")
        return self


class Slack(Model):
    """A Slack channel, reached through an incoming webhook or with a bot's token."""

    webhook_url: Url | None = None
    token: Text | None = None
    channel: Text | None = None
    api_url: Url | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        bot = [self.token is not None, self.channel is not None]
        if any(bot) if self.webhook_url is not None else not all(bot):
            raise expected("must have either webhook_url, or token and channel")
        return self


class Email(Model):
    """Mail addresses, and the server to send through."""

    to: Annotated[tuple[Mailbox, ...], Field(strict=False, min_length=1)]
    smtp_url: SmtpUrl
    sender: Mailbox | None = None
    unsubscribe: Unsubscribe | None = None


class Webhook(Model):
    """An address that gets a POST request for each alert or digest."""

    url: Url
    secret: WebhookSecret | None = None
    headers: dict[HeaderName, Header] | None = None

    @model_validator(mode="after")
    def _keeps_ours(self) -> Self:
        for name in self.headers or ():
            if name.lower() in OUR_HEADERS or name.lower().startswith("webhook-"):
                raise expected(f"must not set the header {name}, which Presswatch sets")
        return self


class Apprise(Model):
    """One of the services that Apprise knows."""

    url: Text


class DigestEntry(Model):
    """The times at which collected alerts are sent."""

    at: Times = ()
    every: Interval | None = None
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _one_rhythm(self) -> Self:
        if bool(self.at) == bool(self.every):
            raise expected("must have either at or every")
        return self


class QuietEntry(Model):
    """The hours in which nothing is sent."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    exempt: Priority | None = Field(None, alias="except")
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.start == self.end:
            raise expected("must have from and to that differ")
        return self


class ReportEntry(Model):
    """When a report is sent by mail; `since` is a day or a week unless told otherwise."""

    every: ReportDay
    at: TimeOfDay = "08:00"
    timezone: Zone = "UTC"
    since: Interval | None = None

    @property
    def period(self) -> timedelta:
        """Returns how long the time is that a report is about."""
        return self.since or timedelta(days=1 if self.every == "day" else 7)


# The kinds of subscribers. The deliveries have a channel of the same name for each.
KINDS = ("slack", "email", "webhook", "apprise")


class SubscriberEntry(Model):
    """A subscriber: a channel, and when it may be used."""

    name: Name
    slack: Slack | None = None
    email: Email | None = None
    webhook: Webhook | None = None
    apprise: Apprise | None = None
    digest: DigestEntry | None = None
    quiet: QuietEntry | None = None
    limit: Rate | None = None
    report: ReportEntry | None = None

    @model_validator(mode="after")
    def _one_channel(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise expected(f"must have exactly one of {', '.join(KINDS)}")
        return self


class File(Model):
    """The keys of one file, and of all files merged."""

    settings: Settings = Settings()
    definitions: dict[DefinitionName, Text] = {}
    feeds: Annotated[tuple[FeedEntry, ...], Field(strict=False)] = ()
    watchlists: Annotated[tuple[WatchlistEntry, ...], Field(strict=False)] = ()
    subscribers: Annotated[tuple[SubscriberEntry, ...], Field(strict=False)] = ()
    model_config = ConfigDict(title="A configuration file of Presswatch")


class Schema(GenerateJsonSchema):
    """A JSON Schema whose defaults are valid in a file, unlike pydantic's PT15M."""

    def encode_default(self, dft: Any) -> Any:
        """Returns a default as it is written in a file."""
        if isinstance(dft, timedelta):
            return written(dft)
        if isinstance(dft, BaseModel):
            return {name: self.encode_default(value) for name, value in dft}
        return super().encode_default(dft)
