"""Tests of parsing feeds."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FeedError
from monitor.feeds.parse import parse
from monitor.model import as_json

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>The  Herald</title><language>en-gb</language>
<item><title>Ministers meet &amp; talk</title><link>/2026/talks</link>
<guid isPermaLink="false">urn:1</guid><pubDate>Mon, 23 Nov 2026 10:00:00 +0100</pubDate>
<description>&lt;p&gt;In short.&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>At length.</p>]]></content:encoded></item>
</channel></rss>"""

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CORPUS = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora")) / "feeds"


def read(body: bytes, **headers: str):
    return parse(body, url="https://herald.example/feed.xml", headers=headers, now=NOW)


def test_an_rss_entry_has_an_absolute_link_a_utc_date_and_both_texts():
    feed = read(RSS)
    (entry,) = feed.entries
    assert (feed.title, feed.language) == ("The Herald", "en-gb")
    assert entry.guid == "urn:1"
    assert entry.url == "https://herald.example/2026/talks"
    assert entry.title == "Ministers meet & talk"
    assert entry.published_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert "In short." in entry.summary
    assert "At length." in entry.content


def test_a_json_feed_is_read():
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


def test_a_link_that_is_not_http_is_dropped():
    body = RSS.replace(b"/2026/talks", b"javascript:alert(1)")
    assert read(body).entries[0].url is None


@pytest.mark.parametrize("bad", ["http://[bad", "//[", "http://[::1%/"])
def test_an_address_that_is_not_one_costs_nothing_else(bad):
    assert read(RSS, **{"content-location": bad}).entries[0].url.endswith("/2026/talks")
    linked = RSS.replace(b"/2026/talks", bad.encode())
    assert read(linked).entries[0].url is None
    based = RSS.replace(b"<rss ", f'<rss xml:base="{bad}" '.encode())
    assert read(based).entries[0].title == "Ministers meet & talk"
    page = f'<html><link rel=alternate type="application/rss+xml" href="{bad}">'
    with pytest.raises(FeedError, match="names no feed"):
        read(page.encode())


def test_a_web_page_is_not_a_feed():
    with pytest.raises(FeedError, match="no feed"):
        read(b"<html><body>Not here</body></html>", **{"content-type": "text/html"})


def test_bytes_that_name_a_file_are_not_opened(tmp_path):
    secret = tmp_path / "secret.xml"
    secret.write_bytes(RSS)
    with pytest.raises(FeedError):
        read(str(secret).encode())


@pytest.mark.parametrize("prefix", ["gml", "g"])
def test_a_position_outside_of_its_element_costs_no_entry(prefix):
    namespace = f'<rss xmlns:{prefix}="http://www.opengis.net/gml" '.encode()
    position = f"<{prefix}:pos>45.2 -71.9</{prefix}:pos></item>".encode()
    (entry,) = read(RSS.replace(b"<rss ", namespace).replace(b"</item>", position)).entries
    assert entry.title == "Ministers meet & talk"
    assert "At length." in entry.content


@pytest.mark.parametrize(
    "doctype",
    [
        b"<!DOCTYPE html>",
        b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://www.w3.org/x.dtd">\n<!-- a -->',
    ],
)
def test_the_root_element_decides_whether_a_document_is_a_feed(doctype):
    body = RSS.replace(b"<rss ", doctype + b"<rss ")
    assert read(body).entries[0].title == "Ministers meet & talk"


def test_a_feed_that_breaks_off_yields_the_entries_before():
    entries = read(RSS.replace(b"</channel></rss>", b"<item><title>Second</ti")).entries
    assert entries[0].title == "Ministers meet & talk"


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda noise: RSS[:200] + noise))
def test_any_bytes_give_a_feed_or_a_feed_error(body):
    try:
        read(body)
    except FeedError:
        return


def rss(items, title="Herald"):
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'.encode()


