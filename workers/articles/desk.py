"""Does what a cleaner is asked for: matches an entry on its page, or on the feed's words."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from monitor.errors import CleanError
from monitor.http.client import Response
from monitor.model import Entry, Feed, FeedState
from workers.articles.publish import Publisher
from workers.articles.read import PageCleaner, as_article, clean_page, hints_of

if TYPE_CHECKING:
    from monitor.articles.clean import Page
    from monitor.articles.features import ArticleHints
    from monitor.runtime.composition import Runtime
    from workers.articles.cleaner import Request

log = structlog.stdlib.get_logger(__name__)

_WORDS = b"The envoys met, and said little of what had been agreed, or whether anything had been. "
_PAGE = (
    b"<html><head><title>Envoys meet</title></head><body><article><h1>Envoys meet</h1>"
    # A month in no language: to look for it loads those of all, which takes half a second.
    b"<time datetime='1 Brumaire 2026'>1 Brumaire 2026</time><p>%s</p><p>%s</p></article></body>"
    b"</html>"
) % (3 * _WORDS, 4 * _WORDS)


class Desk:
    """Matches entries and publishes their alerts, with what all of them share."""

    def __init__(self, runtime: Runtime) -> None:
        self._store = runtime.store
        self._feeds = {feed.id: feed for feed in runtime.config.feeds}
        self._cleaner = PageCleaner(runtime.store)
        self._matcher = runtime.matcher()
        self._publisher = Publisher(
            runtime.redis, runtime.store, runtime.queues, runtime.config, self._matcher
        )

    def rehearse(self) -> None:
        """Cleans and matches a page, so that all it takes is loaded before cleaners are forked."""
        response = Response("https://a.example/", 200, {}, _PAGE)
        with suppress(CleanError):
            page = clean_page(response)
            entry = Entry(url=response.url, title="Envoys meet", published_at=datetime.now(UTC))
            article = as_article(
                Feed(response.url), FeedState(), entry, hints_of(entry), page, response.url
            )
            self._matcher.match(article)

    def handle(self, request: Request) -> None:
        """Matches an entry. Idempotent: no alert is published twice.

        Raises CleanError if the page holds no article, and TimeUp if cleaning it takes too long.
        """
        entry, response = request.entry, request.response
        with structlog.contextvars.bound_contextvars(
            job=request.job_id, feed=request.feed_id, entry=entry.url
        ):
            feed, hints = self._feeds[request.feed_id], hints_of(entry)
            page = None if response is None else self._cleaner.clean(response, entry, hints)
            final_url = entry.url if response is None else response.url
            self._match(request, feed, hints, page, final_url)

    def _match(
        self,
        request: Request,
        feed: Feed,
        hints: ArticleHints,
        page: Page | None,
        final_url: str | None,
    ) -> None:
        entry, state = request.entry, self._store.feeds.state(feed.id)
        article = as_article(feed, state, entry, hints, page, final_url)
        alerts = self._publisher.publish(
            request.job_id,
            article,
            entry,
            final_url,
            polled_at=request.polled_at,
            settle=request.settle,
        )
        log.info(
            "article matched" if alerts else "article read",
            article=article.id,
            url=article.url,
            text_from=article.text_from,
            characters=len(article.text),
            watchlists=[alert.watchlist for alert in alerts],
        )
