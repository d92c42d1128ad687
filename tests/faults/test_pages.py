"""Pages that harm the process that cleans them, beside healthy ones whose alerts come in time."""

import ctypes
import faulthandler
import os
import signal
from datetime import timedelta
from multiprocessing import get_context

import pytest

from monitor.articles.clean import Reading
from monitor.config import load
from monitor.runtime.composition import Runtime
from workers.articles import cleaner, cleaners
from workers.articles import read as reading
from workers.pool import Pool

CONFIG = """
settings: {{articles: {{cleaners: 3}}}}
feeds: [{{url: "{site}/feed", name: Herald}}]
watchlists: [{{name: grain, query: grain, once_per: article}}]
"""


def hang_in_c():
    """As a library in C that never returns: no signal handler of Python's runs meanwhile."""
    libc = ctypes.PyDLL(None)  # keeps the interpreter's lock
    while True:
        libc.usleep(100_000)


def hang_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    hang_in_c()


def eat():
    return [bytearray(10_000_000) for _ in iter(int, 1)]


HARMS = {
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(3),
    "hang": hang_deaf,
    "loop": lambda: [None for _ in iter(int, 1)],
    "eat": eat,
}


@pytest.fixture
def pool(site, configure, redis, monkeypatch):
    """A pool in which the pages below these paths harm their cleaner."""

    def harmful(body, *, url, **more):
        faulthandler.disable()
        harm = HARMS.get(url.split("/")[-2])
        if harm:
            harm()
        return Reading(body, url=url, **more)

    monkeypatch.setattr(reading, "Reading", harmful)
    monkeypatch.setattr(reading, "CLEANING", timedelta(seconds=0.5))
    monkeypatch.setattr(cleaners, "PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(cleaner, "GROWTH_BYTES", 200_000_000)
    directory = configure(CONFIG.format(site=site.url))
    runtime = Runtime(directory, load(directory, {}), redis)
    process = get_context("fork").Process(target=lambda: Pool(runtime).run())
    process.start()
    yield runtime
    process.terminate()
    process.join(10)
    assert process.exitcode == 0


@pytest.fixture
def enqueue(pool, site, words):
    def put(path, title):
        site.put_page(path, title, f"Of grain. {words}", words)
        with pool.redis.pipeline() as pipe:
            pipe.multi()
            entry = {"guid": path, "title": title, "url": f"{site.url}{path}"}
            pool.queues.enqueue_entry(pool.config.feeds[0].id, entry, "v", pipe)
            pipe.execute()

    return put


def alerts(pool):
    found = pool.store.alerts.latest(limit=99)
    return {one["article"]["title"]: one["article"].get("text_from", "page") for one in found}


def test_a_page_that_harms_its_cleaner_is_matched_on_the_feeds_words_beside_healthy_ones(
    pool, enqueue, eventually
):
    for kind in HARMS:
        enqueue(f"/{kind}/1", f"Grain {kind}")
        enqueue(f"/well/{kind}", f"Beside {kind}")
    wanted = {f"Grain {kind}": "feed" for kind in HARMS}
    wanted |= {f"Beside {kind}": "page" for kind in HARMS}
    eventually(lambda: alerts(pool), wanted)
    eventually(lambda: pool.queues.depths()["articles"].scheduled, len(HARMS))
    assert pool.queues.depths()["articles"].owed == len(HARMS)
