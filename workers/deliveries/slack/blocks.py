"""Renders a message as Slack's Block Kit. Pure.

Strangers write what articles say. All of it goes into `rich_text`, whose elements Slack shows
verbatim: no mention, link or markup can hide in them, and nothing is escaped. Only the text for
notifications is still parsed for `<…>`, and is escaped.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import regex

from monitor.alerts.build import reservation
from monitor.alerts.digest import MAX_SHOWN, Message, Section, StoryAlerts, gather
from monitor.alerts.document import story_size, watchlist_heading
from monitor.untrusted import slack_text
from workers.deliveries.cutting import cut

# Limits beyond which Slack refuses or cuts: https://docs.slack.dev/reference/block-kit/blocks
MAX_BLOCKS = 50
# Slack accepts some 13,200 characters in all blocks together, which it documents nowhere and counts
# in its own way; the length of their JSON is never less. https://github.com/slackapi/bolt-js/issues/2509
MAX_CHARACTERS = 12_000

MAX_TITLE = 300
MAX_NAME = 100
MAX_URL = 2_000
MAX_SNIPPET = 600
MAX_HIGHLIGHTS = 20
MAX_NAMED = 10

SEPARATOR = " · "
UNTITLED = "(no title)"

_ALARM: dict[str, Any] = {"type": "emoji", "name": "red_circle"}
_BOLD = {"bold": True}
# Characters that would end a link written as `<url|text>`, or that no URL may contain.
_UNSAFE = regex.compile(r"[\s\p{Z}\p{C}<>|\"\\^`{}]")

Element = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The content for Slack: blocks, and the text that notifications show instead."""

    text: str
    blocks: list[dict[str, Any]]


def render(message: Message) -> Rendered:
    """Renders a message: one alert, an article added to its story, or a digest."""
    if message.gathered:
        return _digest(message)
    (alert,) = message.alerts
    return render_addition(alert) if message.follows else render_alert(alert)


def render_alert(alert: dict[str, Any]) -> Rendered:
    """Renders one alert with its evidence."""
    high = alert["priority"] == "high"
    head = [
        *([_ALARM, _text(" ")] if high else []),
        _link(alert["article"], _BOLD),
        _text("\n"),
        *_context(alert),
        _text(f"{SEPARATOR}watchlist "),
        _text(_name(watchlist_heading(alert)), _BOLD),
        *(_text(SEPARATOR + remark) for remark in _remarks(alert)),
    ]
    snippets = list(alert["snippets"])
    while True:
        blocks = [_rich_text([_part("rich_text_section", head), *_evidence(snippets)])]
        if not snippets or _size(blocks) <= MAX_CHARACTERS:
            return Rendered(_fallback(alert), blocks)
        snippets.pop()


def render_addition(alert: dict[str, Any]) -> Rendered:
    """Renders a later article of a story, which is posted below the story's first message."""
    line = [_link(alert["article"]), _text("\n"), *_context(alert)]
    return Rendered(_fallback(alert), [_rich_text([_part("rich_text_section", line)])])


