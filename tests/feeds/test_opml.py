"""Lists of feeds: what other programs export is read, and what is written reads the same."""

from datetime import UTC, datetime

import pytest

from monitor.errors import FeedError
from monitor.feeds.opml import Subscription, read_subscriptions, write_opml
from monitor.model import Feed

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

MINIFLUX = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
    <head><title>Miniflux</title><dateCreated>Tue, 24 Nov 2026 12:00:00 UTC</dateCreated></head>
    <body>
        <outline text="Press">
            <outline title="Herald &amp; Sons" text="Herald &amp; Sons" xmlUrl="https://herald.example/rss?a=1&amp;b=2" htmlUrl="https://herald.example/" type="rss"></outline>
        </outline>
    </body>
</opml>"""
FRESHRSS = """<?xml version="1.0" encoding="UTF-8"?>
<opml xmlns:frss="https://freshrss.org/opml" version="2.0">
  <head><title>FreshRSS</title></head>
  <body>
    <outline text="Press">
      <outline text="Herald" type="rss" xmlUrl="https://herald.example/rss" htmlUrl="https://herald.example/" description="" frss:priority="main"/>
      <outline text="Scraped" type="HTML+XPath" xmlUrl="https://page.example/" frss:xPathItem="//li"/>
    </outline>
  </body>
</opml>"""
FEEDLY = """<?xml version="1.0" encoding="UTF-8"?>

<opml version="1.0">
    <head><title>Somebody subscriptions in feedly Cloud</title></head>
    <body>
        <outline text="Press" title="Press">
            <outline type="rss" text="Herald" title="Herald" xmlUrl="https://herald.example/rss" htmlUrl="https://herald.example"/>
        </outline>
        <outline text="Defence" title="Defence">
            <outline type="rss" text="Herald" title="Herald" xmlUrl="https://herald.example/rss" htmlUrl="https://herald.example"/>
        </outline>
    </body>
</opml>"""
INOREADER = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0">
    <head><title>Subscriptions from Inoreader</title></head>
    <body>
    <outline text="World" title="World"><outline text="Europe" title="Europe">
        <outline text="Herald" title="Herald" type="rss" xmlUrl="https://herald.example/rss" htmlUrl="https://herald.example/"/>
    </outline></outline>
    <outline text="Loose" title="Loose" type="rss" xmlUrl="https://loose.example/rss"/>
    </body>
</opml>"""  # fmt: skip
NEWSBOAT = r"""# my feeds
https://herald.example/rss "two words" press "~The \"Herald\""
"https://loose.example/rss?a=b c" !hidden

"query:Unread:unread = \"yes\"" all
exec:~/bin/fetch.sh "x"
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIFLUX, [("https://herald.example/rss?a=1&b=2", "Herald & Sons", ("Press",))]),
        (FEEDLY, [("https://herald.example/rss", "Herald", ("Press", "Defence"))]),
        (
            INOREADER,
            [
                ("https://herald.example/rss", "Herald", ("World", "Europe")),
                ("https://loose.example/rss", "Loose", ()),
            ],
        ),
    ],
)
def test_what_readers_export_is_read_and_folders_become_tags(text, expected):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = read_subscriptions(text.encode(encoding))
        assert [(each.url, each.title, each.tags) for each in found] == expected
        assert not any(each.problem for each in found)


def test_pages_that_freshrss_scrapes_are_no_feeds():
    feed, page = read_subscriptions(FRESHRSS.encode())
    assert feed == Subscription("https://herald.example/rss", "Herald", ("Press",))
    assert "html+xpath" in page.problem


def test_newsboats_urls_are_read():
    found = read_subscriptions(NEWSBOAT.encode())
    assert [(each.url, each.title, each.tags) for each in found[:2]] == [
        ("https://herald.example/rss", 'The "Herald"', ("two words", "press")),
        ("https://loose.example/rss?a=b c", "", ()),
    ]
    assert [bool(each.problem) for each in found] == [False, False, True, True]


def test_what_is_written_reads_the_same():
    feeds = [
        Feed("https://a.example/?a=1&b=<2>", "A & \"B\" 'é'", ("press", "two words")),
        Feed("https://b.example/", "B", ("press",)),
        Feed("https://c.example/", "C"),
    ]
    written = write_opml([(feed, feed.url) for feed in feeds], now=NOW)
    found = read_subscriptions(written.encode())
    assert [Feed(each.url, each.title, each.tags) for each in found] == feeds
    assert '<opml version="2.0">' in written


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<opml><body><outline xmlUrl='https://a.example/'></body>", "not well-formed"),
        (b'<!DOCTYPE o [<!ENTITY a "b">]><opml><body/></opml>', "entities"),
        (b"<opml><body>" + b'<outline text="a">' * 5000 + b"</outline>" * 5000 + b"</body></opml>", "deep"),
        (b"<html><body>no</body></html>", "no feed in this file"),
        (b"\n# Feeds\nhttps://a.example/\n\nand others", "line 5 begins with 'and others'"),
        (b"", "no feed in this file"),
        (b"x" * 20_000_001, "bytes"),
    ],
    ids=["broken", "entities", "deep", "page", "prose", "empty", "large"],
)  # fmt: skip
def test_other_files_are_refused_with_a_reason(body, why):
    with pytest.raises(FeedError, match=why):
        read_subscriptions(body)
