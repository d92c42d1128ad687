"""Decides which page to fetch for an entry, and fetches it.

Fetching needs nothing of what cleaning needs, so the reader starts without loading that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.articles.urls import is_front_page
from monitor.articles.wrappers import unwrapped
from monitor.errors import WrongContent

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.http.client import HttpClient, Response
    from monitor.model import Entry

ACCEPT = "text/html, application/xhtml+xml, */*;q=0.1"
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/plain", ""})


async def fetch_page(http: HttpClient, url: str, settings: Settings) -> Response:
    """Fetches a page. Raises FetchError, and WrongContent if it is neither HTML nor plain text."""
    response = await http.get(
        url,
        timeout_s=settings.articles.timeout.total_seconds(),
        max_bytes=settings.articles.max_size,
        accept=ACCEPT,
    )
    if response.content_type not in PAGE_TYPES:
        raise WrongContent(url, response.content_type)
    return response


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
