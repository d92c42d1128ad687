"""What one process learns of sites' limits, all know."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from monitor.errors import BadStatus, FetchError, RobotsUnknown
from monitor.http.scopes import LEARNED, WINDOW
from monitor.jobs.governor import Governor
from monitor.jobs.lines import Lines
from monitor.model import Feed, FeedState
from monitor.store.claims import Place, Refusal
from monitor.store.limits import MOST_EVIDENCE

NOW = datetime.now(UTC)


def status(url, code=429, retry_after_s=None):
    return BadStatus(url, code, retry_after_s=retry_after_s)


@pytest.fixture
def governor(store):
    return Governor(store)


@pytest.fixture
def closed_for_s(redis, store):
    """For how long pages of a host are not asked for."""

    def seconds(host, now=NOW):
        second = timedelta(seconds=1)
        lines = Lines(redis, store.keys, at_once=9, delay=timedelta(0), lease=second)
        return lines.enter(host, uuid4().hex, now).closed_for_s

    return seconds


def page(governor, url, code=429, retry_after_s=None, now=NOW):
    return governor.limited(status(url, code, retry_after_s), url, now, is_page=True)


def test_a_page_with_retry_after_closes_its_host(governor, closed_for_s):
    assert page(governor, "https://www.a.example/1", 503, 90) == timedelta(seconds=90)
    assert 89 < closed_for_s("www.a.example") <= 90
    assert closed_for_s("other.a.example") == 0


def test_a_polls_429_is_its_feeds_matter_until_another_feed_gets_one(governor, closed_for_s):
    error = status("https://a.example/feed", retry_after_s=60)
    for _ in range(3):
        assert governor.limited(error, "one", NOW, is_page=False) is None
    assert closed_for_s("a.example") == 0
    assert governor.limited(error, "two", NOW, is_page=False) == timedelta(seconds=60)
    assert closed_for_s("a.example") > 0


def test_repeated_403_closes_a_host_unless_it_answers_in_between(governor, closed_for_s):
    url = "https://a.example/{}"
    assert [page(governor, url.format(each), 403) for each in (1, 2)] == [None, None]
    assert governor.is_suspect(url)
    governor.answered(url)
    assert not governor.is_suspect(url)
    assert page(governor, url.format(3), 403) is None
    assert page(governor, url.format(4), 403) is None
    assert closed_for_s("a.example") == 0
    assert page(governor, url.format(5), 403) == timedelta(minutes=15)
    assert closed_for_s("a.example") > 890


def test_hosts_of_a_domain_that_limits_us_share_a_budget_in_all_processes(
    governor, store, closed_for_s
):
    other = Governor(store)
    other.refresh(NOW)
    for host in ("one", "two"):
        page(governor, f"https://{host}.news.co.uk/1", 429, 60)
    assert governor.budget("three.news.co.uk") == "news.co.uk"
    assert closed_for_s("news.co.uk") > 0
    assert other.budget("three.news.co.uk") == "three.news.co.uk"
    other._refresh_at = 0
    other.refresh(NOW)
    assert other.budget("three.news.co.uk") == "news.co.uk"
    assert other.budget("www.other.co.uk") == "www.other.co.uk"
    assert other.is_suspect("https://one.news.co.uk/")
    assert store.limits.learned(NOW + LEARNED + timedelta(1)).domains == frozenset()


def test_two_hosts_silence_the_others_of_their_domain_only_briefly(governor, closed_for_s):
    for host in ("one", "two"):
        page(governor, f"https://{host}.news.co.uk/1", 429, 3600)
    assert closed_for_s("two.news.co.uk") > 3590
    assert 0 < closed_for_s("news.co.uk") <= 300


def test_evidence_is_forgotten_and_bounded(governor, store, redis):
    url = "https://a.example/{}"
    for number in range(2):
        page(governor, url.format(number), 403)
    late = NOW + WINDOW + timedelta(seconds=1)
    assert page(governor, url.format(2), 403, now=late) is None
    assert not store.limits.learned(late + WINDOW + timedelta(1)).suspects
    for number in range(2 * MOST_EVIDENCE):
        page(governor, url.format(number), 403)
    assert redis.zcard(store.keys.limited("a.example")) <= MOST_EVIDENCE
    assert redis.ttl(store.keys.limited("a.example")) > 0


def test_robots_that_are_limited_limit_the_host(governor):
    error = RobotsUnknown("https://a.example/1", "HTTP 429")
    error.__cause__ = status("https://a.example/robots.txt", retry_after_s=30)
    assert governor.limited(error, "1", NOW, is_page=True) == timedelta(seconds=30)


def test_other_errors_limit_nothing(governor, store):
    for error in (
        FetchError("https://a.example/", "no answer", retryable=True),
        status("https://a.example/", 404, 60),
        status("https://a.example/", 500),
    ):
        assert governor.limited(error, "1", NOW, is_page=True) is None
    assert not store.limits.learned(NOW).suspects


def test_feeds_of_a_closed_host_come_due_when_it_is_open(governor, store):
    feeds = [Feed("https://a.example/1"), Feed("https://b.example/1")]
    store.feeds.schedule(feeds, NOW)
    page(governor, "https://a.example/page", 429, 600)
    places = [Place(feeds[0].id, "a.example"), Place(feeds[1].id, "b.example")]
    limits = {"per_host": 2, "now": NOW, "until": NOW + timedelta(seconds=30)}
    assert store.claims.claim(places, 2, **limits) == [Refusal.HOST_CLOSED, FeedState()]
    assert store.feeds.due_at(feeds[0].id) - NOW == pytest.approx(
        timedelta(seconds=600), abs=timedelta(seconds=1)
    )
