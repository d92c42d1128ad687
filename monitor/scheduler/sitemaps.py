"""Completes an answer that is a compressed sitemap, or an index whose sitemaps must be fetched."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.errors import FeedError, FetchError, TooLarge
from monitor.executors import call_in
from monitor.feeds.sitemaps import is_index, joined_sitemaps, parts_of
from monitor.http.client import Response
from monitor.http.codings import BrokenBody, gzip_inflater

GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class JoinedSitemaps(Response):
    """The sitemaps of an index as one; `problem` says which could not be fetched."""

    problem: str | None = None


async def completed(
    response: Response,
    get: Callable[[str], Awaitable[Response]],
    *,
    max_bytes: int,
    timeout_s: float,
    now: datetime,
    threads: Executor | None = None,
) -> Response:
    """Returns a response whose body is a document that can be read by itself.

    `get` fetches one of the sitemaps that an index lists. One that cannot be fetched is left out,
    and so are the others when they have taken `timeout_s` in all.
    Raises FetchError if all cannot, or the body is larger than `max_bytes`, and FeedError if it is
    not what it seems. Other responses are returned as they are.
    """
    if response.body.startswith(GZIP):
        response = await call_in(threads, _inflated, response, max_bytes)
    if not is_index(response.body):
        return response
    parts, are_dated = await call_in(threads, parts_of, response.body, response.url, now)
    bodies: list[tuple[str, bytes]] = []
    failures: list[FetchError | FeedError] = []
    started_s = time.monotonic()
    for part in parts:
        if time.monotonic() - started_s > timeout_s:
            slow = f"the others took more than {timeout_s:g} s"
            failures.append(FetchError(part.url, slow, retryable=True))
            continue
        try:
            answer = await get(part.url)
            if answer.body.startswith(GZIP):
                answer = await call_in(threads, _inflated, answer, max_bytes)
        except (FetchError, FeedError) as error:
            failures.append(error)
        else:
            bodies.append((answer.url, answer.body))
    if failures and not bodies:
        raise failures[0]
    body = await call_in(threads, joined_sitemaps, bodies, now)
    headers = dict(response.headers)
    if failures or not are_dated or response.broke_off:
        # The index may stay as it is although its sitemaps change.
        headers.pop("etag", None)
        headers.pop("last-modified", None)
    count = f"{len(failures)} of {len(parts)} sitemaps could not be read"
    problem = f"{count}: {failures[0]}" if failures else None
    return JoinedSitemaps(
        response.url, response.status, headers, body, moved_to=response.moved_to, problem=problem
    )


def _inflated(response: Response, max_bytes: int) -> Response:
    inflater = gzip_inflater()
    try:
        body = inflater.feed(response.body, max_bytes)
        if len(body) > max_bytes:
            raise TooLarge(response.url, max_bytes)
        inflater.finish()
    except BrokenBody as error:
        raise FeedError(
            f"no feed: the compressed document is broken ({error}); if this goes on, tell the "
            "publisher"
        ) from error
    return replace(response, body=body)
