"""Bytes to entries."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FeedError
from monitor.feeds.parse import parse

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>The  Herald</title><language>en-gb</language>
<item><title>Ministers meet &amp; talk</title><link>/2026/talks</link>
<guid isPermaLink="false">urn:1</guid><pubDate>Mon, 23 Nov 2026 10:00:00 +0100</pubDate>
<description>&lt;p&gt;In short.&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>At length.</p>]]></content:encoded></item>
</channel></rss>"""

CORPUS = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora")) / "feeds"


def read(body: bytes, **headers: str):
    return parse(body, url="https://herald.example/feed.xml", headers=headers)


def test_an_rss_entry_comes_with_an_absolute_link_utc_date_and_both_texts():
    feed = read(RSS)
    (entry,) = feed.entries
    assert (feed.title, feed.language) == ("The Herald", "en-gb")
    assert entry.guid == "urn:1"
    assert entry.url == "https://herald.example/2026/talks"
    assert entry.title == "Ministers meet & talk"
    assert entry.published_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert "In short." in entry.summary
    assert "At length." in entry.content


def test_a_json_feed_is_read_too():
    body = json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Notes",
            "items": [
                {"id": 7, "url": "/7", "title": "Seven", "date_published": "2026-11-23T09:00:00Z"}
            ],
        }
    )
    (entry,) = read(body.encode()).entries
    assert (entry.guid, entry.url) == ("7", "https://herald.example/7")
    assert entry.published_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_a_link_that_is_no_web_address_is_dropped():
    body = RSS.replace(b"/2026/talks", b"javascript:alert(1)")
    assert read(body).entries[0].url is None


def test_a_page_that_is_no_feed_is_told_apart():
    with pytest.raises(FeedError, match="no feed"):
        read(b"<html><body>Not here</body></html>", **{"content-type": "text/html"})


def test_bytes_that_name_a_file_are_not_opened(tmp_path):
    secret = tmp_path / "secret.xml"
    secret.write_bytes(RSS)
    with pytest.raises(FeedError):
        read(str(secret).encode())


def test_a_feed_cut_off_in_the_middle_gives_what_came_before():
    entries = read(RSS.replace(b"</channel></rss>", b"<item><title>Second</ti")).entries
    assert entries[0].title == "Ministers meet & talk"


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda noise: RSS[:200] + noise))
def test_any_bytes_give_a_feed_or_a_feed_error(body):
    try:
        read(body)
    except FeedError:
        return


def _gold():
    path = CORPUS / "gold.json"
    return json.loads(path.read_text()) if path.exists() else {}


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus of real feeds in {CORPUS}")
def test_real_feeds_give_the_entries_of_the_gold():
    wrong = []
    for name, gold in _gold().items():
        feed = parse((CORPUS / name).read_bytes(), url="https://feeds.example/", headers={})
        if len(feed.entries) != len(gold["entries"]):
            wrong.append(name)
    assert wrong == []
