"""Makes rows of records, and stores rows in either database, however often they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Table,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    text,
)
from sqlalchemy import (
    Text as SqlText,
)
from sqlalchemy.dialects import postgresql, sqlite

from monitor.archive.schema import (
    alerts,
    articles,
    deliveries,
    indexed_articles,
    marks,
    matches,
    storable,
)
from monitor.archive.words import lexemes
from monitor.articles.sites import site
from monitor.coverage import DeliveryRecord, Publication, Record
from monitor.model import Article, content_id
from monitor.watchlists.article import joined_texts
from monitor.watchlists.text import RULES

Row = dict[str, Any]
# PostgreSQL refuses to index more than 2,704 bytes; no feed has a name as long.
MAX_SOURCE_LENGTH = 500


@dataclass(slots=True)
class Rows:
    """Rows for each table; of each article only one."""

    articles: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)
    matches: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    marks: list[Row] = field(default_factory=list)


def rows_of(records: Sequence[Record]) -> Rows:
    """Returns the rows of records.

    Raises ValueError, TypeError or KeyError for an alert that is not one.
    """
    rows = Rows()
    latest: dict[str, tuple[datetime, Publication]] = {}
    for record in records:
        if record.publication is not None:
            publication = record.publication
            found_at, last = latest.get(publication.article.id, (publication.at, publication))
            newer = publication if publication.at >= last.at else last
            latest[publication.article.id] = (min(found_at, publication.at), newer)
            rows.alerts.extend(map(_alert, publication.alerts))
            rows.matches.extend(_matches(publication))
        if record.alert is not None:
            rows.alerts.append(_alert(record.alert))
        if record.delivery is not None:
            rows.deliveries.extend(_deliveries(record.delivery))
    rows.articles = [_article(publication, found_at) for found_at, publication in latest.values()]
    return rows


def store(connection: Connection, rows: Rows) -> None:
    """Stores rows in the transaction of a connection.

    Of an article that is stored already, the later state stays, with the number, and the moment at
    which it was found first. The order in which rows come makes no difference.
    """
    name = connection.dialect.name
    if rows.articles:
        # In one order: two archives that write the same articles do not wait for each other.
        ordered = _in_order(rows.articles, "id")
        if name == "sqlite":
            _store_indexed_by_sqlite(connection, ordered)
        else:
            for row in ordered:
                row["lexemes"] = lexemes(row["joined"])
            connection.execute(_upsert_of_articles(name), ordered)
    if rows.alerts:
        connection.execute(_insert_of(alerts, name), _in_order(rows.alerts, "id"))
    if rows.matches:
        connection.execute(_upsert_of_matches(name), _in_order(rows.matches, "article"))
    if rows.deliveries:
        connection.execute(_insert_of(deliveries, name), _in_order(rows.deliveries, "id"))
    if rows.marks:
        connection.execute(_upsert_of_marks(name), _in_order(rows.marks, "alert"))


def unindex(connection: Connection, gone: Sequence[tuple[int, str]]) -> None:
    """Removes articles from the index of SQLite, given their numbers and `joined`."""
    if gone:
        connection.execute(
            text("INSERT INTO words(words, rowid, lexemes) VALUES ('delete', :number, :lexemes)"),
            [{"number": number, "lexemes": lexemes(joined)} for number, joined in gone],
        )


def index(connection: Connection, new: Sequence[tuple[int, str]]) -> None:
    """Adds articles to the index of SQLite, given their numbers and `joined`."""
    connection.execute(
        text("INSERT INTO words(rowid, lexemes) VALUES (:number, :lexemes)"),
        [{"number": number, "lexemes": lexemes(joined)} for number, joined in new],
    )


def _store_indexed_by_sqlite(connection: Connection, rows: list[Row]) -> None:
    changed_at = {row["id"]: row["changed_at"] for row in rows}
    known = connection.execute(
        select(articles.c.id, articles.c.number, articles.c.joined, articles.c.changed_at).where(
            articles.c.id.in_(changed_at)
        )
    ).all()
    later = {row.id for row in known if changed_at[row.id] < row.changed_at}
    unindex(connection, [(row.number, row.joined) for row in known if row.id not in later])
    connection.execute(_upsert_of_articles("sqlite"), rows)
    indexed = [row for row in rows if row["id"] not in later]
    if not indexed:
        return
    ids = [row["id"] for row in indexed]
    found = connection.execute(
        select(articles.c.id, articles.c.number).where(articles.c.id.in_(ids))
    )
    numbers = {row.id: row.number for row in found}
    index(connection, [(numbers[row["id"]], row["joined"]) for row in indexed])


def _insert(table: Table, name: str) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if name == "sqlite" else postgresql.insert(table)


@cache
def _insert_of(table: Table, name: str) -> Any:
    return _insert(table, name).on_conflict_do_nothing()


@cache
def _upsert_of_articles(name: str) -> Any:
    if name == "sqlite":
        table, statement = articles, _insert(articles, name)
    else:
        table = indexed_articles
        words = func.string_to_array(bindparam("lexemes", type_=SqlText), " ")
        statement = _insert(table, name).values(words=func.array_to_tsvector(words))
    new = statement.excluded
    is_later = new.changed_at >= table.c.changed_at
    is_earlier = new.found_at < table.c.found_at
    merged: Row = {
        column.name: case((is_later, new[column.name]), else_=column)
        for column in table.c
        if column.name not in {"number", "id", "found_at"}
    }
    merged["found_at"] = case((is_earlier, new.found_at), else_=table.c.found_at)
    return statement.on_conflict_do_update(
        index_elements=["id"], set_=merged, where=or_(is_later, is_earlier)
    )


@cache
def _upsert_of_matches(name: str) -> Any:
    statement = _insert(matches, name)
    new, old = statement.excluded, matches.c
    return statement.on_conflict_do_update(
        index_elements=["watchlist", "article"],
        set_={
            "matched_at": case(
                (new.matched_at < old.matched_at, new.matched_at), else_=old.matched_at
            ),
            "alert": func.coalesce(old.alert, new.alert),
            "later": and_(old.later, new.later),
            # A match found by looking back says nothing about mutes.
            "muted": case(
                (old.later, new.muted), (new.later, old.muted), else_=and_(old.muted, new.muted)
            ),
        },
    )


@cache
def _upsert_of_marks(name: str) -> Any:
    statement = _insert(marks, name)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["alert"],
        set_={column.name: new[column.name] for column in marks.c if column.name != "alert"},
        where=new.changed_at > marks.c.changed_at,
    )


def _in_order(rows: list[Row], key: str) -> list[Row]:
    return sorted(rows, key=lambda row: str(row[key]))


def _article(publication: Publication, found_at: datetime) -> Row:
    article = publication.article
    return {
        "id": article.id,
        "url": article.url,
        "title": article.title,
        "text": article.text,
        "joined": _joined(article),
        "rules": RULES,
        "source": article.source[:MAX_SOURCE_LENGTH],
        "feed_url": article.feed_url,
        "site": site(article.url),
        "tags": list(article.tags),
        "authors": list(article.authors),
        "language": article.language,
        "published_at": article.published_at,
        "found_at": found_at,
        "changed_at": publication.at,
        "story": article.story,
        "text_from": article.text_from,
        "quality": article.quality,
        "paywalled": article.paywalled,
    }


def _joined(article: Article) -> str:
    """Returns what queries compare of an article, by the texts as they are stored."""
    stored = replace(
        article,
        url=storable(article.url),
        title=storable(article.title),
        text=storable(article.text),
        source=storable(article.source),
        authors=tuple(map(storable, article.authors)),
        tags=tuple(map(storable, article.tags)),
    )
    return joined_texts(stored)


def _alert(document: Row) -> Row:
    article = document["article"]
    return {
        "id": _text(document["id"]),
        "watchlist": _text(document["watchlist"]),
        "article": _text(article["id"]),
        "story": _text(document["story"]["id"]),
        "priority": _text(document["priority"]),
        "source": _text(article.get("source", ""))[:MAX_SOURCE_LENGTH],
        "language": article.get("language"),
        "detected_at": datetime.fromisoformat(document["detected_at"]),
        "document": document,
    }


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _matches(publication: Publication) -> list[Row]:
    return [
        {
            "watchlist": match.watchlist,
            "article": publication.article.id,
            "matched_at": publication.at,
            "alert": match.alert,
            "later": False,
            "muted": match.muted,
        }
        for match in publication.matches
    ]


def _deliveries(record: DeliveryRecord) -> list[Row]:
    note = record.note
    return [
        {
            "id": content_id(alert, note.subscriber, note.at.isoformat(), note.event, note.detail),
            "alert": alert,
            "subscriber": note.subscriber,
            "channel": note.channel,
            "event": note.event,
            "detail": note.detail,
            "at": note.at,
        }
        for alert in record.alerts
    ]
