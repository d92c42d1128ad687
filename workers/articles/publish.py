"""Publishes an article: matches it, and writes it with its alerts and deliveries at once.

Several workers may process the same article, or articles of one story, at the same time. So
everything that decides whether to alert is read under Redis's WATCH, and the transaction starts
again if any of it changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.alerts.build import alert_id, build, topic
from monitor.alerts.once import TopicHistory, Verdict, after_alert, after_count, judge
from monitor.articles.stories import sketch
from monitor.articles.urls import normalise, normalise_link
from monitor.model import Alert, Article, Delivery, Entry, Match, Watchlist
from workers.articles.read import names_of
from workers.deliveries.slack.threads import has_threads

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.articles.stories import Sketch
    from monitor.config import Config
    from monitor.jobs.queues import Queues
    from monitor.store import Store
    from monitor.watchlists.matcher import Matcher


@dataclass(frozen=True, slots=True)
class _IdentifiedArticle:
    """An article with its final id and story.

    `articles` counts those of its story, including this one. `is_update` says that an earlier
    version with other words is known.
    """

    article: Article
    articles: int
    is_update: bool


@dataclass(frozen=True, slots=True)
class _TopicMatch:
    """A watchlist that matched, and what is to be done about it.

    `history` is that of the watchlist's alerts on `topic`; `new_terms` are new to the topic.
    """

    watchlist: Watchlist
    match: Match
    topic: str
    history: TopicHistory
    verdict: Verdict
    new_terms: tuple[str, ...]


class Publisher:
    """Publishes articles, with what all of their jobs share."""

    def __init__(
        self, redis: Redis, store: Store, queues: Queues, config: Config, matcher: Matcher
    ) -> None:
        self._redis = redis
        self._store = store
        self._queues = queues
        self._matcher = matcher
        self._watchlists = {watchlist.name: watchlist for watchlist in config.watchlists}
        # Subscribers that get later articles of a story below the first message.
        self._threaded = frozenset(
            subscriber.name for subscriber in config.subscribers if has_threads(subscriber)
        )

    def publish(
        self, job_id: str, article: Article, entry: Entry, final_url: str | None, *, settle: bool
    ) -> tuple[Alert, ...]:
        """Writes an article, its new alerts and their deliveries in one transaction.

        `final_url` is the URL of the page after redirects. `settle` says that the job has nothing
        left to do. Returns the new alerts.
        """
        now = datetime.now(UTC)
        names, urls = names_of(entry), _urls_of(entry, final_url, article)
        addresses = list(dict.fromkeys([*names, *urls]))
        article_sketch = sketch(article.text)
        # Before the transaction, which may start again: matches depend on neither id nor story.
        matches = self._matcher.match(article)
        alerts: tuple[Alert, ...] = ()

        def write(pipe: Pipeline) -> None:
            nonlocal alerts
            identified = self._identify(article, names, urls, article_sketch)
            story = identified.article.story
            topic_matches = self._topic_matches(identified.article, matches, pipe)
            pipe.multi()
            self._store.articles.put(identified.article, addresses, now, pipe)
            self._store.stories.put(story, identified.article.id, article_sketch, pipe)
            alerts = self._publish_alerts(identified, topic_matches, now, pipe)
            self._add_to_threads(identified.article, topic_matches, alerts, pipe)
            if settle:
                self._queues.settle("articles", job_id, pipe)

        watched = self._store.articles.address_keys(addresses)
        watched += self._store.stories.index_keys(article_sketch)
        self._redis.transaction(write, *watched)
        return alerts

    def _identify(
        self, article: Article, names: list[str], urls: list[str], article_sketch: Sketch | None
    ) -> _IdentifiedArticle:
        """Returns the article with the id and the story by which it is known, or with new ones."""
        article = replace(article, id=self._known_id(names, urls, article.title) or article.id)
        previous = self._store.articles.get(article.id)
        stories = self._store.stories
        story = self._kept_story(previous, article) or stories.find(article_sketch) or article.id
        return _IdentifiedArticle(
            replace(article, story=story),
            articles=stories.count(story, with_article=article.id),
            is_update=previous is not None and _is_edited(previous, article),
        )

    def _known_id(self, names: list[str], urls: list[str], title: str) -> str | None:
        """Returns the id of the article that is known by one of these names or URLs.

        The feed's names identify an article even if its headline changes. The URL after redirects,
        or the one that the page claims, may be that of a consent page, or one that a badly built
        site gives to all its pages; they identify an article only if its title is the same, too,
        since two alerts are better than none.
        """
        for name in names:
            if known_id := self._store.articles.at(name):
                return known_id
        for url in urls:
            known_id = self._store.articles.at(url)
            known = self._store.articles.get(known_id) if known_id else None
            if known_id and known is not None and known.title == title:
                return known_id
        return None

    def _kept_story(self, previous: Article | None, article: Article) -> str:
        """Returns the story that an article stays in, however it is edited, or "" if it may change.

        It may change when the page replaces a feed's words, which are often too few to recognise a
        story by, unless a watchlist has alerted on the story already.
        """
        if previous is None or not previous.story:
            return ""
        if (previous.text_from, article.text_from) != ("feed", "page"):
            return previous.story
        names = self._watchlists.keys()
        history_keys = self._store.stories.history_keys((name, previous.story) for name in names)
        has_history = bool(history_keys) and self._redis.exists(*history_keys)
        return previous.story if has_history else ""

    def _topic_matches(
        self, article: Article, matches: list[Match], pipe: Pipeline
    ) -> list[_TopicMatch]:
        """Judges the matches by the histories of their topics, which are watched from now on."""
        watchlists = [self._watchlists[match.watchlist] for match in matches]
        topics = [(watchlist.name, topic(watchlist, article)) for watchlist in watchlists]
        stories = self._store.stories
        if keys := stories.history_keys(topics):
            pipe.watch(*keys)  # type: ignore[no-untyped-call]
        topic_matches = []
        for watchlist, match, (name, topic_id) in zip(watchlists, matches, topics, strict=True):
            history = stories.history(name, topic_id)
            verdict, new_terms = judge(history, article.id, match)
            topic_matches.append(
                _TopicMatch(watchlist, match, topic_id, history, verdict, new_terms)
            )
        return topic_matches

    def _publish_alerts(
        self,
        identified: _IdentifiedArticle,
        topic_matches: list[_TopicMatch],
        now: datetime,
        pipe: Pipeline,
    ) -> tuple[Alert, ...]:
        """Adds to the transaction: new alerts, their deliveries, and every topic's history."""
        article = identified.article
        alerts: list[Alert] = []
        for matched in topic_matches:
            watchlist, history = matched.watchlist, matched.history
            if matched.verdict == "alert":
                added_terms = matched.new_terms if history.alerted else ()
                identity = alert_id(watchlist, matched.topic, added_terms)
                alert = build(
                    watchlist, article, matched.match, identity=identity,
                    articles=identified.articles, is_update=identified.is_update, now=now,
                )  # fmt: skip
                self._store.alerts.publish(alert, pipe)
                for name in alert.subscribers:
                    self._queues.enqueue_delivery(Delivery(name, (alert.id,)), pipe)
                alerts.append(alert)
                history = after_alert(history, identity, article.id, matched.new_terms)
            elif matched.verdict == "count":
                history = after_count(history, article.id)
            # An unchanged history is written too: it must not expire before the article does.
            self._store.stories.put_history(watchlist.name, matched.topic, history, pipe)
        return tuple(alerts)

    def _add_to_threads(
        self,
        article: Article,
        topic_matches: list[_TopicMatch],
        alerts: tuple[Alert, ...],
        pipe: Pipeline,
    ) -> None:
        """Adds to the transaction: deliveries of the article below the message on its story.

        A story has one thread for each subscriber, however many watchlists match. A subscriber that
        gets an alert for the article does not also get the article in the thread.
        """
        deliveries: dict[str, Delivery] = {}
        for matched in topic_matches:
            if matched.verdict == "count":
                first_alert = matched.history.alert
                for name in sorted(self._threaded.intersection(matched.watchlist.subscribers)):
                    deliveries[name] = Delivery(name, (first_alert,), article=article.id)
        alerted = {name for alert in alerts for name in alert.subscribers}
        for name in deliveries.keys() - alerted:
            self._queues.enqueue_delivery(deliveries[name], pipe)


def _urls_of(entry: Entry, final_url: str | None, article: Article) -> list[str]:
    """Returns the URLs that only this article has: its link, its target, and the page's claim."""
    link = entry.url or ""
    if entry.name_at_link or normalise_link(link) != normalise(link):
        return []
    return [normalise(url) for url in (link, final_url, article.url) if url]


def _is_edited(previous: Article, article: Article) -> bool:
    """Returns whether an article was edited; replacing the feed's words by the page is no edit."""
    return previous.text_from == article.text_from and (previous.title, previous.text) != (
        article.title,
        article.text,
    )
