"""Two queries beside each other, volumes, stories, and what readers marked, in both databases."""

from datetime import timedelta

import pytest

from monitor.archive.browse import AlertFilter, alerts_page
from monitor.archive.comparison import compare
from monitor.archive.judged import judged_articles, latest_articles
from monitor.archive.marks import change_mark
from monitor.archive.search import Search
from monitor.archive.stories import count_story, story_texts
from monitor.archive.volumes import (
    Buckets,
    alert_sources,
    alert_volumes,
    largest_stories,
    match_origins,
    match_volumes,
)
from monitor.model import FeedFilter, content_id

DAY = timedelta(days=1)


@pytest.fixture
def begin(publication):
    """The moment at which the first article of these tests is found: a midnight."""
    return publication("any").publication.at.replace(hour=0)


@pytest.fixture
def week(begin):
    return Buckets(begin, DAY, 7)


@pytest.fixture
def eight(writer, publication, begin):
    """Articles on four days; the even ones are of the Courier, in German."""
    records = [
        publication(
            str(number),
            f"peace {'herring' if number < 5 else 'cod'} word{number}",
            begin + number * DAY / 2,
            source="Herald" if number % 2 else "Courier",
            language="en" if number % 2 else "de",
            tags=("press",) if number % 2 else (),
            story=content_id("one" if number < 3 else str(number)),
        )
        for number in range(8)
    ]
    assert writer.write(records) == []
    return [record.publication.article for record in records]


def titles(findings):
    return [found.article.title.removeprefix("The title of ") for found in findings.newest]


def test_two_queries_are_compared_article_by_article(engine, eight, week):
    found = compare(engine, "cod OR word4", "herring", {}, week)
    assert found.is_complete
    assert found.since == week.start
    assert titles(found.found) == ["7", "6", "5", "4"]
    assert titles(found.gained) == ["7", "6", "5"]
    assert titles(found.lost) == ["3", "2", "1", "0"]
    assert found.found.counts == (0, 0, 2, 2, 0, 0, 0)
    assert found.present.counts == (2, 2, 1, 0, 0, 0, 0)
    assert found.present.newest == ()
    # The evidence is of the query that found the article.
    assert [term.term for term in found.lost.newest[0].match.terms] == ["herring"]


def test_of_many_articles_the_newest_are_read_and_all_are_counted(engine, eight, week):
    found = compare(engine, "peace", None, {}, week, most=3)
    assert (found.found.total, titles(found.found)) == (8, ["7", "6", "5"])
    assert (found.present, found.gained, found.lost) == (None, None, None)


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        (FeedFilter(names=("Herald",)), ["7", "5", "3", "1"]),
        (FeedFilter(tags=("press",)), ["7", "5", "3", "1"]),
        (FeedFilter(languages=("de",)), ["6", "4", "2", "0"]),
    ],
)
def test_only_the_feeds_that_a_watchlist_covers_count(engine, eight, week, feeds, expected):
    found = compare(engine, "peace", "cod", {}, week, feeds=feeds)
    assert titles(found.found) == expected
    assert found.present.total == len([each for each in expected if int(each) >= 5])


def test_a_search_that_must_stop_has_what_is_newest(engine, eight, begin, monkeypatch):
    monkeypatch.setattr("monitor.archive.search.BATCH", 3)
    search = Search(engine, "peace", since=begin, must_stop=lambda: True)
    assert [found.article.title[-1] for batch in search for found in batch] == ["7", "6", "5"]
    assert not search.is_complete
    assert len(search.matching) == 3


def test_queries_are_compared_over_the_time_that_both_cover(engine, eight, week, monkeypatch):
    monkeypatch.setattr("monitor.archive.pool.BATCH", 3)
    # The index decides about `peace`; the phrase is looked for in batches of three.
    found = compare(engine, '"peace cod" OR "peace herring"', "peace", {}, week, limit_s=0)
    assert not found.is_complete
    assert found.since == week.start + 5 * DAY / 2
    assert found.found.total == found.present.total == 3
    assert found.gained.total == found.lost.total == 0


def test_a_cancelled_comparison_ends(engine, eight, week):
    assert not compare(engine, '"peace cod"', None, {}, week, is_cancelled=lambda: True).is_complete


def test_volumes_are_counted_in_buckets_beside_the_time_before(engine, eight, week):
    volume = alert_volumes(engine, week)["nato"]
    assert volume.counts == (2, 2, 2, 2, 0, 0, 0)
    assert volume.before is None
    assert volume.last_at == week.start + 7 * DAY / 2
    later = Buckets(week.start + 2 * DAY, DAY, 2)
    assert alert_volumes(engine, later)["nato"].counts == (2, 2)
    assert alert_volumes(engine, later)["nato"].before == 4
    assert match_volumes(engine, week)["others"] == (2, 2, 2, 2, 0, 0, 0)
    assert alert_sources(engine, week, ["nato"], 1) == {"nato": [("Courier", 4)]}
    assert alert_sources(engine, week, []) == {}


def test_an_article_of_two_watchlists_counts_once_by_its_origin(engine, eight, week):
    origins = match_origins(engine, week, ["nato", "others"])
    assert dict(origins.sources) == {"Courier": 4, "Herald": 4}
    assert dict(origins.languages) == {"de": 4, "en": 4}


def test_the_largest_stories_come_first_with_their_articles_in_order(engine, eight, week):
    first, *others = largest_stories(engine, week.start, week.until, ["nato", "others"])
    assert (first.id, first.articles, first.sites, first.title[-1]) == (
        content_id("one"),
        3,
        1,
        "0",
    )
    assert len(others) == 5
    assert largest_stories(engine, week.start + 3 * DAY, week.until, ["nato"], 1)[0].articles == 1
    assert largest_stories(engine, week.start, week.until, ["nobody"]) == []
    figures = count_story(engine, content_id("one"))
    assert (figures.articles, figures.sites, figures.watchlists) == (3, 1, ("nato",))
    assert [each.title[-1] for each in story_texts(engine, content_id("one"), 1, 5)] == ["1", "2"]
    assert count_story(engine, content_id("none")) is None


def test_articles_that_readers_marked_are_found_by_their_watchlist(engine, eight, week):
    alerts = alerts_page(engine, AlertFilter(watchlists=("nato",)), limit=10).alerts
    for number, relevant in ((0, True), (1, False), (2, False)):
        change_mark(engine, alerts[number].document["id"], {"relevant": relevant}, week.start)
    change_mark(engine, alerts[3].document["id"], {"read": True}, week.start)
    judged = judged_articles(engine, "nato")
    assert [each.article.title[-1] for each in judged.relevant] == ["7"]
    assert {each.article.title[-1] for each in judged.irrelevant} == {"6", "5"}
    assert judged_articles(engine, "others").relevant == ()
    volume = alert_volumes(engine, week)["nato"]
    assert (volume.relevant, volume.irrelevant) == (1, 2)
    assert len(latest_articles(engine, 3)) == 3
