"""Stories in Redis: finding and counting them, and who conflicts with whom."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.exceptions import WatchError

from monitor.articles.stories import sketch
from monitor.store.stories import WINDOW

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def text_of(story):
    return " ".join(f"{story}{number} and some more" for number in range(60))


def index(redis, store, story, article, now=NOW, text=None):
    with redis.pipeline() as pipe:
        store.stories.index(story, article, sketch(text or text_of(story)), now, pipe)
        pipe.execute()


def find(store, story, now=NOW):
    return store.stories.find(sketch(text_of(story)), now)


def test_a_copy_is_found_by_its_text_in_this_period_and_the_one_before(redis, store):
    index(redis, store, "a", "a1")
    assert (find(store, "a"), find(store, "b")) == ("a", None)
    assert find(store, "a", NOW + WINDOW) == "a"
    assert find(store, "a", NOW + 2 * WINDOW) is None


def test_a_copy_is_found_for_72_hours(redis, store):
    index(redis, store, "a", "a1")
    assert redis.ttl(store.keys.sketch("a1")) == WINDOW.total_seconds()
    redis.delete(store.keys.sketch("a1"))
    assert find(store, "a") is None


def test_indexes_are_removed_when_nothing_is_looked_for_in_them(redis, store):
    for periods in range(4):
        index(redis, store, "a", "a1", NOW + periods * WINDOW)
    store.stories.trim(NOW + 3 * WINDOW)
    assert len(redis.keys("presswatch:shingles:*")) == 2
    assert find(store, "a", NOW + 3 * WINDOW) == "a"
    store.stories.trim(NOW + timedelta(days=300))
    assert redis.keys("presswatch:shingles:*") == []


def test_no_key_of_an_index_is_left_that_housekeeping_or_expiry_does_not_remove(redis, store):
    index(redis, store, "a", "a1")
    store.stories.trim(NOW + 2 * WINDOW)
    kept = [key for key in redis.keys("*") if not key.startswith(b"presswatch:touched:")]
    assert [redis.ttl(key) > 0 for key in kept] == [True]


def test_the_keys_by_which_articles_conflict_are_few(redis, store):
    for number in range(3):
        index(redis, store, f"a{number}", "a1")
    names = redis.keys("presswatch:touched:*")
    assert all(int(name.rpartition(b":")[2], 16) < 2**14 for name in names)


def test_articles_of_one_story_conflict_and_others_do_not(redis, store):
    def write_while_others_write(story):
        """Starts a transaction for an article of `a`, before an article of `story` is indexed."""
        with redis.pipeline() as pipe:
            pipe.watch(*store.stories.index_keys(sketch(text_of("a"))))
            index(redis, store, story, f"{story}2")
            pipe.multi()
            store.stories.index("a", "a1", sketch(text_of("a")), NOW, pipe)
            pipe.execute()

    write_while_others_write("b")
    with pytest.raises(WatchError):
        write_while_others_write("a")


def test_the_first_article_of_a_story_counts_though_it_was_never_added(redis, store):
    stories = store.stories
    assert (stories.count("a"), stories.count("a", with_article="a")) == (1, 1)
    assert stories.count("a", with_article="b") == 2
    with redis.pipeline() as pipe:
        stories.add("a", "b", pipe)
        pipe.execute()
    assert (stories.count("a"), stories.count("a", with_article="b")) == (2, 2)
    assert stories.count("a", with_article="c") == 3
    assert redis.ttl(store.keys.story("a")) > 0
