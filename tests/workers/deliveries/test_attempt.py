"""Deliveries: made, held, retried, paused, and never lost."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from monitor.config import load
from monitor.coverage import Record
from monitor.errors import SubscriberBroken
from monitor.jobs.outcome import Again, Done
from monitor.model import Alert, Delivery, as_plain, from_json
from monitor.runtime.composition import Runtime
from monitor.scheduler.outbox import Outbox
from workers.deliveries import attempt
from workers.deliveries.channel import Receipt

CONFIG = """
subscribers:
  - {{name: hook, webhook: {{url: "{site}/hook"}}}}
  - {{name: other, webhook: {{url: "{site}/other"}}}}
  - {{name: daily, webhook: {{url: "{site}/daily"}}, digest: {{every: 1h}}}}
  - {{name: calm, webhook: {{url: "{site}/calm"}}, limit: 2/h}}
  - {{name: sleeper, webhook: {{url: "{site}/sleeper"}}, quiet: {{from: "{start}", to: "{end}",
      except: high}}}}
  - {{name: operators, webhook: {{url: "{site}/operators"}}}}
"""


class Desk:
    """Publishes alerts, makes deliveries one by one, and lets time pass."""

    def __init__(self, site, directory, redis):
        self.site = site
        self.redis = redis
        self.runtime = Runtime(directory, load(directory, {}), redis)
        self.store = self.runtime.store

    def publish(self, number, *subscribers, priority="normal"):
        article = {"title": f"Title {number}", "text_from": "page"}
        document = {
            "v": 1, "id": f"a{number}", "watchlist": "w", "priority": priority,
            "detected_at": f"2026-11-23T09:00:0{number}Z", "article": article, "matches": [],
            "snippets": [], "story": {"id": f"s{number}", "articles": 1},
        }  # fmt: skip
        alert = Alert(f"a{number}", "w", subscribers, document)
        with self.redis.pipeline() as pipe:
            pipe.multi()
            self.store.alerts.publish(alert, pipe)
            for name in subscribers:
                self.runtime.queues.enqueue_delivery(Delivery(name, (alert.id,)), pipe)
            pipe.execute()

    def owed(self):
        return self.redis.hgetall("presswatch:outstanding:deliveries")

    def work(self):
        """Attempts each outstanding delivery once."""
        return [attempt.deliver(self.runtime, job_id.decode()) for job_id in sorted(self.owed())]

    def release(self, after=timedelta(0)):
        outbox = Outbox(self.store, self.runtime.queues, self.runtime.config)
        outbox.release(datetime.now(UTC) + after)

    def held_until(self, name):
        """Returns when each held alert is released, by id."""
        scores = self.redis.zrange(f"presswatch:held:{name}", 0, -1, withscores=True)
        return {
            member.decode().removeprefix("tried:"): datetime.fromtimestamp(score, UTC)
            for member, score in scores
        }

    def received(self, path=None):
        return [
            json.loads(body) for headers, body in self.site.received
            if path is None or headers[":path"] == path
        ]  # fmt: skip

    def events(self, number):
        return [(note.subscriber, note.event) for note in self.ledger(f"a{number}")]

    def ledger(self, alert_id):
        """Returns the notes about an alert's deliveries that go to the archive."""
        records = [from_json(Record, each).delivery for each in self.store.unarchived.waiting()]
        return [record.note for record in records if record and alert_id in record.alerts]

    def failing(self, name, since):
        """Makes a subscriber look as if it had failed for a while."""
        state = self.store.subscribers.state(name)
        self.store.subscribers.change(
            name,
            lambda _: type(state)(failures=10, failing_since=datetime.now(UTC) - since),
        )


@pytest.fixture
def desk(redis, site, configure):
    now = datetime.now(UTC)
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-1, 1))
    return Desk(site, configure(CONFIG.format(site=site.url, start=start, end=end)), redis)


