"""The meaning of Slack's answers: which may be retried, and which an operator must act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, InvalidURL
from typing import Any
from urllib.error import URLError

from slack_sdk.errors import SlackClientError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.http_retry.builtin_interval_calculators import BackoffRetryIntervalCalculator
from slack_sdk.http_retry.handler import RetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from monitor.errors import DeliveryError, SubscriberBroken

BACKOFF = BackoffRetryIntervalCalculator(0.5)
# Longer pauses that Slack asks for are left to the queue.
MAX_PAUSE_S = 3


def _codes(table: str) -> frozenset[str]:
    return frozenset(table.split())


# The errors of https://docs.slack.dev/reference/methods/chat.postMessage and, for webhooks,
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors.
PASSING = _codes(
    "fatal_error internal_error org_login_required rate_limited ratelimited request_timeout "
    "rollup_error service_unavailable team_added_to_org"
)
BREAKING = _codes(
    "access_denied account_inactive action_prohibited channel_is_archived channel_not_found "
    "ekm_access_denied invalid_auth invalid_token is_archived missing_scope no_active_hooks "
    "no_permission no_service no_team not_allowed_token_type not_authed not_in_channel "
    "restricted_action team_access_not_granted token_expired token_revoked"
)
# The message does not exist any more, or its channel accepts nothing.
GONE = _codes(
    "channel_not_found is_archived is_inactive message_not_found not_in_channel thread_not_found"
)

_CODE = re.compile(r"[a-z][a-z_]{0,60}")
SCOPES = re.compile(r"[a-z.:_,]{1,100}")


class Refused(Exception):
    """Slack's refusal as received, with its error code if there was one."""

    def __init__(self, status: int, code: str, retry_after_s: float | None, needed: str) -> None:
        self.code = code
        self.status = status
        self.retry_after_s = retry_after_s
        self.needed = needed
        super().__init__(code)

    def error(self) -> DeliveryError:
        """Returns the error that the refusal means for a delivery."""
        reason = self.code or f"HTTP {self.status}"
        message = f"Slack answered {reason}" + (f" ({self.needed})" if self.needed else "")
        if self.code in BREAKING:
            return SubscriberBroken(message)
        if (
            self.code in PASSING
            or self.status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
            or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            return DeliveryError(message, retryable=True, retry_after_s=self.retry_after_s)
        if self.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            return SubscriberBroken(message)
        # A 200 without a code is not from Slack, but from a portal or proxy in between.
        is_foreign = self.status == HTTPStatus.OK and not self.code
        return DeliveryError(message, retryable=is_foreign)


@contextmanager
def reached() -> Iterator[None]:
    """Reports in our words that Slack was not reached: the library's contain the URL or token."""
    try:
        yield
    except URLError as error:
        reason = error.reason
        strerror = reason.strerror if isinstance(reason, OSError) else None
        message = f"Slack does not answer: {strerror or type(reason).__name__}"
        raise DeliveryError(message, retryable=True) from None
    except InvalidURL:
        raise SubscriberBroken("Slack's address is not a valid URL") from None
    except (OSError, HTTPException) as error:
        message = f"Slack does not answer: {type(error).__name__}"
        raise DeliveryError(message, retryable=True) from None
    except (json.JSONDecodeError, UnicodeDecodeError, LookupError, AttributeError) as error:
        message = f"Slack's answer cannot be read: {type(error).__name__}"
        raise DeliveryError(message, retryable=True) from None
    except (SlackClientError, ValueError):
        # Of the data in a request, only these two come from the configuration.
        raise SubscriberBroken("Slack's address or the token cannot be used") from None


class _ShortPauses(RateLimitErrorRetryHandler):
    """Waits if Slack asks for a short pause, and leaves longer ones to the queue."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or not super()._can_retry(
            state=state, request=request, response=response, error=error
        ):
            return False
        pause = pause_asked_for(response.headers)
        return pause is not None and pause <= MAX_PAUSE_S


def handlers() -> list[RetryHandler]:
    """Returns handlers that together allow one retry of a request."""
    return [
        ConnectionErrorRetryHandler(interval_calculator=BACKOFF),
        ServerErrorRetryHandler(interval_calculator=BACKOFF),
        _ShortPauses(),
    ]


def pause_asked_for(headers: Mapping[str, Any]) -> float | None:
    """Returns the pause that an answer asks for, in seconds; Slack gives whole seconds."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            first = str(value[0] if isinstance(value, list) else value)
            return float(first) if re.fullmatch(r"[0-9]{1,6}", first) else None
    return None


def code_of(value: object) -> str:
    """Returns Slack's error code, or an empty string if the value is not one."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""
