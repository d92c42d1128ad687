"""Decides whether a poll may have missed entries, and which of older pages fill the gap. Pure.

A feed lists only its latest entries. If none of them was known before, others may have come and
gone between two polls.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from monitor.articles.urls import joined
from monitor.feeds.entries import Listed
from monitor.feeds.hints import Head
from monitor.model import FeedGaps, FeedState

# A feed that shows one entry at a time shares none with the poll before, whenever it has news.
FEWEST_ENTRIES = 2
# After a gap the feed is polled twice as often, and then less often step by step.
HURRY = 0.5
RELAX = 1.25
RELAXED_S = 86_400
# A feed with more gaps in a row, though it is polled faster and faster, gives its entries new
# names each time.
MOST_IN_A_ROW = 5
# An entry may appear so long after its date.
LATE = timedelta(hours=1)


class GapFound(Exception):
    """Says that a poll may have missed entries; `seen` holds the identities that were known."""

    def __init__(self, seen: Collection[str]) -> None:
        self.seen = seen
        super().__init__("no entry was known")


@dataclass(frozen=True, slots=True)
class Older:
    """The entries that fill a gap; `is_closed` says that they reach back to one that was known."""

    entries: tuple[Listed, ...] = ()
    is_closed: bool = False


def with_older(entries: tuple[Listed, ...], older: Older | None, most: int) -> tuple[Listed, ...]:
    """Returns a document's entries with those that fill a gap; a poll takes at most `most` of both.

    If that is too few, the older ones come first: the next poll finds the others again.
    """
    if older is None:
        return entries
    fits = len(entries) + len(older.entries) <= most
    return entries + older.entries if fits else older.entries + entries


def is_gap(previous: FeedState, entries: Sequence[Listed], seen: Collection[str]) -> bool:
    """Returns whether a document shares no entry with those before, so that some may be missing.

    If entries of the document before were held back, it may be the same one.
    """
    was_read = previous.succeeded_at is not None and previous.entries > 0
    if not was_read or previous.held_back or len(entries) < FEWEST_ENTRIES:
        return False
    return not any(name in seen for entry in entries for name in entry.identities)


def after_poll(
    gaps: FeedGaps | None,
    *,
    is_gap: bool = False,
    is_filled: bool = False,
    is_changed: bool = True,
    elapsed: timedelta = timedelta(0),
    now: datetime,
) -> FeedGaps | None:
    """Returns the gaps of a feed after a poll, and how fast it is to be polled because of them.

    `elapsed` is the time since the poll before; `is_changed` says that there was a new document.
    """
    if is_gap:
        known = gaps or FeedGaps()
        in_a_row = known.in_a_row + 1
        hurry_s = HURRY * min(elapsed.total_seconds(), known.hurry_s or RELAXED_S)
        return FeedGaps(
            found=known.found + 1,
            filled=known.filled + is_filled,
            last_at=now,
            in_a_row=in_a_row,
            hurry_s=hurry_s if in_a_row <= MOST_IN_A_ROW else None,
        )
    if gaps is None:
        return None
    hurry_s = (gaps.hurry_s or RELAXED_S) * RELAX
    return replace(
        gaps,
        in_a_row=0 if is_changed else gaps.in_a_row,
        hurry_s=hurry_s if hurry_s < RELAXED_S else None,
    )


def older_page(url: str, head: Head, number: int) -> str | None:
    """Returns the address of the page of entries before those at `url`, or None if none is known.

    `number` is that of the page at `url`, counted from 1. Pages on other hosts are none.
    """
    page = joined(url, head.older) if head.older else None
    if page is None and head.is_wordpress:
        parts = urlsplit(url)
        query = [
            pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "paged"
        ]
        query.append(("paged", str(number + 1)))
        page = urlunsplit(parts._replace(query=urlencode(query)))
    is_ours = page is not None and urlsplit(page).netloc == urlsplit(url).netloc
    return page if is_ours else None


def missed(
    page: Sequence[Listed], seen: Collection[str], since: datetime
) -> tuple[tuple[Listed, ...], bool]:
    """Returns the entries of an older page that were missed, and whether the page closes the gap.

    An entry with a date was missed if it came after `since`, when the feed was last read. One
    without was missed if it precedes a known one, on this page or a later one: otherwise it may be
    years old.
    """
    known = [any(name in seen for name in entry.identities) for entry in page]
    dates = [entry.dated for entry in page if entry.dated]
    is_closed = any(known) or (bool(dates) and dates[-1] < since - LATE)
    first_known = known.index(True) if any(known) else len(page)
    entries = tuple(
        entry
        for number, entry in enumerate(page)
        if not known[number]
        and (entry.dated >= since - LATE if entry.dated else number < first_known)
    )
    return entries, is_closed