def test_an_alert_is_posted_with_its_id_as_key_and_the_answer_is_recorded(desk, site):
    desk.publish(1, "hook")
    assert isinstance(desk.work()[0], Done)
    ((headers, body),) = site.received
    assert headers["idempotency-key"] == "a1"
    assert json.loads(body)["article"]["title"] == "Title 1"
    assert desk.owed() == {}
    counts = desk.store.counters.read()
    assert counts.alerts == {"w": 1}
    assert counts.deliveries == {("webhook", "delivered"): 1}
    (note,) = desk.ledger("a1")
    assert (note.subscriber, note.channel, note.event, note.detail) == (
        "hook", "webhook", "delivered", "HTTP 204",
    )  # fmt: skip


def test_a_receiver_that_is_down_is_retried_at_growing_intervals(desk, site):
    site.pages["/hook"] = (503, {}, b"")
    desk.publish(1, "hook")
    pauses = [desk.work()[0].pause_s for _ in range(3)]
    for pause, planned in zip(pauses, (5, 30, 120), strict=True):
        assert 0.8 * planned <= pause <= 1.2 * planned
    del site.pages["/hook"]
    assert isinstance(desk.work()[0], Done)
    assert desk.events(1) == [("hook", "failed")] * 3 + [("hook", "delivered")]


def test_a_receiver_that_asks_for_time_gets_it(desk, site):
    site.pages["/hook"] = (429, {"Retry-After": "77"}, b"")
    desk.publish(1, "hook")
    assert desk.work() == [Again(77)]


def test_a_refused_message_is_given_up_and_shown_to_operators(desk, site):
    site.pages["/hook"] = (422, {}, b"")
    desk.publish(1, "hook")
    desk.work()
    (failed,) = desk.runtime.queues.failed("deliveries")
    assert failed.error == "HTTP 422"
    assert failed.args == [as_plain(Delivery("hook", ("a1",)))]
    assert desk.events(1) == [("hook", "given up")]
    desk.runtime.queues.retry(failed)
    del site.pages["/hook"]
    desk.work()
    assert desk.events(1)[-1] == ("hook", "delivered")
    assert desk.runtime.queues.failed("deliveries") == []


def test_an_undeliverable_alert_is_not_lost_silently(desk):
    desk.publish(1, "nobody")
    # A second time, since other workers may have read a newer configuration.
    assert desk.work() == [Again(5)]
    desk.work()
    (failed,) = desk.runtime.queues.failed("deliveries")
    assert failed.error == "the subscriber no longer exists"


def test_a_failing_subscriber_is_paused_keeps_its_alerts_and_resumes_after_a_probe(desk, site):
    site.pages["/hook"] = (500, {}, b"")
    desk.failing("hook", timedelta(minutes=5))
    for number in (1, 2, 3):
        desk.publish(number, "hook")
    desk.work()
    assert desk.store.subscribers.state("hook").paused_at is not None
    assert desk.store.subscribers.held("hook") == 3
    # One of the outstanding deliveries is for the operators.
    assert [args for args in desk.owed().values() if b"operators" not in args] == []

    desk.release()
    assert desk.store.subscribers.held("hook") == 3
    site.received.clear()
    desk.release(after=timedelta(minutes=2))
    assert desk.store.subscribers.held("hook") == 2
    desk.work()
    assert desk.store.subscribers.held("hook") == 3
    assert desk.store.subscribers.state("hook").probes == 1

    del site.pages["/hook"]
    desk.release(after=timedelta(hours=1))
    desk.work()
    assert desk.store.subscribers.state("hook").paused_at is None
    desk.release()
    desk.work()
    titles = [document["article"]["title"] for document in desk.received("/hook")]
    assert sorted(titles[-3:]) == ["Title 1", "Title 2", "Title 3"]
    assert desk.store.subscribers.held("hook") == 0
    assert desk.events(1)[-1] == ("hook", "delivered")


def test_a_broken_subscriber_is_paused_at_once_and_operators_get_one_alert(desk, site):
    site.pages["/hook"] = (410, {}, b"")
    desk.publish(1, "hook")
    desk.publish(2, "hook")
    desk.work()
    desk.work()
    (about_pause,) = desk.received("/operators")
    assert about_pause["article"]["title"] == "hook accepts no alerts and is paused: HTTP 410"
    assert desk.store.alerts.count() == 2  # the stream holds alerts alone


