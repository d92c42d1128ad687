"""The only place that knows Redis keys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.store.alerts import AlertStore
from monitor.store.articles import ArticleStore
from monitor.store.feeds import FeedStore
from monitor.store.furniture import FurnitureStore
from monitor.store.hosts import HostStore
from monitor.store.keys import Keys
from monitor.store.stories import StoryStore
from monitor.store.subscribers import Held, SubscriberStore

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    "AlertStore",
    "ArticleStore",
    "FeedStore",
    "FurnitureStore",
    "Held",
    "HostStore",
    "Keys",
    "Store",
    "StoryStore",
    "SubscriberStore",
]


class Store:
    """All that Presswatch keeps in Redis, but for the jobs (`monitor.jobs.queues`)."""

    def __init__(self, redis: Redis, prefix: str, keep: timedelta) -> None:
        self.keys = Keys(prefix)
        self.feeds = FeedStore(redis, self.keys)
        self.articles = ArticleStore(redis, self.keys, keep)
        self.alerts = AlertStore(redis, self.keys, keep)
        self.stories = StoryStore(redis, self.keys, keep)
        self.subscribers = SubscriberStore(redis, self.keys, keep)
        self.furniture = FurnitureStore(redis, self.keys)
        self.hosts = HostStore(redis, self.keys)
