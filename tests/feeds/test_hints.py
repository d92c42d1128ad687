"""Tests of what feeds and servers say about when to poll, and where older entries are."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.feeds.document import read
from monitor.feeds.hints import Head, fresh_for, read_head
from monitor.model import FeedHints

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def rss(head, item="<item><title>One</title></item>"):
    return f"<rss version='2.0'><channel><title>Herald</title>{head}{item}</channel></rss>"


@pytest.mark.parametrize(
    ("head", "hints"),
    [
        ("", None),
        ("<ttl>60</ttl>", FeedHints(every_s=3600)),
        ("<ttl>soon</ttl><ttl>-1</ttl>", None),
        ("<ttl> 5 </ttl>", FeedHints(every_s=300)),
        ("<sy:updatePeriod>\n\thourly\t</sy:updatePeriod>", FeedHints(every_s=3600)),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            FeedHints(every_s=21_600),
        ),
        ("<sy:updatePeriod>often</sy:updatePeriod>", None),
        (
            "<skipHours><hour>0</hour><hour>23</hour><hour>24</hour><hour>99</hour></skipHours>",
            FeedHints(skip_hours=(0, 23)),
        ),
        (
            "<skipDays><day>Sunday</day><day>saturday</day><day>Caturday</day></skipDays>",
            FeedHints(skip_weekdays=(5, 6)),
        ),
    ],
)
def test_a_feed_says_when_to_poll_it(head, hints):
    assert read_head(rss(head)).hints == hints


def test_what_entries_say_is_not_said_by_the_feed():
    item = "<item><ttl>60</ttl><atom:link rel='next' href='/2'/></item>"
    assert read_head(rss("", item)) == Head()


@pytest.mark.parametrize(
    ("head", "older"),
    [
        ('<atom:link rel="next" href="/feed?page=2&amp;n=1"/>', "/feed?page=2&n=1"),
        ("<link href='https://a.example/1' rel='prev-archive'/>", "https://a.example/1"),
        ("<link rel='next' href='/n'/><link rel='prev-archive' href='/p'/>", "/p"),
        ("<link rel='self' href='/n'/><link>https://a.example/</link>", None),
    ],
)
def test_a_feed_says_where_older_entries_are(head, older):
    assert read_head(rss(head)).older == older


def test_a_json_feed_says_where_older_entries_are():
    body = b'{"version": "https://jsonfeed.org/version/1.1", "next_url": "/2", "items": []}'
    assert read(body, url="https://a.example/", headers={}, now=NOW).head.older == "/2"


def test_wordpress_is_recognised():
    head = "<generator>https://wordpress.org/?v=6.4.2</generator>"
    assert read_head(rss(head)).is_wordpress


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "public, max-age=300"}, 300),
        ({"cache-control": "max-age=300", "age": "100"}, 200),
        ({"cache-control": "max-age=300", "age": "1000"}, 0),
        ({"cache-control": "s-maxage=900"}, 0),
        ({"cache-control": "no-cache, max-age=300"}, 0),
        ({"cache-control": "max-age=300", "expires": "Mon, 23 Nov 2026 13:00:00 GMT"}, 300),
        ({"expires": "Mon, 23 Nov 2026 13:00:00 GMT"}, 3600),
        (
            {"expires": "Mon, 23 Nov 2026 13:00:00 GMT", "date": "Mon, 23 Nov 2026 12:30:00 GMT"},
            1800,
        ),
        ({"expires": "0"}, 0),
        ({"expires": "Thu, 19 Nov 1981 08:52:00 GMT"}, 0),
        ({"cache-control": "max-age=99999999999999999999"}, 999_999_999),
    ],
)
def test_a_server_says_how_long_a_response_is_fresh(headers, seconds):
    assert fresh_for(headers, NOW) == timedelta(seconds=seconds)