def test_a_digest_gathers_alerts_into_one_message(desk, site):
    for number in (1, 2, 3):
        desk.publish(number, "daily")
    desk.work()
    assert site.received == []
    desk.release(after=timedelta(minutes=50))
    assert desk.owed() == {}
    # It was due while nothing ran, and is sent at the next release.
    desk.release(after=timedelta(hours=5))
    desk.work()
    (message,) = desk.received("/daily")
    assert [alert["id"] for alert in message["alerts"]] == ["a1", "a2", "a3"]
    assert desk.events(2) == [("daily", "held"), ("daily", "delivered")]


def test_quiet_hours_hold_all_but_exempt_alerts_and_end_in_one_message(desk, site):
    desk.publish(1, "sleeper")
    desk.publish(2, "sleeper", priority="high")
    desk.publish(3, "sleeper")
    desk.work()
    assert [document["id"] for document in desk.received()] == ["a2"]
    desk.release()
    assert desk.owed() == {}
    assert desk.store.subscribers.held("sleeper") == 2


def test_a_storm_becomes_one_message_when_the_limit_has_room_again(desk, site):
    for number in range(7):
        desk.publish(number, "calm")
    desk.work()
    assert len(desk.received("/calm")) == 2
    desk.release()
    assert desk.store.subscribers.held("calm") == 5
    desk.redis.delete("presswatch:sent:calm")
    desk.release(after=timedelta(minutes=61))
    desk.work()
    assert len(desk.received("/calm")) == 3
    assert len(desk.received("/calm")[-1]["alerts"]) == 5


def test_a_retried_delivery_counts_once_towards_the_limit(desk, site):
    site.pages["/calm"] = (503, {}, b"")
    desk.publish(1, "calm")
    for _ in range(4):
        desk.work()
    assert desk.redis.zcard("presswatch:sent:calm") == 1


def test_alerts_held_for_a_removed_subscriber_are_shown_as_failed(desk, configure, site):
    desk.publish(1, "daily")
    desk.work()
    desk.runtime = Runtime(
        desk.runtime.config_directory,
        load(configure(f'subscribers: [{{name: hook, webhook: {{url: "{site.url}/hook"}}}}]'), {}),
        desk.redis,
    )
    desk.release()
    assert desk.store.subscribers.holding() == []
    desk.work()
    desk.work()
    (failed,) = desk.runtime.queues.failed("deliveries")
    assert failed.error == "the subscriber no longer exists"


def test_alerts_held_for_a_subscriber_new_to_the_scheduler_are_held_again(desk, configure, site):
    desk.publish(1, "daily")
    desk.work()
    old = f'subscribers: [{{name: hook, webhook: {{url: "{site.url}/hook"}}}}]'
    Outbox(desk.store, desk.runtime.queues, load(configure(old), {})).release(datetime.now(UTC))
    desk.work()
    assert desk.runtime.queues.failed("deliveries") == []
    assert desk.store.subscribers.held("daily") == 1


def test_removing_a_digest_releases_what_it_held(desk, configure, site):
    desk.publish(1, "daily")
    desk.work()
    directory = configure(f'subscribers: [{{name: daily, webhook: {{url: "{site.url}/daily"}}}}]')
    desk.runtime = Runtime(directory, load(directory, {}), desk.redis)
    desk.release()
    desk.work()
    assert [document["id"] for document in desk.received("/daily")] == ["a1"]


def test_alerts_over_the_limit_are_not_released_before_there_is_room(desk):
    for number in range(4):
        desk.publish(number, "calm")
    desk.work()
    for seconds in (1, 2, 3):
        desk.release(after=timedelta(seconds=seconds))
        assert desk.owed() == {}


