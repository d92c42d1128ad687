"""Stories in Redis: which articles belong to which story, found by the text that they share."""

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
# An entry is known as long as its feed lists it, and may be edited after a year: about 300 bytes
# for each alert keep it from alerting again. Articles and stories need not be kept as long.
HISTORY_LIFE = timedelta(days=400)


class StoryStore:
    """The store of stories; the index that finds them expires after `WINDOW`."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep

    def index_keys(self, sketch: Sketch | None) -> list[str]:
        """Returns the keys under which articles of the same story are found, to be watched."""
        return [self._keys.shingle(number) for number in sketch.keys] if sketch else []

    def find(self, sketch: Sketch | None) -> str | None:
        """Returns the story that a text belongs to, or None if no article of it is known."""
        if sketch is None:
            return None
        indexed = self._redis.mget(self.index_keys(sketch))
        candidates = dict.fromkeys(text(article_id) for article_id in indexed if article_id)
        for article_id in candidates:
            stored: Any = self._redis.get(self._keys.sketch(article_id))
            if stored:
                story_id, _, other = stored.partition(b" ")
                if same_story(sketch, Sketch.from_bytes(other)):
                    return text(story_id)
        return None

    def put(self, story_id: str, article_id: str, sketch: Sketch | None, pipe: Pipeline) -> None:
        """Adds an article to a story, in the transaction, and indexes its text."""
        pipe.sadd(self._keys.story(story_id), article_id)
        pipe.expire(self._keys.story(story_id), self._keep)
        if sketch:
            value = f"{story_id} ".encode() + sketch.to_bytes()
            pipe.set(self._keys.sketch(article_id), value, ex=WINDOW)
            for key in self.index_keys(sketch):
                pipe.set(key, article_id, ex=WINDOW)

    def count(self, story_id: str, *, with_article: str = "") -> int:
        """Returns how many articles a story has, `with_article` included."""
        key = self._keys.story(story_id)
        more = bool(with_article) and not self._redis.sismember(key, with_article)
        return int(self._redis.scard(key)) + more

    def history_keys(self, topics: Iterable[tuple[str, str]]) -> list[str]:
        """Returns the keys of the histories of (watchlist, topic) pairs, to be watched."""
        return [self._history_key(watchlist, topic) for watchlist, topic in topics]

    def history(self, watchlist: str, topic: str) -> TopicHistory:
        """Returns the history of a watchlist's alerts on a topic."""
        stored = self._redis.get(self._history_key(watchlist, topic))
        return from_json(TopicHistory, stored) if stored else TopicHistory()

    def put_history(
        self, watchlist: str, topic: str, history: TopicHistory, pipe: Pipeline
    ) -> None:
        """Writes the history of a watchlist's alerts on a topic, in the transaction."""
        life = max(self._keep, HISTORY_LIFE)
        pipe.set(self._history_key(watchlist, topic), as_json(history), ex=life)

    def _history_key(self, watchlist: str, topic: str) -> str:
        return self._keys.history(content_id(watchlist, topic))
