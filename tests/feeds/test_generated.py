"""Tests of generated feeds, with anything in their fields."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.articles.fragments import clean_fragment
from monitor.errors import FeedError
from monitor.feeds.entries import decide, listed
from monitor.feeds.parse import parse
from monitor.model import Entry, as_json

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ODD = st.sampled_from(
    "&#55357;&#56832;|&#xD83D;|&#99999999999;|&#0;|&amp;#55357;|&nosuch;|&|<|<b>bold</b>|<![CDATA[<p>x</p>]]>|]]>"
    "|<br|<!--|<script>x</script>|Tue, 24 Nov 2026 10:00:00 CET|0001-01-01T00:00:00Z|9999-12-31T23:59:59-14:00"
    "|1520932969|24.11.2026|yesterday|javascript:alert(1)|//a|http://[|https://a.example/1|true|1e999|😀"
    f"|{'9' * 5000}|&#{'9' * 5000};".split("|")
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MARKED = st.lists(ODD | WORDS.map(escape) | WORDS, max_size=3).map("".join)


def element(names, more=MARKED):
    """Generates an element with one of these names and anything in it."""
    return st.tuples(st.sampled_from(names), more).map(
        lambda one: f"<{one[0]}>{one[1]}</{one[0].split()[0]}>"
    )


RSS_FIELDS = (
    "title link guid pubDate description author dc:creator dc:date content:encoded category source enclosure"
).split()
ATOM_FIELDS = [
    "title", "id", "updated", "published", "summary", 'content type="html"', 'content type="xhtml"', 'title type="html"',
    "author", "name", 'link href="/a"', "source", 'content mode="base64" type="x"',
]  # fmt: skip
NAMESPACES = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
GOOD_RSS = "<item><guid isPermaLink='false'>good</guid><title>Good</title></item>"
GOOD_ATOM = "<entry><id>good</id><title>Good</title></entry>"


def checked(body):
    """Parses a feed, and checks what must hold of every feed."""
    feed = parse(body, url="https://a.example/feed", headers={}, now=NOW)
    for text in (feed.title, feed.language, feed.problem):
        (text or "").encode()
    for entry in feed.entries:
        as_json(entry).encode()
        for field in fields(Entry):
            value = getattr(entry, field.name)
            for text in value if isinstance(value, tuple) else [value]:
                if isinstance(text, str):
                    text.encode()
                    clean_fragment(text).encode()
                elif isinstance(text, datetime):
                    assert text.utcoffset() is not None
    decide(listed(feed.entries)[0], {}, now=NOW)
    return feed


@quick
@given(
    st.lists(st.lists(element(RSS_FIELDS), max_size=5), max_size=3),
    WORDS.map(escape) | ODD.map(escape),
)
def test_an_rss_feed_with_anything_in_its_fields_is_parsed(items, title):
    bad = "".join(f"<item>{''.join(item)}</item>" for item in items)
    body = f'<rss version="2.0" {NAMESPACES}><channel><title>{title}</title>{GOOD_RSS}{bad}</channel></rss>'
    assert checked(body.encode()).entries[0].title == "Good"


@quick
@given(st.lists(st.lists(element(ATOM_FIELDS), max_size=5), max_size=3))
def test_an_atom_feed_with_anything_in_its_fields_is_parsed(items):
    bad = "".join(f"<entry>{''.join(item)}</entry>" for item in items)
    body = f'<feed xmlns="http://www.w3.org/2005/Atom">{GOOD_ATOM}{bad}</feed>'
    assert checked(body.encode()).entries[0].title == "Good"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20) | ODD | st.just("\ud83d"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "url", "x"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
KEYS = st.sampled_from(
    "id url external_url title summary content_html content_text date_published date_modified author authors".split()
)


@quick
@given(
    st.dictionaries(st.sampled_from(["version", "title", "language", "x"]), ANYTHING, max_size=4),
    st.lists(ANYTHING | st.dictionaries(KEYS, ANYTHING, max_size=6), max_size=4),
)
def test_a_json_feed_with_anything_in_its_fields_is_parsed(document, items):
    body = json.dumps(document | {"items": [*items, {"id": "good", "title": "Good"}]})
    assert checked(body.encode()).entries[-1].guid == "good"


@quick
@given(st.lists(element(RSS_FIELDS), max_size=4).map("".join), st.integers(0, 400))
def test_a_feed_that_breaks_off_anywhere_is_parsed(item, length):
    body = f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{GOOD_RSS}<item>{item}</item></channel></rss>'
    try:
        checked(body.encode()[: length + 100])
    except FeedError:
        return


@quick
@given(st.lists(ODD | WORDS, max_size=8).map("".join) | st.text(max_size=200))
def test_any_fragment_is_cleaned(html):
    clean_fragment(html).encode()
