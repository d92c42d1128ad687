"""Builds the configuration that the daemon works with from what its files say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat

from monitor.access import Access, secret_headers
from monitor.config.checks import plain_query
from monitor.config.places import KeyPath
from monitor.config.schema import KINDS, FeedEntry, File, Settings, SubscriberEntry, WatchlistEntry
from monitor.config.source import ConfigDocument
from monitor.errors import QueryError
from monitor.hiding import Secret, secrets, without_secrets, without_userinfo
from monitor.model import (
    Digest,
    Feed,
    FeedFilter,
    Quiet,
    ReportSchedule,
    Spike,
    Subscriber,
    Watchlist,
)
from monitor.watchlists.references import used_definitions

HIDDEN_SECRET = "(not shown)"  # noqa: S105 - not one


@dataclass(frozen=True)
class Config:
    """A complete and valid configuration."""

    settings: Settings
    feeds: tuple[Feed, ...]
    watchlists: tuple[Watchlist, ...]
    subscribers: tuple[Subscriber, ...]
    definitions: Mapping[str, str]
    # What queries and definitions take from the environment: each value with its `${NAME}`.
    query_variables: tuple[Secret, ...] = field(default=(), compare=False)

    @cached_property
    def headings(self) -> dict[str, str]:
        """Returns what people read in place of each watchlist's name."""
        return {watchlist.name: watchlist.heading for watchlist in self.watchlists}

    @cached_property
    def query_secrets(self) -> tuple[Secret, ...]:
        """Returns the secrets in queries and definitions, as `without_secrets` takes them."""
        return secrets(self.query_variables)

    def shown_query(self, text: str) -> str:
        """Returns a query, or a text about one, as it may be shown."""
        return without_secrets(text, self.query_secrets)

    def hides(self, query: str) -> bool:
        """Returns whether a query, or a definition that it uses, has a secret in it."""
        if not self.query_secrets:
            return False
        try:
            texts = (query, *used_definitions(query, self.definitions).values())
        except QueryError:
            # What it uses cannot be told.
            return True
        return any(secret in text for text in texts for secret, _ in self.query_secrets)

    def complete_query(self, shown: str) -> str:
        """Returns a query that a reader saw and perhaps edited, with the values of its variables.

        Only variables that the configured queries have are known; all others stay text.
        """
        for value, variable in self.query_variables:
            shown = shown.replace(variable, value)
        return shown

    @property
    def secrets(self) -> dict[str, str]:
        """Returns the secrets in feeds' addresses, each with the text to show instead."""
        replacements: dict[str, str] = {}
        for feed in self.feeds:
            bare = without_userinfo(feed.url)
            if bare != feed.public_url:
                replacements[bare] = feed.public_url
            replacements |= dict(feed.secrets)
        return replacements


def build(source: ConfigDocument, file: File, numbers: Iterable[int]) -> Config:
    """Builds the configuration; `numbers` are the places of its feeds in the source."""
    return Config(
        settings=file.settings,
        feeds=tuple(map(_feed, repeat(source), numbers, file.feeds)),
        watchlists=tuple(map(_watchlist, file.watchlists)),
        subscribers=tuple(map(_subscriber, file.subscribers)),
        definitions=file.definitions,
        query_variables=tuple(dict.fromkeys(_query_variables(source, file))),
    )


def _query_variables(source: ConfigDocument, file: File) -> Iterator[Secret]:
    paths: list[KeyPath] = [("definitions", name) for name in file.definitions]
    for number, entry in enumerate(file.watchlists):
        paths.append(("watchlists", number, "query"))
        for key in ("any", "all", "none"):
            paths += [("watchlists", number, key, at) for at in range(len(getattr(entry, key)))]
    for path in paths:
        expansion = source.expansion(path)
        if expansion:
            yield from expansion.variables


def _feed(source: ConfigDocument, number: int, entry: FeedEntry) -> Feed:
    expansion = source.expansion(("feeds", number, "url"))
    variables = [
        *_access_secrets(source, number, entry),
        *(expansion.variables if expansion else ()),
    ]
    login = (entry.login.user, entry.login.password) if entry.login else None
    return Feed(
        entry.url,
        entry.name,
        entry.tags,
        entry.every,
        public_url=expansion.written if expansion and expansion.variables else "",
        secrets=secrets(variables),
        access=Access(
            site=entry.url,
            secrets=secret_headers(entry.headers, entry.cookies, login),
            user_agent=entry.user_agent,
            proxy=entry.proxy,
        ),
    )


def _access_secrets(source: ConfigDocument, number: int, entry: FeedEntry) -> Iterator[Secret]:
    """Yields what gives access to a feed, with the text to show in its place."""
    # These are secrets even if a file has them; the name of a variable is shown rather than this.
    for value in entry.cookies.values():
        yield value, HIDDEN_SECRET
    if entry.login:
        yield entry.login.password, HIDDEN_SECRET
    paths: list[KeyPath] = [("proxy",), ("user_agent",), ("login", "user"), ("login", "password")]
    paths += [("headers", name) for name in entry.headers]
    paths += [("cookies", name) for name in entry.cookies]
    for path in paths:
        expansion = source.expansion(("feeds", number, *path))
        if expansion:
            yield from expansion.variables


def _watchlist(entry: WatchlistEntry) -> Watchlist:
    feed_filter = FeedFilter(entry.feeds.names, entry.feeds.tags, entry.feeds.languages)
    query = entry.query or plain_query(entry.any, entry.all, entry.none)
    spike = Spike(entry.spike.times, entry.spike.over) if entry.spike else None
    return Watchlist(
        entry.name,
        query,
        feed_filter,
        entry.priority,
        entry.subscribers,
        entry.once_per,
        spike,
        entry.backfill,
        entry.title or "",
    )


def _subscriber(entry: SubscriberEntry) -> Subscriber:
    kind = next(kind for kind in KINDS if getattr(entry, kind) is not None)
    digest, quiet, report = entry.digest, entry.quiet, entry.report
    return Subscriber(
        name=entry.name,
        kind=kind,
        options=getattr(entry, kind).model_dump(exclude_none=True),
        digest=Digest(digest.at, digest.every, digest.timezone) if digest else None,
        quiet=Quiet(quiet.start, quiet.end, quiet.timezone, quiet.exempt) if quiet else None,
        limit=entry.limit,
        report=(
            ReportSchedule(report.every, report.at, report.period, report.timezone)
            if report
            else None
        ),
    )
