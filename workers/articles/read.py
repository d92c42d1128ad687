"""Cleans an entry's page, and combines it with the feed's words into an article."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from monitor.articles.clean import NO_HINTS, Page, Reading, clean_text
from monitor.articles.features import ArticleHints
from monitor.articles.fragments import clean_fragment
from monitor.articles.identity import canonical
from monitor.articles.language import language
from monitor.articles.lines import without_furniture
from monitor.articles.markup import decode
from monitor.articles.memory import furniture, trace
from monitor.articles.urls import former_link, host, normalise, normalise_link
from monitor.articles.wrappers import unwrapped
from monitor.jobs.limits import CLEANING, time_limit
from monitor.model import Article, Entry, Feed, FeedState, content_id
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from monitor.http.client import Response
    from monitor.store import Store

# A page is a teaser before a paywall if the feed's text is more than this many times as long
# as the page's.
TEASER_RATIO = 2
_CUT_CHARACTER = re.compile(rb"[\xc0-\xff][\x80-\xbf]{0,3}\Z")


class PageCleaner:
    """Cleans the pages of entries, and remembers what the pages of a site have in common."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def clean(self, response: Response, entry: Entry, hints: ArticleHints) -> Page:
        """Cleans the page of an entry; `hints` is what the feed says about the article.

        Raises CleanError if it holds no article, and TimeUp if cleaning it takes too long.
        """
        link = entry.url or response.url
        select = partial(self._select, link, response.url, hints)
        with time_limit(CLEANING):
            return clean_page(response, asked=entry.url, hints=hints, select=select)

    def _select(self, url: str, final_url: str, hints: ArticleHints, reading: Reading) -> Page:
        """Returns the article without the furniture that the site's pages share."""
        site, now = host(final_url), datetime.now(UTC)
        page_trace = trace(reading.blocks, link=normalise(url), title=hints.title, now=now)
        known_traces = self._store.furniture.traces(site)
        # Even if this page holds no article, its furniture helps to clean the next ones.
        self._store.furniture.remember(site, page_trace, known_traces)
        return reading.page(furniture(known_traces, page_trace))


def clean_page(
    response: Response,
    *,
    asked: str | None = None,
    hints: ArticleHints = NO_HINTS,
    select: Callable[[Reading], Page] = Reading.page,
) -> Page:
    """Turns a response into a cleaned page; `select` selects the article if the page is HTML.

    `asked` is the URL that led to the response.

    Raises CleanError if the page holds no article.
    """
    # Of a text in UTF-8, a broken last character would cast doubt on all others.
    body = _CUT_CHARACTER.sub(b"", response.body) if response.broke_off else response.body
    if response.content_type == "text/plain":
        page = clean_text(decode(body, response.charset))
    else:
        reading = Reading(
            body, url=response.url, asked=asked, charset=response.charset, feed_hints=hints
        )
        page = select(reading)
    return replace(page, quality="teaser") if response.broke_off else page


def hints_of(entry: Entry) -> ArticleHints:
    """Returns what the feed says about an article, without markup."""
    return ArticleHints(
        title=clean_fragment(entry.title),
        summary=clean_fragment(entry.summary),
        body=clean_fragment(entry.content),
    )


def names_of(entry: Entry) -> list[str]:
    """Returns the names under which later versions of an entry find its article."""
    if not entry.url:
        return []
    return _names_at(normalise_link(entry.url), entry)


def former_names_of(entry: Entry) -> list[str]:
    """Returns the names under which a version before 0.2 recorded an entry's article, if others."""
    former = former_link(entry.url) if entry.url else ""
    return _names_at(former, entry) if former else []


def _names_at(link: str, entry: Entry) -> list[str]:
    if entry.name_at_link:
        return [f"entry {link} {entry.name_at_link}"]
    # The guid comes first: the link may have belonged to an earlier entry.
    guid_names = [f"entry {link} {entry.guid}"] if entry.guid else []
    return [*guid_names, f"entry {link}"]


def as_article(
    feed: Feed,
    state: FeedState,
    entry: Entry,
    hints: ArticleHints,
    page: Page | None,
    final_url: str | None,
) -> Article:
    """Returns the article to match, made from the page and the feed, or from the feed alone.

    `hints` is `hints_of(entry)`; `final_url` is the URL of the page after redirects.
    """
    title = one_line(hints.title)
    text = without_furniture(hints.body if entry.content else hints.summary)
    from_feed = Article(
        id=_article_id(feed, entry),
        url=unwrapped(entry.url or ""),
        title=title,
        text=text,
        source=feed.name or state.title or host(feed.public_url) or feed.public_url,
        feed_url=feed.public_url,
        tags=feed.tags,
        authors=entry.authors,
        published_at=entry.published_at or entry.updated_at,
        language=language(f"{title}\n{text}", state.language),
        text_from="feed",
        quality="feed",
    )
    if page is None or len(page.text) * TEASER_RATIO < len(from_feed.text):
        return replace(from_feed, url=feed.shown(from_feed.url))
    return replace(
        from_feed,
        url=feed.shown(canonical(final_url or from_feed.url, page.url)),
        title=page.title or from_feed.title,
        text=page.text,
        authors=page.authors or from_feed.authors,
        # The feed's date comes first: it has a time and a zone, and pages often give only the day.
        published_at=(page.published_at if entry.date_is_doubtful else from_feed.published_at)
        or from_feed.published_at
        or page.published_at,
        language=page.language or from_feed.language,
        text_from="page",
        quality=page.quality,
        paywalled=page.paywalled,
    )


def _article_id(feed: Feed, entry: Entry) -> str:
    """Derives the id of a new article from its link and `name_at_link`, or else from its words."""
    if not entry.url:
        return content_id(feed.url, entry.guid or "", entry.title, entry.summary)
    link = normalise_link(entry.url)
    return content_id(link, entry.name_at_link) if entry.name_at_link else content_id(link)
