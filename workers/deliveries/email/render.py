"""Renders a message as the mail that people read: subject, text and HTML. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from monitor.alerts.build import reservation
from monitor.alerts.digest import Message, Section, StoryAlerts
from monitor.alerts.document import clock, story_size, watchlist_heading
from monitor.alerts.passages import Passage, language_and_direction, passage, safe_link
from monitor.untrusted import mail_line
from workers.deliveries.cutting import ELLIPSIS, cut

MAX_SUBJECT = 200
MAX_PREVIEW = 160
# A digest names at most this many other articles of a story.
MAX_OTHERS = 5

# A word at the cut is left out rather than cut, unless it is longer than this.
_LAST_WORD = 20
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of HTML that goes with a mail."""

    name: str
    html: str


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a mail, the same for every recipient."""

    subject: str
    text: str
    html: str
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert for templates: every text is one line, free of characters that readers act on.

    `url` is empty if the article's is not safe to follow; `language` is empty if unknown.
    """

    watchlist: str
    priority: str
    title: str
    url: str
    source: str
    time: str
    moment: str
    authors: str
    language: str
    direction: str
    passages: tuple[Passage, ...]
    matched: str
    story_size: str
    update: bool
    reservation: str


@dataclass(frozen=True, slots=True)
class ShownStory:
    """A story in a digest: the best alert, and the others that are named below it."""

    best: Shown
    others: tuple[Shown, ...]
    more: int


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A watchlist in a digest; `alerts` counts all, `hidden` those that are not shown."""

    watchlist: str
    priority: str
    alerts: int
    hidden: int
    stories: tuple[ShownStory, ...]


def render_mail(message: Message, *, zone: tzinfo = UTC, unsubscribe: str = "") -> Content:
    """Renders a message as mail: a single alert, or a digest; times are those of the zone."""
    kind, subject, values = (_digest if message.gathered else _alert)(message, zone)
    values = values | {"subject": subject, "unsubscribe": unsubscribe}
    return Content(
        subject,
        _templates.get_template(f"{kind}.txt").render(values).strip() + "\n",
        _templates.get_template(f"{kind}.html").render(values),
    )


def _alert(message: Message, zone: tzinfo) -> tuple[str, str, dict[str, Any]]:
    (alert,) = message.alerts
    shown = _shown(alert, zone)
    update = "update: " if shown.update else ""
    subject = _cut(f"[{shown.watchlist}] {update}{shown.title}", MAX_SUBJECT)
    preview = _cut(" ".join(passage.text for passage in shown.passages), MAX_PREVIEW)
    values = {"alert": shown, "preview": preview, "id": mail_line(alert["id"])}
    return "alert", subject, values


def _digest(message: Message, zone: tzinfo) -> tuple[str, str, dict[str, Any]]:
    sections = tuple(_section(section, zone) for section in message.sections)
    total = len(message.alerts)
    names = ", ".join(f"{section.watchlist} ({section.alerts})" for section in sections)
    titles = " · ".join(story.best.title for section in sections for story in section.stories)
    values = {
        "sections": sections,
        "total": total,
        "shown": message.shown,
        "since": mail_line(message.since),
        "since_time": _time(message.since, zone),
        "preview": _cut(titles, MAX_PREVIEW),
    }
    return "digest", _cut(f"{total} alerts: {names}", MAX_SUBJECT), values


def _section(section: Section, zone: tzinfo) -> ShownSection:
    return ShownSection(
        mail_line(section.heading),
        section.priority,
        section.alerts,
        section.alerts - section.shown,
        tuple(_story(story, zone) for story in section.stories),
    )


def _story(story: StoryAlerts, zone: tzinfo) -> ShownStory:
    named = tuple(_shown(other, zone) for other in story.others[:MAX_OTHERS])
    return ShownStory(_shown(story.best, zone), named, len(story.others) - len(named))


def _shown(alert: dict[str, Any], zone: tzinfo) -> Shown:
    article = alert["article"]
    when = article["published_at"] or alert["detected_at"]
    language, direction = language_and_direction(article["language"])
    terms = dict.fromkeys(mail_line(match["term"]) for match in alert["matches"])
    return Shown(
        watchlist=mail_line(watchlist_heading(alert)),
        priority=mail_line(alert["priority"]),
        title=mail_line(article["title"]) or "(no title)",
        url=safe_link(article["url"]),
        source=mail_line(article["source"]),
        time=_time(when, zone),
        moment=mail_line(when),
        authors=", ".join(filter(None, map(mail_line, article["authors"]))),
        language=language,
        direction=direction,
        passages=tuple(passage(snippet) for snippet in alert["snippets"]),
        matched=", ".join(filter(None, terms)),
        story_size=story_size(alert["story"]),
        update=alert.get("update") is True,
        reservation=reservation(article),
    )


def _time(moment: str, zone: tzinfo) -> str:
    return mail_line(clock(moment, "%-d %B %Y, %H:%M %Z", zone))


def _cut(text: str, max_length: int) -> str:
    """Cuts like `cut`, and also drops half a word at the end."""
    shorter = cut(text, max_length)
    if shorter == text:
        return text
    end = len(shorter) - len(ELLIPSIS)
    space = text.rfind(" ", max(0, end - _LAST_WORD), end)
    return text[: space if space > 0 else end].rstrip() + ELLIPSIS
