"""Asks sites which pages programs may fetch (robots.txt, RFC 9309), and remembers the answers.

Answers live in the memory of a process, for a day at most, so each pool of workers asks a site once
a day. An answer costs no access to Redis.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from protego import Protego
from yarl import URL

from monitor.access import Access
from monitor.errors import FetchError, RefusedAddress, RobotsRefused, RobotsUnknown, Unreachable

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.http.client import HttpClient

# RFC 9309, section 2.5: at least 500 KiB are read, and what follows is ignored.
MAX_BYTES = 500 * 1024
TIMEOUT_S = 10.0
# RFC 9309, section 2.4: an answer is used no longer than a day. One that could not be had is
# asked for again soon, since no page of the site is fetched meanwhile.
KEEP_S = 24 * 3600.0
KEEP_FAILURE_S = 300.0
# Its pages fail for the same reason, and are tried again earlier.
KEEP_UNREACHABLE_S = 5.0
# While a site does not answer, its last answer is used for so long.
KEEP_STALE_S = 30 * 24 * 3600.0
# In memory, parsed rules take a few times the size of their text.
MAX_SITES = 2000
MAX_TEXT_BYTES = 8_000_000
# A longer pause between two pages would keep articles back for hours.
MAX_CRAWL_DELAY_S = 60.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site allows; without `protego`, everything. `size` is that of the text, in bytes."""

    protego: Protego | None = None
    size: int = 0

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Reads the body of a robots.txt, in which anything may be."""
        if len(body) >= MAX_BYTES:
            # A rule that was cut off would forbid more than the site meant.
            body = body[: body.rfind(b"\n") + 1]
        return cls(Protego.parse(body.decode("utf-8-sig", "replace")), len(body))

    def allow(self, url: str, user_agent: str) -> bool:
        """Returns whether a program may fetch a page."""
        return self.protego is None or self.protego.can_fetch(url, _names(user_agent))

    def crawl_delay_s(self, user_agent: str) -> float:
        """Returns the pause between two pages that a site wants, in seconds, at most a minute."""
        delay = None if self.protego is None else self.protego.crawl_delay(_names(user_agent))
        return min(delay or 0.0, MAX_CRAWL_DELAY_S)


def _names(user_agent: str) -> str:
    """Returns the part of a user agent that names programs: groups of rules are found by it.

    The words of an address in it name none.
    """
    words = user_agent.split()
    return " ".join(word for word in words if "://" not in word and "@" not in word)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The rules of a site, until when they are used, and why they are not known, if so."""

    rules: Rules
    until: float
    error: FetchError | None = None
    # Until when the rules are used although the site no longer answers.
    stale_until: float = 0.0


class Robots:
    """Knows what sites allow; `user_agent` is how we introduce ourselves."""

    def __init__(
        self, http: HttpClient, user_agent: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._user_agent = user_agent
        self._clock = clock
        # The answer of each origin, the one that was used last at the end.
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._bytes = 0
        self._asking: dict[str, asyncio.Task[_Answer]] = {}

    @classmethod
    def of(cls, http: HttpClient, settings: Settings) -> Robots | None:
        """Returns what asks sites, or None if the settings say that nobody has to be asked."""
        if settings.articles.robots == "ignore":
            return None
        return cls(http, settings.user_agent)

    async def permit(self, url: str, access: Access) -> None:
        """Returns if a page may be fetched.

        Raises RobotsRefused if the site forbids it, RobotsUnknown if it does not say, and
        Unreachable if there is no connection to it.
        """
        origin = _origin(url)
        if origin is None:
            return  # no page either
        answer = self._known(origin)
        if answer is None:
            answer = await self._ask(origin, access)
        if isinstance(answer.error, Unreachable):
            raise Unreachable(url, str(answer.error)) from answer.error
        if answer.error is not None:
            raise RobotsUnknown(url, str(answer.error)) from answer.error
        if not answer.rules.allow(url, access.user_agent or self._user_agent):
            raise RobotsRefused(url)

    def crawl_delay_s(self, url: str, access: Access) -> float:
        """Returns the pause that a site wants between two pages, as far as it is known."""
        answer = self._answers.get(_origin(url) or "")
        return answer.rules.crawl_delay_s(access.user_agent or self._user_agent) if answer else 0.0

    def _known(self, origin: str) -> _Answer | None:
        answer = self._answers.get(origin)
        if answer is None or answer.until <= self._clock():
            return None
        self._answers.move_to_end(origin)
        return answer

    async def _ask(self, origin: str, access: Access) -> _Answer:
        """Asks a site once, however many pages of it wait for the answer."""
        task = self._asking.get(origin)
        if task is None:
            task = asyncio.create_task(self._fetch(origin, access))
            self._asking[origin] = task
            task.add_done_callback(lambda _: self._asking.pop(origin, None))
        # A page that is given up must not take the answer from the others.
        return await asyncio.shield(task)

    async def _fetch(self, origin: str, access: Access) -> _Answer:
        now, previous = self._clock(), self._answers.get(origin)
        try:
            response = await self._http.get(
                f"{origin}/robots.txt",
                timeout_s=TIMEOUT_S,
                max_bytes=MAX_BYTES,
                accept="text/plain, */*;q=0.1",
                access=access,
                cut=True,
            )
        except FetchError as error:
            answer = _without_rules(error, previous, now)
        else:
            rules = await asyncio.to_thread(Rules.read, response.body)
            answer = _Answer(rules, now + KEEP_S, stale_until=now + KEEP_STALE_S)
        self._remember(origin, answer)
        return answer

    def _remember(self, origin: str, answer: _Answer) -> None:
        """Stores an answer, and forgets those that were not used for longest."""
        if previous := self._answers.pop(origin, None):
            self._bytes -= previous.rules.size
        self._answers[origin] = answer
        self._bytes += answer.rules.size
        while len(self._answers) > MAX_SITES or self._bytes > MAX_TEXT_BYTES:
            _, forgotten = self._answers.popitem(last=False)
            self._bytes -= forgotten.rules.size


def _without_rules(error: FetchError, previous: _Answer | None, now: float) -> _Answer:
    """Returns what an error means for a site's pages (RFC 9309, section 2.3.1).

    After a 4xx, or too many redirects, the site has no rules, and everything is allowed. After a
    5xx, or without an answer, its last rules hold, and if there are none, nothing is allowed.
    """
    if isinstance(error, RefusedAddress):
        # Whether the page is at a private address, too, is found when it is asked for.
        return _Answer(Rules(), now + KEEP_FAILURE_S)
    if not error.retryable:
        return _Answer(Rules(), now + KEEP_S)
    keep_s = KEEP_UNREACHABLE_S if isinstance(error, Unreachable) else KEEP_FAILURE_S
    if previous and previous.error is None and now < previous.stale_until:
        return replace(previous, until=now + keep_s)
    return _Answer(Rules(), now + keep_s, error)


def _origin(url: str) -> str | None:
    try:
        return str(URL(url).origin())
    except ValueError:
        return None
