"""Renders pages from templates. What strangers wrote is text: Jinja2 escapes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from monitor.web.access import csrf_token
from monitor.web.charts import PITCH, bar_path

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d))")

# The pages of the navigation: path and name.
PAGES = (
    ("/", "Alerts"),
    ("/watchlists", "Watchlists"),
    ("/coverage", "Coverage"),
    ("/feeds", "Feeds"),
    ("/queues", "Queues"),
    ("/deliveries", "Deliveries"),
    ("/configuration", "Configuration"),
)

Span = tuple[int, int]


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Renders a whole page."""
    config = request.app.state.backend.runtime.config
    text = (
        _templates()
        .get_template(template)
        .render(
            request=request,
            path=request.url.path,
            pages=PAGES,
            csrf=csrf_token(request),
            visitor=getattr(request.state, "visitor", None),
            has_login=not config.settings.web.is_open,
            title_of=lambda name: config.headings.get(name, name),
            config_error=request.app.state.backend.config_error,
            **values,
        )
    )
    # The same address has a part of the page for our script: Back must not show that alone.
    return HTMLResponse(text, status, {"Vary": "HX-Request"})


def fault_page(request: Request, status: int, message: str) -> HTMLResponse:
    """Renders a page that says what went wrong."""
    return page(request, "fault.html", status, message=message)


def marked(text: str, spans: Iterable[Sequence[int]]) -> Iterator[tuple[str, bool]]:
    """Yields the pieces of a text, each with whether it is highlighted.

    `spans` are ranges of code points in order; those that overlap are merged.
    """
    at = 0
    for start, end in spans:
        begin = max(start, at)
        if begin >= end:
            continue
        if begin > at:
            yield text[at:begin], False
        yield text[begin:end], True
        at = end
    if at < len(text):
        yield text[at:], False


def web_link(url: str) -> str | None:
    """Returns a URL if it leads to a web site, else None: `javascript:` must not be a link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme.lower() in {"http", "https"} and parts.netloc else None


def moment(value: datetime | str | None) -> Markup:
    """Returns a moment as an element; a script shows it in the reader's zone and language."""
    if value is None:
        return Markup("")
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        return Markup("{}").format(value)
    return Markup('<time datetime="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%-d %b %Y, %H:%M UTC")
    )


def day(value: datetime) -> Markup:
    """Returns the date of a moment in UTC, as an element; a script writes it as the reader does."""
    return Markup('<time datetime="{}" data-day>{}</time>').format(
        value.strftime("%Y-%m-%d"), value.strftime("%-d %b %Y")
    )


def with_moments(text: str) -> Markup:
    """Returns a text in which moments are elements, shown in the reader's zone and language."""
    return _alternating(_MOMENT.split(text), moment)


def language(code: str) -> Markup:
    """Returns a language as an element; a script writes its name in the reader's language."""
    return Markup('<span data-language="{0}">{0}</span>').format(code)


def is_part(request: Request) -> bool:
    """Returns whether a script asks for a part of the page, rather than a browser for all of it."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


def number(value: float) -> Markup:
    """Returns a number as an element; a script writes it as the reader's language does."""
    return Markup('<data value="{0}">{0}</data>').format(value)


def with_code(text: str) -> Markup:
    """Returns a text in which what stands between backticks is shown as code."""
    return _alternating(text.split("`"), Markup("<code>{}</code>").format)


def _alternating(pieces: Sequence[str], shown: Callable[[str], Markup]) -> Markup:
    """Returns pieces as one text, in which every second one is shown in its own way."""
    return Markup("").join(
        shown(piece) if number % 2 else piece for number, piece in enumerate(pieces)
    )


def duration(value: timedelta) -> str:
    """Returns a duration in words, to its largest unit or two."""
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    first = next((at for at, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def capitalize_first(text: str) -> str:
    """Returns a text that begins like a sentence; unlike `capitalize`, the rest stays as it is."""
    return text[:1].upper() + text[1:]


def with_parameters(request: Request, **changes: Any) -> str:
    """Returns the query of the page's address with some parameters changed, or left out.

    Begins with a question mark unless no parameters are left.
    """
    kept = [
        pair for pair in request.query_params.multi_items() if pair[0] not in changes and pair[1]
    ]
    added = [
        (name, str(value))
        for name, given in changes.items()
        if given is not None
        for value in (given if isinstance(given, list | tuple) else [given])
    ]
    query = urlencode(kept + added)
    return f"?{query}" if query else ""


@cache
def asset(name: str) -> str:
    """Returns the address of a static file; it changes with the file, so that it can be cached."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?{digest}"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "capitalize_first": capitalize_first,
        "day": day,
        "duration": duration,
        "language": language,
        "moment": moment,
        "number": number,
        "web_link": web_link,
        "with_code": with_code,
        "with_moments": with_moments,
    }
    environment.globals |= {
        "marked": marked,
        "asset": asset,
        "with_parameters": with_parameters,
        "bar_path": bar_path,
        "pitch": PITCH,
    }
    return environment
