"""Polls without news, written in groups."""

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic_core import PydanticSerializationError
from redis.exceptions import RedisError

from monitor.model import Feed, FeedState
from monitor.scheduler.groups import GroupedCommits
from monitor.store.feeds import StateRecord

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FEEDS = [Feed(f"https://one.example/{number}") for number in range(4)]


def commit(store, *states):
    async def run():
        commits = GroupedCommits(store.feeds, None)
        records = [
            StateRecord(feed, state, NOW) for feed, state in zip(FEEDS, states, strict=False)
        ]
        return await asyncio.gather(*map(commits.commit, records), return_exceptions=True)

    return asyncio.run(run())


def test_polls_that_end_together_are_written_in_one_transaction(store, redis):
    states = [FeedState(title=str(number)) for number in range(4)]
    before = redis.info("commandstats").get("cmdstat_mset", {"calls": 0})["calls"]
    assert commit(store, *states) == [None] * 4
    assert redis.info("commandstats")["cmdstat_mset"]["calls"] == before + 1
    assert [store.feeds.state(feed.id) for feed in FEEDS] == states


def test_a_state_that_cannot_be_written_keeps_no_other_from_being_written(store):
    sound = FeedState(title="Herald")
    outcomes = commit(store, sound, FeedState(title="\ud83d"), sound)
    assert outcomes[::2] == [None, None]
    assert isinstance(outcomes[1], PydanticSerializationError)
    assert store.feeds.state(FEEDS[2].id) == sound


def test_no_poll_of_a_group_counts_as_written_if_redis_fails(store, monkeypatch):
    def fail(_):
        raise RedisError("gone")

    monkeypatch.setattr(store.feeds, "commit", fail)
    outcomes = commit(store, FeedState(), FeedState())
    with pytest.raises(RedisError):
        raise outcomes[0]
    assert isinstance(outcomes[1], RedisError)
