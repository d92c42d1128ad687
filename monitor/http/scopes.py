"""Learns how far a site's limits reach: to one feed, a host, or all hosts of a domain. Pure.

Answers that limit us are evidence. One feed that is limited is left alone by itself, since it is
polled more rarely. When a host limits several of its pages, all of them are left alone, and when
several hosts of one registered domain do, all hosts of that domain share the budget of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Literal

from tld import get_fld

FORBIDDEN = 403
TOO_MANY_REQUESTS = 429
# Statuses that mean so only with a Retry-After, as those from 500 on do.
TEMPORARY = frozenset({408, 425})
SERVER_ERROR = 500
# Sites that take us for a robot mostly answer 403, but so do single pages that need a login: it
# counts when so many pages of a host answer it, and none answers otherwise in between.
REPEATED = 3
# This many feeds of a host, or hosts of a domain, that are limited are not limited by chance.
SEVERAL = 2
# How long evidence counts, and how long a domain's hosts share a budget afterwards.
WINDOW = timedelta(minutes=30)
LEARNED = timedelta(days=1)
# How long to leave a host alone that does not say; one that has taken us for a robot for longer.
PAUSE = timedelta(minutes=1)
LONG_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=1)
# Two hosts that others rent must not silence a whole domain for longer.
LONGEST_DOMAIN_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Limited:
    """An answer that may limit us: `source` is the feed or page that got it from `host`.

    `pause` is what its Retry-After asked for. `is_page` says that an article's page got it.
    """

    host: str
    source: str
    status: int
    pause: timedelta | None = None
    is_page: bool = False

    @property
    def counts_alone(self) -> bool:
        """Returns whether this answer is enough to leave the host alone."""
        return self.is_page and self.pause is not None and self.status != FORBIDDEN


@dataclass(frozen=True, slots=True)
class Hold:
    """Leaves a host alone for `pause`; with the scope `domain`, also its others, if more briefly.

    `name` is that of the host or the domain.
    """

    scope: Literal["host", "domain"]
    name: str
    pause: timedelta

    @property
    def domain_pause(self) -> timedelta:
        """Returns for how long all hosts of the domain are left alone."""
        return min(self.pause, LONGEST_DOMAIN_PAUSE)


def is_limiting(status: int, *, asks_for_pause: bool) -> bool:
    """Returns whether a status may mean that we ask too much of a site."""
    if status in {FORBIDDEN, TOO_MANY_REQUESTS}:
        return True
    return asks_for_pause and (status >= SERVER_ERROR or status in TEMPORARY)


def hold_for(latest: Limited, evidence: Iterable[Limited]) -> Hold | None:
    """Returns what to leave alone after the latest answer, given the earlier evidence.

    Returns None if nothing but the feed or page itself is limited.
    """
    known = [*evidence, latest]
    if not _is_limited(latest.host, known):
        return None
    usual = LONG_PAUSE if latest.status == FORBIDDEN else PAUSE
    pause = min(usual if latest.pause is None else latest.pause, LONGEST_PAUSE)
    domain = registered_domain(latest.host)
    hosts = {each.host for each in known if registered_domain(each.host) == domain}
    if domain and sum(_is_limited(each, known) for each in hosts) >= SEVERAL:
        return Hold("domain", domain, pause)
    return Hold("host", latest.host, pause)


def _is_limited(host: str, known: Iterable[Limited]) -> bool:
    """Returns whether a host limits more than single feeds and pages."""
    answers = [each for each in known if each.host == host]
    if any(each.counts_alone for each in answers):
        return True
    forbidden = {each.source for each in answers if each.status == FORBIDDEN}
    others = {each.source for each in answers if each.status != FORBIDDEN}
    return len(forbidden) >= REPEATED or len(others) >= SEVERAL


@lru_cache(maxsize=10_000)
def registered_domain(host: str) -> str:
    """Returns the domain that somebody registered, such as bbc.co.uk; "" for an address or none.

    Domains whose owner lets others have names below it, such as github.io, count as suffixes.
    The Public Suffix List ships with tld, which asks nobody for it.
    """
    found = get_fld(host, fix_protocol=True, fail_silently=True)
    return str(found) if found else ""
