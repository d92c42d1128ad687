"""Tests of recognising feeds that were only rendered anew."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitor.errors import FeedError
from monitor.feeds.document import read
from monitor.feeds.fingerprint import fingerprint

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CORPUS = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora")) / "feeds"
AT_TEN = "Tue, 24 Nov 2026 10:00:00 GMT"
AT_ELEVEN = "Tue, 24 Nov 2026 11:07:42 GMT"
ITEM = "<item><title>Talks</title><guid isPermaLink='false'>1</guid><pubDate>{at}</pubDate></item>"
RSS = """<?xml version="1.0" encoding="utf-8"?><!-- rendered {at} -->
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>{title}</title>
<description><![CDATA[<b>News</b>]]></description><lastBuildDate>{at}</lastBuildDate><dc:date>{at}</dc:date>
<item><title>Talks</title><guid isPermaLink="false">1</guid></item></channel></rss>
<!-- Cached page generated on {at} -->
<!-- Served in 0.123 seconds: {at} -->
"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>{title}</title><updated>{at}</updated><entry><id>1</id></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
><channel><title>{title}</title><dc:date>{at}</dc:date></channel><item><title>Talks</title></item></rdf:RDF>"""


def rendered(document, *, at=AT_TEN, title="Herald"):
    return document.replace("{at}", at).replace("{title}", title).encode()


@pytest.mark.parametrize("document", [RSS, ATOM, RDF])
def test_a_feed_that_was_rendered_anew_is_recognised(document):
    anew = rendered(document, at=AT_ELEVEN)
    assert anew != rendered(document)
    assert fingerprint(anew) == fingerprint(rendered(document))


@pytest.mark.parametrize("document", [RSS, ATOM, RDF])
def test_another_title_or_entry_is_another_feed(document):
    known = fingerprint(rendered(document))
    assert fingerprint(rendered(document, title="Courier")) != known
    assert (
        fingerprint(rendered(document).replace(b"Talks", b"Tales").replace(b"<id>1", b"<id>2"))
        != known
    )


def test_the_date_of_an_entry_counts():
    document = RSS.replace("<item>", ITEM.replace("{at}", "{title}") + "<item>")
    assert fingerprint(rendered(document)) != fingerprint(rendered(document, title="Courier"))


@pytest.mark.parametrize(
    "place",
    [
        "<title><lastBuildDate>{at}</lastBuildDate></title>",
        "<title><![CDATA[<lastBuildDate>{at}</lastBuildDate>]]></title>",
        "<title>A</titel><lastBuildDate>{at}</lastBuildDate></title>",
        "<title a='><lastBuildDate>{at}</lastBuildDate>'>A</title>",
        "<language>en<!-- > {at} --></language>",
    ],
)
def test_a_date_that_may_be_part_of_something_else_counts(place):
    document = f"<rss><channel>{place}{ITEM.replace('{at}', AT_TEN)}</channel></rss>"
    assert fingerprint(rendered(document)) != fingerprint(rendered(document, at=AT_ELEVEN))


def test_letters_of_other_charsets_count():
    for charset in ("iso-2022-jp", "utf-16"):
        japanese = [
            rendered(RSS, at=at, title="\u65b0\u805e").decode().encode(charset)
            for at in (AT_TEN, AT_ELEVEN)
        ]
        assert fingerprint(japanese[0]) != fingerprint(japanese[1])


PIECES = st.sampled_from(
    ["<channel>", "</channel>", "<title>", "</title>", "<title>A</title>", "<language>", "</language>", "<item>", "</item>", ITEM, "<entry>", "<feed>", "</feed>",
     "<lastBuildDate>{at}</lastBuildDate>", "<pubDate>{at}</pubDate>", "<updated>{at}</updated>", "<dc:date>{at}</dc:date>", "<lastBuildDate>{at}", "</lastBuildDate>",
     "<!-- {at} -->", "<!--", "-->", "<![CDATA[", "]]>", "{at}", "&amp;", "&", "<", ">", "<br/>", "<link href='", "'/>", "<image>", "</image>", "</rss>", "<rss>", " ", "<?pi {at}?>",
     "<author>", "</author>", "<description>", "</description>", "<ttl>5</ttl>", "<!DOCTYPE rss>", "<content:encoded>", "</content:encoded>"]
)  # fmt: skip
ROOTS = st.sampled_from(
    ["", "<rss>", "<rss version='2.0'><channel>", "<feed>", "<rdf:RDF><channel>", "{"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ROOTS,
    st.lists(PIECES, max_size=12).map("".join),
    st.sampled_from(["", ITEM, ITEM + "</channel></rss>", ITEM + "</channel></rss><!-- {at} -->"]),
)
@example("<rss><channel>", "<title>A<!-- {at} --></title><lastBuildDate>{at}</lastBuildDate>", ITEM)
def test_feeds_with_one_fingerprint_have_the_same_entries(root, pieces, end):
    first, second = (
        rendered(root + pieces + end, at=at) for at in ("Tue, 24 Nov 2026", "Wed, 25 Dec 2027")
    )
    if fingerprint(first) == fingerprint(second):
        assert _read(first) == _read(second)


def _read(body):
    try:
        return read(body, url="https://herald.example/feed", headers={}, now=NOW)
    except FeedError:
        # The message may quote what changes at each rendering.
        return None


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus of real feeds in {CORPUS}")
def test_real_feeds_that_say_when_they_were_rendered_are_recognised():
    for name in ("real-cnn.rss", "real-korean-times.rss", "rss_2.0_cloudflare.xml"):
        body = (CORPUS / name).read_bytes()
        date = body.partition(b"<lastBuildDate>")[2].partition(b"</")[0]
        anew = body.replace(date, date.translate(bytes.maketrans(b"0123456789", b"1234567890")), 1)
        assert anew != body
        assert fingerprint(anew) == fingerprint(body)


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a ",
        "<a b='",
        "<!--",
        "-->",
        "<!-- - ",
        "<![CDATA[",
        "</a",
        "<rss> ",
        "</rss> ",
        "<a b='c'",
    ],
)
def test_a_hostile_document_is_hashed_at_once(piece):
    start = time.thread_time()
    fingerprint(b"<rss><channel>" + piece.encode() * (200_000 // len(piece)))
    assert time.thread_time() - start < 2
