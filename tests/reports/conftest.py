"""Figures of a report as they might be, and strangers' text in all that comes from them."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.reports.figures import (
    Carrier,
    CoveredStory,
    Figures,
    MatchRow,
    NamedTally,
    ReportedSpike,
    Tally,
    WatchlistFigures,
)

UNTIL = datetime(2026, 11, 23, 7, tzinfo=UTC)


@pytest.fixture
def figures():
    """Make figures: one watchlist with a story of two outlets, a week compared with the last."""

    def make(*, title="Ministers meet", url="https://herald.example/1", source="Herald",
             compared=True, days=7, watchlists=1, stories=1, carriers=2, **fields):  # fmt: skip
        def tally(now, before):
            return Tally(now, before if compared else None)

        since = UNTIL - timedelta(days=days)
        outlets = [f"{source} {number or ''}".strip() for number in range(carriers)]
        story = CoveredStory(
            "s1", carriers + 1, carriers, "en",
            tuple(Carrier(name, title, url, since + timedelta(hours=n)) for n, name in enumerate(outlets)),
            ({"text": f"What {title} said", "highlights": [[0, 4]]},),
        )  # fmt: skip
        steps, before = (3, 0, 1, 0, 0, 0, 8), (1, 1, 1, 1, 1, 1, 1) if compared else ()
        each = tuple(
            WatchlistFigures(
                f"nato-{number}", tally(12, 7), tally(5, 5), 1, steps, before, (story,) * stories
            )
            for number in range(watchlists)
        )
        return Figures(
            **{
                "since": since, "until": UNTIL, "watchlist_count": watchlists,
                "articles": tally(12, 7), "matches": tally(12 * watchlists, 7 * watchlists),
                "alerts": tally(5, 5), "stories": tally(4, 5), "source_count": tally(2, 1),
                "later": 1, "steps": steps, "steps_before": before, "watchlists": each,
                "sources": (NamedTally(source, tally(11, 7)), NamedTally("Post", tally(1, 0))),
                "languages": (NamedTally("en", tally(12, 7)), NamedTally("", tally(0, 0))),
                "spikes": (ReportedSpike("nato-0", f"coverage: {title}", UNTIL),),
                "spike_count": 1,
            }
            | fields
        )  # fmt: skip

    return make


@pytest.fixture
def match_row():
    """Make a row of the tables."""

    def make(**fields):
        return MatchRow(
            **{
                "matched_at": UNTIL, "watchlist": "nato", "later": False, "title": "Ministers meet",
                "url": "https://herald.example/1", "source": "Herald", "site": "herald.example",
                "language": "en", "authors": ("Jane Doe",), "published_at": UNTIL - timedelta(hours=1),
                "quality": "full", "paywalled": False, "story": "s1", "article": "a1", "alert": "x1",
            }
            | fields
        )  # fmt: skip

    return make
