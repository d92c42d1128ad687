"""Decides which page to fetch for an entry, and fetches it.

Fetching needs nothing of what cleaning needs, so the reader starts without loading that.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from monitor.access import USUAL, Access
from monitor.articles.refresh import refresh_target
from monitor.articles.urls import is_front_page
from monitor.articles.wrappers import unwrapped
from monitor.errors import FetchError, UnsupportedPdf, WrongContent

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.http.client import HttpClient, Response
    from monitor.http.robots import Robots
    from monitor.model import Entry

ACCEPT = "text/html, application/xhtml+xml, */*;q=0.1"
# t.co and consent pages send readers on by a page, up to twice in a row.
MAX_REFRESHES = 3
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/plain", ""})


async def fetch_page(
    http: HttpClient,
    url: str,
    settings: Settings,
    access: Access = USUAL,
    robots: Robots | None = None,
) -> Response:
    """Fetches a page, also one to which another page sends its readers at once.

    A page that breaks off is returned as far as it came. With `robots`, each page is fetched only
    if its site allows that. Raises FetchError, UnsupportedPdf, and WrongContent if the page is
    neither HTML nor plain text.
    """
    clock = asyncio.get_running_loop()
    end = clock.time() + settings.articles.timeout.total_seconds()
    for _ in range(MAX_REFRESHES + 1):
        response = await http.get(
            url,
            timeout_s=max(0.0, end - clock.time()),
            max_bytes=settings.articles.max_size,
            accept=ACCEPT,
            may_break_off=True,
            access=access,
            permit=robots.permit if robots else None,
        )
        _check(url, response)
        target = refresh_target(response.body, response.url)
        if target is None:
            return response
        url = target
    message = f"more than {MAX_REFRESHES} pages that refresh to others"
    raise FetchError(url, message, retryable=False)


def _check(url: str, response: Response) -> None:
    # Servers also send PDFs as anything else.
    if response.content_type == "application/pdf" or response.body.startswith(b"%PDF-"):
        raise UnsupportedPdf(url)
    if response.content_type not in PAGE_TYPES:
        raise WrongContent(url, response.content_type)


def page_of(entry: Entry) -> str | None:
    """Returns the URL of the page to read for an entry, or None if the feed's text is used.

    A page that several entries link to would give each entry the text of the others. So it is read
    only for entries that have nothing but a title, and never if it is a site's front page.
    """
    if entry.url is None:
        return None
    url = unwrapped(entry.url)
    if entry.owns_page:
        return url
    has_words = bool(entry.summary.strip() or entry.content.strip())
    return None if has_words or is_front_page(url) else url
