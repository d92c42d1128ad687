"""Decides when a report by mail is due. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.model import ReportSchedule, content_id
from monitor.reports.periods import Period

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class ReportState:
    """The moment of the last report that was due, under the schedule that `schedule` identifies."""

    schedule: str
    due: datetime


def latest_due(schedule: ReportSchedule, now: datetime) -> datetime:
    """Returns the last moment, at most `now`, at which a report was due.

    A time that the clocks skip in spring comes later by the skipped hour; one that they repeat in
    autumn counts the first time.
    """
    zone = ZoneInfo(schedule.timezone)
    today = now.astimezone(zone).date()
    days = (today - timedelta(days=back) for back in range(len(WEEKDAYS) + 1))
    moments = (
        datetime.combine(day, time.fromisoformat(schedule.at), zone).astimezone(UTC)
        for day in days
        if schedule.every in {"day", WEEKDAYS[day.weekday()]}
    )
    return max(moment for moment in moments if moment <= now)


def period_of(schedule: ReportSchedule, due: datetime) -> Period:
    """Returns the time that a report is about, by the local clock.

    A week in which the clocks are changed is an hour shorter or longer, so that no hour is left out
    or is in two reports.
    """
    since = due.astimezone(ZoneInfo(schedule.timezone)) - schedule.since
    return Period(since.astimezone(UTC), due)


def decide(
    state: ReportState | None, schedule: ReportSchedule, now: datetime
) -> tuple[ReportState, datetime | None]:
    """Returns the new state, and when the report to send now was due, or None.

    Of several reports that were missed, only the last one is sent. A schedule that is new or has
    changed begins with its next moment.
    """
    due = latest_due(schedule, now)
    subject = content_id(repr(schedule))
    if state is None or state.schedule != subject:
        return ReportState(subject, due), None
    if due <= state.due:
        return state, None
    return ReportState(subject, due), due
