"""Lists muted matches: those that led to no alert because of a mute."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, func, literal, select, tuple_, type_coerce

from monitor.archive.browse import Telling
from monitor.archive.database import begin
from monitor.archive.rows import MAX_SOURCE_LENGTH
from monitor.archive.schema import AnyText, articles, matches

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine, Select

    from monitor.alerts.mutes import Mute

# Where a page ends: the last match's moment, in milliseconds, its article and its watchlist.
MutedCursor = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class MutedMatch:
    """A watchlist's match of an article that led to no alert because of a mute."""

    watchlist: str
    matched_at: datetime
    story: str
    article: Telling


@dataclass(frozen=True, slots=True)
class MutedPage:
    """A page of matches; `older` is where the next one begins, None at the end."""

    matches: tuple[MutedMatch, ...]
    older: MutedCursor | None


@dataclass(frozen=True, slots=True)
class MutedFilter:
    """Selects muted matches; every part that is not empty must hold.

    A `mute` selects what it covers, from when it began.
    """

    since: datetime | None = None
    watchlists: tuple[str, ...] = ()
    mute: Mute | None = None


def muted_matches(
    engine: Engine, selection: MutedFilter, *, after: MutedCursor | None = None, limit: int = 50
) -> MutedPage:
    """Returns the newest muted matches of a selection, or those older than a cursor.

    A match that has alerted since, for example after the mute had ended, is not one of them.
    """
    moment = type_coerce(matches.c.matched_at, BigInteger)
    order = (moment, matches.c.article, matches.c.watchlist)
    query = (
        _select_muted(
            matches.c.watchlist,
            matches.c.matched_at,
            articles.c.story,
            moment.label("moment_ms"),
            *(articles.c[name] for name in Telling.__dataclass_fields__),
        )
        .where(*_conditions(selection))
        .order_by(*(column.desc() for column in order))
        .limit(limit + 1)
    )
    if after is not None:
        # A cursor comes from an address, and may hold what databases refuse.
        position = map(literal, after[:2])
        query = query.where(tuple_(*order) < tuple_(*position, literal(after[2], AnyText)))
    with begin(engine) as connection:
        rows = connection.execute(query).all()
    found = tuple(MutedMatch(row[0], row[1], row[2], Telling(*row[4:])) for row in rows[:limit])
    older = None
    if len(rows) > limit:
        older = (int(rows[limit - 1].moment_ms), found[-1].article.id, found[-1].watchlist)
    return MutedPage(found, older)


def count_muted(engine: Engine, selection: MutedFilter) -> int:
    """Counts the muted matches of a selection."""
    with begin(engine) as connection:
        return connection.scalar(_select_muted(func.count()).where(*_conditions(selection))) or 0


def muted_articles(engine: Engine, since: datetime, until: datetime) -> dict[str, set[str]]:
    """Returns the ids of the articles found in a time whose match was muted, by watchlist."""
    query = _select_muted(matches.c.watchlist, matches.c.article).where(
        articles.c.found_at >= since, articles.c.found_at < until
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    with begin(engine) as connection:
        for watchlist, article in connection.execute(query):
            found[watchlist].add(article)
    return dict(found)


def _select_muted(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(matches)
        .join(articles, articles.c.id == matches.c.article)
        .where(matches.c.muted, matches.c.alert.is_(None))
    )


def _conditions(selection: MutedFilter) -> Iterator[ColumnElement[bool]]:
    if selection.since is not None:
        yield matches.c.matched_at >= selection.since
    if selection.watchlists:
        yield matches.c.watchlist.in_(selection.watchlists)
    mute = selection.mute
    if mute is not None:
        yield matches.c.watchlist == mute.watchlist
        yield matches.c.matched_at >= mute.since
        if mute.kind == "story":
            yield articles.c.story == mute.subject
        else:
            yield articles.c.source == mute.subject[:MAX_SOURCE_LENGTH]
