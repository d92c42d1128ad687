"""Which hubs a feed names, and as what they know it."""

from datetime import UTC, datetime

import pytest

from monitor.feeds.document import read
from monitor.feeds.hints import NO_HEAD, Head
from monitor.feeds.hubs import MOST_HUBS, feed_hubs
from monitor.model import FeedHubs

URL = "https://a.example/news/feed"
HUB, SELF = "https://hub.example/", "https://a.example/feed"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def of(link="", hubs=(), topic=None):
    return feed_hubs({"link": link} if link else {}, Head(hubs=hubs, topic=topic), URL)


@pytest.mark.parametrize(
    "link",
    [
        f'<{HUB}>; rel="hub", <{SELF}>; rel="self"',
        f"<{SELF}>;rel=self,<{HUB}>;rel=hub",
        f'<{HUB}>; title="a, b; c"; rel="HUB"; type=x, <{SELF}>; rel = "alternate self"',
        f'<{HUB}> rel="hub", <{SELF}> rel="self"',
        f'<https://x.example/>; rel="webmention", <{HUB}>; rel="hub", <../feed>; rel="self"',
    ],
)
def test_link_headers_name_hub_and_topic(link):
    assert of(link) == FeedHubs(SELF, (HUB,))


def test_the_document_counts_where_the_headers_name_no_hub():
    assert of("", (HUB,), SELF) == FeedHubs(SELF, (HUB,))
    assert of('<https://other.example/>; rel="self"', (HUB,), SELF) == FeedHubs(SELF, (HUB,))
    assert of(f'<{HUB}>; rel="hub"', ("https://other.example/",), SELF) == FeedHubs(SELF, (HUB,))


@pytest.mark.parametrize(
    ("hubs", "topic"),
    [
        ((), SELF),
        ((HUB,), None),
        (("mailto:hub@example.org",), SELF),
        (("javascript:alert(1)",), SELF),
        (("http://[x",), SELF),
        (("https://hub.example/a b",), SELF),
        (("https://hub.example/\x1b[2J",), SELF),
        (("https://hub.example/" + 3000 * "x",), SELF),
        ((HUB,), "data:text/plain,x"),
    ],
)
def test_what_is_no_address_of_the_web_is_no_hub(hubs, topic):
    assert of("", hubs, topic) is None


def test_hubs_with_https_come_first_and_few_are_enough():
    hubs = ("http://a.example/", HUB, "http://b.example/", HUB, "https://c.example/", "http://d/")
    assert of("", hubs, SELF).hubs == (HUB, "https://c.example/", "http://a.example/")
    assert MOST_HUBS == 3


@pytest.mark.parametrize("form", ["<{}>; rel=hub,", "<{}", '<{}>; rel="{}', "<{}>;{}"])
def test_hostile_headers_are_harmless(form):
    feed_hubs({"link": form.replace("{}", "x" * 30_000)}, NO_HEAD, URL)


@pytest.mark.parametrize(
    "body",
    [
        f"<rss xmlns:a='http://www.w3.org/2005/Atom'><channel><title>T</title>"
        f"<a:link rel='hub' href='{HUB}'/><a:link rel='self' href='{SELF}'/>"
        "<item><title>x</title><link rel='hub' href='https://entry.example/'/></item></channel></rss>",
        f'<feed xmlns="http://www.w3.org/2005/Atom"><link href="{SELF}" rel="self"/>'
        f'<link rel="hub" href="{HUB}"/><entry><id>1</id><title>x</title></entry></feed>',
        f'{{"version": "https://jsonfeed.org/version/1.1", "feed_url": "{SELF}", "hubs": ['
        f'{{"type": "rssCloud", "url": "https://x.example/"}}, 7, {{"type": "WebSub"}},'
        f'{{"type": "WebSub", "url": "{HUB}"}}], "items": [{{"id": "1"}}]}}',
    ],
    ids=["rss", "atom", "json"],
)
def test_documents_name_hub_and_topic(body):
    head = read(body.encode(), url=URL, headers={}, now=NOW).head
    assert feed_hubs({}, head, URL) == FeedHubs(SELF, (HUB,))


def test_references_are_unescaped():
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="self" href="/f?a=1&amp;b=2"/>'
        '<link rel="hub" href="/?p=hub&#x26;x"/><entry><id>1</id><title>x</title></entry></feed>'
    )
    head = read(body.encode(), url=URL, headers={}, now=NOW).head
    assert feed_hubs({}, head, URL) == FeedHubs(
        "https://a.example/f?a=1&b=2", ("https://a.example/?p=hub&x",)
    )
