"""kill -9 in the middle: nothing is lost, nothing comes twice."""

import json
from collections import Counter

import pytest

ENTRIES = 200
CONFIG = """
feeds: [{{url: {site}/feed.xml, name: Herald, every: 1s}}]
watchlists: [{{name: even, query: '"NATO-Russia Council"', once_per: article}}]
"""


@pytest.fixture
def herald(site, words, configure):
    entries = []
    for number in range(ENTRIES):
        council = "The NATO-Russia Council met. " if number % 2 == 0 else ""
        site.put_page(f"/{number}", f"Report {number}", words, council + words)
        entries.append((f"Report {number}", f"/{number}"))
    site.put_feed("/feed.xml", entries)
    site.config = configure(CONFIG.format(site=site.url))
    return site


@pytest.mark.timeout(120)
def test_killing_scheduler_and_workers_again_and_again_loses_and_repeats_no_alert(
    herald, presswatch, redis, redis_url, eventually
):
    def start(command):
        return presswatch.start(command, "--config", str(herald.config), REDIS_URL=redis_url)

    def read():
        return sum(herald.asked()[f"/{number}"] > 0 for number in range(ENTRIES))

    for part in (1, 2, 3):
        scheduler, worker = start("scheduler"), start("worker")
        eventually(lambda: read() >= ENTRIES * part // 4, within=60)  # noqa: B023
        presswatch.kill(worker)
        presswatch.kill(scheduler)
    start("scheduler")
    start("worker")
    eventually(lambda: redis.hlen("presswatch:outstanding:articles"), 0, within=90)

    alerts = [json.loads(fields[b"alert"]) for _, fields in redis.xrange("presswatch:alerts")]
    assert Counter(alert["article"]["title"] for alert in alerts) == Counter(
        f"Report {number}" for number in range(0, ENTRIES, 2)
    )
    assert redis.hlen("presswatch:failed:articles") == 0