GOOD = "<item><guid isPermaLink='false'>good</guid><title>Good</title></item>"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("A &#55357;&#56832;", "A 😀"),
        ("A &#xD83D; b", "A \ufffd b"),
        ("A &#99999999999; b", "A \ufffd b"),
        ("A &amp;#55357;&amp;#56832;", "A 😀"),
    ],
)
def test_a_forbidden_character_costs_only_itself(written, title):
    bad, good = read(rss(f"<item><title>{written}</title></item>{GOOD}")).entries
    assert (bad.title, good.guid) == (title, "good")


@pytest.mark.parametrize(
    ("element", "authors"),
    [("<authors>A. Writer</authors>", ("A. Writer",)), ("<authors count='2'>A</authors>", ())],
)
def test_an_element_called_authors_costs_no_entry(element, authors):
    entry, good = read(rss(f"<item><title>x</title>{element}</item>{GOOD}")).entries
    assert (entry.title, entry.authors, good.guid) == ("x", authors, "good")


def test_dates_are_read_as_written_not_as_feedparser_reads_them():
    def item(written):
        return f"<item><title>x</title><pubDate>{written}</pubDate></item>"

    found = read(
        rss(
            "".join(
                map(item, ["1520932969", "Tue, 24 Nov 2026 1:55 PM EST", "0001-01-01T00:00:00Z"])
            )
        )
    )
    assert [entry.published_at for entry in found.entries] == [
        datetime(2018, 3, 13, 9, 22, 49, tzinfo=UTC),
        datetime(2026, 11, 24, 18, 55, tzinfo=UTC),
        None,
    ]


def test_an_entry_says_when_its_date_is_doubtful():
    (entry,) = read(rss("<item><title>x</title><pubDate>24.11.2026 10:00</pubDate></item>")).entries
    assert (entry.published_at, entry.date_is_doubtful) == (
        datetime(2026, 11, 24, 10, tzinfo=UTC),
        True,
    )
    (sure,) = read(RSS).entries
    assert not sure.date_is_doubtful


def test_dates_have_no_fractions_of_a_second():
    (entry,) = read(
        rss("<item><title>x</title><pubDate>2026-11-24T10:00:00.123Z</pubDate></item>")
    ).entries
    assert entry.published_at.isoformat() == "2026-11-24T10:00:00+00:00"


def test_a_feeds_title_is_plain_text_on_one_line():
    assert (
        read(rss(GOOD, title="AT&amp;amp;T &lt;b&gt;News&lt;/b&gt;\n today")).title
        == "AT&T News today"
    )


def test_a_feed_that_breaks_off_has_a_problem_and_its_complete_entries():
    cut = rss(GOOD + "<item><title>Second").removesuffix(b"</channel></rss>")
    feed = read(cut)
    assert [entry.guid for entry in feed.entries] == ["good"]
    assert feed.problem == "the document breaks off after 1 entry"


def test_html_entities_are_read_and_are_not_a_problem():
    feed = read(rss("<item><title>Caf&eacute;&nbsp;noir</title></item>"))
    assert (feed.entries[0].title, feed.problem) == ("Café noir", None)


def test_xml_that_is_not_well_formed_is_a_problem():
    feed = read(rss(GOOD + "<item><title>a < b & c</title></item>"))
    assert len(feed.entries) == 2
    assert feed.problem.startswith("the document is not well-formed XML (line 1: ")
    assert read(RSS).problem is None


def test_an_undeclared_charset_is_a_problem():
    words = "Министры встретились в Москве, чтобы обсудить поставки зерна"
    feed = read(rss(f"<item><title>{words}</title></item>").decode().encode("cp1251"))
    assert feed.entries[0].title == words
    assert feed.problem == "no charset is declared; read as windows-1251"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the answer is empty"),
        (b" \n", "the answer is empty"),
        (b"<!DOCTYPE html><title>x</title>", r"a web page \(HTML\) and names no feed"),
        (b'<html><link rel="alternate" type="application/rss+xml" href="/rss?a=1&amp;b=2">', r"subscribe to that: https://herald.example/rss\?a=1&b=2"),
        (b'<?xml version="1.0"?><opml xmlns="x"><body/></opml>', "begins with <opml>"),
        (b'{"articles": []}', "no list of `items`"),
        (b'{"items": [{"sku": 1}, 5]}', "neither `id`, `url`"),
        (b'{"items": ', "broken JSON"),
        (b"[1, 2]", "no list of `items`"),
        (b"\x1f\x8b\x08\x00\x00\x00", r"compressed data \(gzip\)"),
        (b"PK\x03\x04\x14\x00", r"compressed data \(zip\)"),
        (b"\x00\x01\x02\x03a\x00b\x00<\x00rss", "this is binary data"),
        (b"<!-- a > b --><!DOCTYPE html><!-- <rss> --><p>x", "a web page"),
        (b"Service unavailable", "neither XML nor JSON, it begins with 'Service unavailable'"),
    ],
)  # fmt: skip
def test_the_refusal_says_what_the_document_is(body, message):
    with pytest.raises(FeedError, match=message):
        read(body)


