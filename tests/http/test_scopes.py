"""How far a limit reaches: one feed or page, a host, or a domain."""

from datetime import timedelta

import pytest

from monitor.http.scopes import (
    LONG_PAUSE,
    LONGEST_PAUSE,
    PAUSE,
    Hold,
    Limited,
    hold_for,
    is_limiting,
    registered_domain,
)

MINUTE = timedelta(minutes=1)


def limited(host, source, status=429, pause=None, *, is_page=False):
    return Limited(host, source, status, pause, is_page)


def hold(*answers):
    return hold_for(answers[-1], answers[:-1])


def test_one_feed_that_is_limited_is_no_limit_of_its_host():
    again = [limited("a.example", "one", pause=MINUTE)] * 5
    assert hold(*again) is None


def test_several_feeds_that_are_limited_are_a_limit_of_their_host():
    first, second = limited("a.example", "one"), limited("a.example", "two", pause=3 * MINUTE)
    assert hold(first, second) == Hold("host", "a.example", 3 * MINUTE)
    assert hold(second, first) == Hold("host", "a.example", PAUSE)
    assert hold(first, limited("b.example", "two")) is None


def test_a_page_with_retry_after_is_a_limit_of_its_host():
    answer = limited("a.example", "page", 503, 2 * MINUTE, is_page=True)
    assert hold(answer) == Hold("host", "a.example", 2 * MINUTE)
    assert hold(limited("a.example", "page", 429, is_page=True)) is None


def test_a_forbidden_page_is_no_limit_but_repeated_ones_are():
    pages = [limited("a.example", str(number), 403, is_page=True) for number in range(3)]
    assert hold(*pages[:2]) is None
    assert hold(pages[0], pages[1], pages[1]) is None
    assert hold(*pages) == Hold("host", "a.example", LONG_PAUSE)


def test_several_hosts_of_a_domain_that_are_limited_are_a_limit_of_the_domain():
    one = limited("one.news.co.uk", "page", 429, MINUTE, is_page=True)
    two = limited("two.news.co.uk", "other", 429, MINUTE, is_page=True)
    assert hold(one, two) == Hold("domain", "news.co.uk", MINUTE)
    assert hold(one, limited("two.news.co.uk", "feed")) is None
    assert hold(one, limited("two.github.io", "other", 429, MINUTE, is_page=True)).scope == "host"


def test_a_pause_is_bounded():
    answer = limited("a.example", "page", 503, timedelta(days=9), is_page=True)
    assert hold(answer).pause == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.bbc.co.uk", "bbc.co.uk"),
        ("feeds.bbci.co.uk", "bbci.co.uk"),
        ("a.github.io", "a.github.io"),
        ("b.a.github.io", "a.github.io"),
        ("xn--bcher-kva.example.com", "example.com"),
        ("localhost", ""),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
    ],
)
def test_the_registered_domain_follows_the_public_suffix_list(host, domain):
    assert registered_domain(host) == domain


def test_statuses_that_limit_us():
    assert all(is_limiting(status, asks_for_pause=False) for status in (403, 429))
    assert all(is_limiting(status, asks_for_pause=True) for status in (408, 500, 503))
    assert not any(is_limiting(status, asks_for_pause=False) for status in (401, 404, 500, 503))
    assert not is_limiting(404, asks_for_pause=True)