def test_a_slow_subscriber_leaves_workers_for_the_others(desk):
    place = "subscriber:hook"
    for holder in ("x", "y", "z"):
        desk.store.turnstile.enter(
            place, holder, at_once=3, delay=timedelta(0), lease=timedelta(minutes=1),
            now=datetime.now(UTC),
        )  # fmt: skip
    desk.publish(1, "hook", "other")
    assert sorted(map(type, desk.work()), key=str) == [Again, Done]
    assert desk.redis.hvals("presswatch:attempts:deliveries") == []


def test_the_more_deliveries_wait_for_a_subscriber_the_less_often_each_checks(desk):
    for holder in ("x", "y", "z"):
        desk.store.turnstile.enter(
            "subscriber:hook", holder, at_once=3, delay=timedelta(0), lease=timedelta(minutes=1),
            now=datetime.now(UTC),
        )  # fmt: skip
    desk.publish(1, "hook")
    assert desk.work() == [Again(1)]
    desk.redis.zadd("rq:scheduled:deliveries", {f"delivery-{number}": 1 for number in range(1000)})
    assert desk.work() == [Again(10)]


def test_the_ledger_decides_what_is_left_of_a_delivery(desk):
    desk.publish(1, "hook")
    (job_id,) = desk.owed()
    left = Delivery("hook", ("a1",), to=("b@example.org",))
    with desk.redis.pipeline() as pipe:
        desk.runtime.queues.narrow(job_id.decode(), left, pipe)
        pipe.execute()
    assert desk.runtime.queues.owed("deliveries", job_id.decode()) == [as_plain(left)]


def test_a_digest_by_interval_gathers_the_alerts_of_that_interval(desk, monkeypatch):
    class Clock(datetime):
        late = timedelta(0)

        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + cls.late

    monkeypatch.setattr(attempt, "datetime", Clock)
    desk.publish(1, "daily")
    desk.work()
    Clock.late = timedelta(minutes=59)
    desk.publish(2, "daily")
    desk.work()
    assert len(set(desk.held_until("daily").values())) == 1
    desk.release(after=timedelta(minutes=60, seconds=1))
    Clock.late = timedelta(minutes=61)
    desk.work()
    (message,) = desk.received("/daily")
    assert [alert["id"] for alert in message["alerts"]] == ["a1", "a2"]


def test_a_paused_subscriber_is_probed_with_its_remaining_recipients(desk, monkeypatch):
    answers = [
        Receipt("ok", later={"b@example.org": "451 later"}),
        SubscriberBroken("the login is refused"),
        Receipt("ok"),
    ]
    sent = []

    def send(_runtime, subscriber, message):
        if subscriber.name == "operators":
            return Receipt("ok")
        sent.append(message.to)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setitem(attempt.CHANNELS, "webhook", send)
    desk.publish(1, "hook")
    desk.work()
    (again,) = desk.work()
    # Not before the first probe.
    assert isinstance(again, Again)
    assert 55 <= again.pause_s <= 61
    (owed,) = [json.loads(job)[0] for job in desk.owed().values() if b"operators" not in job]
    assert owed["to"] == ["b@example.org"]
    assert Done in map(type, desk.work())
    assert sent == [(), ("b@example.org",), ("b@example.org",)]
    assert desk.store.subscribers.state("hook").paused_at is None


def test_a_job_that_times_out_is_retried_as_often_as_others(desk, site):
    site.delays["/hook"] = 1.5
    desk.publish(1, "hook")
    with UnixSignalDeathPenalty(1, JobTimeoutException):
        (again,) = desk.work()
    assert isinstance(again, Again)
    assert desk.events(1) == [("hook", "failed")]
    assert desk.store.subscribers.state("hook").failures == 1


def test_a_paused_subscriber_is_not_probed_with_expired_alerts(desk, site):
    site.pages["/hook"] = (410, {}, b"")
    for number in (1, 2, 3):
        desk.publish(number, "hook")
    desk.work()
    assert desk.store.subscribers.held("hook") == 3
    oldest, older, _ = desk.held_until("hook")
    desk.redis.delete(f"presswatch:alert:{oldest}", f"presswatch:alert:{older}")
    del site.pages["/hook"]
    desk.release(after=timedelta(minutes=2))
    desk.work()
    assert desk.store.subscribers.state("hook").paused_at is None
    assert desk.store.subscribers.held("hook") == 0
    assert len(desk.runtime.queues.failed("deliveries")) == 2


