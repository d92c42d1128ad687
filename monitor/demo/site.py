"""The newsroom as an HTTP site: what it has published by a given moment, and how it looks.

/                       the outlets
/<outlet>/              an outlet's stories so far
/<outlet>/feed.xml      the same as RSS 2.0 or Atom, with validators for conditional GET
/<outlet>/<slug>        an article, from the moment of its publication
/desk                   takes alerts, as a webhook; it is too busy for the first one at first
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import ETag, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor.demo.stories import OUTLETS, STORIES, DemoStory, Outlet, resource

if TYPE_CHECKING:
    import socket

ALREADY_OUT = 4
# Within any sensible `settings.backfill`, yet old enough to look like this morning's news.
APART_BEFORE_START = timedelta(minutes=17)

_STATIC = {"/style.css": "text/css", "/photo.svg": "image/svg+xml"}
_FEED_TYPES = {
    "rss": "application/rss+xml",
    "rss-full": "application/rss+xml",
    "atom": "application/atom+xml",
}

# `autoescape` covers the feeds, too: every escape that it writes is also valid XML.
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, slots=True)
class Newsroom:
    """The site's content; the first few stories are published before `started_at`."""

    base_url: str
    started_at: datetime
    pace: timedelta
    stories: tuple[DemoStory, ...] = STORIES

    def published_at(self, story: DemoStory) -> datetime:
        """Returns the moment from which a story's page and entries exist."""
        position = self.stories.index(story)
        if position < ALREADY_OUT:
            return self.started_at - (ALREADY_OUT - position) * APART_BEFORE_START
        return self.started_at + (position - ALREADY_OUT + 1) * self.pace

    def published(self, now: datetime, outlet: Outlet | None = None) -> tuple[DemoStory, ...]:
        """Returns the stories out by `now`, newest first: all, or those in an outlet's feed."""
        return tuple(
            story
            for story in reversed(self.stories)
            if self.published_at(story) <= now
            and (outlet is None or outlet.key in (story.outlet, *story.also_in))
        )

    def changed_at(self, outlet: Outlet, now: datetime) -> datetime:
        """Returns when an outlet's feed last changed, in whole seconds, as HTTP has them."""
        moments = [self.published_at(story) for story in self.published(now, outlet)]
        return max(moments, default=self.started_at).replace(microsecond=0)

    def feed(self, outlet: Outlet, now: datetime) -> bytes:
        """Renders an outlet's feed; the bytes stay the same until something new is published."""
        updated_at = self.changed_at(outlet, now)
        values = {
            **self._common(outlet),
            "updated_iso": updated_at.isoformat(),
            "updated_rfc": format_datetime(updated_at),
            "entries": [self._entry(outlet, story) for story in self.published(now, outlet)],
        }
        return _render(f"{outlet.feed}.xml", values)

    def page(self, story: DemoStory, now: datetime) -> bytes:
        """Renders an article's page as the outlet builds it, with everything around the article."""
        outlet = OUTLETS[story.outlet]
        furniture = outlet.furniture
        # Adverts follow every second paragraph until they run out, as on real pages.
        adverts = dict(zip(range(1, len(story.paragraphs), 2), furniture.adverts, strict=False))
        others = [other for other in self.published(now, outlet) if other != story]
        values = {
            **self._common(outlet),
            **self._story(outlet, story),
            "linked_data": self._linked_data(outlet, story),
            "paragraphs": [
                {"text": text, "advert": adverts.get(number)}
                for number, text in enumerate(story.paragraphs)
            ],
            "related": [self._story(outlet, other) for other in others[:3]],
            "trending": [
                {"title": title, "rank": rank, "minutes": 7 * rank * rank + rank}
                for rank, title in enumerate(furniture.trending, 1)
            ],
            "newsletter": furniture.newsletter,
            "comments": furniture.comments,
        }
        return _render(f"{outlet.key}.html", values)

    def outlet_front(self, outlet: Outlet, now: datetime) -> bytes:
        """Renders an outlet's front page: its stories so far."""
        values = {
            **self._common(outlet),
            "stories": [self._story(outlet, story) for story in self.published(now, outlet)],
        }
        return _render("outlet.html", values)

    def front(self, now: datetime) -> bytes:
        """Renders the site's front page: its outlets."""
        outlets = [
            {**self._common(outlet), "count": len(self.published(now, outlet))}
            for outlet in OUTLETS.values()
        ]
        values = {"outlets": outlets, "total": len(self.stories)}
        return _render("front.html", values)

    def _common(self, outlet: Outlet) -> dict[str, Any]:
        return {
            "base_url": self.base_url,
            "home": f"{self.base_url}/{outlet.key}/",
            "feed_url": f"{self.base_url}/{outlet.key}/feed.xml",
            "outlet": outlet.key,
            "outlet_name": outlet.name,
            "language": outlet.language,
        }

    def _story(self, outlet: Outlet, story: DemoStory) -> dict[str, Any]:
        at = self.published_at(story)
        return {
            "url": self.base_url + story.path,
            "slug": story.slug,
            "title": story.title,
            "summary": story.summary,
            "author": story.author,
            "section": story.section,
            "caption": story.caption,
            "published_iso": at.isoformat(timespec="seconds"),
            "published_rfc": format_datetime(at),
            "published_text": at.strftime(outlet.date_format),
        }

    def _entry(self, outlet: Outlet, story: DemoStory) -> dict[str, Any]:
        values = self._story(outlet, story)
        url = self.base_url + story.path
        if story.outlet != outlet.key:
            # Links to partners have tracking parameters, as in real syndication.
            url += f"?utm_source={outlet.key}&utm_medium=feed"
        guid = f"{outlet.key}-{story.slug}"
        return {**values, "url": url, "guid": guid, "paragraphs": story.paragraphs}

    def _linked_data(self, outlet: Outlet, story: DemoStory) -> str:
        at = self.published_at(story).isoformat(timespec="seconds")
        data = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "headline": story.title,
            "description": story.summary,
            "mainEntityOfPage": self.base_url + story.path,
            "datePublished": at,
            "dateModified": at,
            "inLanguage": outlet.language,
            "articleSection": story.section,
            "author": [{"@type": "Person", "name": story.author}],
            "publisher": {"@type": "NewsMediaOrganization", "name": outlet.name},
        }
        # The templates do not escape this. "</" would end the script element, even in a string.
        return json.dumps(data, ensure_ascii=False, indent=2).replace("</", "<\\/")


