"""Every Redis key and channel of Presswatch, in one place; docs/operating.md lists them."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_PREFIX = "presswatch:"


@dataclass(frozen=True, slots=True)
class Keys:
    """Names under one prefix, so that several Presswatches can share a Redis."""

    prefix: str = DEFAULT_PREFIX

    @property
    def due(self) -> str:
        """Sorted set: feed id → when it is polled next (epoch seconds)."""
        return f"{self.prefix}due"

    def feed(self, feed_id: str) -> str:
        """String: the feed's state, JSON."""
        return f"{self.prefix}feed:{feed_id}"

    def seen(self, feed_id: str) -> str:
        """Hash: an entry's identity → its last version, the day it was there, edits queued."""
        return f"{self.prefix}seen:{feed_id}"

    def article(self, article_id: str) -> str:
        """String: the article, JSON; expires."""
        return f"{self.prefix}article:{article_id}"

    @property
    def articles(self) -> str:
        """Sorted set: article id → when it was processed (epoch seconds)."""
        return f"{self.prefix}articles"

    def address(self, url_id: str) -> str:
        """String: the id of the article that lives at a URL; expires."""
        return f"{self.prefix}address:{url_id}"

    @property
    def alerts(self) -> str:
        """Stream, and Pub/Sub channel, of all alerts."""
        return f"{self.prefix}alerts"

    def alerts_of(self, watchlist: str) -> str:
        """Pub/Sub channel of one watchlist's alerts."""
        return f"{self.prefix}alerts:{watchlist}"

    def alert(self, alert_id: str) -> str:
        """String: the alert, JSON; expires."""
        return f"{self.prefix}alert:{alert_id}"

    def ledger(self, alert_id: str) -> str:
        """List: what happened to an alert on its way to subscribers, JSON; expires."""
        return f"{self.prefix}ledger:{alert_id}"

    def told(self, topic_id: str) -> str:
        """String: what a watchlist has made of a topic, so that no alert comes twice; expires."""
        return f"{self.prefix}told:{topic_id}"

    def shingle(self, number: int) -> str:
        """String: the article that last said certain words in a row; expires."""
        return f"{self.prefix}shingle:{number:x}"

    def sketch(self, article_id: str) -> str:
        """String: an article's story, and what tells it from other stories; expires."""
        return f"{self.prefix}sketch:{article_id}"

    def story(self, story_id: str) -> str:
        """Set: the articles of a story; expires."""
        return f"{self.prefix}story:{story_id}"

    def held(self, subscriber: str) -> str:
        """Sorted set: alert id → when it may be sent (epoch seconds)."""
        return f"{self.prefix}held:{subscriber}"

    def gathering(self, subscriber: str) -> str:
        """String: since when a digest by interval gathers (epoch seconds); expires with it."""
        return f"{self.prefix}gathering:{subscriber}"

    @property
    def holding(self) -> str:
        """Set: the names of subscribers for whom alerts are held."""
        return f"{self.prefix}holding"

    def subscriber(self, subscriber: str) -> str:
        """String: a failing subscriber's state, JSON; expires."""
        return f"{self.prefix}subscriber:{subscriber}"

    def sent(self, subscriber: str) -> str:
        """Sorted set: delivery → when it was made (epoch seconds), for the limit; expires."""
        return f"{self.prefix}sent:{subscriber}"

    def thread(self, topic_id: str) -> str:
        """String: the first message about a story at one subscriber, JSON; expires."""
        return f"{self.prefix}thread:{topic_id}"

    def outstanding(self, queue: str) -> str:
        """Hash: job id → what has been promised and not yet done, JSON."""
        return f"{self.prefix}outstanding:{queue}"

    def attempts(self, queue: str) -> str:
        """Hash: job id → how often it has been begun."""
        return f"{self.prefix}attempts:{queue}"

    def lease(self, queue: str, job_id: str) -> str:
        """String: who runs a job; expires unless renewed."""
        return f"{self.prefix}lease:{queue}:{job_id}"

    def failed(self, queue: str) -> str:
        """Hash: job id → what was given up, and why, JSON."""
        return f"{self.prefix}failed:{queue}"

    def queue(self, name: str) -> str:
        """The name of an RQ queue; RQ puts its own prefix before it."""
        return name if self.prefix == DEFAULT_PREFIX else f"{self.prefix}{name}"

    def host_next(self, host: str) -> str:
        """String: the first free moment for a request to a host (epoch seconds); expires."""
        return f"{self.prefix}host:{host}:next"

    def host_slot(self, host: str, holder: str) -> str:
        """String: the moment that was promised to one request; expires."""
        return f"{self.prefix}host:{host}:slot:{holder}"

    def host_busy(self, host: str) -> str:
        """Sorted set: request under way → when it is over at the latest (epoch seconds)."""
        return f"{self.prefix}host:{host}:busy"

    def host_held(self, host: str) -> str:
        """String: a host has asked to be left alone; expires when it may be asked again."""
        return f"{self.prefix}host:{host}:held"

    def furniture(self, host: str) -> str:
        """List: what the last pages of a host held, in bytes; expires."""
        return f"{self.prefix}furniture:{host}"

    @property
    def leader(self) -> str:
        """String: the scheduler that leads; expires."""
        return f"{self.prefix}leader"
