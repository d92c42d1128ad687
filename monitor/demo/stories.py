"""The newsroom's outlets and stories, and what a watchful reader makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from ruamel.yaml import YAML

FeedKind = Literal["rss", "rss-full", "atom"]


@dataclass(frozen=True, slots=True)
class Furniture:
    """What stands beside every article of an outlet.

    `names` are the watchlists that would match if it were taken for the article.
    """

    names: tuple[str, ...]
    trending: tuple[str, ...]
    adverts: tuple[str, ...]
    newsletter: str
    comments: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of its texts: none of them belongs into an article."""
        remarks = (remark for _, remark in self.comments)
        return (*self.trending, *self.adverts, self.newsletter, *remarks)


@dataclass(frozen=True, slots=True)
class Outlet:
    """A made-up news site: its pages lie under `/<key>/`."""

    key: str
    name: str
    language: str
    feed: FeedKind
    date_format: str
    furniture: Furniture


@dataclass(frozen=True, slots=True)
class DemoStory:
    """A made-up article; its page belongs to `outlet`, feeds of `also_in` link to it as well.

    `alerts` are the watchlists that its own words match, `excludes` those that they rule out.
    """

    slug: str
    outlet: str
    section: str
    author: str
    title: str
    summary: str
    caption: str = ""
    paragraphs: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    also_in: tuple[str, ...] = ()
    page_missing: bool = False

    @property
    def path(self) -> str:
        """The page's place on the site."""
        return f"/{self.outlet}/{self.slug}"


def resource(path: str) -> str:
    """Text of a file of this package, also from within a wheel."""
    return files("monitor.demo").joinpath(path).read_text(encoding="utf-8")


def _outlet(key: str, told: dict[str, Any]) -> Outlet:
    furniture = told["furniture"]
    return Outlet(
        key=key,
        name=told["name"],
        language=told["language"],
        feed=told["feed"],
        date_format=told["date_format"],
        furniture=Furniture(
            names=tuple(furniture["names"]),
            trending=tuple(furniture["trending"]),
            adverts=tuple(furniture["adverts"]),
            newsletter=furniture["newsletter"],
            comments=tuple((each["who"], each["says"]) for each in furniture["comments"]),
        ),
    )


def _story(told: dict[str, Any]) -> DemoStory:
    text = told.get("text", "").strip()
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in told.items()
        if key != "text"
    }
    return DemoStory(**fields, paragraphs=tuple(text.split("\n\n")) if text else ())


def _load() -> tuple[dict[str, Outlet], tuple[DemoStory, ...]]:
    told = YAML(typ="safe", pure=True).load(resource("stories.yaml"))
    outlets = {key: _outlet(key, each) for key, each in told["outlets"].items()}
    return outlets, tuple(map(_story, told["stories"]))


OUTLETS, STORIES = _load()

#: (watchlist, article title): what must be alerted on, each once.
EXPECTED: frozenset[tuple[str, str]] = frozenset(
    (watchlist, story.title) for story in STORIES for watchlist in story.alerts
)

#: (watchlist, article title): what would be alerted on if furniture were taken for the article.
DECOYS: frozenset[tuple[str, str]] = frozenset(
    (watchlist, story.title)
    for story in STORIES
    if not story.page_missing
    for watchlist in OUTLETS[story.outlet].furniture.names
    if watchlist not in (*story.alerts, *story.excludes)
)
