"""Tests of what entries leave to their feed, or say in rarer elements."""

import json
from datetime import UTC, datetime

import pytest

from monitor.feeds.parse import parse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FEED = "https://feeds.host.example/herald/rss.xml"
NAMESPACES = (
    ' xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
    ' xmlns:media="http://search.yahoo.com/mrss/"'
    ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def entries(document):
    if not isinstance(document, str):
        document = json.dumps({"version": "https://jsonfeed.org/version/1.1", **document})
    return parse(document.encode(), url=FEED, headers={}, now=NOW).entries


def rss(*items, site="https://herald.example/news/", more=""):
    channel = f"<title>Herald</title><link>{site}</link>{more}"
    return f"<rss version='2.0'{NAMESPACES}><channel>{channel}{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"


def atom(head, *items):
    return f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Herald</title>{head}{''.join(f'<entry>{item}</entry>' for item in items)}</feed>"


# A document type sends the document to feedparser.
@pytest.fixture(params=["", "<!DOCTYPE rss>"], ids=["quickly", "feedparser"])
def both(request):
    """Parses a document with one of the two readers."""
    return lambda document: entries(request.param + document)


@pytest.mark.parametrize(
    ("link", "site", "url"),
    [
        ("/1", "https://herald.example/news/", "https://herald.example/1"),
        ("1.html", "https://herald.example/news/", "https://herald.example/news/1.html"),
        ("1.html", "/news/", "https://feeds.host.example/news/1.html"),
        ("/1", "http://localhost/", "https://feeds.host.example/1"),
        ("/1", "http://10.0.0.1/", "https://feeds.host.example/1"),
        ("/1", "the site", "https://feeds.host.example/1"),
        ("/1", "", "https://feeds.host.example/1"),
        ("//b.example/1", "https://herald.example/", "https://b.example/1"),
    ],
)
def test_a_relative_link_of_rss_belongs_to_the_channels_site(both, link, site, url):
    (entry,) = both(rss(f"<title>Talks</title><link>{link}</link>", site=site))
    assert entry.url == url


def test_a_relative_link_of_atom_belongs_to_the_documents_address(both):
    (entry,) = both(atom("<link href='https://herald.example/'/>", "<link href='/1'/>"))
    assert entry.url == "https://feeds.host.example/1"


def test_a_relative_link_of_a_json_feed_belongs_to_its_home_page():
    document = {"home_page_url": "https://herald.example/", "items": [{"id": "1", "url": "/1"}]}
    assert entries(document)[0].url == "https://herald.example/1"


@pytest.mark.parametrize("guid", ["12345", "herald-1", "post 7", "/2026/1", "urn:x:1"])
def test_a_guid_that_is_no_url_is_no_link(both, guid):
    (entry,) = both(rss(f"<title>Talks</title><guid>{guid}</guid>"))
    assert entry.url is None
    assert entry.guid.endswith(guid)


def test_a_guid_that_is_a_url_is_a_link(both):
    (entry,) = both(rss("<guid><![CDATA[ https://herald.example/?a=1&b=2 ]]></guid>"))
    assert entry.url == "https://herald.example/?a=1&b=2"


def test_a_relative_link_counts_even_if_the_guid_repeats_it(both):
    fields = ["<guid>/1</guid>", "<link>/1</link>"]
    for item in ("".join(fields), "".join(reversed(fields))):
        assert both(rss(item))[0].url == "https://herald.example/1"


def test_the_sites_own_link_wins_over_feedburners(both):
    counted = "<link>https://feeds.host.example/~r/herald/1</link>"
    original = "<feedburner:origLink>https://herald.example/1?a=1&amp;b=2</feedburner:origLink>"
    broken = "<feedburner:origLink>1</feedburner:origLink>"
    first, second = both(rss(counted + original, counted + broken))
    assert first.url == "https://herald.example/1?a=1&b=2"
    assert second.url == "https://feeds.host.example/~r/herald/1"


def test_atom_entries_inherit_authors_of_their_source_or_feed(both):
    of_feed = "<author><name>Herald</name></author><author><name>Agency</name></author>"
    source = "<source><author><name>Courier</name></author></source>"
    unnamed = "<source><title>Courier</title></source>"
    own, of_source, of_neither, none = both(
        atom(of_feed, "<author><name>A. Writer</name></author>", source, unnamed, "<id>4</id>")
    )
    assert own.authors == ("A. Writer",)
    assert of_source.authors == ("Courier",)
    assert of_neither.authors == none.authors == ("Herald", "Agency")


def test_entries_of_rss_do_not_inherit_the_managing_editor(both):
    (entry,) = both(rss("<guid>1</guid>", more="<managingEditor>A. Boss</managingEditor>"))
    assert entry.authors == ()


def test_items_of_a_json_feed_inherit_its_authors():
    items = [{"id": "1"}, {"id": "2", "authors": [{"name": "A. Writer"}]}]
    one, two = entries({"authors": [{"name": "Herald"}], "items": items})
    assert (one.authors, two.authors) == (("Herald",), ("A. Writer",))


@pytest.mark.parametrize(
    ("spare", "text"),
    [
        ("<itunes:subtitle>Talks on grain</itunes:subtitle>", "Talks on grain"),
        ("<media:group><media:text>Talks on film</media:text></media:group>", "Talks on film"),
        ("<media:content url='x'><media:description>A ship</media:description></media:content>", "A ship"),
        ("<link rel='enclosure' title='Talks, part 1' href='/1.mp3'/><enclosure url='/1.mp3'/>", "Talks, part 1"),
    ],
)  # fmt: skip
def test_media_and_enclosures_are_the_text_of_entries_without_any(both, spare, text):
    alone, beside = both(rss(f"<guid>1</guid>{spare}", f"<guid>2</guid><description>Words</description>{spare}"))  # fmt: skip
    assert alone.content + alone.summary == text
    assert beside.summary == "Words"


def test_attachments_are_the_text_of_items_of_a_json_feed_without_any():
    attachments = [{"url": "/1.mp3", "title": "Talks, part 1"}, 5, {"title": "Part 2"}]
    one, two = entries(
        {"items": [{"id": "1", "attachments": attachments}, {"id": "2", "summary": "Words", "attachments": attachments}]}
    )  # fmt: skip
    assert (one.content, two.content) == ("Talks, part 1\nPart 2", "")
