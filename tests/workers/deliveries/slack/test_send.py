"""Deliveries to Slack, simulated by a server on loopback."""

import contextlib
import io
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace

import pytest
from loopback_server import LoopbackServer
from slack_sdk.http_retry.builtin_interval_calculators import FixedValueRetryIntervalCalculator
from structlog.testing import capture_logs

from monitor.alerts.digest import Message
from monitor.errors import DeliveryError, SubscriberBroken
from monitor.model import Subscriber
from monitor.store.subscribers import ChatThread
from workers.deliveries.channel import Crowded
from workers.deliveries.slack import answers as slack_answers
from workers.deliveries.slack import send as slack

TOKEN = "xoxb-17653672481-secret"
HOOK = "/services/T000/B000/secret"
POST = "/api/chat.postMessage"
UPDATE = "/api/chat.update"


class Slack(LoopbackServer):
    """Simulates chat.postMessage, chat.update and an incoming webhook; a test sets the next answers.

    An answer is a code of the Web API, a tuple of status, headers and body, a number of seconds
    to wait, or "cut" for a connection that ends without an answer.
    """

    def __init__(self):
        self.answers: dict[str, list] = {}
        self.requests: list[tuple[str, dict[str, str], dict]] = []
        self.times: list[float] = []
        slack = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                slack.requests.append((self.path, headers, body))
                slack.times.append(time.monotonic())
                answers = slack.answers.get(self.path)
                answer = answers.pop(0) if answers else None
                if answer == "cut":
                    self.close_connection = True
                    return
                if isinstance(answer, float):
                    time.sleep(answer)
                    answer = None
                if answer is None:
                    answer = (200, {}, slack.accept(self.path, body))
                elif isinstance(answer, str):
                    answer = (200, {}, json.dumps({"ok": False, "error": answer}))
                status, headers, reply = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.encode())))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(reply.encode())

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    def accept(self, path, body):
        if path == HOOK:
            return "ok"
        ts = body.get("ts") or f"1700000.{len(self.requests)}"
        return json.dumps({"ok": True, "channel": "C123", "ts": ts})

    def asked(self):
        return [path for path, _, _ in self.requests]

    def bodies(self, path):
        return [body for asked, _, body in self.requests if asked == path]


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(slack_answers, "BACKOFF", FixedValueRetryIntervalCalculator(0.01))
    monkeypatch.setattr("slack_sdk.http_retry.builtin_handlers.random.random", lambda: 0)
    server = Slack()
    yield server
    server.close()


@pytest.fixture
def runtime(store):
    return SimpleNamespace(store=store)


@pytest.fixture
def hook(server):
    return Subscriber("hook", "slack", {"webhook_url": server.url + HOOK})


@pytest.fixture
def bot(server):
    options = {"token": TOKEN, "channel": "#news", "api_url": f"{server.url}/api/"}
    return Subscriber("bot", "slack", options)


@pytest.fixture
def impatient(monkeypatch):
    """Removes the pause between messages."""
    monkeypatch.setattr(slack, "BETWEEN_MESSAGES", slack.BETWEEN_MESSAGES * 0)


def alert(number=1, story="s", articles=1):
    return {
        "v": 1,
        "id": f"i{number}",
        "watchlist": "nato",
        "priority": "normal",
        "detected_at": "2026-11-23T09:00:00Z",
        "article": {
            "id": f"a{number}",
            "url": f"https://herald.example/{number}",
            "title": f"Ministers meet, day {number}",
            "source": "Herald",
            "feed_url": "https://herald.example/feed",
            "authors": [],
            "published_at": "2026-11-23T08:58:00Z",
            "language": "en",
        },
        "matches": [{"term": "council", "field": "body", "count": 1}],
        "snippets": [{"text": "the council met twice", "highlights": [[4, 11]]}],
        "story": {"id": story, "articles": articles},
    }


def message(number=1, *, follows=False, key=None, **changes):
    key = key or (f"f{number}" if follows else f"i{number}")
    return Message(key, (alert(number, **changes),), follows=follows)


def digest():
    return Message("d", tuple(alert(number) for number in range(3)))


def test_a_webhook_gets_blocks_and_a_text_with_nothing_to_look_up(runtime, hook, server):
    assert slack.send(runtime, hook, message()).answer == "ok"
    ((path, headers, body),) = server.requests
    assert path == HOOK
    assert headers["content-type"] == "application/json;charset=utf-8"
    assert [block["type"] for block in body.pop("blocks")] == ["rich_text"]
    assert body == {
        "text": "nato: Ministers meet, day 1 (Herald)",
        "unfurl_links": False,
        "unfurl_media": False,
        "mrkdwn": False,
        "link_names": False,
    }


