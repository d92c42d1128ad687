"""Keeps state in Redis: the only room that knows keys. Every room with side effects may use it.

`Store` has a part for each kind of state: `feeds`, `claims`, `articles`, `alerts`, `stories`,
`subscribers`, `furniture`, `turnstile`, `unarchived`, `spikes`, `look_backs`, `mutes`, `pushes`,
`reports`, `visitors`, `concerns`, `counters`. Methods that take a `pipe` add to the caller's
transaction, so that state and jobs are written together or not at all. `client.client` makes
connections, `client.probe` tries one, and `Keys` names the keys.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.store.alerts import AlertStore
from monitor.store.articles import ArticleStore
from monitor.store.claims import ClaimStore
from monitor.store.concerns import ConcernStore
from monitor.store.counters import CounterStore
from monitor.store.feeds import FeedStore
from monitor.store.furniture import FurnitureStore
from monitor.store.hosts import HostStore
from monitor.store.keys import Keys
from monitor.store.limits import LimitStore
from monitor.store.look_backs import LookBackStore
from monitor.store.mutes import MuteStore
from monitor.store.pushes import PushStore
from monitor.store.reports import ReportStore
from monitor.store.spikes import SpikeStore
from monitor.store.stories import StoryStore
from monitor.store.subscribers import Held, SubscriberStore
from monitor.store.turnstile import Turnstile
from monitor.store.unarchived import Unarchived
from monitor.store.visitors import VisitorStore

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    "AlertStore",
    "ArticleStore",
    "ClaimStore",
    "ConcernStore",
    "CounterStore",
    "FeedStore",
    "FurnitureStore",
    "Held",
    "HostStore",
    "Keys",
    "LimitStore",
    "LookBackStore",
    "MuteStore",
    "PushStore",
    "ReportStore",
    "SpikeStore",
    "Store",
    "StoryStore",
    "SubscriberStore",
    "Turnstile",
    "Unarchived",
    "VisitorStore",
]


class Store:
    """All state that Presswatch keeps in Redis, except jobs (see `monitor.jobs.queues`)."""

    def __init__(self, redis: Redis, prefix: str, keep: timedelta) -> None:
        self.keys = Keys(prefix)
        self.feeds = FeedStore(redis, self.keys)
        self.pushes = PushStore(redis, self.keys)
        self.hosts = HostStore(redis, self.keys)
        self.limits = LimitStore(redis, self.keys)
        self.claims = ClaimStore(redis, self.keys)
        self.articles = ArticleStore(redis, self.keys, keep)
        self.alerts = AlertStore(redis, self.keys, keep)
        self.stories = StoryStore(redis, self.keys, keep)
        self.subscribers = SubscriberStore(redis, self.keys, keep)
        self.furniture = FurnitureStore(redis, self.keys)
        self.turnstile = Turnstile(redis, self.keys)
        self.unarchived = Unarchived(redis, self.keys)
        self.spikes = SpikeStore(redis, self.keys)
        self.look_backs = LookBackStore(redis, self.keys)
        self.mutes = MuteStore(redis, self.keys)
        self.reports = ReportStore(redis, self.keys)
        self.concerns = ConcernStore(redis, self.keys)
        self.counters = CounterStore(redis, self.keys)
        self.visitors = VisitorStore(redis, self.keys)
