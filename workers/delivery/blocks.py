"""A message as Slack's Block Kit. Pure.

What articles say is written by strangers. All of it stands in `rich_text`, whose elements Slack
shows as they are: no mention, link or markup can be hidden in them, and nothing is escaped. Only
the text that notifications show is still read for `<…>`, and escaped.
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
from monitor.alerts.digest import MOST_SHOWN, Message, Section, Story, gather
from workers.delivery.cutting import cut

# What Slack refuses to take, or cuts: https://docs.slack.dev/reference/block-kit/blocks
MOST_BLOCKS = 50
# Of all blocks together Slack takes some 13,200 characters, which it documents nowhere and counts
# in its own way; that of their JSON is at least as many. https://github.com/slackapi/bolt-js/issues/2509
MOST_CHARACTERS = 12_000

MOST_TITLE = 300
MOST_NAME = 100
MOST_URL = 2_000
MOST_SNIPPET = 600
MOST_HIGHLIGHTS = 20
MOST_NAMED = 10

SEPARATOR = " · "
UNTITLED = "(no title)"

_ALARM: dict[str, Any] = {"type": "emoji", "name": "red_circle"}
_BOLD = {"bold": True}
_SPACE = regex.compile(r"[\s\p{Z}]+")
# Controls, half surrogates, and the marks that turn the direction of what follows; not the joiners
# inside emoji and words.
_UNSEEN = regex.compile(r"[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\ufeff]")
# In a URL: what ends a link where it is written as `<url|text>`, and what no URL may hold.
_UNSAFE = regex.compile(r"[\s\p{Z}\p{C}<>|\"\\^`{}]")

Element = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Slack is sent: blocks, and the text that notifications show in their place."""

    text: str
    blocks: list[dict[str, Any]]


def render(message: Message) -> Rendered:
    """A message as it is posted: one alert, an article added to its story, or a digest."""
    if message.gathered:
        return _digest(message)
    (alert,) = message.alerts
    return render_addition(alert) if message.follows else render_alert(alert)


def render_alert(alert: dict[str, Any]) -> Rendered:
    """One alert with the evidence."""
    high = alert["priority"] == "high"
    head = [
        *([_ALARM, _text(" ")] if high else []),
        _link(alert["article"], _BOLD),
        _text("\n"),
        *_context(alert),
        _text(f"{SEPARATOR}watchlist "),
        _text(_name(alert["watchlist"]), _BOLD),
        *(_text(SEPARATOR + remark) for remark in _remarks(alert)),
    ]
    quotes = [found for snippet in alert["snippets"] if (found := _snippet(snippet))]
    while True:
        parts = [_part("rich_text_section", head)]
        if quotes:
            lines = [element for found in quotes for element in (_text("\n"), *found)]
            parts.append(_part("rich_text_quote", lines[1:]))
        blocks = [_rich_text(parts)]
        if not quotes or _size(blocks) <= MOST_CHARACTERS:
            return Rendered(_fallback(alert), blocks)
        quotes.pop()


def render_addition(alert: dict[str, Any]) -> Rendered:
    """A later article of a story, below the story's first message."""
    line = [_link(alert["article"]), _text("\n"), *_context(alert)]
    return Rendered(_fallback(alert), [_rich_text([_part("rich_text_section", line)])])


def plain(text: str) -> str:
    """Text from strangers as one line without controls and without turned directions."""
    shown: str = _UNSEEN.sub("", _SPACE.sub(" ", text))
    return shown