def test_with_a_token_a_message_is_posted_and_begins_its_storys_thread(runtime, bot, server):
    assert slack.send(runtime, bot, message()).answer == "ts 1700000.1 in C123"
    ((path, headers, body),) = server.requests
    assert path == POST
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert body.pop("blocks")
    assert body == {
        "channel": "#news",
        "text": "nato: Ministers meet, day 1 (Herald)",
        "unfurl_links": False,
        "unfurl_media": False,
        "mrkdwn": False,
        "link_names": False,
        "parse": "none",
    }
    thread = runtime.store.subscribers.thread("bot", "s")
    assert thread == ChatThread("C123", "1700000.1", alert())


def test_a_second_alert_on_a_story_is_broadcast_from_its_thread(runtime, bot, server, impatient):
    slack.send(runtime, bot, message())
    assert slack.send(runtime, bot, message(2, articles=5)).answer == "ts 1700000.3 in C123"
    update, reply = server.bodies(UPDATE)[0], server.bodies(POST)[1]
    assert (reply["channel"], reply["thread_ts"]) == ("C123", "1700000.1")
    assert reply["reply_broadcast"] is True
    assert (update["channel"], update["ts"]) == ("C123", "1700000.1")
    assert "Ministers meet, day 1" in update["text"]
    assert "5 articles tell the story" in json.dumps(update["blocks"])
    assert runtime.store.subscribers.thread("bot", "s").alert == alert()


def test_two_alerts_on_a_story_at_once_make_one_thread(runtime, bot, server, impatient):
    server.answers[POST] = [0.5]
    with ThreadPoolExecutor(2) as pool:
        messages = [Message(f"i{number}", (alert(number),)) for number in (1, 2)]
        list(pool.map(lambda message: slack.send(runtime, bot, message), messages))
    first, second = server.bodies(POST)
    assert "thread_ts" not in first
    assert second["thread_ts"]
    assert second["reply_broadcast"] is True


def test_an_article_added_to_a_story_stays_in_the_thread(runtime, bot, server, impatient):
    slack.send(runtime, bot, message())
    slack.send(runtime, bot, message(2, follows=True, articles=2))
    reply = server.bodies(POST)[1]
    assert reply["thread_ts"] == "1700000.1"
    assert "reply_broadcast" not in reply
    assert "council" not in json.dumps(reply["blocks"])
    assert "2 articles tell the story" in json.dumps(server.bodies(UPDATE)[0]["blocks"])


@pytest.mark.parametrize("subscriber", ["bot", "hook"])
def test_an_article_added_to_a_story_that_was_not_sent_is_not_sent(
    runtime, server, subscriber, request
):
    who = request.getfixturevalue(subscriber)
    receipt = slack.send(runtime, who, message(follows=True))
    assert receipt.answer == "nothing to add to"
    assert server.requests == []


def test_a_message_that_was_posted_and_recorded_is_not_posted_again(
    runtime, bot, server, impatient
):
    slack.send(runtime, bot, message())
    assert slack.send(runtime, bot, message()).answer == "ts 1700000.1 in C123"
    assert server.asked() == [POST]


def test_an_alert_resent_by_an_operator_is_posted_in_the_thread(runtime, bot, server, impatient):
    slack.send(runtime, bot, message())
    slack.send(runtime, bot, message(key="once more"))
    assert server.bodies(POST)[1]["thread_ts"] == "1700000.1"


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed", "internal_error"])
def test_a_first_message_that_cannot_be_updated_does_not_fail_the_delivery(
    runtime, bot, server, impatient, code
):
    slack.send(runtime, bot, message())
    server.answers[UPDATE] = [code]
    with capture_logs() as logs:
        slack.send(runtime, bot, message(2))
    assert server.bodies(POST)[1]["thread_ts"] == "1700000.1"
    (line,) = logs
    assert line == {
        "event": "slack message not updated",
        "log_level": "warning",
        "error": f"Slack answered {code}",
    }


def test_an_unanswered_update_does_not_fail_the_delivery(runtime, bot, server, impatient):
    slack.send(runtime, bot, message())
    server.answers[UPDATE] = ["cut", "cut"]
    assert slack.send(runtime, bot, message(2)).answer.startswith("ts ")
    assert server.asked() == [POST, UPDATE, UPDATE, POST]


@pytest.mark.parametrize(
    ("where", "code"),
    [(UPDATE, "message_not_found"), (POST, "thread_not_found"), (POST, "is_archived")],
)
def test_a_new_thread_begins_if_the_first_message_is_gone(
    runtime, bot, server, impatient, where, code
):
    slack.send(runtime, bot, message())
    server.answers[where] = [code]
    slack.send(runtime, bot, message(2))
    new = server.bodies(POST)[-1]
    assert "thread_ts" not in new
    assert new["channel"] == "#news"
    assert runtime.store.subscribers.thread("bot", "s").alert == alert(2)


