import asyncio
import dataclasses
import html
import json
import re
import socket
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise

import aiohttp
import feedparser
import pytest
from ruamel.yaml import YAML

from monitor.articles.clean import clean
from monitor.demo import DECOYS, EXPECTED, configuration
from monitor.demo.site import ALREADY_OUT, Newsroom, serve
from monitor.demo.stories import OUTLETS, STORIES

BASE = "http://127.0.0.1:9000"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG_AFTER = START + timedelta(hours=1)
NEWSROOM = Newsroom(BASE, START, timedelta(seconds=2))
WITH_PAGE = [story for story in STORIES if not story.page_missing]


def words(text):
    return " ".join(text.split())


def parsed(outlet, now):
    feed = feedparser.parse(BytesIO(NEWSROOM.feed(OUTLETS[outlet], now)))
    assert not feed.bozo, feed.bozo_exception
    return feed


def watchlists():
    config = YAML(typ="safe", pure=True).load(configuration(BASE))
    return {watchlist["name"]: watchlist["query"] for watchlist in config["watchlists"]}


def matches(query, text):
    """Evaluates a query in the simplest way, so that the demo's promises need no matcher."""
    fold = lambda part: " ".join(re.findall(r"\w+", part.casefold()))  # noqa: E731
    held = f" {fold(text)} "

    def truth(found):
        if found[0] in {"AND", "OR", "NOT"}:
            return found[0].lower()
        return str(f" {fold(found[0])} " in held)

    return eval(re.sub(r'"[^"]+"|\w+', truth, query))


@asynccontextmanager
async def site(**options):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        base = f"http://127.0.0.1:{sock.getsockname()[1]}"
        serving = asyncio.create_task(serve(sock, **options))
        try:
            async with aiohttp.ClientSession(base) as session:
                yield base, session
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving


def test_stories_are_published_one_by_one():
    counts = [
        len(NEWSROOM.published(START + timedelta(seconds=after_s))) for after_s in (0, 1, 2, 4, 5)
    ]
    assert counts == [4, 4, 5, 6, 6]
    assert len(NEWSROOM.published(LONG_AFTER)) == len(STORIES)
    moments = [NEWSROOM.published_at(story) for story in STORIES]
    assert all(earlier < later for earlier, later in pairwise(moments))


def test_the_first_alert_is_possible_from_the_start():
    out = {story.title for story in STORIES[:ALREADY_OUT]}
    assert any(name == "nato-russia" and title in out for name, title in EXPECTED)


@pytest.mark.parametrize("outlet", OUTLETS)
def test_feeds_list_the_published_stories(outlet):
    early, late = parsed(outlet, START), parsed(outlet, LONG_AFTER)
    assert 0 < len(early.entries) < len(late.entries)
    assert late.feed.title == OUTLETS[outlet].name
    assert len({entry.id for entry in late.entries}) == len(late.entries)
    for entry in late.entries:
        story = next(story for story in STORIES if story.title == entry.title)
        assert entry.link.startswith(BASE + story.path)
        assert entry.summary == story.summary
        assert entry.author == story.author
        out_at = datetime(*entry.published_parsed[:6], tzinfo=UTC)
        assert out_at == NEWSROOM.published_at(story)


def test_feeds_come_in_three_formats():
    versions = {outlet: parsed(outlet, LONG_AFTER).version for outlet in OUTLETS}
    assert versions == {"herald": "rss20", "courier": "atom10", "nordblatt": "rss20"}
    full = parsed("nordblatt", LONG_AFTER)
    assert all("</p>\n<p>" in entry.content[0].value for entry in full.entries)


def test_a_syndicated_story_has_two_links_and_one_canonical_address():
    (story,) = (story for story in STORIES if story.also_in)
    links = {
        entry.link
        for outlet in ("herald", "courier")
        for entry in parsed(outlet, LONG_AFTER).entries
        if entry.title == story.title
    }
    assert links == {
        BASE + story.path,
        BASE + story.path + "?utm_source=courier&utm_medium=feed",
    }
    page = NEWSROOM.page(story, LONG_AFTER).decode()
    assert f'<link rel="canonical" href="{BASE + story.path}">' in page


@pytest.mark.parametrize("now", [START, LONG_AFTER], ids=["start", "end"])
@pytest.mark.parametrize("story", WITH_PAGE, ids=lambda story: story.slug)
def test_a_cleaned_page_is_the_article_and_nothing_else(story, now):
    page = clean(NEWSROOM.page(story, now), url=BASE + story.path)
    text = words(page.text)
    assert page.title == story.title
    assert all(words(paragraph) in text for paragraph in story.paragraphs)
    assert not [line for line in OUTLETS[story.outlet].furniture.lines if words(line) in text]
    # No headlines of other stories, captions, buttons or cookie notices: only the article's words.
    length = sum(len(words(paragraph)) for paragraph in story.paragraphs)
    assert len(text) <= length + len(story.title) + len(story.summary) + len(story.paragraphs) + 2


