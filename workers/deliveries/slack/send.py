"""Slack: messages by an incoming webhook, or by the Web API, where a story is a thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from slack_sdk import WebClient, WebhookClient
from slack_sdk.errors import SlackApiError

from monitor.errors import DeliveryError
from monitor.model import content_id
from monitor.store.subscribers import ChatThread
from workers.deliveries.channel import NOTHING_SENT, Crowded, Receipt
from workers.deliveries.slack.answers import (
    GONE,
    SCOPES,
    Refused,
    code_of,
    handlers,
    pause_asked_for,
    reached,
)
from workers.deliveries.slack.blocks import Rendered, render, render_alert
from workers.deliveries.slack.threads import has_threads

if TYPE_CHECKING:
    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime.composition import Runtime

log = structlog.stdlib.get_logger(__name__)

TIMEOUT_S = 10

# https://docs.slack.dev/apis/web-api/rate-limits#limits-when-posting-messages
BETWEEN_MESSAGES = timedelta(seconds=1)
LEASE = timedelta(seconds=30)
MAX_TURN_S = 2.0


# slack_sdk logs the webhook's URL, which is a credential, and errors that may contain it.
_silent = logging.getLogger(f"{__name__}.sdk")
_silent.setLevel(logging.CRITICAL + 1)


def send(runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:
    """Posts a message; with a token, below the first message about the same story.

    Raises Crowded if others keep the channel busy.
    """
    options = subscriber.options
    threads = has_threads(subscriber) and len(message.alerts) == 1
    find = runtime.store.subscribers.thread
    thread = find(subscriber.name, _story(message)) if threads else None
    if thread is None and message.follows:
        return NOTHING_SENT
    if thread is not None and thread.alert["id"] == message.key:
        # An earlier attempt posted and recorded it, and failed only after that.
        return _receipt({"channel": thread.channel, "ts": thread.message})
    channel = options["channel"] if "token" in options else content_id(options["webhook_url"])
    with _turn(runtime, f"slack:{channel}", message.key):
        try:
            if "token" not in options:
                return Receipt(_post_to_webhook(options["webhook_url"], render(message)))
            client = WebClient(
                token=options["token"],
                base_url=str(options.get("api_url") or WebClient.BASE_URL),
                timeout=TIMEOUT_S,
                logger=_silent,
                retry_handlers=handlers(),
            )
            # Another alert on the story may have been posted while this one waited for its turn.
            if threads and thread is None:
                thread = find(subscriber.name, _story(message))
            if thread is not None:
                return _add(client, runtime, subscriber, message, thread)
            return _begin(client, runtime, subscriber, message, starts_thread=threads)
        except Refused as refused:
            raise refused.error() from None


def _add(
    client: WebClient,
    runtime: Runtime,
    subscriber: Subscriber,
    message: Message,
    thread: ChatThread,
) -> Receipt:
    """Updates a story's first message, and posts below it.

    In this order, a deleted first message is noticed before anything is posted below it.
    """
    try:
        try:
            _update(client, message, thread)
        except Refused as refused:
            if refused.code in GONE:
                raise
            log.warning("slack message not updated", error=str(refused.error()))
        except DeliveryError as error:
            log.warning("slack message not updated", error=str(error))
        broadcast = None if message.follows else True
        return _receipt(_post(client, thread.channel, message, thread.message, broadcast))
    except Refused as refused:
        if refused.code not in GONE:
            raise
    if message.follows:
        return NOTHING_SENT
    return _begin(client, runtime, subscriber, message, starts_thread=True)


def _begin(
    client: WebClient,
    runtime: Runtime,
    subscriber: Subscriber,
    message: Message,
    *,
    starts_thread: bool,
) -> Receipt:
    """Posts a new message; with `starts_thread`, records it as the first about its story."""
    answer = _post(client, subscriber.options["channel"], message)
    if starts_thread and "ts" in answer:
        thread = ChatThread(answer["channel"], answer["ts"], message.alerts[0])
        runtime.store.subscribers.start_thread(subscriber.name, _story(message), thread)
    return _receipt(answer)


def _post(
    client: WebClient,
    channel: str,
    message: Message,
    thread: str | None = None,
    broadcast: bool | None = None,
) -> Mapping[str, Any]:
    """Calls chat.postMessage, with everything off that makes Slack look for links or names."""
    rendered = render(message)
    return _call(
        lambda: client.chat_postMessage(
            channel=channel,
            text=rendered.text,
            blocks=rendered.blocks,
            thread_ts=thread,
            reply_broadcast=broadcast,
            unfurl_links=False,
            unfurl_media=False,
            mrkdwn=False,
            link_names=False,
            parse="none",
        )
    )


def _update(client: WebClient, message: Message, thread: ChatThread) -> None:
    """Updates how many tell the story in a story's first message."""
    story = {**thread.alert["story"], **message.alerts[0]["story"]}
    rendered = render_alert({**thread.alert, "story": story})
    _call(
        lambda: client.chat_update(
            channel=thread.channel,
            ts=thread.message,
            text=rendered.text,
            blocks=rendered.blocks,
            link_names=False,
            parse="none",
        )
    )


def _call(request: Callable[[], Any]) -> Mapping[str, Any]:
    """Returns a Web API method's answer; raises Refused, or DeliveryError without an answer."""
    with reached():
        try:
            data = request().data
        except SlackApiError as error:
            answer = error.response
        else:
            return data if isinstance(data, dict) else {}
    body = answer.data if isinstance(answer.data, dict) else {}
    needed = str(body.get("needed", ""))
    raise Refused(
        int(answer.status_code),
        code_of(body.get("error")),
        pause_asked_for(answer.headers),
        f"needs {needed}" if SCOPES.fullmatch(needed) else "",
    )


def _post_to_webhook(url: str, rendered: Rendered) -> str:
    """Returns an incoming webhook's answer to a message; raises as `_call` does."""
    client = WebhookClient(url, timeout=TIMEOUT_S, logger=_silent, retry_handlers=handlers())
    body = {
        "text": rendered.text,
        "blocks": rendered.blocks,
        "unfurl_links": False,
        "unfurl_media": False,
        "mrkdwn": False,
        "link_names": False,
    }
    with reached():
        answer = client.send_dict(body)
    body_text = answer.body.strip()
    if answer.status_code == HTTPStatus.OK and body_text == "ok":
        return body_text
    raise Refused(answer.status_code, code_of(body_text), pause_asked_for(answer.headers), "")


@contextmanager
def _turn(runtime: Runtime, slot: str, holder: str) -> Iterator[None]:
    """Waits until no other message goes to the same channel; raises Crowded if that takes long."""
    turnstile = runtime.store.turnstile
    until = time.monotonic() + MAX_TURN_S
    while wait := turnstile.enter(
        slot, holder, at_once=1, delay=BETWEEN_MESSAGES, lease=LEASE, now=datetime.now(UTC)
    ):
        if time.monotonic() + wait > until:
            raise Crowded("waiting for our turn", retryable=True, retry_after_s=wait)
        time.sleep(wait)
    try:
        yield
    finally:
        turnstile.leave(slot, holder)


def _receipt(answer: Mapping[str, Any]) -> Receipt:
    return Receipt(f"ts {answer['ts']} in {answer['channel']}" if "ts" in answer else "ok")


def _story(message: Message) -> str:
    return str(message.alerts[0]["story"]["id"])
