"""Deliveries to subscribers."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from monitor.config import load
from monitor.model import Alert
from monitor.process import Again, Done
from monitor.runtime import Runtime
from workers import delivery

CONFIG = """
subscribers:
  - {{name: hook, webhook: {{url: "{site}/hook"}}}}
  - {{name: chat, slack: {{webhook_url: "https://hooks.example/secret"}}}}
"""


@pytest.fixture
def deliver(redis, site, configure):
    runtime = Runtime(configure(CONFIG), load(configure(CONFIG.format(site=site.url)), {}), redis)
    alert = Alert("a1", "w", ("hook",), {"v": 1, "id": "a1"})

    def run(subscriber="hook", *, enqueue=True):
        with redis.pipeline() as pipe:
            pipe.multi()
            runtime.store.alerts.publish(alert, pipe)
            if enqueue:
                runtime.queues.enqueue_delivery("a1", subscriber, pipe)
            pipe.execute()
        (job_id,) = redis.hkeys("presswatch:outstanding:deliveries") or [b"none"]
        context = SimpleNamespace(runtime=runtime)
        return asyncio.run(delivery.deliver(context, job_id.decode(), "a1", subscriber))

    run.queues = runtime.queues
    return run


def test_an_alert_is_posted_with_its_id_as_key(deliver, site):
    assert isinstance(deliver(), Done)
    ((headers, body),) = site.received
    assert headers["idempotency-key"] == "a1"
    assert json.loads(body) == {"v": 1, "id": "a1"}
    assert deliver.queues.depths()["deliveries"].owed == 0


def test_a_delivery_that_was_settled_is_not_made_again(deliver, site):
    deliver()
    deliver(enqueue=False)
    assert len(site.received) == 1


def test_a_receiver_that_is_down_is_tried_again_ever_later(deliver, site):
    site.pages["/hook"] = (503, {}, b"")
    pauses = [deliver(), deliver(), deliver()]
    assert pauses == [Again(5), Again(30), Again(120)]
    assert deliver.queues.depths()["deliveries"].owed == 1
    del site.pages["/hook"]
    assert isinstance(deliver(), Done)


def test_a_receiver_that_refuses_is_given_up_where_an_operator_sees_it(deliver, site):
    site.pages["/hook"] = (410, {}, b"")
    assert isinstance(deliver(), Done)
    (failed,) = deliver.queues.failed("deliveries")
    assert failed.error == "HTTP 410"
    assert failed.args == ["a1", "hook"]


def test_a_receiver_that_stays_down_is_given_up_after_the_last_pause(deliver, site):
    site.pages["/hook"] = (500, {}, b"")
    for _ in delivery.PAUSES_S:
        assert isinstance(deliver(), Again)
    assert isinstance(deliver(), Done)
    (failed,) = deliver.queues.failed("deliveries")
    assert failed.error == "HTTP 500"


@pytest.mark.parametrize(
    ("subscriber", "reason"),
    [("chat", "slack is not available yet"), ("nobody", "the subscriber no longer exists")],
)
def test_what_cannot_be_delivered_is_not_lost_silently(deliver, subscriber, reason):
    deliver(subscriber)
    (failed,) = deliver.queues.failed("deliveries")
    assert failed.error == reason
