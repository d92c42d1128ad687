"""From a message to the mails that people read: headers, text and HTML. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from monitor.alerts.build import reservation
from monitor.alerts.digest import Message, Section, Story
from monitor.alerts.document import clock
from workers.delivery.cutting import ELLIPSIS, cut

MOST_SUBJECT = 200
MOST_PREVIEW = 160
# A digest names so many of the other outlets of a story.
MOST_OTHERS = 5

# Rather than cut a word, leave it out, unless it is longer than this.
_LAST_WORD = 20
# Bidi embeddings, overrides and isolates (UAX #9) reorder what stands beside them, and the others
# hide things; marks and joiners stay, Persian, Hebrew and emoji need them.
_DROPPED = re.compile("[\u00ad\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")  # fmt: skip # noqa: E501
_WEB = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*", re.ASCII)
_RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he iw ks nqo prs ps sd syr ug ur yi".split())
_RIGHT_TO_LEFT_SCRIPTS = frozenset("adlm arab hebr mand nkoo rohg samr syrc thaa".split())
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says, whoever gets it."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A snippet in pieces, each with whether it matched."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        """The snippet without marks."""
        return "".join(text for text, _ in self.pieces)

    @property
    def marked(self) -> str:
        """The snippet as plain text, what matched between asterisks."""
        return "".join(f"*{text}*" if found else text for text, found in self.pieces)


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert as templates show it: every text is one line, and free of what a reader would obey.

    `url` is empty where the article's is not one to follow; `language` is empty where unknown.
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
    outlets: int
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


def content(message: Message, *, unsubscribe: str = "") -> Content:
    """What a message says, as mail: an alert by itself, or a digest."""
    kind, subject, values = _digest(message) if message.gathered else _alert(message)
    values = values | {"subject": subject, "unsubscribe": unsubscribe}
    return Content(
        subject,
        _templates.get_template(f"{kind}.txt").render(values).strip() + "\n",
        _templates.get_template(f"{kind}.html").render(values),
    )


def clean(text: str) -> str:
    """Text from strangers as one line without what a reader would obey: controls, bidi overrides.

    Half of a surrogate pair becomes U+FFFD.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    kept = "".join(
        " " if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Zs"} else char
        for char in _DROPPED.sub("", whole)
    )
    return " ".join(kept.split())


def _alert(message: Message) -> tuple[str, str, dict[str, Any]]:
    (alert,) = message.alerts
    shown = _shown(alert)
    update = "update: " if shown.update else ""
    subject = _cut(f"[{shown.watchlist}] {update}{shown.title}", MOST_SUBJECT)
    preview = _cut(" ".join(passage.text for passage in shown.passages), MOST_PREVIEW)
    values = {"alert": shown, "preview": preview, "id": clean(alert["id"])}
    return "alert", subject, values


def _digest(message: Message) -> tuple[str, str, dict[str, Any]]:
    sections = tuple(map(_section, message.sections))
    total = len(message.alerts)
    names = ", ".join(f"{section.watchlist} ({section.alerts})" for section in sections)
    titles = " · ".join(story.best.title for section in sections for story in section.stories)
    values = {
        "sections": sections,
        "total": total,
        "shown": message.shown,
        "since": clean(message.since),
        "since_time": _time(message.since),
        "preview": _cut(titles, MOST_PREVIEW),
    }
    return "digest", _cut(f"{total} alerts: {names}", MOST_SUBJECT), values


def _section(section: Section) -> ShownSection:
    return ShownSection(
        clean(section.watchlist),
        section.priority,
        section.alerts,
        section.alerts - section.shown,
        tuple(map(_story, section.stories)),
    )


def _story(story: Story) -> ShownStory:
    named = tuple(map(_shown, story.others[:MOST_OTHERS]))
    return ShownStory(_shown(story.best), named, len(story.others) - len(named))


def _shown(alert: dict[str, Any]) -> Shown:
    article = alert["article"]
    when = article["published_at"] or alert["detected_at"]
    language, direction = _language(article["language"])
    terms = dict.fromkeys(clean(match["term"]) for match in alert["matches"])
    return Shown(
        watchlist=clean(alert["watchlist"]),
        priority=clean(alert["priority"]),
        title=clean(article["title"]) or "(no title)",
        url=article["url"] if _can_be_followed(article["url"]) else "",
        source=clean(article["source"]),
        time=_time(when),
        moment=clean(when),
        authors=", ".join(filter(None, map(clean, article["authors"]))),
        language=language,
        direction=direction,
        passages=tuple(_passage(snippet) for snippet in alert["snippets"]),
        matched=", ".join(filter(None, terms)),
        outlets=alert["story"]["articles"],
        update=alert.get("update") is True,
        reservation=reservation(article),
    )


def _passage(snippet: dict[str, Any]) -> Passage:
    """Cut a snippet at its highlights first: cleaning moves what stands behind."""
    text, done, pieces = snippet["text"], 0, []
    for start, end in snippet["highlights"]:
        pieces += [(_piece(text[done:start]), False), (_piece(text[start:end]), True)]
        done = end
    pieces.append((_piece(text[done:]), False))
    return Passage(tuple(piece for piece in pieces if piece[0]))


def _piece(text: str) -> str:
    """Clean a part of a line: a space at either end stays."""
    return clean(f"x{text}x")[1:-1]


def _language(tag: str | None) -> tuple[str, str]:
    """A language tag and the direction of its script, as HTML's attributes want them."""
    if not tag or not _LANGUAGE.fullmatch(tag):
        return "", "auto"
    first, *others = tag.lower().replace("_", "-").split("-")
    scripts = [part for part in others if len(part) == 4 and part.isalpha()]  # noqa: PLR2004
    right = scripts[0] in _RIGHT_TO_LEFT_SCRIPTS if scripts else first in _RIGHT_TO_LEFT
    return tag.replace("_", "-"), "rtl" if right else "ltr"


def _can_be_followed(url: str) -> bool:
    return bool(_WEB.fullmatch(url)) and clean(url) == url


def _time(moment: str) -> str:
    return clean(clock(moment, "%-d %B %Y, %H:%M UTC"))


def _cut(text: str, most: int) -> str:
    """What `cut` leaves, less half a word at its end."""
    shorter = cut(text, most)
    if shorter == text:
        return text
    end = len(shorter) - len(ELLIPSIS)
    space = text.rfind(" ", max(0, end - _LAST_WORD), end)
    return text[: space if space > 0 else end].rstrip() + ELLIPSIS