def escape(text: str) -> str:
    """Text that Slack shows as it is: these three characters and no others begin something.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def safe_url(url: str) -> str | None:
    """A web address that ends where it ends, or nothing where a link could not lead there."""
    encoded: str = _UNSAFE.sub(lambda found: quote(found[0], safe="", errors="replace"), url)
    try:
        parts = urlsplit(encoded)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return None
    return encoded if len(encoded) <= MOST_URL else None


# Digests.


def _digest(message: Message) -> Rendered:
    """Show as many alerts as Slack takes, the best of each watchlist first."""
    most = MOST_SHOWN
    sections = message.sections
    while True:
        blocks = _digest_blocks(message, sections)
        size = _size(blocks)
        if (size <= MOST_CHARACTERS and len(blocks) <= MOST_BLOCKS) or most == 1:
            break
        most = max(1, min(most - 1, most * MOST_CHARACTERS // size))
        sections = gather(message.alerts, most)
    names = ", ".join(f"{_name(one.watchlist)} ({one.alerts})" for one in sections[:MOST_NAMED])
    more = f" and {len(sections) - MOST_NAMED} more" if len(sections) > MOST_NAMED else ""
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
    unseen = [section for section in sections if not section.stories]
    shown = sum(section.shown for section in sections)
    foot: list[Element] = []
    if unseen:
        names = ", ".join(f"{_name(one.watchlist)} ({one.alerts})" for one in unseen[:MOST_NAMED])
        more = f" and {len(unseen) - MOST_NAMED} more" if len(unseen) > MOST_NAMED else ""
        foot.append(_text(f"Not shown: {names}{more}.\n"))
    if shown < len(message.alerts):
        foot.append(_text(f"The best {shown} are shown. All: "))
        command = f"presswatch alerts list --since {message.since}"
        foot.append(_text(command, {"code": True}))
    if foot:
        blocks.append(_rich_text([_part("rich_text_section", foot)]))
    return blocks


def _section(section: Section) -> dict[str, Any]:
    """A watchlist with the stories that are shown."""
    heading = [
        *([_ALARM, _text(" ")] if section.priority == "high" else []),
        _text(_name(section.watchlist), _BOLD),
        _text(SEPARATOR + _count(section.alerts, "alert")),
    ]
    lines = [_part("rich_text_section", _story(story)) for story in section.stories]
    return _rich_text(
        [
            _part("rich_text_section", heading),
            {"type": "rich_text_list", "style": "bullet", "elements": lines},
        ]
    )


def _story(story: Story) -> list[Element]:
    notes = []
    if (outlets := story.best["story"]["articles"]) > 1:
        notes.append(f"{outlets} outlets")
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
    """Where and when an article was published."""
    source = _name(alert["article"]["source"])
    when = _date(alert["article"].get("published_at") or alert["detected_at"])
    return [_text(source + SEPARATOR), when]


def _remarks(alert: dict[str, Any]) -> Iterable[str]:
    """What a reader should know before reading."""
    if alert["priority"] != "normal":
        yield f"{alert['priority']} priority"
    if alert.get("update"):
        yield "updated"
    if remark := reservation(alert["article"]):
        yield remark
    if (outlets := alert["story"]["articles"]) > 1:
        yield f"{outlets} outlets carry the story"


def _snippet(snippet: dict[str, Any]) -> list[Element]:
    """A passage with what matched in bold."""
    text = cut(snippet["text"], MOST_SNIPPET)
    pieces: list[tuple[str, dict[str, bool] | None]] = []
    done = 0
    for start, end in sorted(snippet["highlights"])[:MOST_HIGHLIGHTS]:
        begin, stop = max(start, done), min(end, len(text))
        if begin < stop:
            pieces += [(text[done:begin], None), (text[begin:stop], _BOLD)]
            done = stop
    pieces.append((text[done:], None))
    elements = [_text(shown, style) for piece, style in pieces if (shown := plain(piece))]
    return elements if "".join(element["text"] for element in elements).strip() else []


def _link(article: dict[str, Any], style: dict[str, bool] | None = None) -> Element:
    """An article's title, as a link where there is somewhere to go."""
    title = cut(plain(article["title"]).strip(), MOST_TITLE) or UNTITLED
    url = safe_url(article.get("url") or "")
    if url is None:
        return _text(title, style)
    return {"type": "link", "url": url, "text": title} | ({"style": style} if style else {})


def _date(moment: str, style: dict[str, bool] | None = None) -> Element:
    """A moment (RFC 3339) in the reader's own zone, in UTC where that cannot be."""
    fallback = _fallback_time(moment)
    try:
        timestamp = int(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError, OSError):
        timestamp = 0
    if timestamp <= 0:
        # Feeds date articles to the year 1, of which Slack knows nothing.
        return _text(fallback, style)
    return {
        "type": "date",
        "timestamp": timestamp,
        "format": "{date_short_pretty} {time}",
        "fallback": fallback,
    } | ({"style": style} if style else {})


def _fallback(alert: dict[str, Any]) -> str:
    """What a notification says of an alert."""
    article = alert["article"]
    sign = "❗ " if alert["priority"] == "high" else ""
    title = cut(plain(article["title"]).strip(), MOST_TITLE) or UNTITLED
    line = f"{sign}{_name(alert['watchlist'])}: {title} ({_name(article['source'])})"
    return escape(line)


def _fallback_time(moment: str) -> str:
    """A moment (RFC 3339) in UTC; as it is where that has no date."""
    try:
        when = datetime.fromisoformat(moment).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return plain(moment) or "?"
    return f"{when.isoformat(sep=' ', timespec='minutes')[:16]} UTC"


def _name(text: str) -> str:
    return cut(plain(text).strip(), MOST_NAME) or "?"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _text(text: str, style: dict[str, bool] | None = None) -> Element:
    return {"type": "text", "text": text} | ({"style": style} if style else {})


def _part(kind: str, elements: list[Element]) -> Element:
    return {"type": kind, "elements": elements}


def _rich_text(parts: list[Element]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": parts}


def _size(blocks: list[dict[str, Any]]) -> int:
    """How long the blocks are for Slack, which may count in UTF-16."""
    return len(json.dumps(blocks, ensure_ascii=False).encode("utf-16-le", "surrogatepass")) // 2
