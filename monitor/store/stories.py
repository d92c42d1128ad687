"""Stories in Redis: which articles belong to which story, found by the text that they share.

The index of a period of `WINDOW` is one hash, so that an article is found and indexed with a
command for each period. Nothing watches these hashes, since every article changes them. An article
rather touches a key for each of its shingles: that fails the transactions of others that watch
these keys, and these are the articles of the same story, with few exceptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
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
# Articles of two stories rarely touch the same of so many keys, which take a megabyte.
_TOUCHED = 1 << 14
# An index of a period that ended longer ago than this is not looked for any more: about a year.
_TRIMMED_PERIODS = 128
# Stands between an article's story and its site, whose names never hold it.
_AT = "@"


@dataclass(frozen=True, slots=True)
class StoryArticle:
    """An article of a story, and its site, which is empty if an earlier version found it."""

    story: str
    article: str
    site: str


@dataclass(frozen=True, slots=True)
class StorySize:
    """How many articles tell a story, and on how many sites."""

    articles: int = 1
    sites: int = 1


class StoryStore:
    """The store of stories; an article is found by its text for `WINDOW`."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep

    def index_keys(self, sketch: Sketch | None) -> list[str]:
        """Returns the keys that articles of the same story touch, to be watched."""
        numbers = {number % _TOUCHED for number in sketch.keys} if sketch else set()
        return [self._keys.touched(number) for number in sorted(numbers)]

    def find(self, sketch: Sketch | None, now: datetime) -> StoryArticle | None:
        """Returns an article of the story that a text belongs to, or None if none is known."""
        candidates = self._candidates(sketch, now) if sketch else []
        if sketch and candidates:
            stored: Any = self._redis.mget([self._keys.sketch(each) for each in candidates])
            for article_id, value in zip(candidates, stored, strict=True):
                named, _, other = (value or b"").partition(b" ")
                if named and same_story(sketch, Sketch.from_bytes(other)):
                    story_id, _, site = text(named).partition(_AT)
                    return StoryArticle(story_id, article_id, site)
        return None

    def _candidates(self, sketch: Sketch, now: datetime) -> list[str]:
        """Returns the last articles that share a shingle with a text, of this period first."""
        period = _period(now)
        with self._redis.pipeline(transaction=False) as pipe:
            for each in (period, period - 1):
                pipe.hmget(self._keys.shingles(each), _fields(sketch))
            current, previous = pipe.execute()
        found = dict.fromkeys([*current, *previous])
        return [text(article_id) for article_id in found if article_id]

    def index(self, article: StoryArticle, sketch: Sketch, now: datetime, pipe: Pipeline) -> None:
        """Makes an article known by its text, in the transaction."""
        # A space ends the site. A host is a stranger's text, and may hold anything.
        site = "".join(article.site.split())
        value = f"{article.story}{_AT}{site} ".encode() + sketch.to_bytes()
        pipe.set(self._keys.sketch(article.article), value, ex=WINDOW)
        fields = dict.fromkeys(_fields(sketch), article.article)
        pipe.hset(self._keys.shingles(_period(now)), mapping=fields)  # type: ignore[arg-type]
        pipe.mset(dict.fromkeys(self.index_keys(sketch), ""))

    def add(self, story_id: str, articles: Iterable[StoryArticle], pipe: Pipeline) -> None:
        """Adds articles to a story, in the transaction.

        Name a new article, and the one by which its story was found: the first article of a story
        is not written before there is another one.
        """
        for key, members in self._members(story_id, articles):
            if members:
                pipe.sadd(key, *members)
                pipe.expire(key, self._keep)

    def size(self, story_id: str, articles: Iterable[StoryArticle] = ()) -> StorySize:
        """Returns the size of a story, as it is when these articles are added."""
        sets = self._members(story_id, articles)
        with self._redis.pipeline(transaction=False) as pipe:
            for key, members in sets:
                pipe.scard(key)
                # Redis refuses to look for no members.
                pipe.smismember(key, members or [""])
            articles_known, articles_in, sites_known, sites_in = pipe.execute()
        (_, ids), (_, sites) = sets
        return StorySize(
            articles_known + len(ids) - sum(articles_in),
            # The site of a first article without others is not known here.
            max(sites_known + len(sites) - sum(sites_in), 1),
        )

    def _members(
        self, story_id: str, articles: Iterable[StoryArticle]
    ) -> tuple[tuple[str, list[str]], tuple[str, list[str]]]:
        """Returns the keys of a story's articles and sites, each with what these articles add."""
        listed = list(articles)
        ids = dict.fromkeys([story_id, *(each.article for each in listed)])
        sites = dict.fromkeys(each.site for each in listed if each.site)
        return (
            (self._keys.story(story_id), list(ids)),
            (self._keys.story_sites(story_id), list(sites)),
        )

    def trim(self, now: datetime) -> None:
        """Removes the indexes of periods in which nothing is looked for any more."""
        last = _period(now) - 1
        # `unlink` frees a large hash beside Redis's other work, unlike its expiry.
        self._redis.unlink(*map(self._keys.shingles, range(last - _TRIMMED_PERIODS, last)))

    def history_keys(self, topics: Iterable[tuple[str, str]]) -> list[str]:
        """Returns the keys of the histories of (watchlist, topic) pairs, to be watched."""
        return [self._history_key(watchlist, topic) for watchlist, topic in topics]

    def histories(self, topics: Iterable[tuple[str, str]]) -> list[TopicHistory]:
        """Returns the histories of (watchlist, topic) pairs, in their order."""
        keys = self.history_keys(topics)
        stored: Any = self._redis.mget(keys) if keys else []
        return [from_json(TopicHistory, each) if each else TopicHistory() for each in stored]

    def put_history(
        self, watchlist: str, topic: str, history: TopicHistory, pipe: Pipeline
    ) -> None:
        """Writes the history of a watchlist's alerts on a topic, in the transaction."""
        life = max(self._keep, HISTORY_LIFE)
        pipe.set(self._history_key(watchlist, topic), as_json(history), ex=life)

    def _history_key(self, watchlist: str, topic: str) -> str:
        return self._keys.history(content_id(watchlist, topic))


def _fields(sketch: Sketch) -> list[str]:
    """Returns the fields under which an index has the articles with these shingles."""
    return [f"{number:x}" for number in sketch.keys]


def _period(now: datetime) -> int:
    return int(now.timestamp() // WINDOW.total_seconds())