def keys_by_alert(site, path):
    """Returns the idempotency keys under which each alert was received."""
    found = {}
    for headers, body in site.received:
        if headers[":path"] == path:
            document = json.loads(body)
            for alert in document.get("alerts", [document]):
                found.setdefault(alert["id"], set()).add(headers["idempotency-key"])
    return found


@pytest.mark.parametrize(("name", "published"), [("daily", 2), ("daily", 1), ("calm", 1)])
def test_a_message_keeps_its_alerts_and_key_until_it_is_settled(desk, site, name, published):
    # The receiver accepts the message but answers with an error, and is paused.
    site.pages[f"/{name}"] = (500, {}, b"")
    desk.failing(name, timedelta(minutes=5))
    for number in range(published):
        desk.publish(number, name)
    desk.work()
    desk.release(after=timedelta(hours=2))
    desk.work()
    assert desk.store.subscribers.state(name).paused_at is not None
    assert desk.store.subscribers.held(name) == published
    desk.publish(5, name)
    desk.work()
    desk.release(after=timedelta(hours=4))
    desk.work()
    assert desk.store.subscribers.held(name) == published + 1

    del site.pages[f"/{name}"]
    for hours in (8, 16):
        desk.release(after=timedelta(hours=hours))
        desk.work()
    assert desk.store.subscribers.held(name) == 0
    found = keys_by_alert(site, f"/{name}")
    assert {alert: len(keys) for alert, keys in found.items()} == dict.fromkeys(
        [*(f"a{number}" for number in range(published)), "a5"], 1
    )


def test_alerts_that_a_paused_subscriber_did_not_accept_do_not_count_towards_its_limit(desk, site):
    site.pages["/calm"] = (410, {}, b"")
    desk.publish(1, "calm")
    desk.publish(2, "calm")
    desk.work()
    assert desk.redis.zcard("presswatch:sent:calm") == 0
    del site.pages["/calm"]
    desk.release(after=timedelta(minutes=2))
    desk.work()
    desk.release()
    desk.work()
    assert [document["id"] for document in desk.received("/calm")[-2:]] == ["a1", "a2"]


BOT = """
subscribers:
  - {{name: bot, slack: {{token: xoxb-1, channel: C123, api_url: "{site}/api/"}}, limit: 2/h}}
"""


@pytest.fixture
def chat(desk, configure, site):
    directory = configure(BOT.format(site=site.url))
    desk.runtime = Runtime(directory, load(directory, {}), desk.redis)
    answer = json.dumps({"ok": True, "channel": "C123", "ts": "1.1"}).encode()
    for method in ("chat.postMessage", "chat.update"):
        site.pages[f"/api/{method}"] = (200, {}, answer)
    return desk


def add(desk, number, article):
    with desk.redis.pipeline() as pipe:
        pipe.multi()
        added = Delivery("bot", (f"a{number}",), article=article)
        desk.runtime.queues.enqueue_delivery(added, pipe)
        pipe.execute()


def test_an_article_added_to_a_story_waits_for_the_first_message(chat):
    chat.publish(1, "bot")
    (first,) = chat.owed()
    add(chat, 1, "b")
    (added,) = set(chat.owed()) - {first}
    job_id = added.decode()
    again = attempt.deliver(chat.runtime, job_id)
    assert isinstance(again, Again)
    assert chat.site.received == []


def test_an_article_with_no_message_to_add_to_does_not_count(chat):
    chat.failing("bot", timedelta(minutes=1))
    chat.publish(1, "bot")
    chat.redis.delete("presswatch:outstanding:deliveries")
    for article in "bcd":
        add(chat, 1, article)
    assert set(map(type, chat.work())) == {Done}
    assert chat.owed() == {}
    assert chat.redis.zcard("presswatch:sent:bot") == 0
    assert chat.store.subscribers.state("bot").failures == 10
    assert chat.events(1) == []
