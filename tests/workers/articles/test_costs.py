"""Tests of what publishing an article costs in Redis."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.articles.stories import sketch
from monitor.config import load
from monitor.model import Article, Entry
from monitor.runtime.composition import Runtime
from monitor.store.keys import Keys
from monitor.store.stories import WINDOW, StoryArticle
from workers.articles.publish import Publisher

FEED = "https://herald.example/feed"


class Desk:
    """Publishes articles of one feed, and counts the commands that this takes."""

    def __init__(self, configure, redis, watchlists):
        lines = "".join(
            f"  - {{name: w{number}, query: {query}}}\n" for number, query in watchlists
        )
        config = configure(f"feeds: [{{url: '{FEED}'}}]\nwatchlists:\n{lines}")
        self.redis = redis
        self.keys = Keys()
        runtime = Runtime(config, load(config, {}), redis)
        # Read once in two seconds, however many articles come.
        runtime.store.mutes.latest(datetime.now(UTC))
        self.publisher = Publisher(
            redis, runtime.store, runtime.queues, runtime.config, runtime.matcher()
        )

    def publish(self, number, text, text_from="page"):
        """Returns the number of alerts, and that of commands, those in scripts included."""
        entry = Entry(str(number), f"https://herald.example/{number}", f"Headline {number}")
        article = Article(
            str(number), entry.url, entry.title, text, "Herald", FEED, text_from=text_from
        )
        self.redis.hset(self.keys.outstanding("articles"), "job", "[]")
        self.redis.config_resetstat()
        alerts = self.publisher.publish("job", article, entry, entry.url, settle=True)
        return len(alerts), commands_run(self.redis)


def commands_run(redis):
    """Returns how many commands Redis ran since the statistics were reset, scripts included."""
    stats = redis.info("commandstats")
    return sum(command["calls"] for name, command in stats.items() if "config" not in name)


@pytest.fixture
def running(redis, store):
    """An installation that has run for longer than the index of earlier versions is read."""
    with redis.pipeline() as pipe:
        old = StoryArticle("old", "old", "")
        store.stories.index(old, sketch(text_of("old")), datetime.now(UTC) - WINDOW, pipe)
        pipe.execute()


def text_of(name):
    return " ".join(f"{name}{number} and some more" for number in range(60))


def test_publishing_an_article_takes_few_commands(configure, redis, running):
    desk = Desk(configure, redis, [(0, "grain")])
    assert desk.publish(0, text_of("zero"))[0] == 0
    alerts, commands = desk.publish(1, text_of("one"))
    assert alerts == 0
    assert commands <= 18
    alerts, commands = desk.publish(2, f"{text_of('two')} grain")
    assert alerts == 1
    assert commands <= 24


def test_publishing_takes_no_more_commands_with_more_watchlists(configure, redis, running):
    """Not even if the page replaces the feed's words: has a watchlist alerted on the story?"""
    costs = []
    for number, count in enumerate((1, 50)):
        desk = Desk(configure, redis, [(each, f"word{each}") for each in range(count)])
        desk.publish(number, "Few words.", "feed")
        costs.append(desk.publish(number, text_of(f"page{number}")))
    assert costs[0] == costs[1]
    exists = redis.info("commandstats").get("cmdstat_exists", {"calls": 0})
    assert exists["calls"] == 0


def test_a_job_is_enqueued_taken_and_let_through_to_its_host_in_few_commands(redis, queues):
    runner, now, limit = queues.runner(), datetime.now(UTC), timedelta(seconds=60)
    lines = queues.lines(at_once=2, delay=timedelta(0), lease=limit)
    for number in range(2):  # With the scripts loaded, when it comes to the second.
        redis.config_resetstat()
        with redis.pipeline() as pipe:
            pipe.multi()
            queues.enqueue_entry("feed", {"guid": str(number)}, "v", pipe)
            pipe.execute()
        job_id = queues.rq["articles"].pop_job_id()
        assert runner.take("articles", job_id)
        assert lines.enter(f"{number}.example", job_id, now).may_start
        with redis.pipeline(transaction=False) as pipe:
            lines.leave(f"{number}.example", job_id, now, pipe)
            pipe.execute()
    # Beside those of an article, MULTI and EXEC, of which a poll needs one pair.
    assert commands_run(redis) == 16
