"""What pages and the API read and change, in either database."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.build import build
from monitor.archive.alert_rows import read_alerts
from monitor.archive.browse import AlertFilter, alerts_page, count_alerts, story_articles
from monitor.archive.history import AlertTally, tally_alerts
from monitor.archive.marks import Mark, change_mark, marks_of
from monitor.archive.search_pages import search_page
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article, Match, Term, Watchlist, content_id

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FISH = Watchlist("fisheries", "cod", priority="high")


@pytest.fixture
def publish(writer):
    """Write an article with an alert, and return the alert's id."""

    def publish(title, hours=1, text="The cod are back.", source="Herald", language="en"):
        at = NOW - timedelta(hours=hours)
        url = f"https://www.{source.lower()}.example/{content_id(title)}"
        article = Article(
            content_id(url), url, title, text, source, "https://a.example/feed", (), ("Ada",), at,
            language, story=content_id("story"),
        )  # fmt: skip
        match = Match(FISH.name, (Term("cod", "body", ((4, 7),)),))
        identity = content_id(title)
        alert = build(
            FISH, article, match, identity=identity, articles=1, is_update=False, now=at
        ).document
        publication = Publication(at, article, (MatchRecord(FISH.name, identity),), (alert,))
        assert writer.write([Record(publication)]) == []
        return identity

    return publish


def titles(listed):
    return [each.document["article"]["title"] for each in listed.alerts]


@pytest.mark.parametrize("query", ["", "cod AND back"])
def test_all_filters_hold_at_once_with_a_query_or_without(engine, publish, query):
    wanted = publish("Wanted")
    publish("Old", hours=90)
    publish("Elsewhere", source="Gazette")
    publish("German", language="de")
    change_mark(engine, publish("Read"), {"read": True}, NOW)
    selection = AlertFilter(
        since=NOW - timedelta(days=1), until=NOW, watchlists=("fisheries",), sources=("Herald",),
        priorities=("high",), languages=("en",), marked="unread", query=query,
    )  # fmt: skip
    assert titles(alerts_page(engine, selection)) == ["Wanted"]
    assert titles(alerts_page(engine, AlertFilter(languages=("e%",), query=query))) == []
    change_mark(engine, wanted, {"starred": True, "relevant": False}, NOW)
    for marked in ("starred", "irrelevant"):
        assert titles(alerts_page(engine, AlertFilter(marked=marked, query=query))) == ["Wanted"]


def test_marks_are_changed_part_by_part(engine, publish):
    alert = publish("Cod")
    assert change_mark(engine, alert, {"read": True}, NOW) == Mark(read=True)
    assert change_mark(engine, alert, {"note": "\0no"}, NOW) == Mark(read=True, note="\ufffdno")
    assert marks_of(engine, [alert, "nothing"]) == {alert: Mark(read=True, note="\ufffdno")}


def test_alerts_are_counted(engine, publish):
    publish("New")
    publish("Old", hours=30, source="Gazette")
    counts = count_alerts(engine, NOW - timedelta(days=1), NOW)
    assert (counts.total, counts.unread, counts.by_source) == (1, 1, {"Herald": 1})
    last_at = NOW - timedelta(hours=1)
    assert tally_alerts(engine, NOW - timedelta(days=1)) == {"fisheries": AlertTally(1, last_at)}
    assert tally_alerts(engine, NOW)["fisheries"] == AlertTally(0, last_at)
    assert [each.title for each in story_articles(engine, content_id("story"))] == ["Old", "New"]


def test_a_search_is_read_page_by_page(engine, publish):
    # Some at the same moment: the number decides.
    for number in range(9):
        publish(f"Cod {number}", hours=number // 3)
    publish("Late", hours=200)
    publish("Cranes", text="The cranes are back.")
    seen, after, pages = [], None, 0
    while pages == 0 or after is not None:
        page = search_page(
            engine, "cod", {}, since=NOW - timedelta(days=1), sources=["Herald"], languages=["EN"],
            after=after, limit=2,
        )  # fmt: skip
        seen += [each.article.title for each in page.articles]
        after, pages = page.older, pages + 1
    assert sorted(seen) == [f"Cod {number}" for number in range(9)]
    assert [int(title[-1]) // 3 for title in seen] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert pages == 5


def test_alerts_are_read_as_rows(engine, publish):
    alert = publish("Cod")
    publish("Cranes", text="The cranes are back.")
    (row,) = read_alerts(engine, AlertFilter(query="cod"), {})
    assert (row.title, row.site, row.alert) == ("Cod", "herald.example", alert)
    assert row.matched_at == row.published_at == NOW - timedelta(hours=1)
    assert (row.authors, row.quality, row.paywalled) == (("Ada",), "full", False)
