"""Which addresses of a page, and of its site, may be feeds."""

import pytest

from monitor.feeds.discovery import anchored_feeds, linked_feeds, named_sitemaps, usual_feeds

SITE = "https://herald.example/world/"


def urls(candidates):
    return [each.url for each in candidates]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('<link rel="alternate" type="application/rss+xml" title="All &amp; more" href="/rss">', "/rss"),
        ("<LINK HREF='atom.xml' TYPE='application/atom+xml' REL='Alternate nofollow'>", "/world/atom.xml"),
        ("<link type=application/feed+json rel=alternate href=/feed.json />", "/feed.json"),
        ('<link rel="alternate" type="text/xml; charset=utf-8" href="/x?a=1&amp;b=2">', "/x?a=1&b=2"),
        ('<link rel="feed" href="/f">', "/f"),
        # An API, an address of the page in another language, a player, a style.
        ('<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">', None),
        ('<link rel="alternate" hreflang="de" href="/de/">', None),
        ('<link rel="alternate" type="text/xml+oembed" href="/oembed">', None),
        ('<link rel="stylesheet" type="application/rss+xml" href="/rss">', None),
        ('<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">', None),
        ('<link rel="alternate" type="application/rss+xml" href="http://[x">', None),
        ('<link rel="alternate" type="application/rss+xml">', None),
    ],
)  # fmt: skip
def test_a_head_names_feeds(link, expected):
    found = urls(linked_feeds(f"<html><head>{link}</head>", SITE))
    assert found == ([f"https://herald.example{expected}"] if expected else [])


def test_feeds_of_comments_come_last_and_each_address_once():
    page = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'
        for title, href in [
            ("Comments", "/comments/feed/"),
            ("News", "/feed/"),
            ("Again", "/feed/#x"),
        ]
    )
    found = linked_feeds(page, SITE)
    assert [(each.title, each.url) for each in found] == [
        ("News", "https://herald.example/feed/"),
        ("Comments", "https://herald.example/comments/feed/"),
    ]


def test_a_base_moves_the_addresses_that_follow_it():
    page = (
        '<base href="https://cdn.example/x/"><link rel=alternate type=application/rss+xml href=rss>'
    )
    assert urls(linked_feeds(page, SITE)) == ["https://cdn.example/x/rss"]


@pytest.mark.parametrize(
    ("href", "is_feed"),
    [
        ("/rss", True), ("/rss/world.xml", True), ("/feeds/all", True), ("/news.rss", True),
        ("/atom.xml", True), ("/services/rss/", True), ("//feeds.herald.example/rss", True),
        ("/2026/feedback", False), ("/pressfreedom", False), ("/feed-the-birds", True),
        ("/a/comments/feed/", False), ("/world", False),
    ],
)  # fmt: skip
def test_links_whose_address_looks_like_a_feed_are_tried(href, is_feed):
    assert bool(anchored_feeds(f'<a class="x" href="{href}">RSS</a>', SITE)) is is_feed


def test_robots_txt_names_sitemaps_and_those_of_news_come_first():
    robots = "User-agent: *\nsitemap: /sitemap.xml\n Sitemap:https://herald.example/news.xml\n#Sitemap: /no"
    assert urls(named_sitemaps(robots, SITE)) == [
        "https://herald.example/news.xml",
        "https://herald.example/sitemap.xml",
    ]
    assert "https://herald.example/sitemap.xml" in urls(named_sitemaps("", SITE))
    assert "https://herald.example/feed" in urls(usual_feeds(SITE))


def test_a_hostile_page_names_so_many_feeds_and_no_more():
    page = "".join(f'<link rel=feed href="/{number}">' for number in range(5000))
    assert len(linked_feeds(page, SITE)) == 50
