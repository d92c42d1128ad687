"""The newsroom's outlets and stories, and the alerts that they must and must not cause."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from ruamel.yaml import YAML

FeedKind = Literal["rss", "rss-full", "atom"]


@dataclass(frozen=True, slots=True)
class Furniture:
    """The texts beside every article of an outlet.

    `names` are the watchlists that would match if these texts were taken for the article.
    """

    names: tuple[str, ...]
    trending: tuple[str, ...]
    adverts: tuple[str, ...]
    newsletter: str
    comments: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Returns all the texts, none of which belongs in an article."""
        remarks = (remark for _, remark in self.comments)
        return (*self.trending, *self.adverts, self.newsletter, *remarks)


@dataclass(frozen=True, slots=True)
class Outlet:
    """A made-up news site, whose pages are below `/<key>/`."""

    key: str
    name: str
    language: str
    feed: FeedKind
    date_format: str
    furniture: Furniture


@dataclass(frozen=True, slots=True)
class DemoStory:
    """A made-up article; its page belongs to `outlet`, and feeds of `also_in` link to it as well.

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
        """Returns the page's path on the site."""
        return f"/{self.outlet}/{self.slug}"


def resource(path: str) -> str:
    """Returns the text of a file of this package, also from inside a wheel."""
    return files("monitor.demo").joinpath(path).read_text(encoding="utf-8")


def _outlet(key: str, described: dict[str, Any]) -> Outlet:
    furniture = described["furniture"]
    return Outlet(
        key=key,
        name=described["name"],
        language=described["language"],
        feed=described["feed"],
        date_format=described["date_format"],
        furniture=Furniture(
            names=tuple(furniture["names"]),
            trending=tuple(furniture["trending"]),
            adverts=tuple(furniture["adverts"]),
            newsletter=furniture["newsletter"],
            comments=tuple((comment["who"], comment["says"]) for comment in furniture["comments"]),
        ),
    )


def _story(described: dict[str, Any]) -> DemoStory:
    text = described.get("text", "").strip()
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in described.items()
        if key != "text"
    }
    return DemoStory(**fields, paragraphs=tuple(text.split("\n\n")) if text else ())


def _load() -> tuple[dict[str, Outlet], tuple[DemoStory, ...]]:
    newsroom = YAML(typ="safe", pure=True).load(resource("stories.yaml"))
    outlets = {key: _outlet(key, described) for key, described in newsroom["outlets"].items()}
    return outlets, tuple(map(_story, newsroom["stories"]))


OUTLETS, STORIES = _load()

#: (watchlist, article title) of every alert that must come, exactly once.
EXPECTED: frozenset[tuple[str, str]] = frozenset(
    (watchlist, story.title) for story in STORIES for watchlist in story.alerts
)

#: (watchlist, article title) of alerts that would come if furniture were taken for the article.
DECOYS: frozenset[tuple[str, str]] = frozenset(
    (watchlist, story.title)
    for story in STORIES
    if not story.page_missing
    for watchlist in OUTLETS[story.outlet].furniture.names
    if watchlist not in (*story.alerts, *story.excludes)
)