def escape(text: str) -> str:
    """Escapes the three characters that have a meaning to Slack, so that it shows them as they are.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def safe_url(url: str) -> str | None:
    """Returns a web address with everything encoded that could end it early.

    Returns None if a link could not lead there.
    """
    encoded: str = _UNSAFE.sub(lambda unsafe: quote(unsafe[0], safe="", errors="replace"), url)
    try:
        parts = urlsplit(encoded)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return None
    return encoded if len(encoded) <= MAX_URL else None


# Digests.


def _digest(message: Message) -> Rendered:
    """Shows as many alerts as Slack accepts, the best of each watchlist first."""
    limit = MAX_SHOWN
    sections = message.sections
    while True:
        blocks = _digest_blocks(message, sections)
        size = _size(blocks)
        if (size <= MAX_CHARACTERS and len(blocks) <= MAX_BLOCKS) or limit == 1:
            break
        limit = max(1, min(limit - 1, limit * MAX_CHARACTERS // size))
        sections = gather(message.alerts, limit)
    names = ", ".join(
        f"{_name(section.heading)} ({section.alerts})" for section in sections[:MAX_NAMED]
    )
    more = f" and {len(sections) - MAX_NAMED} more" if len(sections) > MAX_NAMED else ""
    since = _fallback_time(message.since)
    text = f"{len(message.alerts)} alerts since {since}: {names}{more}"
    return Rendered(escape(text), blocks)


def _digest_blocks(message: Message, sections: Sequence[Section]) -> list[dict[str, Any]]:
    heading = [
        _text(f"{len(message.alerts)} alerts since ", _BOLD),
        _date(message.since, _BOLD),
    ]
    blocks = [_rich_text([_part("rich_text_section", heading)])]
    blocks += [_section(section) for section in sections if section.stories]
    hidden = [section for section in sections if not section.stories]
    shown = sum(section.shown for section in sections)
    foot: list[Element] = []
    if hidden:
        names = ", ".join(
            f"{_name(section.heading)} ({section.alerts})" for section in hidden[:MAX_NAMED]
        )
        more = f" and {len(hidden) - MAX_NAMED} more" if len(hidden) > MAX_NAMED else ""
        foot.append(_text(f"Not shown: {names}{more}.\n"))
    if shown < len(message.alerts):
        foot.append(_text(f"The best {shown} are shown. All: "))
        command = f"presswatch alerts list --since {message.since}"
        foot.append(_text(command, {"code": True}))
    if foot:
        blocks.append(_rich_text([_part("rich_text_section", foot)]))
    return blocks


def _section(section: Section) -> dict[str, Any]:
    """Renders a watchlist with the stories that are shown."""
    heading = [
        *([_ALARM, _text(" ")] if section.priority == "high" else []),
        _text(_name(section.heading), _BOLD),
        _text(SEPARATOR + _count(section.alerts, "alert")),
    ]
    lines = [_part("rich_text_section", _story(story)) for story in section.stories]
    return _rich_text(
        [
            _part("rich_text_section", heading),
            {"type": "rich_text_list", "style": "bullet", "elements": lines},
        ]
    )


def _story(story: StoryAlerts) -> list[Element]:
    notes = []
    if size := story_size(story.best["story"]):
        notes.append(size)
    if story.others:
        notes.append(f"{_count(len(story.others), 'more alert')}")
    return [
        _link(story.best["article"]),
        _text(SEPARATOR),
        *_context(story.best),
        *(_text(SEPARATOR + note) for note in notes),
    ]


# Pieces.


def _context(alert: dict[str, Any]) -> list[Element]:
    """Says where and when an article was published."""
    source = _name(alert["article"]["source"])
    when = _date(alert["article"].get("published_at") or alert["detected_at"])
    return [_text(source + SEPARATOR), when]


def _remarks(alert: dict[str, Any]) -> Iterable[str]:
    """Yields what a reader should know before reading."""
    if alert["priority"] != "normal":
        yield f"{alert['priority']} priority"
    if alert.get("update"):
        yield "updated"
    if remark := reservation(alert["article"]):
        yield remark
    if size := story_size(alert["story"]):
        yield f"{size} tell the story"


def _evidence(snippets: Sequence[dict[str, Any]]) -> list[Element]:
    """Renders passages as a quotation, and articles that an alert lists as a list of links."""
    quotes = [quote for each in snippets if "url" not in each and (quote := _snippet(each))]
    lines = [element for quote in quotes for element in (_text("\n"), *quote)]
    parts = [_part("rich_text_quote", lines[1:])] if lines else []
    items = [
        _part("rich_text_section", [_link({"title": each["text"], "url": each["url"]})])
        for each in snippets
        if "url" in each
    ]
    if items:
        parts.append({"type": "rich_text_list", "style": "bullet", "elements": items})
    return parts


def _snippet(snippet: dict[str, Any]) -> list[Element]:
    """Renders a passage with its matches in bold."""
    text = cut(snippet["text"], MAX_SNIPPET)
    pieces: list[tuple[str, dict[str, bool] | None]] = []
    done = 0
    for start, end in sorted(snippet["highlights"])[:MAX_HIGHLIGHTS]:
        begin, stop = max(start, done), min(end, len(text))
        if begin < stop:
            pieces += [(text[done:begin], None), (text[begin:stop], _BOLD)]
            done = stop
    pieces.append((text[done:], None))
    elements = [_text(shown, style) for piece, style in pieces if (shown := slack_text(piece))]
    return elements if "".join(element["text"] for element in elements).strip() else []


def _link(article: dict[str, Any], style: dict[str, bool] | None = None) -> Element:
    """Renders an article's title, as a link if its URL is safe."""
    title = cut(slack_text(article["title"]).strip(), MAX_TITLE) or UNTITLED
    url = safe_url(article.get("url") or "")
    if url is None:
        return _text(title, style)
    return {"type": "link", "url": url, "text": title} | ({"style": style} if style else {})


def _date(moment: str, style: dict[str, bool] | None = None) -> Element:
    """Renders a moment (RFC 3339) in the reader's time zone, or in UTC if Slack cannot show it."""
    fallback = _fallback_time(moment)
    try:
        timestamp = int(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError, OSError):
        timestamp = 0
    if timestamp <= 0:
        # Some feeds date articles to the year 1, which Slack cannot show.
        return _text(fallback, style)
    return {
        "type": "date",
        "timestamp": timestamp,
        "format": "{date_short_pretty} {time}",
        "fallback": fallback,
    } | ({"style": style} if style else {})


def _fallback(alert: dict[str, Any]) -> str:
    """Returns the text of an alert's notification."""
    article = alert["article"]
    sign = "❗ " if alert["priority"] == "high" else ""
    title = cut(slack_text(article["title"]).strip(), MAX_TITLE) or UNTITLED
    line = f"{sign}{_name(alert['watchlist'])}: {title} ({_name(article['source'])})"
    return escape(line)


def _fallback_time(moment: str) -> str:
    """A moment (RFC 3339) in UTC; as it is where that has no date."""
    try:
        when = datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return slack_text(moment) or "?"
    return f"{when.isoformat(sep=' ', timespec='minutes')[:16]} UTC"


def _name(text: str) -> str:
    return cut(slack_text(text).strip(), MAX_NAME) or "?"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _text(text: str, style: dict[str, bool] | None = None) -> Element:
    return {"type": "text", "text": text} | ({"style": style} if style else {})


def _part(kind: str, elements: list[Element]) -> Element:
    return {"type": kind, "elements": elements}


def _rich_text(parts: list[Element]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": parts}


def _size(blocks: list[dict[str, Any]]) -> int:
    """Returns the length of the blocks as Slack may count it, in UTF-16."""
    return len(json.dumps(blocks, ensure_ascii=False).encode("utf-16-le", "surrogatepass")) // 2
