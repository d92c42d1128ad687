"""Tests of how a reader hands requests to its cleaners, over real sockets."""

import asyncio
import json
import socket
from dataclasses import asdict
from multiprocessing.connection import Connection

import pytest

from monitor.model import Entry
from workers.articles.cleaner import Answer, Request
from workers.articles.cleaners import Cleaners

REQUEST = Request("job", "feed", Entry("1"), "articles", settle=True)


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "cleaners"))
        listener.listen()
        yield listener


def cleaner(listener):
    """Returns the end of a connection that a cleaner holds."""
    end = socket.socket(socket.AF_UNIX)
    end.connect(listener.getsockname())
    connection = Connection(end.detach())
    connection.send_bytes(b"0")
    return connection


def answer(listener, *cleaners):
    """Returns the answer to a request that these cleaners get, one after another."""

    async def ask():
        ours = Cleaners(listener, 1)
        accepting = asyncio.create_task(ours.accept())
        asking = asyncio.create_task(ours.ask(REQUEST))
        for act in cleaners:
            with cleaner(listener) as connection:
                await asyncio.to_thread(act, connection)
        answer = await asyncio.wait_for(asking, 5)
        accepting.cancel()
        await ours.close()
        return answer

    return asyncio.run(ask())


def die_before_it_begins(connection):
    connection.poll(None)


def die_in_it(connection):
    connection.poll(None)
    connection.send_bytes(b"")


def work(connection):
    die_in_it(connection)
    connection.recv_bytes()
    connection.send_bytes(json.dumps(asdict(Answer("done"))).encode())


def test_a_request_whose_cleaner_ends_before_it_begins_goes_to_the_next_one(listener):
    assert answer(listener, die_before_it_begins, die_before_it_begins, work) == Answer("done")


def test_a_request_that_kills_its_cleaner_is_given_to_no_other(listener):
    assert answer(listener, die_in_it).verdict == "died"