def test_an_article_is_not_added_to_a_message_that_no_longer_exists(
    runtime, bot, server, impatient
):
    slack.send(runtime, bot, message())
    server.answers[UPDATE] = ["message_not_found"]
    receipt = slack.send(runtime, bot, message(2, follows=True))
    assert receipt.answer == "nothing to add to"
    assert server.asked() == [POST, UPDATE]


def test_a_digest_begins_no_thread(runtime, bot, server):
    assert slack.send(runtime, bot, digest()).answer == "ts 1700000.1 in C123"
    assert server.bodies(POST)[0]["text"].startswith("3 alerts since ")
    assert runtime.store.subscribers.thread("bot", "s") is None


@pytest.mark.parametrize(
    "answer", [(500, {}, "down"), (503, {}, ""), "cut", (429, {"Retry-After": "0"}, "")]
)
def test_a_short_failure_is_retried_at_once(runtime, bot, server, answer):
    server.answers[POST] = [answer]
    assert slack.send(runtime, bot, message()).answer == "ts 1700000.2 in C123"
    assert len(server.requests) == 2


@pytest.mark.parametrize("answer", [(500, {}, "rollup_error"), (429, {"Retry-After": "0"}, "")])
def test_a_short_failure_of_a_webhook_is_retried_at_once(runtime, hook, server, answer):
    server.answers[HOOK] = [answer]
    assert slack.send(runtime, hook, message()).answer == "ok"
    assert len(server.requests) == 2


def test_a_pause_of_seconds_that_slack_asks_for_is_observed(runtime, bot, server):
    server.answers[POST] = [(429, {"Retry-After": "1"}, "")]
    slack.send(runtime, bot, message())
    assert 1 <= server.times[1] - server.times[0] < 1.5


@pytest.mark.parametrize(
    ("pause", "left_alone_s"), [("4", 4), ("30", 30), ("soon", None), ("1.5", None)]
)
@pytest.mark.parametrize(("subscriber", "path"), [("bot", POST), ("hook", HOOK)])
def test_a_longer_pause_that_slack_asks_for_is_left_to_the_queue(
    runtime, server, request, subscriber, path, pause, left_alone_s
):
    server.answers[path] = [(429, {"Retry-After": pause}, "rate_limited")]
    with pytest.raises(DeliveryError) as raised:
        slack.send(runtime, request.getfixturevalue(subscriber), message())
    assert raised.value.retryable
    assert raised.value.retry_after_s == left_alone_s
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(500, {}, "down")] * 2, "Slack answered HTTP 500"),
        ([(502, {}, "<html>")], "Slack answered HTTP 502"),
        (["cut"] * 2, "Slack does not answer: RemoteDisconnected"),
        (["ratelimited"], "Slack answered ratelimited"),
        (["internal_error"], "Slack answered internal_error"),
        (["fatal_error"], "Slack answered fatal_error"),
        (["request_timeout"], "Slack answered request_timeout"),
        ([(200, {}, "<html>please log in")], "Slack answered HTTP 200"),
        ([(200, {}, "{broken")], "Slack's answer cannot be read: JSONDecodeError"),
        ([(200, {}, "[1]")], "Slack's answer cannot be read: AttributeError"),
    ],
)
def test_temporary_failures_are_retryable(runtime, bot, server, answers, said):
    server.answers[POST] = list(answers)
    with pytest.raises(DeliveryError) as raised:
        slack.send(runtime, bot, message())
    assert raised.value.retryable
    assert str(raised.value) == said
    assert len(server.requests) == len(answers)
    assert runtime.store.subscribers.thread("bot", "s") is None


def test_a_slow_answer_is_neither_waited_for_nor_requested_twice(runtime, bot, server, monkeypatch):
    monkeypatch.setattr(slack, "TIMEOUT_S", 0.2)
    server.answers[POST] = [0.4]
    with pytest.raises(DeliveryError, match="Slack does not answer: TimeoutError") as raised:
        slack.send(runtime, bot, message())
    assert raised.value.retryable
    assert len(server.requests) == 1


def test_a_missing_server_is_retryable(runtime, bot, hook, server):
    server.close()
    for who in (bot, hook):
        with pytest.raises(DeliveryError, match="not answer: Connection refused") as raised:
            slack.send(runtime, who, message())
        assert raised.value.retryable


@pytest.mark.parametrize(
    "code", "invalid_auth account_inactive token_revoked channel_not_found not_in_channel".split()
)
def test_errors_that_an_operator_must_repair_break_the_subscriber(runtime, bot, server, code):
    server.answers[POST] = [code]
    with pytest.raises(SubscriberBroken, match=f"^Slack answered {code}$"):
        slack.send(runtime, bot, message())


