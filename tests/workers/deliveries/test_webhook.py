"""Webhooks: the body, the signature, and the meaning of answers."""

import base64
import hashlib
import hmac
import json
from types import SimpleNamespace

import pytest

from monitor.alerts.digest import Message
from monitor.config import Settings
from monitor.errors import DeliveryError, SubscriberBroken
from monitor.model import Subscriber
from workers.deliveries import webhook

ALERT = {"v": 1, "id": "a1", "article": {"title": "Grüße"}}


@pytest.fixture
def send(site):
    def post(*alerts, private="127.0.0.1/32", **options):
        settings = Settings.model_validate({"allow_private_addresses": [private]})
        runtime = SimpleNamespace(config=SimpleNamespace(settings=settings))
        hook = Subscriber("hook", "webhook", {"url": f"{site.url}/hook", **options})
        return webhook.send(runtime, hook, Message("key", alerts or (ALERT,)))

    return post


def test_a_signature_equals_that_of_the_specification():
    # From the Python library at https://github.com/standard-webhooks/standard-webhooks.
    headers = webhook.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_verify_a_request(send, site):
    send(secret="not in Base64")
    ((headers, body),) = site.received
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(b"not in Base64", signed, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert headers["webhook-id"] == headers["idempotency-key"] == "key"


def test_without_a_secret_nothing_is_signed(send, site):
    assert send().answer == "HTTP 204"
    ((headers, body),) = site.received
    assert "webhook-signature" not in headers
    assert json.loads(body) == ALERT


def test_headers_of_the_configuration_are_sent_beside_ours(send, site):
    send(headers={"Authorization": "Bearer hush", "Content-Type": "text/plain"})
    ((headers, _),) = site.received
    assert headers["authorization"] == "Bearer hush"
    assert headers["content-type"] == "application/json"


def test_several_alerts_are_posted_as_a_list(send, site):
    send(ALERT, {**ALERT, "id": "a2"})
    ((_, body),) = site.received
    document = json.loads(body)
    assert (document["v"], document["id"]) == (1, "key")
    assert [alert["id"] for alert in document["alerts"]] == ["a1", "a2"]


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410])
def test_an_address_that_accepts_nothing_needs_repair(send, site, status):
    site.pages["/hook"] = (status, {"Location": "/elsewhere"}, b"")
    with pytest.raises(SubscriberBroken, match=f"HTTP {status}"):
        send()


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_address_is_retried(send, site, status):
    site.pages["/hook"] = (status, {"Retry-After": "30"}, b"")
    with pytest.raises(DeliveryError) as caught:
        send()
    assert caught.value.retryable
    assert caught.value.retry_after_s == 30


def test_a_refused_message_is_not_retried(send, site):
    site.pages["/hook"] = (400, {}, b"")
    with pytest.raises(DeliveryError) as caught:
        send()
    assert not caught.value.retryable


def test_private_addresses_are_refused_unless_allowed(send, site):
    with pytest.raises(SubscriberBroken, match="allow_private_addresses"):
        send(private="10.0.0.0/8")
    assert site.received == []


def test_a_slow_or_missing_receiver_is_retried(send, site, monkeypatch):
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.1)
    site.delays["/hook"] = 0.5
    with pytest.raises(DeliveryError, match="no answer within") as caught:
        send()
    assert caught.value.retryable
    with pytest.raises(DeliveryError, match="no connection") as caught:
        send(url="http://127.0.0.1:9/")
    assert caught.value.retryable
