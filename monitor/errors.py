"""The errors that Presswatch raises on purpose.

PresswatchError
├── ConfigError          the configuration is broken; carries every Fault found
├── QueryError           a query is broken; carries the column, and what to write instead
├── FetchError           a page or feed could not be fetched; `retryable`: a retry may help
│   ├── Unreachable      no connection was accepted
│   │   └── UnknownName  the name did not resolve
│   ├── InsecureServer   no TLS connection can be made, or its certificate is not valid
│   ├── RefusedAddress   the address is private, loopback, or otherwise not public
│   ├── TooLarge         the body is larger than the limit
│   ├── BadStatus        the server answered with a status other than success
│   ├── WrongContent     the body has a content type that we cannot use
│   ├── RobotsRefused    the site's robots.txt asks programs not to fetch the page
│   ├── RobotsUnknown    the site's robots.txt could not be fetched, so nothing else is
│   └── UnsupportedPdf   the page is a PDF
├── FeedError            the bytes are not a feed
│   └── EmptyFeed        there are no bytes
├── CleanError           no article was found on the page
├── DeliveryError        an alert was not accepted; `retryable` as above
│   └── SubscriberBroken no alert is accepted until an operator repairs something
├── ArchiveUnavailable   the archive cannot be read or written; a retry may help
├── ArchiveRefusal       the archive accepts other records, but not this one
├── NotRunning           no Redis server of Presswatch was found
└── AlreadyRunning       another daemon uses the data directory
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class PresswatchError(Exception):
    """The base of all errors that Presswatch raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A fault of the configuration; lines and columns count from 1."""

    file: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(PresswatchError):
    """The configuration is broken; `faults` holds all faults, in reading order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, faults)))


class QueryError(PresswatchError):
    """A query is broken.

    `column` counts code points of `query` from 1, `length` is that of the faulty part, and `hint`
    says what to write instead. `instead` holds whole queries that may be meant, and can be read.
    """

    def __init__(
        self,
        message: str,
        *,
        query: str,
        column: int,
        length: int = 1,
        hint: str = "",
        instead: tuple[str, ...] = (),
    ) -> None:
        self.message = message
        self.query = query
        self.column = column
        self.length = length
        self.hint = hint
        self.instead = instead
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
    """The name did not resolve, or no connection was accepted: the network may be down."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, message, retryable=True)


class UnknownName(Unreachable):
    """The name did not resolve."""


class InsecureServer(FetchError):
    """No TLS connection can be made, or the server's certificate is not valid."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, message, retryable=True)


class RefusedAddress(FetchError):
    """The URL leads to an address that is not public, or is not an http(s) URL."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, message, retryable=False)


class TooLarge(FetchError):
    """The body, as sent or decompressed, is larger than the limit."""

    def __init__(self, url: str, max_bytes: int) -> None:
        super().__init__(url, f"larger than {max_bytes} bytes", retryable=False)


class BadStatus(FetchError):
    """The server answered with a status other than success.

    `retry_after_s` is the pause that a `Retry-After` header asked for, in seconds; `answered_by` is
    the URL after redirects.
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
        # RFC 9110, section 15: 408, 425, 429 and 5xx may pass, other 4xx are faults of the request.
        retryable = status in {408, 425, 429} or status >= 500  # noqa: PLR2004
        super().__init__(url, f"HTTP {status}", retryable=retryable)


class WrongContent(FetchError):
    """The body has a content type that we cannot use."""

    def __init__(self, url: str, content_type: str) -> None:
        super().__init__(url, f"content type {content_type!r} is not usable", retryable=False)


class RobotsRefused(FetchError):
    """The site's robots.txt asks programs not to fetch the page."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "the site's robots.txt forbids it", retryable=False)


class RobotsUnknown(FetchError):
    """The site's robots.txt could not be fetched, so that nothing may be (RFC 9309)."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, f"the site's robots.txt: {reason}", retryable=True)


class UnsupportedPdf(FetchError):
    """The page is a PDF, which Presswatch does not read."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "the page is a PDF, which is not supported", retryable=False)


class FeedError(PresswatchError):
    """The bytes are not a feed."""


class EmptyFeed(FeedError):
    """The answer is empty: a server that is overloaded or restarts gives such answers, too."""


class CleanError(PresswatchError):
    """No article was found on the page; `kind` says in a word what the page is instead."""

    def __init__(self, message: str, kind: str = "no_article") -> None:
        self.kind = kind
        super().__init__(message)


class DeliveryError(PresswatchError):
    """A subscriber could not be reached, or refused the alert.

    `retry_after_s` is the pause that the receiver asked for, in seconds.
    """

    def __init__(
        self, message: str, *, retryable: bool, retry_after_s: float | None = None
    ) -> None:
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        super().__init__(message)


class SubscriberBroken(DeliveryError):
    """The subscriber refuses every message: its login is not valid, or its address is gone."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class ArchiveUnavailable(PresswatchError):
    """The archive cannot be read or written at present: its disk is full, its server is down."""


class ArchiveRefusal(PresswatchError):
    """A record cannot be written, now or later, for what it contains."""


class NotRunning(PresswatchError):
    """No Redis server of Presswatch was found."""


class AlreadyRunning(PresswatchError):
    """Another daemon uses the data directory."""


# Kinds of errors for metrics, the most special first.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (UnknownName, "dns"),
    (Unreachable, "unreachable"),
    (InsecureServer, "tls"),
    (RefusedAddress, "refused_address"),
    (TooLarge, "too_large"),
    (WrongContent, "wrong_content"),
    (RobotsRefused, "robots_refused"),
    (RobotsUnknown, "robots_unknown"),
    (UnsupportedPdf, "pdf"),
    (FetchError, "connection"),
    (EmptyFeed, "empty"),
    (FeedError, "not_a_feed"),
)


def error_kind(error: Exception) -> str:
    """Returns the kind of an error in a word, such as `http_404`; `fault` if nobody foresaw it."""
    if isinstance(error, BadStatus):
        return f"http_{error.status}"
    if isinstance(error, CleanError):
        return error.kind
    if isinstance(error, FetchError) and isinstance(error.__cause__, TimeoutError):
        return "timeout"
    return next((name for kind, name in _KINDS if isinstance(error, kind)), "fault")