def test_pages_carry_all_their_furniture():
    for story in WITH_PAGE:
        page = html.unescape(NEWSROOM.page(story, LONG_AFTER).decode())
        for line in OUTLETS[story.outlet].furniture.lines:
            assert line in page


def test_expected_alerts_and_decoys_agree_with_the_queries():
    queries = watchlists()
    from_text, with_furniture = set(), set()
    for story in STORIES:
        article = " ".join((story.title, story.summary, *story.paragraphs))
        around = " ".join(OUTLETS[story.outlet].furniture.lines)
        for name, query in queries.items():
            if matches(query, article):
                from_text.add((name, story.title))
            if not story.page_missing and matches(query, f"{article} {around}"):
                with_furniture.add((name, story.title))
    assert from_text == EXPECTED
    assert with_furniture - from_text == DECOYS


def test_the_council_is_spelt_in_every_way():
    text = "\n".join(paragraph for story in STORIES for paragraph in story.paragraphs)
    for spelling in (
        "NATO-Russia Council ",
        "NATO-Russia\nCouncil's",
        "NATO\N{EN DASH}Russia Council",
        "NATO\N{NON-BREAKING HYPHEN}Russia Council",
    ):
        assert spelling in text


def test_the_configuration_points_at_the_newsroom():
    config = YAML(typ="safe", pure=True).load(configuration(BASE + "/"))
    assert [feed["url"] for feed in config["feeds"]] == [
        f"{BASE}/{outlet}/feed.xml" for outlet in OUTLETS
    ]
    assert {feed["name"] for feed in config["feeds"]} == {
        outlet.name for outlet in OUTLETS.values()
    }
    assert set(watchlists()) == {name for name, _ in EXPECTED | DECOYS}
    assert config["settings"]["allow_private_addresses"] == ["127.0.0.1/32"]


@pytest.mark.parametrize("outlet", OUTLETS)
def test_markup_in_a_story_is_escaped_in_pages_and_feeds(outlet):
    hostile = "</script><b title='x'>&amp; \"y\"</b>"
    story = dataclasses.replace(
        STORIES[0], outlet=outlet, title=hostile, author=hostile, paragraphs=(hostile,)
    )
    newsroom = Newsroom(BASE, START, timedelta(seconds=2), stories=(story,))
    page = newsroom.page(story, LONG_AFTER).decode()
    assert "<b " not in page.replace(json.dumps(hostile).replace("</", "<\\/")[1:-1], "")
    feed = feedparser.parse(BytesIO(newsroom.feed(OUTLETS[outlet], LONG_AFTER)))
    assert not feed.bozo, feed.bozo_exception
    assert feed.entries[0].author == hostile


def test_the_site_over_http():
    async def visit():
        async with site(pace_s=3600.0) as (base, session):
            for path in ("/", "/style.css", "/photo.svg", *(f"/{key}/" for key in OUTLETS)):
                async with session.get(path) as response:
                    assert response.status == 200, path
            async with session.get("/herald/feed.xml") as response:
                assert response.content_type == "application/rss+xml"
                feed = feedparser.parse(BytesIO(await response.read()))
                validators = (
                    {"If-None-Match": response.headers["ETag"]},
                    {"If-Modified-Since": response.headers["Last-Modified"]},
                )
            for validator in validators:
                async with session.get("/herald/feed.xml", headers=validator) as response:
                    assert response.status == 304
                    assert await response.read() == b""
            stale = {"If-None-Match": '"other"', **validators[1]}
            async with session.get("/herald/feed.xml", headers=stale) as response:
                assert response.status == 200
            assert len(feed.entries) == 2
            for entry in feed.entries:
                assert entry.link.startswith(base + "/herald/")
                async with session.get(entry.link) as response:
                    assert response.status == 200
                    assert response.content_type == "text/html"
            for path in (STORIES[ALREADY_OUT].path, "/gazette/", "/gazette/feed.xml", "/none"):
                async with session.get(path) as response:
                    assert response.status == 404, path

    asyncio.run(visit())


def test_the_desk_takes_alerts_after_it_was_busy_once():
    async def deliver():
        async with site() as (_, session):
            answers = []
            for _ in range(3):
                async with session.post("/desk", json={}) as response:
                    answers.append((response.status, response.headers.get("Retry-After")))
            assert answers == [(503, "2"), (204, None), (204, None)]

    asyncio.run(deliver())


def test_a_missing_page_gives_404_although_its_entry_is_published():
    async def visit():
        async with site(started_at=datetime.now(UTC) - timedelta(hours=1)) as (_, session):
            for story in STORIES:
                async with session.get(story.path) as response:
                    assert response.status == (404 if story.page_missing else 200), story.slug
            async with session.get("/courier/feed.xml") as response:
                assert "The NATO-Russia Council has put off" in await response.text()

    asyncio.run(visit())
