"""Stories in Redis: finding and counting them, and who conflicts with whom."""

from datetime import UTC, datetime, timedelta

import pytest
from redis.exceptions import WatchError

from monitor.articles.stories import sketch
from monitor.store.stories import WINDOW, StoryArticle, StorySize

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def text_of(story):
    return " ".join(f"{story}{number} and some more" for number in range(60))


def index(redis, store, story, article, now=NOW, text=None):
    with redis.pipeline() as pipe:
        member = StoryArticle(story, article, f"{article}.example")
        store.stories.index(member, sketch(text or text_of(story)), now, pipe)
        pipe.execute()


def find(store, story, now=NOW):
    found = store.stories.find(sketch(text_of(story)), now)
    return found and found.story


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
            store.stories.index(StoryArticle("a", "a1", ""), sketch(text_of("a")), NOW, pipe)
            pipe.execute()

    write_while_others_write("b")
    with pytest.raises(WatchError):
        write_while_others_write("a")


def add(redis, store, story, *articles):
    with redis.pipeline() as pipe:
        store.stories.add(story, articles, pipe)
        pipe.execute()


def test_the_first_article_of_a_story_counts_though_it_was_never_added(redis, store):
    stories = store.stories
    first, second = StoryArticle("a", "a", "one.example"), StoryArticle("a", "b", "two.example")
    assert stories.size("a") == stories.size("a", [first]) == StorySize(1, 1)
    assert stories.size("a", [first, second]) == StorySize(2, 2)
    add(redis, store, "a", first, second)
    assert stories.size("a") == stories.size("a", [second]) == StorySize(2, 2)
    third = StoryArticle("a", "c", "one.example")
    assert stories.size("a", [second, third]) == StorySize(3, 2)
    assert redis.ttl(store.keys.story("a")) > 0


def test_a_site_counts_once_however_many_articles_it_has(redis, store):
    sites = ("one.example", "one.example", "two.example")
    articles = [StoryArticle("0", str(n), site) for n, site in enumerate(sites)]
    for number in range(1, 3):
        add(redis, store, "0", articles[number - 1], articles[number])
    assert store.stories.size("0") == StorySize(articles=3, sites=2)


def test_a_copy_is_found_with_its_site_and_one_of_an_earlier_version_without(redis, store):
    index(redis, store, "a", "a1")
    copy = sketch(text_of("a"))
    assert store.stories.find(copy, NOW) == StoryArticle("a", "a1", "a1.example")
    # An earlier version wrote no site.
    redis.set(store.keys.sketch("a1"), b"a " + copy.to_bytes())
    assert store.stories.find(copy, NOW) == StoryArticle("a", "a1", "")
    # As many as are known, and never none.
    assert store.stories.size("a", [StoryArticle("a", "a1", "")]) == StorySize(2, 1)