@pytest.mark.parametrize(
    "version", ["1", "1.0", "1.1", 1, "https://jsonfeed.org/version/1", None, ["x"]]
)
def test_a_json_object_with_items_is_a_json_feed(version):
    document = {"version": version, "items": [{"id": 7, "title": "Seven"}]}
    assert read(json.dumps(document).encode()).entries[0].guid == "7"


@pytest.mark.parametrize(
    "bad",
    [
        "5", "[]", '"x"', "null", '{"authors": 5}', '{"authors": [5, null, {"name": []}]}', '{"date_published": 5}',
        '{"date_published": "0001-01-01T00:00:00+14:00"}', '{"date_published": "9999-12-31T23:59:59-12:00"}',
        '{"title": ["x"], "url": {}, "summary": 7}', '{"id": NaN, "title": Infinity}', '{"title": "\\ud83d"}',
        '{"id": "a", "id": {"b": 1}}', '{"id": ' + "9" * 6000 + "}", '{"x": ' + "[" * 200 + "]" * 200 + "}",
    ],
)  # fmt: skip
def test_a_bad_item_of_a_json_feed_costs_no_other(bad):
    body = f'{{"version": "1.1", "items": [{bad}, {{"id": "good", "title": "Good"}}]}}'
    entries = read(body.encode()).entries
    assert entries[-1].guid == "good"
    assert "\ud83d" not in as_json(entries[0])


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ('{"id": "2", "title": "Tw', "the document breaks off after 1 entry"),
        (
            '{"id": "2", "x": ' + "[" * 100_000,
            "the document cannot be read (it nests too deeply) after 1 entry",
        ),
    ],
)
def test_a_json_feed_that_breaks_off_yields_the_items_before(rest, problem):
    feed = read(
        (
            '{"version": "1.1", "title": "Notes", "items": [{"id": "good", "title": "Good"}, '
            + rest
        ).encode()
    )
    assert (feed.title, feed.problem, [entry.guid for entry in feed.entries]) == (
        "Notes",
        problem,
        ["good"],
    )


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?>' + b"\n<!DOCTYPE" * 20_000 + rss(GOOD),
        b'<?xml version="1.0"?>' + b"\n" * 100_000 + rss(GOOD).partition(b"?>")[2],
        rss(GOOD + "<item " + " ".join(f'a{n}="1"' for n in range(20_000)) + "/>"),
        rss(GOOD + f"<item><author>a@{'a.' * 20_000}</author></item>"),
        rss(GOOD + "".join(f"<item><pubDate>{n} Nev 2026</pubDate></item>" for n in range(5_000))),
    ],
    ids=["declarations", "empty lines", "attributes", "person", "dates"],
)
def test_a_document_that_would_take_feedparser_minutes_is_read_at_once(body):
    start = time.thread_time()
    assert any(entry.guid == "good" for entry in read(body).entries)
    assert time.thread_time() - start < 30


def _gold():
    path = CORPUS / "gold.json"
    return json.loads(path.read_text()) if path.exists() else {}


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus of real feeds in {CORPUS}")
def test_real_feeds_yield_the_expected_entries():
    wrong = []
    for name, gold in _gold().items():
        feed = parse(
            (CORPUS / name).read_bytes(), url="https://feeds.example/", headers={}, now=NOW
        )
        if len(feed.entries) != len(gold["entries"]):
            wrong.append(name)
    assert wrong == []
