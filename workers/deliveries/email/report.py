"""Renders a report as mail: as much as mail programs show, and the whole as a file. Pure."""

from __future__ import annotations

from monitor.alerts.digest import Message
from monitor.reports.document import WHOLE, Extent, render_html
from monitor.reports.figures import Figures
from monitor.reports.letter import report_in
from monitor.reports.summary import summarise
from monitor.untrusted import mail_line
from workers.deliveries.cutting import cut
from workers.deliveries.email.render import MAX_SUBJECT, Attachment, Content

# Gmail cuts off what is beyond 102 kB.
MAX_SHOWN_BYTES = 95_000
# What is tried, until it is short enough.
EXTENTS = (
    WHOLE,
    Extent(watchlists=12, stories=3, sources=10),
    Extent(watchlists=12, stories=2, sources=10),
    Extent(watchlists=12, stories=1, sources=10),
    Extent(watchlists=6, stories=1, sources=10),
    Extent(watchlists=0, stories=0, sources=10),
)
_REST = "The attached file has the whole report."


def report_mail(message: Message, *, unsubscribe: str = "") -> Content | None:
    """Renders a message as a report; returns None if it is not one."""
    (alert, *others) = message.alerts
    found = None if others else report_in(alert)
    if found is None:
        return None
    figures, timezone = found
    parts = summarise(figures, timezone)
    text = "\n\n".join("\n".join((part.heading, *part.lines)) for part in parts)
    subject = f"{mail_line(alert['article']['title'])}: {parts[0].heading}"
    day = figures.until.date().isoformat()
    return Content(
        cut(subject, MAX_SUBJECT),
        f"{text}\n\n{_REST}\n" + (f"Unsubscribe: {unsubscribe}\n" if unsubscribe else ""),
        _shown(figures, timezone, unsubscribe),
        Attachment(f"presswatch-report-{day}.html", render_html(figures, timezone)),
    )


def _shown(figures: Figures, timezone: str, unsubscribe: str) -> str:
    for extent in EXTENTS:
        html = render_html(figures, timezone, extent=extent, unsubscribe=unsubscribe, note=_REST)
        if len(html.encode()) <= MAX_SHOWN_BYTES:
            break
    return html
