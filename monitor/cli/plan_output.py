"""Shows a plan as text for a reviewer, or as one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from monitor.alerts.plan import Coverage, PlannedChange, is_over
from monitor.archive.plan import Plan
from monitor.archive.samples import Sample, Samples
from monitor.cli.console import highlighted
from monitor.hiding import Secret, without_secrets
from monitor.model import Limit
from monitor.untrusted import printable, terminal_json
from monitor.watchlists.changes import ChangedPart

VERSION = 1
# Other watchlists that an overlap names.
MOST_OVERLAPS = 5
MARKS: dict[str, tuple[str, str]] = {
    "new": ("+", "green"),
    "changed": ("~", "yellow"),
    "renamed": ("~", "yellow"),
    "removed": ("-", "red"),
}


class PlanOutput:
    """A plan with the samples of its changes, in the same order."""

    def __init__(
        self,
        plan: Plan,
        samples: Sequence[Samples],
        *,
        against: Path | None,
        limit: Limit | None,
        most: int,
        query_secrets: Sequence[Secret],
    ) -> None:
        """Takes at most `most` samples of the alerts gained, and lost, of each watchlist.

        `query_secrets` are what the queries of both configurations take from the environment.
        """
        self._query_secrets = query_secrets
        self._plan = plan
        self._samples = samples
        self._against = against
        self._most = most
        self._limit = limit
        self.over = [
            planned.change.name
            for planned in plan.changes
            if limit and is_over(planned, limit, plan.period.days)
        ]

    def print_text(self) -> None:
        """Prints the plan, watchlist by watchlist, then subscribers and totals."""
        period = self._plan.period
        other = printable(str(self._against)) if self._against else "the alerts that were recorded"
        click.echo(
            f"{_count(period.articles, 'article')} in {period.days:.3g} days, "
            f"{_clock(period.since)} to {_clock(period.until)} UTC, against {other}"
        )
        for planned, samples in zip(self._plan.changes, self._samples, strict=True):
            click.echo()
            self._print_change(planned, samples)
        click.echo()
        self._print_subscribers()
        self._print_totals()

    def _print_change(self, planned: PlannedChange, samples: Samples) -> None:
        change = planned.change
        mark, colour = MARKS[change.kind]
        renamed_from = change.before.name if change.before and change.kind == "renamed" else ""
        kind = f"renamed from {renamed_from}" if renamed_from else change.kind
        click.secho(f"{mark} {change.name}", fg=colour, bold=True, nl=False)
        click.echo(f"  {kind}{', OVER THE LIMIT' if change.name in self.over else ''}")
        for part in change.parts:
            _print_part(self._shown(part))
        before, after = planned.before, planned.after
        click.echo(
            f"  alerts: {len(before.alerts):,} → {len(after.alerts):,} "
            f"({self._a_day(before)} → {self._a_day(after)} a day), "
            f"{len(planned.gained):,} gained, {len(planned.lost):,} lost"
        )
        click.echo(f"  articles that match: {len(before.articles):,} → {len(after.articles):,}")
        if planned.gained:
            _print_overlap(planned)
        for found, total, sign, style in (
            (self._shown_samples(samples.gained), len(planned.gained), "+", "green"),
            (self._shown_samples(samples.lost), len(planned.lost), "-", "red"),
        ):
            for sample in found:
                _print_sample(sample, sign, style)
            if found and total > len(found):
                click.echo(f"  {sign} and {total - len(found):,} more")

    def _shown_samples(self, newest: Callable[[int], list[Sample]]) -> list[Sample]:
        return [
            replace(sample, reason=self._hidden(sample.reason)) for sample in newest(self._most)
        ]

    def _shown(self, part: ChangedPart) -> ChangedPart:
        return ChangedPart(part.key, self._hidden(part.before), self._hidden(part.after))

    def _hidden(self, text: str) -> str:
        return without_secrets(text, self._query_secrets)

    def _a_day(self, coverage: Coverage) -> str:
        return f"{len(coverage.alerts) / self._plan.period.days:,.1f}"

    def _print_subscribers(self) -> None:
        if self._plan.subscribers:
            click.secho("subscribers", bold=True)
        for each in self._plan.subscribers:
            change = (each.after - each.before) / self._plan.period.days
            click.echo(
                f"  {each.name}: {change:+,.1f} alerts a day ({each.after - each.before:+,})"
            )

    def _print_totals(self) -> None:
        gained, lost = self._totals()
        changed = len(self._plan.changes)
        click.secho(
            f"{_count(changed, 'watchlist')} differ{'s' * (changed == 1)}, "
            f"{self._plan.unchanged:,} unchanged; "
            f"{_count(gained, 'alert')} gained, {lost:,} lost "
            f"({(gained - lost) / self._plan.period.days:+,.1f} a day)",
            bold=True,
        )
        if self._limit and self.over:
            click.secho(f"over {_written(self._limit)}: {', '.join(self.over)}", fg="red")

    def _totals(self) -> tuple[int, int]:
        gained = sum(len(planned.gained) for planned in self._plan.changes)
        return gained, sum(len(planned.lost) for planned in self._plan.changes)

    def print_json(self) -> None:
        """Prints one JSON document; docs/archive.md describes it."""
        period = self._plan.period
        gained, lost = self._totals()
        document = {
            "v": VERSION,
            "since": _utc(period.since),
            "until": _utc(period.until),
            "days": round(period.days, 3),
            "articles": period.articles,
            "against": str(self._against) if self._against else None,
            "watchlists": [
                self._change_as_object(planned, samples)
                for planned, samples in zip(self._plan.changes, self._samples, strict=True)
            ],
            "unchanged": self._plan.unchanged,
            "subscribers": [
                {"name": each.name, "alerts": self._figures(each.before, each.after)}
                for each in self._plan.subscribers
            ],
            "gained": gained,
            "lost": lost,
            "limit": _written(self._limit) if self._limit else None,
            "over": self.over,
        }
        click.echo(terminal_json(document, indent=2))

    def _change_as_object(self, planned: PlannedChange, samples: Samples) -> dict[str, Any]:
        change, before, after = planned.change, planned.before, planned.after
        return {
            "name": change.name,
            "change": change.kind,
            "renamed_from": change.before.name
            if change.before and change.kind == "renamed"
            else None,
            "parts": [
                {"key": part.key, "before": part.before, "after": part.after}
                for part in map(self._shown, change.parts)
            ],
            "articles": {"before": len(before.articles), "after": len(after.articles)},
            "alerts": self._figures(len(before.alerts), len(after.alerts))
            | {"gained": len(planned.gained), "lost": len(planned.lost)},
            "overlap": {
                "alerts": planned.overlap.alerts,
                "watchlists": planned.overlap.by_watchlist,
            },
            "gained_samples": list(map(_sample_as_object, self._shown_samples(samples.gained))),
            "lost_samples": list(map(_sample_as_object, self._shown_samples(samples.lost))),
        }

    def _figures(self, before: int, after: int) -> dict[str, float]:
        days = self._plan.period.days
        return {
            "before": before,
            "after": after,
            "a_day_before": round(before / days, 3),
            "a_day_after": round(after / days, 3),
        }


def _print_part(part: ChangedPart) -> None:
    for sign, value, colour in (("-", part.before, "red"), ("+", part.after, "green")):
        if value:
            click.secho(f"  {sign} {part.key}: {printable(value)}", fg=colour)


def _print_overlap(planned: PlannedChange) -> None:
    overlap, total = planned.overlap, len(planned.gained)
    if not overlap.alerts:
        click.echo("  overlap: none of the alerts gained is on a story that others alert on")
        return
    named = list(overlap.by_watchlist.items())
    listed = ", ".join(f"{printable(name)} {count:,}" for name, count in named[:MOST_OVERLAPS])
    others = len(named) - MOST_OVERLAPS
    click.echo(
        f"  overlap: of {_count(total, 'alert')} gained, {overlap.alerts:,} "
        f"{'is' if overlap.alerts == 1 else 'are'} on stories that others alert on: {listed}"
        f"{f', and {others} more' if others > 0 else ''}"
    )


def _print_sample(sample: Sample, sign: str, colour: str) -> None:
    click.secho(f"  {sign} {printable(sample.title) or '(no title)'}", fg=colour)
    click.secho(f"      {printable(sample.source)} · {_clock(sample.found_at)} UTC", dim=True)
    if sample.matches:
        terms = [
            f"{match['term']} in {match['field']}, {match['count']}×" for match in sample.matches
        ]
        click.echo(f"      {printable('; '.join(terms))}")
    if sample.reason:
        side = "before" if sign == "+" else "now"
        click.echo(f"      {side}: {printable(sample.reason)}")
    for snippet in sample.snippets[:1]:
        click.echo(f"      {highlighted(snippet)}")
    click.secho(f"      {printable(sample.url)}", fg="cyan")


def _sample_as_object(sample: Sample) -> dict[str, Any]:
    return {
        "found_at": _utc(sample.found_at),
        "title": sample.title,
        "url": sample.url,
        "source": sample.source,
        "matches": sample.matches,
        "snippets": sample.snippets,
        "reason": sample.reason or None,
    }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _clock(moment: datetime) -> str:
    return f"{moment:%-d %B %Y, %H:%M}"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _written(limit: Limit) -> str:
    """Returns a limit as it was written, such as 50/d."""
    units = {60: "m", 3600: "h", 86400: "d"}
    return f"{limit.most}/{units[int(limit.per.total_seconds())]}"
