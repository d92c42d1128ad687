"""Sitemaps polled like feeds: compressed, in an index, and some of them out of reach."""

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from monitor.config import PollSettings, Settings
from monitor.http.client import HttpClient
from monitor.model import Feed
from monitor.scheduler.poll import Poller

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SETTINGS = Settings(
    allow_private_addresses=(ip_network("127.0.0.0/8"),),
    poll=PollSettings(timeout=timedelta(seconds=1), max_size=100_000),
)
XML = {"Content-Type": "application/xml"}


@pytest.fixture
def feed(site, store):
    feed = Feed(f"{site.url}/sitemap.xml")
    store.feeds.schedule([feed], NOW)
    return feed


@pytest.fixture
def poll(store, queues):
    def poll(feed):
        async def run():
            async with HttpClient.of(SETTINGS) as http:
                return await Poller(store, queues, http, SETTINGS, clock=lambda: NOW).poll(feed)

        return asyncio.run(run())

    return poll


def urlset(site, *paths):
    pages = "".join(f"<url><loc>{site.url}{path}</loc></url>" for path in paths)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{pages}</urlset>'.encode()


def index(site, *paths, dated=False):
    lastmod = "<lastmod>2026-11-24</lastmod>" if dated else ""
    parts = "".join(f"<sitemap><loc>{site.url}{path}</loc>{lastmod}</sitemap>" for path in paths)
    return f"<sitemapindex>{parts}</sitemapindex>".encode()


def queued(redis):
    return sorted(
        json.loads(args)[1]["url"].rpartition("/")[2]
        for args in redis.hvals("presswatch:outstanding:articles")
    )


@pytest.mark.parametrize("is_compressed", [False, True])
def test_pages_that_a_sitemap_did_not_list_before_are_queued(
    site, feed, poll, redis, is_compressed
):
    packed = gzip.compress if is_compressed else bytes
    site.pages["/sitemap.xml"] = (200, XML, packed(urlset(site, "/old", "/older")))
    assert poll(feed).state.entries == 2
    assert queued(redis) == []
    site.pages["/sitemap.xml"] = (200, XML, packed(urlset(site, "/new", "/old", "/older")))
    assert poll(feed).new == 1
    assert queued(redis) == ["new"]


def test_the_sitemaps_of_an_index_are_read_as_one_even_if_the_index_stays_the_same(
    site, feed, poll, redis
):
    site.pages["/sitemap.xml"] = (200, XML | {"ETag": '"1"'}, index(site, "/a.xml", "/b.xml.gz"))
    site.pages["/a.xml"] = (200, XML, urlset(site, "/1"))
    site.pages["/b.xml.gz"] = (200, {}, gzip.compress(urlset(site, "/2")))
    assert poll(feed).state.entries == 2
    site.pages["/a.xml"] = (200, XML, urlset(site, "/1", "/3"))
    outcome = poll(feed)
    assert (outcome.new, outcome.state.problem) == (1, None)
    assert queued(redis) == ["3"]


def test_an_index_that_dates_its_sitemaps_is_not_read_again_until_it_changes(site, feed, poll):
    site.pages["/sitemap.xml"] = (200, XML | {"ETag": '"1"'}, index(site, "/a.xml", dated=True))
    site.pages["/a.xml"] = (200, XML, urlset(site, "/1"))
    poll(feed)
    assert poll(feed).state.error is None
    assert site.asked()["/a.xml"] == 1


def test_a_sitemap_out_of_reach_makes_the_feed_doubtful_and_all_make_it_fail(site, feed, poll):
    site.pages["/sitemap.xml"] = (200, XML, index(site, "/a.xml", "/gone.xml", "/bomb.xml.gz"))
    site.pages["/a.xml"] = (200, XML, urlset(site, "/1"))
    site.pages["/bomb.xml.gz"] = (200, XML, gzip.compress(bytes(5_000_000)))
    state = poll(feed).state
    assert state.entries == 1
    assert "2 of 3 sitemaps could not be read" in state.problem
    site.pages["/sitemap.xml"] = (200, XML, index(site, "/gone.xml"))
    assert "HTTP 404" in poll(feed).state.error


def test_slow_sitemaps_of_an_index_take_hardly_longer_than_a_feed_may(site, feed, poll):
    paths = [f"/{number}.xml" for number in range(4)]
    site.pages["/sitemap.xml"] = (200, XML, index(site, *paths))
    for path in paths:
        site.pages[path] = (200, XML, urlset(site, f"/page{path}"))
        site.delays[path] = 0.7
    state = poll(feed).state
    assert state.entries == 2
    assert "2 of 4 sitemaps could not be read" in state.problem
    assert "the others took more than 1 s" in state.problem


def test_an_index_of_indexes_and_one_that_leads_inside_are_not_followed(site, feed, poll):
    site.pages["/sitemap.xml"] = (200, XML, index(site, "/sitemap.xml"))
    assert "none of the sitemaps that it lists could be read" in poll(feed).state.error
    assert site.asked()["/sitemap.xml"] == 2
    body = b"<sitemapindex><sitemap><loc>http://10.0.0.1/x</loc></sitemap></sitemapindex>"
    site.pages["/sitemap.xml"] = (200, XML, body)
    assert "10.0.0.1" in poll(feed).state.error


def test_a_rebuilt_sitemap_makes_the_feed_doubtful(site, feed, poll, redis):
    site.pages["/sitemap.xml"] = (200, XML, urlset(site, "/1"))
    poll(feed)
    pages = [f"/x{number}" for number in range(200)]
    site.pages["/sitemap.xml"] = (200, XML, urlset(site, *pages))
    assert "200 pages without a date appeared in the sitemap at once" in poll(feed).state.problem
    assert queued(redis) == []
