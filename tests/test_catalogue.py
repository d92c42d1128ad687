"""The catalogue of publishers: what it promises, and that each address could be added."""

import re
from collections import Counter
from pathlib import Path

from monitor.catalogue import publishers, sources
from monitor.config.schema import FeedEntry

PROJECT = Path(__file__).parents[1]


def test_at_least_300_publishers_of_60_countries_are_in_it_and_each_once():
    found = list(publishers())
    assert len(found) >= 300
    assert len({each.country for each in found}) >= 60
    urls = Counter(each.url for each in found)
    assert max(urls.values()) == 1


def test_the_docs_say_how_large_it_is():
    found = list(publishers())
    size = f"{round(len(found), -3):,} publishers"
    countries = f"{len({each.country for each in found})}"
    for file in ("README.md", "docs/configuration.md"):
        text = (PROJECT / file).read_text()
        assert re.search(rf"{size}\s(?:of|in)\s{countries}\scountries", text), file


def test_each_publisher_says_country_kind_and_source_and_can_be_a_feed():
    keys = {source.key for source in sources()}
    for each in publishers():
        FeedEntry(url=each.url, name=each.name)
        assert re.fullmatch("[A-Z]{2}", each.country)
        assert re.fullmatch("(?:[a-z]{2})?", each.language)
        assert each.kind in {"feed", "news sitemap", "sitemap"}
        assert each.source in keys


def test_each_source_has_a_licence_a_commit_and_a_date():
    for source in sources():
        assert source.licence in {"MIT", "CC0-1.0"}
        assert re.fullmatch("[0-9a-f]{40}", source.commit)
        assert source.date.year >= 2026


def test_belgium_has_publishers_in_french_and_dutch():
    spoken = Counter(each.language for each in publishers() if each.country == "BE")
    assert spoken["fr"] >= 3
    assert spoken["nl"] >= 3
