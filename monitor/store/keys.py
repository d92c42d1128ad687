"""Names every Redis key and channel of Presswatch; docs/operating.md lists them."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_PREFIX = "presswatch:"


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one prefix, so that several instances of Presswatch can share a Redis."""

    prefix: str = DEFAULT_PREFIX

    @property
    def due(self) -> str:
        """Sorted set: feed id → when it is polled next, or its lease ends (epoch seconds)."""
        return f"{self.prefix}due"

    def feed(self, feed_id: str) -> str:
        """String: the feed's state, JSON."""
        return f"{self.prefix}feed:{feed_id}"

    def seen(self, feed_id: str) -> str:
        """Hash: an entry's identities → version, last day it was listed, edits queued; in bytes."""
        return f"{self.prefix}seen:{feed_id}"

    @property
    def pushes(self) -> str:
        """Hash: feed id → its subscription at a hub, with the secret, JSON."""
        return f"{self.prefix}pushes"

    @property
    def renamed_hubs(self) -> str:
        """Set: the ids of feeds that lately named other hubs than before."""
        return f"{self.prefix}renamed_hubs"

    @property
    def pushed(self) -> str:
        """Hash: feed id and number → what a hub has pushed, and is still to be read."""
        return f"{self.prefix}pushed"

    def article(self, article_id: str) -> str:
        """String: what is known of the article, without its text, JSON; expires."""
        return f"{self.prefix}article:{article_id}"

    @property
    def unarchived(self) -> str:
        """Stream: records that the archive has still to write, JSON."""
        return f"{self.prefix}unarchived"

    @property
    def unarchivable(self) -> str:
        """Stream: records that the archive could not write, with the reasons."""
        return f"{self.prefix}unarchivable"

    def address(self, url_id: str) -> str:
        """String: the id of the article at a URL; expires."""
        return f"{self.prefix}address:{url_id}"

    @property
    def alerts(self) -> str:
        """Stream and Pub/Sub channel of all alerts."""
        return f"{self.prefix}alerts"

    def alerts_of(self, watchlist: str) -> str:
        """Pub/Sub channel of one watchlist's alerts."""
        return f"{self.prefix}alerts:{watchlist}"

    def alert(self, alert_id: str) -> str:
        """String: the alert, JSON, packed; expires."""
        return f"{self.prefix}alert:{alert_id}"

    def history(self, topic_id: str) -> str:
        """String: a watchlist's alerts on a topic, so that none is repeated, JSON; expires."""
        return f"{self.prefix}told:{topic_id}"

    def shingles(self, period: int) -> str:
        """Hash: shingle → the id of the last article of a period whose text contains it."""
        return f"{self.prefix}shingles:{period}"

    def touched(self, number: int) -> str:
        """String: empty, written so that the transactions of articles of one story conflict."""
        return f"{self.prefix}touched:{number:x}"

    def sketch(self, article_id: str) -> str:
        """String: an article's story and site, and the sketch of its text, in bytes; expires."""
        return f"{self.prefix}sketch:{article_id}"

    def story(self, story_id: str) -> str:
        """Set: the articles of a story that has several; expires."""
        return f"{self.prefix}story:{story_id}"

    def story_sites(self, story_id: str) -> str:
        """Set: the sites of the articles of a story that has several; expires."""
        return f"{self.prefix}sites:{story_id}"

    def held(self, subscriber: str) -> str:
        """Sorted set: alert id → when it may be sent (epoch seconds)."""
        return f"{self.prefix}held:{subscriber}"

    def gathering(self, subscriber: str) -> str:
        """String: when a digest by interval began (epoch seconds); expires at its end."""
        return f"{self.prefix}gathering:{subscriber}"

    @property
    def holding(self) -> str:
        """Set: the names of subscribers for whom alerts are held."""
        return f"{self.prefix}holding"

    def subscriber(self, subscriber: str) -> str:
        """String: a failing subscriber's state, JSON; expires."""
        return f"{self.prefix}subscriber:{subscriber}"

    def sent(self, subscriber: str) -> str:
        """Sorted set: delivery → when its place under the limit was taken (epoch seconds)."""
        return f"{self.prefix}sent:{subscriber}"

    def thread(self, topic_id: str) -> str:
        """String: the first message that one subscriber was sent about a story, JSON; expires."""
        return f"{self.prefix}thread:{topic_id}"

    def outstanding(self, queue: str) -> str:
        """Hash: job id → the arguments of a job that is still to be done, JSON."""
        return f"{self.prefix}outstanding:{queue}"

    def attempts(self, queue: str) -> str:
        """Hash: job id → how often it was begun."""
        return f"{self.prefix}attempts:{queue}"

    def running(self, queue: str) -> str:
        """Hash: job id → the token of the process that runs the job."""
        return f"{self.prefix}running:{queue}"

    def runner(self, token: str) -> str:
        """String: present while the process with this token lives; expires unless renewed."""
        return f"{self.prefix}runner:{token}"

    def host(self, name: str) -> str:
        """Sorted set: a request to a host → when its place is free again (epoch seconds); expires.

        Other members are listed in `monitor.store.hosts`.
        """
        return f"{self.prefix}host:{name}"

    def limited(self, group: str) -> str:
        """Sorted set: an answer that limited us, JSON → when it came (epoch seconds); expires."""
        return f"{self.prefix}limited:{group}"

    @property
    def suspects(self) -> str:
        """Sorted set: a host that may limit us → until when that counts (epoch seconds)."""
        return f"{self.prefix}suspects"

    @property
    def shared_domains(self) -> str:
        """Sorted set: a domain whose hosts share a budget → until when (epoch seconds)."""
        return f"{self.prefix}shared_domains"

    def line(self, name: str) -> str:
        """Sorted set: job id → when it came (epoch seconds), plus 10¹⁰ for each earlier lane."""
        return f"{self.prefix}line:{name}"

    @property
    def turns(self) -> str:
        """Sorted set: the name of a line → when to look at it (epoch seconds)."""
        return f"{self.prefix}turns"

    def failed(self, queue: str) -> str:
        """Hash: job id → the arguments of a job that was given up, the error and the time, JSON."""
        return f"{self.prefix}failed:{queue}"

    def queue(self, name: str) -> str:
        """Returns the name of an RQ queue; RQ puts its own prefix before it."""
        return name if self.prefix == DEFAULT_PREFIX else f"{self.prefix}{name}"

    def turnstile_next(self, destination: str) -> str:
        """String: the first free moment for a request (epoch seconds); expires."""
        return f"{self.prefix}turnstile:{destination}:next"

    def turnstile_slot(self, destination: str, holder: str) -> str:
        """String: the moment that one request was given (epoch seconds); expires."""
        return f"{self.prefix}turnstile:{destination}:slot:{holder}"

    def turnstile_busy(self, destination: str) -> str:
        """Sorted set: request under way → when its lease ends (epoch seconds); expires."""
        return f"{self.prefix}turnstile:{destination}:busy"

    def furniture(self, host: str) -> str:
        """List: traces of a host's last pages, in bytes; expires."""
        return f"{self.prefix}furniture:{host}"

    def spike(self, watchlist: str) -> str:
        """String: a watchlist's spike or silence, so that none is repeated, JSON."""
        return f"{self.prefix}spike:{watchlist}"

    @property
    def concerns(self) -> str:
        """String: what operators were told of, and on which days we were at work, JSON."""
        return f"{self.prefix}concerns"

    def report(self, subscriber: str) -> str:
        """String: the moment of the last report that a subscriber was due, JSON."""
        return f"{self.prefix}report:{subscriber}"

    @property
    def looked_back(self) -> str:
        """Hash: a summary's id → when its watchlist was first seen, whether it is told; JSON."""
        return f"{self.prefix}looked_back"

    @property
    def mutes(self) -> str:
        """Hash: a mute's id → what is muted for which watchlist, JSON."""
        return f"{self.prefix}mutes"

    @property
    def counters(self) -> str:
        """Hash: what happened → how often; see `monitor.store.counters`."""
        return f"{self.prefix}counters"

    @property
    def session_key(self) -> str:
        """String: the key that signs the sessions of the web pages."""
        return f"{self.prefix}session_key"

    def failed_logins(self, address: str) -> str:
        """String: how often an address failed to log in lately; expires."""
        return f"{self.prefix}logins:{address}"

    @property
    def leader(self) -> str:
        """String: the lock of the scheduler that leads; expires unless renewed."""
        return f"{self.prefix}leader"
