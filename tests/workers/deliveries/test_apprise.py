"""Deliveries through Apprise's JSON service."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import requests

from monitor.alerts.build import notice
from monitor.alerts.digest import Message
from monitor.errors import DeliveryError, SubscriberBroken
from monitor.model import Subscriber
from workers.deliveries import apprise


@pytest.fixture
def send(site):
    def notify(url=None, title="Envoys meet"):
        alert = notice(title, "They said little.", now=datetime(2026, 11, 23, 9, tzinfo=UTC))
        url = url or site.url.replace("http:", "json:") + "/secret"
        phones = Subscriber("phones", "apprise", {"url": url})
        return apprise.send(SimpleNamespace(), phones, Message("key", (alert.document,)))

    return notify


def test_an_alert_is_sent_with_title_and_text(send, site):
    assert send().answer == "accepted by JSON"
    ((_, body),) = site.received
    payload = json.loads(body)
    assert "Envoys meet" in payload["title"]
    assert "They said little." in payload["message"]


@pytest.mark.parametrize("call", ["@everyone", "@here", "@Channel", "<@U123>", "<!channel>"])
def test_titles_mention_nobody(send, site, call):
    send(title=f"Hey {call}, look")
    ((_, body),) = site.received
    payload = json.loads(body)
    assert call not in payload["title"]
    assert call not in payload["message"]


def test_a_service_that_is_down_is_retried_without_revealing_a_secret(send, site):
    site.pages["/secret"] = (500, {}, b"")
    with pytest.raises(DeliveryError) as caught:
        send()
    assert caught.value.retryable
    assert "500" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_paths_in_a_service_s_answer_are_not_revealed(send, monkeypatch):
    # Some plugins log the exceptions of `requests`, which contain the path.
    def unreachable(*_, **__):
        raise requests.ConnectionError(
            "HTTPSConnectionPool(host='spike.sh', port=443): Max retries exceeded with url: "
            f"/v1/alerts/?token={token} (Caused by NewConnectionError('no route to host'))"
        )

    token = "0123456789abcdef0123456789abcdef"
    monkeypatch.setattr(requests, "post", unreachable)
    with pytest.raises(DeliveryError) as caught:
        send(url=f"spike://{token}")
    assert token not in str(caught.value)
    assert "Spike" in str(caught.value)


def test_an_address_that_apprise_does_not_support_needs_repair(send):
    with pytest.raises(SubscriberBroken) as caught:
        send(url="nonsense://secret@host")
    assert "secret" not in str(caught.value)
