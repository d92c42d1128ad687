"""Alerts that watchlists would have had, and how two ways to have them differ."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.plan import (
    ArchivedArticle,
    Coverage,
    Overlap,
    PlannedChange,
    SubscriberChange,
    alerts_by_subscriber,
    covered,
    gained,
    is_over,
    overlap,
    spread,
    subscriber_changes,
)
from monitor.model import Limit, Watchlist
from monitor.watchlists.changes import WatchlistChange

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def article(name, story=None, minute=0):
    return ArchivedArticle(minute, name, story or name, BEGIN + timedelta(minutes=minute))


def alerted(once_per, *found, since=BEGIN):
    coverage = covered(Watchlist("w", "q", once_per=once_per), found, since)
    return [each.id for each in coverage.alerts]


STORY = [
    (article("a", minute=1), ("NATO",)),
    (article("b", "a", 2), ("NATO",)),
    (article("c", "a", 3), ("NATO", "Grushko")),
    (article("d", "a", 4), ("Grushko",)),
]


@pytest.mark.parametrize(
    ("once_per", "expected"),
    [("story", ["a", "c"]), ("article", ["a", "b", "c", "d"]), ("none", ["a", "b", "c", "d"])],
)
def test_alerts_are_counted_as_workers_count_them(once_per, expected):
    assert alerted(once_per, *STORY) == expected


def test_a_story_that_alerted_before_the_period_does_not_alert_in_it():
    assert alerted("story", *STORY, since=BEGIN + timedelta(minutes=2)) == ["c"]
    coverage = covered(Watchlist("w", "q"), STORY, BEGIN + timedelta(minutes=2))
    assert list(coverage.articles) == ["b", "c", "d"]


def coverage(*alerts):
    return Coverage({each.id: each for each in alerts}, list(alerts))


def test_an_alert_on_another_article_of_the_same_story_is_neither_gained_nor_lost():
    before, after = coverage(article("b", "s")), coverage(article("a", "s"), article("c"))
    assert gained(before, after) == [article("c")]
    assert gained(after, before) == []


def test_more_alerts_on_a_story_are_gained():
    before, after = coverage(article("a", "s")), coverage(article("a", "s"), article("b", "s"))
    assert gained(before, after) == [article("b", "s")]


articles = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), unique_by=lambda pair: pair[0])


@given(articles, articles)
def test_what_is_gained_and_lost_explains_the_counts(some, others):
    before, after = (
        coverage(*(article(str(number), f"s{story}") for number, story in pairs))
        for pairs in (some, others)
    )
    new, lost = gained(before, after), gained(after, before)
    assert len(after.alerts) == len(before.alerts) + len(new) - len(lost)
    assert not {each.id for each in new} & {each.id for each in lost}


def test_an_overlap_names_the_others_on_the_same_stories():
    new = [article("a"), article("b", "s"), article("c")]
    alerting = {"s": {"w", "x", "y"}, "a": {"x"}, "c": {"w"}}
    assert overlap("w", new, alerting) == Overlap(2, {"x": 2, "y": 1})
    assert overlap("w", [article("c")], alerting) == Overlap(0, {})


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(0, 3, True), (0, 2, False), (3, 3, False), (9, 4, False)]
)
def test_over_a_limit_is_who_alerts_more_often_than_it_and_than_before(before, after, expected):
    sides = [coverage(*map(article, map(str, range(count)))) for count in (before, after)]
    planned = PlannedChange(WatchlistChange("changed", "w"), *sides, [], [], Overlap(0, {}))
    assert is_over(planned, Limit(1, timedelta(days=1)), days=2) is expected


def test_samples_are_spread_over_all():
    found = [article(str(n)) for n in range(10)]
    assert [each.id for each in spread(found, 2)] == ["7", "2"]
    assert [each.id for each in spread(found[:2], 5)] == ["1", "0"]
    assert spread([], 5) == spread(found, 0) == []


def test_subscribers_are_told_what_they_get_more_and_less():
    one, two = coverage(article("a")), coverage(article("b"), article("c"))
    before = alerts_by_subscriber(
        [(Watchlist("w", "q", subscribers=("desk", "desk")), two), (None, one)]
    )
    after = alerts_by_subscriber([(Watchlist("w", "q", subscribers=("night",)), one)])
    assert subscriber_changes(before, after | {"same": 1}) == [
        SubscriberChange("desk", 2, 0), SubscriberChange("night", 0, 1), SubscriberChange("same", 0, 1)
    ]  # fmt: skip
    assert subscriber_changes({"desk": 2}, {"desk": 2}) == []
