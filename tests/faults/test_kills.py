"""Killing processes in the middle of their work loses and repeats nothing."""

import json
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.build import notice
from monitor.model import Delivery

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


ALERTS = 60
RECEIVERS = """
subscribers:
  - {{name: hook, webhook: {{url: "{site}/hook"}}}}
  - {{name: digest, webhook: {{url: "{site}/digest"}}, digest: {{every: 2s}}}}
  - {{name: night, webhook: {{url: "{site}/night"}}, quiet: {{from: "{start}", to: "{end}"}}}}
"""


def received(site, path):
    """Returns the ids of the alerts that a receiver accepted, by idempotency key."""
    by_key = {}
    for headers, body in site.received:
        if headers[":path"] == path:
            document = json.loads(body)
            alerts = document.get("alerts", [document])
            by_key[headers["idempotency-key"]] = [alert["id"] for alert in alerts]
    return by_key


@pytest.mark.timeout(180)
def test_killing_while_alerts_are_delivered_held_and_released_loses_and_repeats_none(
    site, configure, presswatch, redis, redis_url, store, queues, eventually
):
    def night(hours_ago):
        begin = datetime.now(UTC) - timedelta(hours=hours_ago)
        end = begin + timedelta(hours=2)
        return RECEIVERS.format(site=site.url, start=f"{begin:%H:%M}", end=f"{end:%H:%M}")

    config = str(configure(night(hours_ago=1)))
    names = ("hook", "digest", "night")
    for name in names:
        site.delays[f"/{name}"] = 0.05
    expected = []
    for number in range(ALERTS):
        alert = notice(f"Alert {number}", "It happened.", now=datetime.now(UTC))
        expected.append(alert.id)
        with redis.pipeline() as pipe:
            pipe.multi()
            store.alerts.publish(replace(alert, subscribers=names), pipe)
            for name in names:
                queues.enqueue_delivery(Delivery(name, (alert.id,)), pipe)
            pipe.execute()

    for pause in (2.5, 3, 3.5):
        running = [
            presswatch.start(command, "--config", config, REDIS_URL=redis_url)
            for command in ("scheduler", "worker")
        ]
        time.sleep(pause)
        for process in running:
            presswatch.kill(process)
    for command in ("scheduler", "worker"):
        presswatch.start(command, "--config", config, REDIS_URL=redis_url)

    def missing():
        taken = {name: received(site, f"/{name}").values() for name in names}
        return {
            name: len(set(expected) - {alert_id for ids in messages for alert_id in ids})
            for name, messages in taken.items()
        }

    eventually(lambda: missing()["night"], ALERTS, within=1)
    eventually(lambda: store.subscribers.held("night"), ALERTS, within=60)
    configure(night(hours_ago=5))
    eventually(missing, dict.fromkeys(names, 0), within=60)
    eventually(lambda: redis.hlen("presswatch:outstanding:deliveries"), 0, within=30)
    for name in names:
        by_key = received(site, f"/{name}")
        # A repetition has the key of the first attempt, and no alert has two keys.
        assert Counter(alert_id for ids in by_key.values() for alert_id in ids) == Counter(
            expected
        ), name
    assert redis.hgetall("presswatch:failed:deliveries") == {}
    assert len(received(site, "/night")) == 1


def test_running_jobs_are_recovered_soon_after_all_workers_were_killed(
    site, words, configure, presswatch, redis, redis_url, store, queues, eventually
):
    watchlist = "{name: even, query: '\"NATO-Russia Council\"', once_per: article}"
    config = str(
        configure(
            f"feeds: [{{url: {site.url}/feed.xml, name: Herald, every: 1s}}]\n"
            f"watchlists: [{watchlist}]\n"
            f'subscribers: [{{name: hook, webhook: {{url: "{site.url}/hook"}}}}]\n'
        )
    )
    site.put_page("/1", "Report", "The NATO-Russia Council met. ", words)
    site.put_feed("/feed.xml", [("Report", "/1")])
    site.delays |= {"/1": 60, "/hook": 60}
    alert = notice("It happened", "Just now.", now=datetime.now(UTC))
    with redis.pipeline() as pipe:
        pipe.multi()
        store.alerts.keep(alert, pipe)
        queues.enqueue_delivery(Delivery("hook", (alert.id,)), pipe)
        pipe.execute()
    presswatch.start("scheduler", "--config", config, REDIS_URL=redis_url)
    worker = presswatch.start("worker", "--config", config, REDIS_URL=redis_url)
    eventually(lambda: (site.asked()["/1"], len(site.received)), (1, 1))
    presswatch.kill(worker)
    site.delays.clear()
    killed = time.monotonic()
    presswatch.start("worker", "--config", config, REDIS_URL=redis_url)
    eventually(lambda: (site.asked()["/1"], len(site.received)), (2, 2), within=40)
    # A lease of 8 s, and two looks of the scheduler.
    assert time.monotonic() - killed < 22
    eventually(lambda: redis.xlen("presswatch:alerts"), 1)