def test_a_missing_scope_is_named(runtime, bot, server):
    said = json.dumps({"ok": False, "error": "missing_scope", "needed": "chat:write"})
    server.answers[POST] = [(200, {}, said)]
    with pytest.raises(SubscriberBroken, match=r"missing_scope \(needs chat:write\)"):
        slack.send(runtime, bot, message())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((403, {}, "invalid_token"), "Slack answered invalid_token"),
        ((403, {}, "action_prohibited"), "Slack answered action_prohibited"),
        ((404, {}, "no_service"), "Slack answered no_service"),
        ((410, {}, "channel_is_archived"), "Slack answered channel_is_archived"),
        ((404, {}, "<html>nothing here"), "Slack answered HTTP 404"),
    ],
)
def test_a_deleted_webhook_breaks_the_subscriber(runtime, hook, server, answer, said):
    server.answers[HOOK] = [answer]
    with pytest.raises(SubscriberBroken) as raised:
        slack.send(runtime, hook, message())
    assert str(raised.value) == said


def test_a_message_that_slack_rejects_as_invalid_is_not_retried(runtime, bot, hook, server):
    server.answers = {POST: ["invalid_blocks"], HOOK: [(400, {}, "invalid_payload")]}
    for who in (bot, hook):
        with pytest.raises(DeliveryError, match="invalid_") as raised:
            slack.send(runtime, who, message())
        assert not raised.value.retryable
        assert not isinstance(raised.value, SubscriberBroken)


def test_a_page_in_place_of_a_webhook_is_not_a_receipt(runtime, hook, server):
    server.answers[HOOK] = [(200, {}, "<html>please log in")]
    with pytest.raises(DeliveryError, match="HTTP 200") as raised:
        slack.send(runtime, hook, message())
    assert raised.value.retryable


def test_messages_to_one_channel_are_a_second_apart(runtime, bot, hook, server):
    slack.send(runtime, bot, message(story="s1"))
    slack.send(runtime, hook, message())
    slack.send(runtime, bot, message(2, story="s2"))
    first, second = (
        at for at, path in zip(server.times, server.asked(), strict=True) if path == POST
    )
    assert 0.9 < second - first < 1.6


def test_a_delivery_that_would_wait_long_learns_when_to_come_back(
    runtime, bot, server, monkeypatch
):
    monkeypatch.setattr(slack, "MAX_TURN_S", 0.1)
    slack.send(runtime, bot, message(story="s1"))
    with pytest.raises(Crowded) as raised:
        slack.send(runtime, bot, message(2, story="s2"))
    assert raised.value.retryable
    assert 0.5 < raised.value.retry_after_s <= 1
    time.sleep(raised.value.retry_after_s)
    slack.send(runtime, bot, message(2, story="s2"))
    assert len(server.requests) == 2


def test_a_failed_message_does_not_keep_the_channel_busy(runtime, bot, server, redis, impatient):
    server.answers[POST] = ["invalid_blocks"]
    with pytest.raises(DeliveryError):
        slack.send(runtime, bot, message())
    started = time.monotonic()
    slack.send(runtime, bot, message(2))
    assert time.monotonic() - started < 0.2


def test_no_secret_is_logged_raised_or_stored(runtime, bot, hook, server, redis):
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    texts = []
    try:
        for answers in ([], [(500, {}, "")] * 2, [(404, {}, "no_service")], ["cut"] * 2):
            server.answers = {POST: list(answers), HOOK: list(answers)}
            for who in (bot, hook):
                redis.flushall()
                with contextlib.suppress(DeliveryError):
                    try:
                        slack.send(runtime, who, message())
                    except DeliveryError as error:
                        texts += [repr(error), repr(error.__cause__)]
                        assert error.__suppress_context__
                        raise
                texts += [repr(key) for key in redis.scan_iter()]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert len(texts) > 12
    assert "secret" not in written.getvalue() + "".join(texts)


@pytest.mark.parametrize(
    "options",
    [
        {"webhook_url": "hooks.slack.example/secret"},
        {"webhook_url": "http://127.0.0.1:1/a secret"},
        {"webhook_url": "http://127.0.0.1:nonsense/secret"},
        {"token": "xoxb-secret-ü-√", "channel": "C1", "api_url": "http://127.0.0.1:1/"},
        {"token": "xoxb-\nsecret", "channel": "C1", "api_url": "http://127.0.0.1:1/"},
    ],
)
def test_an_unusable_address_or_token_breaks_the_subscriber(runtime, server, options):
    with pytest.raises(SubscriberBroken) as raised:
        slack.send(runtime, Subscriber("odd", "slack", options), message())
    assert "secret" not in str(raised.value)
