"""Stories in Redis: which article belongs to which, found by what their texts have in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from monitor.alerts.once import TopicHistory
from monitor.articles.stories import Sketch, same_story
from monitor.model import as_json, content_id, from_json
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

# How long after its last copy another copy of a text belongs to the same story.
WINDOW = timedelta(hours=72)
# An entry is known for as long as it is in its feed, and may be edited after a year: about 300
# bytes for each alert keep it from alerting again. Articles and stories need not live so long.
REMEMBER = timedelta(days=400)


class StoryStore:
    """The stories' part of the store; what finds them expires after the window."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep

    def index_keys(self, sketch: Sketch | None) -> list[str]:
        """The keys under which articles of the same story are found, to be watched."""
        return [self._keys.shingle(number) for number in sketch.keys] if sketch else []

    def find(self, sketch: Sketch | None) -> str | None:
        """The story that a text belongs to, where one of its articles is known."""
        if sketch is None:
            return None
        found = self._redis.mget(self.index_keys(sketch))
        candidates = dict.fromkeys(text(article) for article in found if article)
        for article_id in candidates:
            stored: Any = self._redis.get(self._keys.sketch(article_id))
            if stored:
                story, _, other = stored.partition(b" ")
                if same_story(sketch, Sketch.from_bytes(other)):
                    return text(story)
        return None

    def put(self, story_id: str, article_id: str, sketch: Sketch | None, pipe: Pipeline) -> None:
        """Add to a transaction: an article belongs to a story, and others are found by it."""
        pipe.sadd(self._keys.story(story_id), article_id)
        pipe.expire(self._keys.story(story_id), self._keep)
        if sketch:
            value = f"{story_id} ".encode() + sketch.to_bytes()
            pipe.set(self._keys.sketch(article_id), value, ex=WINDOW)
            for key in self.index_keys(sketch):
                pipe.set(key, article_id, ex=WINDOW)

    def count(self, story_id: str, *, with_article: str = "") -> int:
        """How many articles a story has, with this one or without."""
        key = self._keys.story(story_id)
        more = bool(with_article) and not self._redis.sismember(key, with_article)
        return int(self._redis.scard(key)) + more

    def told_keys(self, topics: Iterable[tuple[str, str]]) -> list[str]:
        """The keys that say what watchlists have made of topics, to be watched."""
        return [self._told(*pair) for pair in topics]

    def told(self, watchlist: str, topic: str) -> TopicHistory:
        """What a watchlist has made of a topic."""
        stored = self._redis.get(self._told(watchlist, topic))
        return from_json(TopicHistory, stored) if stored else TopicHistory()

    def tell(self, watchlist: str, topic: str, history: TopicHistory, pipe: Pipeline) -> None:
        """Add to a transaction: what a watchlist has made of a topic."""
        life = max(self._keep, REMEMBER)
        pipe.set(self._told(watchlist, topic), as_json(history), ex=life)

    def _told(self, watchlist: str, topic: str) -> str:
        return self._keys.told(content_id(watchlist, topic))
