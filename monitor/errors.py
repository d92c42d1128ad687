"""Everything Presswatch raises on purpose.

PresswatchError
├── ConfigError          the configuration is broken; carries every Fault found
├── QueryError           a query is broken; carries the column, and what to write instead
├── FetchError           a page or feed could not be had; `retryable` says whether time may heal it
│   ├── Unreachable      the name did not resolve, or nobody accepted a connection
│   ├── RefusedAddress   the address is private, loopback, or otherwise not public
│   ├── TooLarge         the body is larger than the limit
│   ├── BadStatus        the server answered, but not with what was asked for
│   └── WrongContent     the body is of a kind that we cannot use
├── FeedError            the bytes are no feed
├── CleanError           the page holds no article that we can make out
├── DeliveryError        an alert was not taken; `retryable` as above
│   └── SubscriberBroken no alert will be taken until an operator has repaired something
├── NotRunning           no Redis of ours was found
└── AlreadyRunning       another daemon holds the data directory
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class PresswatchError(Exception):
    """Base of all errors that Presswatch raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with the configuration; lines and columns count from 1."""

    file: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(PresswatchError):
    """The configuration is broken; `faults` holds everything found, in reading order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, faults)))


class QueryError(PresswatchError):
    """A query is broken.

    `column` counts code points from 1 into `query`, `length` is that of the piece at fault,
    `hint` says what to write instead.
    """

    def __init__(
        self, message: str, *, query: str, column: int, length: int = 1, hint: str = ""
    ) -> None:
        self.message = message
        self.query = query
        self.column = column
        self.length = length
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"column {self.column}: {self.message}{hint}"


class FetchError(PresswatchError):
    """A URL could not be fetched."""

    def __init__(self, url: str, message: str, *, retryable: bool) -> None:
        self.url = url
        self.retryable = retryable
        super().__init__(message)


class Unreachable(FetchError):
    """The name did not resolve, or nobody accepted a connection: the network may be down."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, message, retryable=True)


class RefusedAddress(FetchError):
    """The URL leads to an address that is not public, or is no http(s) URL at all."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, message, retryable=False)


class TooLarge(FetchError):
    """The body, as sent or decompressed, is larger than the limit."""

    def __init__(self, url: str, max_bytes: int) -> None:
        super().__init__(url, f"larger than {max_bytes} bytes", retryable=False)


class BadStatus(FetchError):
    """The server answered with a status other than success.

    `retry_after_s` is what a `Retry-After` header asked for, in seconds, `answered_by` the URL to
    which redirects have led.
    """

    def __init__(
        self,
        url: str,
        status: int,
        *,
        retry_after_s: float | None = None,
        answered_by: str | None = None,
    ) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        self.answered_by = answered_by or url
        # RFC 9110, section 15: 408, 425, 429 and 5xx speak of now, the rest of 4xx of the request.
        retryable = status in {408, 425, 429} or status >= 500  # noqa: PLR2004
        super().__init__(url, f"HTTP {status}", retryable=retryable)


class WrongContent(FetchError):
    """The body is of a content type that we cannot use."""

    def __init__(self, url: str, content_type: str) -> None:
        super().__init__(url, f"content type {content_type!r} is not usable", retryable=False)


class FeedError(PresswatchError):
    """The bytes are no feed."""


class CleanError(PresswatchError):
    """The page holds no article that we can make out."""


class DeliveryError(PresswatchError):
    """A subscriber could not be reached, or refused the alert.

    `retry_after_s` is for how long the other side asked to be left alone.
    """

    def __init__(
        self, message: str, *, retryable: bool, retry_after_s: float | None = None
    ) -> None:
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        super().__init__(message)


class SubscriberBroken(DeliveryError):
    """The subscriber refuses whatever it is sent: a login that is not valid, an address gone."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class NotRunning(PresswatchError):
    """No Redis of ours was found."""


class AlreadyRunning(PresswatchError):
    """Another daemon holds the data directory."""
