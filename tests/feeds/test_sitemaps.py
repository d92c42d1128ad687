"""Sitemaps as feeds: what a page of them says, which parts of an index are read, what is new."""

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import FeedError
from monitor.feeds.document import read
from monitor.feeds.entries import MOST_UNDATED_PAGES, decide
from monitor.feeds.parse import parse
from monitor.feeds.sitemaps import MAX_PARTS, is_index, joined_sitemaps, parts_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
URL = "https://herald.example/sitemap.xml"
BACKFILL = timedelta(hours=24)
NEWS = """<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://herald.example/a?x=1&amp;y=2</loc>
  <image:image><image:loc>https://herald.example/a.jpg</image:loc><image:title>No</image:title></image:image>
  <news:news><news:publication><news:name>Herald</news:name><news:language>en</news:language></news:publication>
  <news:publication_date>2026-11-24T09:00:00+01:00</news:publication_date>
  <news:title>Envoys &amp; ministers meet</news:title></news:news></url>
</urlset>"""


def plain(*pages):
    body = "".join(
        f"<url><loc>https://herald.example{path}</loc>{f'<lastmod>{date}</lastmod>' if date else ''}</url>"
        for path, date in pages
    )
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</urlset>'.encode()


def index(*parts):
    body = "".join(
        f"<sitemap><loc>{url}</loc>{f'<lastmod>{date}</lastmod>' if date else ''}</sitemap>"
        for url, date in parts
    )
    return f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</sitemapindex>'.encode()


def parsed(body):
    return parse(body if isinstance(body, bytes) else body.encode(), url=URL, headers={}, now=NOW)


def decided(body, seen, **more):
    document = read(body, url=URL, headers={}, now=NOW)
    return decide(document.entries, seen, now=NOW, is_sitemap=document.is_sitemap, **more)


def test_a_news_sitemap_says_title_date_and_publication():
    feed = parsed(NEWS)
    assert (feed.title, feed.language, feed.problem, feed.is_sitemap) == (
        "Herald",
        "en",
        None,
        True,
    )
    (entry,) = feed.entries
    assert entry.url == "https://herald.example/a?x=1&y=2"
    assert entry.title == "Envoys & ministers meet"
    assert entry.published_at == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert not entry.date_is_doubtful


def test_a_plain_sitemap_has_pages_whose_date_is_doubtful():
    first, second = parsed(plain(("/a", "2026-11-24"), ("/b", None))).entries
    assert (first.updated_at, first.published_at) == (datetime(2026, 11, 24, tzinfo=UTC), None)
    assert first.date_is_doubtful
    assert not second.date_is_doubtful


def test_a_sitemap_that_breaks_off_yields_what_came_before():
    feed = parsed(NEWS.removesuffix("</urlset>") + "<url><loc>https://herald.exa")
    assert len(feed.entries) == 1
    assert feed.problem == "the sitemap breaks off after 1 entry"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<urlset><url><loc>https://a.example/", "not well-formed"),
        (index((URL, None)), "index of sitemaps"),
        (
            b'<!DOCTYPE urlset [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>',
            "no feed",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(body, why):
    with pytest.raises(FeedError, match=why):
        parsed(body)


def test_a_sitemap_of_nothing_but_depth_or_javascript_does_no_harm():
    deep = b"<urlset><url>" + b"<a>" * 100_000
    with pytest.raises(FeedError):
        parsed(deep)
    assert parsed(b"<urlset><url><loc>javascript:alert(1)</loc></url></urlset>").entries == ()


def test_the_sitemaps_of_an_index_that_changed_last_are_read_and_news_first():
    site = "https://herald.example/"
    found, are_dated = parts_of(
        index(
            *((f"{site}2020-{month:02}.xml", f"2020-{month:02}-01") for month in range(1, 13)),
            (f"{site}2026-11.xml", "2026-11-24"),
            (f"{site}category-sitemap.xml", "2026-11-24T11:00:00Z"),
            (f"{site}news.xml", "2019-01-01"),
            ("javascript:x", "2026-11-24"),
        ),
        URL,
        NOW,
    )
    names = [part.url.rpartition("/")[2] for part in found]
    assert names == ["news.xml", "2026-11.xml", "2020-12.xml", "2020-11.xml"]
    assert are_dated


def test_an_index_without_dates_is_read_at_both_ends():
    found, are_dated = parts_of(
        index(*((f"https://a.example/{n}.xml", None) for n in range(9))), URL, NOW
    )
    assert [part.url[-5] for part in found] == ["8", "0", "7", "1"]
    assert len(found) == MAX_PARTS
    assert not are_dated


def test_joined_sitemaps_read_as_each_did():
    joined = joined_sitemaps(
        [
            (URL, NEWS.encode()),
            (URL, b"<html>no</html>"),
            (URL, plain(("/b", "2026-11-24"), ("/c", None))),
        ],
        NOW,
    )
    apart = [*parsed(NEWS).entries, *parsed(plain(("/b", "2026-11-24"), ("/c", None))).entries]
    assert list(parsed(joined).entries) == apart
    assert parsed(joined).title == "Herald"
    with pytest.raises(FeedError, match="none of the sitemaps"):
        joined_sitemaps([(URL, b"<html>no</html>")], NOW)


def test_an_index_is_recognised_after_declarations_and_nothing_else_is():
    assert is_index(b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- - -->' + index((URL, None)))
    assert is_index(b"<sm:sitemapindex xmlns:sm='x'>")
    assert not is_index(NEWS.encode())
    assert not is_index(b"<rss><!-- <sitemapindex> --></rss>")
    assert not is_index(gzip.compress(index((URL, None))))


def test_old_pages_of_a_sitemap_are_not_news_and_later_ones_are():
    body = plain(*((f"/{number}", "2026-11-24") for number in range(600)))
    first = decided(body, {}, backfill=BACKFILL)
    assert not first.new
    later = plain(*((f"/{number}", "2026-11-25") for number in range(-2, 600)))
    second = decided(later, first.remember)
    assert len(second.new) == 2
    assert not second.edited
    assert not second.passed_over


def test_recent_news_of_a_sitemap_are_news_at_once():
    assert len(decided(NEWS.encode(), {}, backfill=BACKFILL).new) == 1


def test_a_rebuilt_sitemap_alerts_on_none_of_its_old_pages_and_says_so():
    first = decided(plain(("/a", None)), {}, backfill=BACKFILL)
    count = MOST_UNDATED_PAGES + 1
    rebuilt = decided(plain(*((f"/x{number}", None) for number in range(count))), first.remember)
    assert not rebuilt.new
    assert rebuilt.passed_over == count
    assert not rebuilt.held_back
