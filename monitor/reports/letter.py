"""A report on its way to a subscriber: in the form of an alert, with the figures. Pure.

Deliveries carry alerts, so a report is held, retried, counted and given up as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from monitor.alerts.build import notice
from monitor.model import Alert, ReportSchedule, as_plain, content_id, from_plain
from monitor.reports.figures import Figures
from monitor.reports.summary import headline
from monitor.reports.wording import period_name

# In the place of a watchlist's name.
REPORT = "report"


def report_alert(
    subscriber: str, schedule: ReportSchedule, figures: Figures, due: datetime
) -> Alert:
    """Builds a report for a subscriber; made again for the same moment, it has the same id."""
    period = period_name(figures.since, figures.until, ZoneInfo(schedule.timezone))
    identity = content_id(REPORT, subscriber, due.isoformat())
    document = notice(f"Report of {period}", f"{headline(figures)}.", now=due).document
    document |= {
        "id": identity,
        "watchlist": REPORT,
        "priority": "normal",
        "article": document["article"] | {"id": identity},
        "story": {"id": identity, "articles": 1},
        "report": {"figures": as_plain(figures), "timezone": schedule.timezone},
    }
    return Alert(identity, REPORT, (subscriber,), document)


def report_in(document: dict[str, Any]) -> tuple[Figures, str] | None:
    """Returns the figures in an alert's document and their time zone; None if it has none.

    Another version of Presswatch may have written other figures: they count as none.
    """
    report = document.get("report")
    if not isinstance(report, dict):
        return None
    try:
        timezone = ZoneInfo(report["timezone"])
        return from_plain(Figures, report["figures"]), timezone.key
    except (KeyError, TypeError, ValueError, OSError):
        return None
