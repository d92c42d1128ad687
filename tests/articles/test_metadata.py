"""Title, authors, dates and the like, as pages state them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.articles.markup import parse
from monitor.articles.metadata import metadata
from monitor.articles.structured import json_ld

URL = "https://www.herald.example/world/grain?from=feed"


def about(head="", body="", ld=None):
    script = f'<script type="application/ld+json">{json.dumps(ld)}</script>' if ld else ""
    tree = parse(f"<html><head>{head}{script}</head><body>{body}<p>x</p></body></html>")
    return metadata(tree, list(json_ld(tree)), url=URL)


def meta(name, content):
    return f'<meta property="{name}" content="{content}">'


@pytest.mark.parametrize(
    "written",
    [
        "Grain talks run late | The Herald",
        "Grain talks run late - The Herald",
        "The Herald: Grain talks run late",
        "Grain talks run late – World – The Herald",
        "&lt;b&gt;Grain&lt;/b&gt; talks\x07 run  late",
    ],
)
def test_a_title_loses_the_name_of_the_site_and_markup(written):
    head = f"<title>{written}</title>" + meta("og:site_name", "The Herald")
    assert about(head, "<h1>Grain talks run late</h1>").title == "Grain talks run late"


def test_a_title_may_contain_a_separator():
    head = "<title>Rome - Paris by train</title>" + meta("og:site_name", "The Herald")
    assert about(head).title == "Rome - Paris by train"


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("By Ada Lovelace and Bo Ek", ("Ada Lovelace", "Bo Ek")),
        ({"@type": "Person", "name": "Ada Lovelace"}, ("Ada Lovelace",)),
        ([{"name": "Ada Lovelace"}, ["Bo Ek", {"name": "Ada Lovelace"}]], ("Ada Lovelace", "Bo Ek")),
        ("Ada Lovelace, political editor", ("Ada Lovelace",)),
        ("ada-lovelace", ("Ada Lovelace",)),
        ("ada@herald.example", ()),
        ("https://herald.example/authors/ada", ()),
        ({"name": {"name": 7}}, ()),
    ],
)  # fmt: skip
def test_authors_are_reduced_to_names(author, names):
    assert about(ld={"@type": "NewsArticle", "author": author}).authors == names


def test_authors_are_found_by_reference():
    graph = [
        {"@type": "NewsArticle", "author": {"@id": "#ada"}},
        {"@type": "Person", "@id": "#ada", "name": "Ada Lovelace"},
    ]
    assert about(ld={"@graph": graph}).authors == ("Ada Lovelace",)


def test_a_site_is_not_an_author_beside_people():
    head = meta("og:site_name", "The Herald")
    assert about(
        head, ld={"@type": "Article", "author": [{"name": "The Herald"}, {"name": "Ada Lovelace"}]}
    ).authors == ("Ada Lovelace",)


def test_times_are_in_utc_and_those_of_a_sidebar_are_ignored():
    found = about(
        ld={
            "@type": "NewsArticle",
            "datePublished": "2026-11-23T10:00:00+01:00",
            "dateModified": "2026-11-23T11:30:00+01:00",
        },
        body="<aside><time datetime='2026-11-22'>3 minutes ago</time></aside>",
    )
    assert found.published_at == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert found.modified_at == datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
    beside = "<h1>Grain</h1>" + "<p>x</p>" * 200
    assert about(body=f"{beside}<time datetime='2026-11-22'>now</time>").published_at is None


def test_site_section_paywall_picture_and_url():
    found = about(
        meta("og:site_name", "The Herald")
        + meta("og:image", "/grain.jpg")
        + meta("article:section", "World")
        + '<link rel="canonical" href="/world/grain">',
        ld={"@type": "NewsArticle", "isAccessibleForFree": "False"},
    )
    assert (found.site, found.section, found.paywalled) == ("The Herald", "World", True)
    assert found.image == "https://www.herald.example/grain.jpg"
    assert found.url == "https://www.herald.example/world/grain"


@pytest.mark.parametrize(
    "image", ["javascript:alert(1)", "data:image/png;base64,x", "http://[", ""]
)
def test_a_picture_needs_a_web_address(image):
    assert about(meta("og:image", image)).image is None


@pytest.mark.parametrize(
    "script",
    [
        '<!-- {"@type": "NewsArticle", "author": "Ada Lovelace"} -->',
        '//<![CDATA[\n{"@type": "NewsArticle", "author": "Ada Lovelace"};\n//]]>',
        '{"@type": "NewsArticle", "headline": "a\nb", "author": "Ada Lovelace",}',
        '{"@type": "NewsArticle", /* by */ "author": "Ada Lovelace"}',
    ],
)
def test_slightly_broken_structured_data_is_read(script):
    tree = parse(f'<html><body><script type="application/LD+json; charset=utf-8">{script}</script>')
    assert metadata(tree, list(json_ld(tree)), url=None).authors == ("Ada Lovelace",)


KEYS = st.sampled_from(
    "@type @id @graph headline name author creator publisher datePublished dateModified image url"
    " articleSection isAccessibleForFree mainEntityOfPage".split()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=40)
    | st.sampled_from(["NewsArticle", "2026-11-23T10:00:00+99:00", "0000-00-00", "http://[", "#a"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1), st.none() | st.text(max_size=40))
def test_any_structured_data_is_read(node, url):
    tree = parse("<html><body><h1>Grain</h1></body></html>")
    found = metadata(tree, [{"@type": "NewsArticle", **node}, node], url=url)
    assert all(isinstance(name, str) and name for name in found.authors)
    assert found.image is None or found.image.startswith("http")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_script_is_read(script):
    tree = parse(f'<html><body><script type="application/ld+json">{script}</script></body></html>')
    list(json_ld(tree))
