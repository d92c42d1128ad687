"""From an entry to an article: its page, as its site and its feed help to read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.articles.clean import Page, Reading, clean_text
from monitor.articles.features import ArticleHints
from monitor.articles.fragments import clean_fragment
from monitor.articles.language import language
from monitor.articles.lines import without_furniture
from monitor.articles.markup import decode
from monitor.articles.memory import furniture, trace
from monitor.articles.urls import canonical, host, is_front_page, normalise, normalise_link
from monitor.errors import FetchError, WrongContent
from monitor.http.client import HttpClient
from monitor.jobs.limits import CLEANING, TimeUp, time_limit
from monitor.model import Article, Entry, Feed, FeedState, content_id
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.http.client import Response
    from monitor.store import Store

ACCEPT = "text/html, application/xhtml+xml, */*;q=0.1"
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/plain", ""})
# A page that says so much less than its feed is a teaser before a paywall.
PAYWALLED = 2


class Reader:
    """Reads the pages of entries, and remembers what those of one site have in common."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    async def read(self, entry: Entry, url: str) -> tuple[Page, str]:
        """Fetch an entry's page at `url` and clean it; with the address after redirects.

        Raises FetchError, also where cleaning takes too long, or CleanError where the page is no
        article.
        """
        async with HttpClient.of(self._settings) as http:
            response = await http.get(
                url,
                timeout_s=self._settings.articles.timeout.total_seconds(),
                max_bytes=self._settings.articles.max_size,
                accept=ACCEPT,
            )
        if response.content_type not in PAGE_TYPES:
            raise WrongContent(url, response.content_type)
        try:
            with time_limit(CLEANING):
                return self._page(entry, url, response), response.url
        except TimeUp:
            message = f"not cleaned within {CLEANING.total_seconds():g} s"
            raise FetchError(url, message, retryable=True) from None

    def _page(self, entry: Entry, url: str, response: Response) -> Page:
        if response.content_type == "text/plain":
            return clean_text(decode(response.body, response.charset))
        hints = ArticleHints(
            title=clean_fragment(entry.title),
            summary=clean_fragment(entry.summary),
            body=clean_fragment(entry.content),
        )
        reading = Reading(
            response.body, url=response.url, charset=response.charset, feed_hints=hints
        )
        site, now = host(response.url), datetime.now(UTC)
        own = trace(reading.blocks, link=normalise(url), title=hints.title, now=now)
        known = self._store.furniture.traces(site)
        # Whatever becomes of this page, the next ones are read the better for it.
        self._store.furniture.remember(site, own, known)
        return reading.page(furniture(known, own))


def page_of(entry: Entry) -> str | None:
    """Return the address of the page to read for an entry; None where the feed says all of it.

    A page that several entries lead to would give each of them the others' text. It is read only
    for an entry that has nothing but a title, and never when it is a site's front page.
    """
    if entry.url is None or entry.owns_page:
        return entry.url
    has_words = bool(entry.summary.strip() or entry.content.strip())
    return None if has_words or is_front_page(entry.url) else entry.url


def names_of(entry: Entry) -> list[str]:
    """Return the names under which an entry's article is known to the entry's later versions."""
    if not entry.url:
        return []
    link = normalise_link(entry.url)
    if entry.name_at_link:
        return [f"entry {link} {entry.name_at_link}"]
    # The guid comes first: the link may have belonged to an earlier entry.
    guid = [f"entry {link} {entry.guid}"] if entry.guid else []
    return [*guid, f"entry {link}"]


def as_article(
    feed: Feed, state: FeedState, entry: Entry, page: Page | None, final_url: str | None
) -> Article:
    """What is to be matched: the page, completed by what the feed says, or the feed alone."""
    source = feed.name or state.title or host(feed.public_url) or feed.public_url
    title = one_line(clean_fragment(entry.title))
    text = without_furniture(clean_fragment(entry.content or entry.summary))
    told = Article(
        id=_article_id(feed, entry),
        url=entry.url or "",
        title=title,
        text=text,
        source=source,
        feed_url=feed.public_url,
        tags=feed.tags,
        authors=entry.authors,
        published_at=entry.published_at or entry.updated_at,
        language=language(f"{title}\n{text}", state.language),
        text_from="feed",
        quality="feed",
    )
    if page is None or len(page.text) * PAYWALLED < len(told.text):
        return replace(told, url=feed.shown(told.url))
    url = feed.shown(canonical(final_url or told.url, page.url))
    return replace(
        told,
        url=url,
        title=page.title or told.title,
        text=page.text,
        authors=page.authors or told.authors,
        # Feeds say when to the second and with a zone, pages often only on which day.
        published_at=(page.published_at if entry.date_is_doubtful else told.published_at)
        or told.published_at
        or page.published_at,
        language=page.language or told.language,
        text_from="page",
        quality=page.quality,
        paywalled=page.paywalled,
    )


def _article_id(feed: Feed, entry: Entry) -> str:
    """Name a new article by its link, by what tells it from others there, or by its words."""
    if not entry.url:
        return content_id(feed.url, entry.guid or "", entry.title, entry.summary)
    link = normalise_link(entry.url)
    return content_id(link, entry.name_at_link) if entry.name_at_link else content_id(link)
