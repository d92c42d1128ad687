"""Works out which alerts watchlists would have had for archived articles, and compares them. Pure.

Alerts are counted with the functions that workers use, article by article in the order in which
the articles were found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.alerts.build import topic
from monitor.alerts.once import TopicHistory, after_alert, judge
from monitor.model import Article, Limit, Match, Term, Watchlist
from monitor.watchlists.changes import WatchlistChange


@dataclass(frozen=True, slots=True)
class ArchivedArticle:
    """An article of the archive: its number there, its ids, and when it was found first."""

    number: int
    id: str
    story: str
    found_at: datetime


@dataclass(slots=True)
class Coverage:
    """A watchlist's coverage of a period: articles that match, and those that alert among them."""

    articles: dict[str, ArchivedArticle]
    alerts: list[ArchivedArticle]


# A watchlist, and the articles that it matches with the terms that do, in the order of time.
TermsOfArticles = Iterable[tuple[ArchivedArticle, tuple[str, ...]]]


def covered(
    watchlist: Watchlist,
    found: TermsOfArticles,
    since: datetime,
    muted: Collection[str] = frozenset(),
) -> Coverage:
    """Returns what a watchlist would have covered since a moment.

    Articles found before it only decide whether a story has had an alert already. `muted` has the
    ids of articles whose match was muted.
    """
    coverage = Coverage({}, [])
    histories: defaultdict[str, TopicHistory] = defaultdict(TopicHistory)
    for archived, terms in found:
        article = Article(archived.id, "", "", "", "", "", story=archived.story)
        match = Match(watchlist.name, tuple(Term(term, "", ()) for term in terms))
        subject = topic(watchlist, article)
        verdict, new_terms = judge(
            histories[subject], article.id, match, is_muted=article.id in muted
        )
        if verdict == "alert":
            # Ids of alerts decide nothing. Counted articles are not remembered: each comes once.
            histories[subject] = after_alert(histories[subject], "", article.id, new_terms)
        if archived.found_at >= since:
            coverage.articles[article.id] = archived
            if verdict == "alert":
                coverage.alerts.append(archived)
    return coverage


def gained(before: Coverage, after: Coverage) -> list[ArchivedArticle]:
    """Returns the articles of the alerts that only `after` has, in the order of time.

    An alert on another article of a story that both alert on is not gained: subscribers hear of the
    story either way.
    """
    known = {article.id for article in before.alerts}
    others = {article.id for article in after.alerts}
    spare = Counter(article.story for article in before.alerts if article.id not in others)
    found = []
    for article in after.alerts:
        if article.id in known:
            continue
        if spare[article.story]:
            spare[article.story] -= 1
        else:
            found.append(article)
    return found


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many alerts are on stories that other watchlists alert on: of any, and of each."""

    alerts: int
    by_watchlist: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What a change of a watchlist does: its coverage before and after, and the alerts that differ.

    `overlap` is that of the alerts gained.
    """

    change: WatchlistChange
    before: Coverage
    after: Coverage
    gained: list[ArchivedArticle]
    lost: list[ArchivedArticle]
    overlap: Overlap


def overlap(
    watchlist: str, alerts: Iterable[ArchivedArticle], alerting: Mapping[str, Collection[str]]
) -> Overlap:
    """Returns how alerts overlap those of others; `alerting` has the watchlists of each story."""
    counts: Counter[str] = Counter()
    shared = 0
    for article in alerts:
        others = set(alerting.get(article.story, ())) - {watchlist}
        counts.update(others)
        shared += bool(others)
    # The most frequent first, and those as frequent by name.
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Overlap(shared, dict(ranked))


def is_over(planned: PlannedChange, limit: Limit, days: float) -> bool:
    """Returns whether a watchlist would alert more often than a limit, and than it did before."""
    alerts = len(planned.after.alerts)
    allowed = limit.most * (days / (limit.per / timedelta(days=1)))
    return alerts > allowed and alerts > len(planned.before.alerts)


def spread(articles: Sequence[ArchivedArticle], most: int) -> list[ArchivedArticle]:
    """Returns at most so many articles, evenly spread over all of them, the last ones first."""
    count = min(most, len(articles))
    return [articles[(2 * n + 1) * len(articles) // (2 * count)] for n in reversed(range(count))]


@dataclass(frozen=True, slots=True)
class SubscriberChange:
    """The alerts for a subscriber in the period, from the watchlists that were compared."""

    name: str
    before: int
    after: int


def subscriber_changes(
    before: Mapping[str, int], after: Mapping[str, int]
) -> list[SubscriberChange]:
    """Returns the subscribers whose counts of alerts differ, by name."""
    return [
        SubscriberChange(name, before.get(name, 0), after.get(name, 0))
        for name in sorted({*before, *after})
        if before.get(name, 0) != after.get(name, 0)
    ]


def alerts_by_subscriber(sides: Iterable[tuple[Watchlist | None, Coverage]]) -> Counter[str]:
    """Returns how many alerts each subscriber gets of these watchlists."""
    counts: Counter[str] = Counter()
    for watchlist, coverage in sides:
        for name in set(watchlist.subscribers) if watchlist else ():
            counts[name] += len(coverage.alerts)
    return counts