def application(newsroom: Newsroom) -> web.Application:
    """Builds the site; its clock is the machine's."""
    pages = {story.path: story for story in newsroom.stories if not story.page_missing}

    async def front(_: web.Request) -> web.Response:
        return _html(newsroom.front(datetime.now(UTC)))

    async def outlet_front(request: web.Request) -> web.Response:
        return _html(newsroom.outlet_front(_outlet(request), datetime.now(UTC)))

    async def feed(request: web.Request) -> web.Response:
        now = datetime.now(UTC)
        outlet = _outlet(request)
        return _conditional(
            request,
            newsroom.feed(outlet, now),
            changed_at=newsroom.changed_at(outlet, now),
            content_type=_FEED_TYPES[outlet.feed],
        )

    async def article(request: web.Request) -> web.Response:
        now = datetime.now(UTC)
        story = pages.get(request.path)
        if story is None or newsroom.published_at(story) > now:
            raise web.HTTPNotFound
        return _html(newsroom.page(story, now))

    async def static(request: web.Request) -> web.Response:
        content_type = _STATIC[request.path]
        return web.Response(
            text=resource(f"templates{request.path}"), content_type=content_type, charset="utf-8"
        )

    deliveries = itertools.count()

    async def desk(_: web.Request) -> web.Response:
        if next(deliveries) == 0:
            return web.Response(status=503, headers={"Retry-After": "2"})
        return web.Response(status=204)

    app = web.Application()
    app.router.add_get("/", front)
    for path in _STATIC:
        app.router.add_get(path, static)
    app.router.add_post("/desk", desk)
    app.router.add_get("/{outlet}/", outlet_front)
    app.router.add_get("/{outlet}/feed.xml", feed)
    app.router.add_get("/{outlet}/{slug}", article)
    return app


async def serve(
    sock: socket.socket, *, pace_s: float = 2.0, started_at: datetime | None = None
) -> None:
    """Serves the newsroom on a listening loopback socket until cancelled.

    A story is published every `pace_s` seconds, counted from `started_at` (by default now).
    """
    host, port = sock.getsockname()[:2]
    newsroom = Newsroom(
        base_url=f"http://{host}:{port}",
        started_at=started_at or datetime.now(UTC),
        pace=timedelta(seconds=pace_s),
    )
    runner = web.AppRunner(application(newsroom), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _render(template: str, values: dict[str, Any]) -> bytes:
    return _templates.get_template(template).render(values).encode()


def _outlet(request: web.Request) -> Outlet:
    outlet = OUTLETS.get(request.match_info["outlet"])
    if outlet is None:
        raise web.HTTPNotFound
    return outlet


def _html(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="text/html", charset="utf-8")


def _conditional(
    request: web.Request, body: bytes, *, changed_at: datetime, content_type: str
) -> web.Response:
    """Answers 304 if the client has the body (RFC 9110, section 13.2.2: entity tags first)."""
    tag = hashlib.sha256(body).hexdigest()[:16]
    if (known := request.if_none_match) is not None:
        unchanged = any(entity_tag.value in {tag, "*"} for entity_tag in known)
    else:
        since = request.if_modified_since
        unchanged = since is not None and changed_at <= since
    if unchanged:
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type=content_type, charset="utf-8")
    response.etag = ETag(tag)
    response.last_modified = changed_at
    return response
