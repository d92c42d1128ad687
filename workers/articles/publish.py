"""Publishes an article: matches it, and writes it with its alerts and deliveries at once.

Several workers may process the same article, or articles of one story, at the same time. So
everything that decides whether to alert is read under Redis's WATCH, and the transaction starts
again if any of it changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitor.alerts.build import alert_id, build, topic
from monitor.alerts.mutes import is_muted
from monitor.alerts.once import TopicHistory, Verdict, after_alert, after_count, judge
from monitor.articles.sites import site
from monitor.articles.stories import sketch
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Alert, Article, Delivery, Entry, Match, Watchlist
from monitor.store.counters import Lags
from monitor.store.stories import StoryArticle, StorySize
from workers.articles.addresses import Addresses
from workers.deliveries.slack.threads import has_threads

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.articles.stories import Sketch
    from monitor.config import Config
    from monitor.jobs.queues import Queues
    from monitor.store import Store
    from monitor.store.articles import KnownArticle
    from monitor.watchlists.matcher import Matcher


@dataclass(frozen=True, slots=True)
class _IdentifiedArticle:
    """An article with its final id and story.

    `found` is the article by which its story was found, if it was. `size` is that of the story,
    including this article. `is_update` says that an earlier version with other words is known.
    """

    article: Article
    found: StoryArticle | None
    size: StorySize
    is_update: bool

    @property
    def as_told(self) -> StoryArticle:
        """Returns the article as its story has it."""
        return StoryArticle(self.article.story, self.article.id, site(self.article.url))

    @property
    def members(self) -> list[StoryArticle]:
        """Returns the articles that are to be added to the story."""
        return [each for each in (self.found, self.as_told) if each]


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
        self,
        job_id: str,
        article: Article,
        entry: Entry,
        final_url: str | None,
        *,
        settle: bool,
        polled_at: float | None = None,
    ) -> tuple[Alert, ...]:
        """Writes an article, its new alerts and their deliveries in one transaction.

        `final_url` is the URL of the page after redirects. `settle` says that the job has nothing
        left to do. `polled_at` is when the feed was polled (epoch seconds), if that is known.
        Returns the new alerts. Writes nothing if the job is no longer owed.
        """
        now = datetime.now(UTC)
        addresses = Addresses.of(entry, final_url, article)
        article_sketch = sketch(article.text)
        # Before the transaction, which may start again: matches depend on neither id nor story.
        matches = self._matcher.match(article)
        matched = [match.watchlist for match in matches]
        watched = self._store.articles.address_keys(addresses.looked_up)
        watched += self._store.stories.index_keys(article_sketch)
        # Most articles are new, and a story of their own: their histories need no second look.
        watched += self._store.stories.history_keys(
            self._topics(replace(article, story=article.id), matches)
        )
        alerts: tuple[Alert, ...] = ()

        def write(pipe: Pipeline) -> None:
            nonlocal alerts
            alerts = ()
            # A process that died before it could say so, or was faster, may have settled the job.
            # What is written now would replace its page by the feed's words.
            if not self._queues.is_owed("articles", job_id):
                return
            identified = self._identify(article, addresses, matches, article_sketch, now)
            topic_matches = self._topic_matches(identified.article, matches, watched, now, pipe)
            pipe.multi()
            self._store.articles.put(identified.article, matched, addresses.stored, pipe)
            self._add_to_story(identified, article_sketch, now, pipe)
            alerts = self._publish_alerts(identified, topic_matches, now, pipe)
            self._record(identified.article, topic_matches, alerts, now, pipe)
            lags = _lags(identified, polled_at, now) if alerts else None
            self._store.counters.article(article.text_from, lags, pipe)
            self._add_to_threads(identified.article, topic_matches, alerts, pipe)
            if settle:
                self._queues.settle("articles", job_id, pipe)

        self._redis.transaction(write, *watched)
        return alerts

    def _identify(
        self,
        article: Article,
        addresses: Addresses,
        matches: list[Match],
        article_sketch: Sketch | None,
        now: datetime,
    ) -> _IdentifiedArticle:
        """Returns the article with the id and the story by which it is known, or with new ones."""
        known = self._store.articles.known(article.id, addresses.looked_up)
        known_id = addresses.known_id(known, article.title)
        article = replace(article, id=known_id or article.id)
        previous = known.articles.get(article.id)
        stories = self._store.stories
        story = self._kept_story(previous, article, matches)
        found = None if story else stories.find(article_sketch, now)
        story = story or (found.story if found else article.id)
        identified = _IdentifiedArticle(
            replace(article, story=story),
            found,
            StorySize(),
            is_update=previous is not None and _is_edited(previous, article),
        )
        if previous is None and story == article.id:
            return identified
        return replace(identified, size=stories.size(story, identified.members))

    def _kept_story(
        self, previous: KnownArticle | None, article: Article, matches: list[Match]
    ) -> str:
        """Returns the story that an article stays in, however it is edited, or "" if it may change.

        It may change when the page replaces a feed's words, which are often too few to recognise a
        story by, unless a watchlist that matches either has alerted on the story already.
        """
        if previous is None or not previous.article.story:
            return ""
        story = previous.article.story
        if (previous.article.text_from, article.text_from) != ("feed", "page"):
            return story
        names = {match.watchlist for match in matches}.union(previous.matched)
        histories = self._store.stories.histories((name, story) for name in names)
        return story if any(history.alerted for history in histories) else ""

    def _topics(self, article: Article, matches: list[Match]) -> list[tuple[str, str]]:
        """Returns the watchlists that matched, with their topics."""
        watchlists = [self._watchlists[match.watchlist] for match in matches]
        return [(watchlist.name, topic(watchlist, article)) for watchlist in watchlists]

    def _topic_matches(
        self,
        article: Article,
        matches: list[Match],
        watched: list[str],
        now: datetime,
        pipe: Pipeline,
    ) -> list[_TopicMatch]:
        """Judges the matches by the histories of their topics, which are watched from now on."""
        topics = self._topics(article, matches)
        stories = self._store.stories
        if unwatched := set(stories.history_keys(topics)).difference(watched):
            pipe.watch(*unwatched)  # type: ignore[no-untyped-call]
        mutes = self._store.mutes.latest(now) if topics else ()
        topic_matches = []
        histories = stories.histories(topics)
        for match, (name, topic_id), history in zip(matches, topics, histories, strict=True):
            muted = is_muted(mutes, name, article, now)
            verdict, new_terms = judge(history, article.id, match, is_muted=muted)
            topic_matches.append(
                _TopicMatch(self._watchlists[name], match, topic_id, history, verdict, new_terms)
            )
        return topic_matches

    def _add_to_story(
        self,
        identified: _IdentifiedArticle,
        article_sketch: Sketch | None,
        now: datetime,
        pipe: Pipeline,
    ) -> None:
        """Adds to the transaction: the article's place in its story, and in the index of texts."""
        article, stories = identified.article, self._store.stories
        if identified.size.articles > 1:
            stories.add(article.story, identified.members, pipe)
        if article_sketch:
            stories.index(identified.as_told, article_sketch, now, pipe)

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
                    articles=identified.size.articles, sites=identified.size.sites,
                    is_update=identified.is_update, now=now,
                )  # fmt: skip
                self._store.alerts.publish(alert, pipe)
                self._queues.enqueue_deliveries(alert, pipe)
                alerts.append(alert)
                history = after_alert(history, identity, article.id, matched.new_terms)
            elif matched.verdict == "count":
                history = after_count(history, article.id)
            # An unchanged history is written too: it must not expire before the article does.
            self._store.stories.put_history(watchlist.name, matched.topic, history, pipe)
        return tuple(alerts)

    def _record(
        self,
        article: Article,
        topic_matches: list[_TopicMatch],
        alerts: tuple[Alert, ...],
        now: datetime,
        pipe: Pipeline,
    ) -> None:
        """Adds to the transaction: the article, its matches and its alerts, for the archive."""
        alert_ids = {alert.watchlist: alert.id for alert in alerts}
        verdicts = {matched.watchlist.name: matched.verdict for matched in topic_matches}
        publication = Publication(
            now,
            article,
            matches=tuple(
                MatchRecord(name, alert_ids.get(name), muted=verdict == "muted")
                for name, verdict in verdicts.items()
            ),
            alerts=tuple(alert.document for alert in alerts),
        )
        self._store.unarchived.add(Record(publication=publication), pipe)

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


def _lags(identified: _IdentifiedArticle, polled_at: float | None, now: datetime) -> Lags:
    """Returns how late the alerts are; an edit may come long after the publication."""
    published_at = None if identified.is_update else identified.article.published_at
    return Lags(
        publication=None if published_at is None else now - published_at,
        poll=None if polled_at is None else timedelta(seconds=now.timestamp() - polled_at),
    )


def _is_edited(previous: KnownArticle, article: Article) -> bool:
    """Returns whether an article was edited; replacing the feed's words by the page is no edit."""
    is_same_kind = previous.article.text_from == article.text_from
    return is_same_kind and previous.version != article.version
