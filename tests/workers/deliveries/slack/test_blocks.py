"""Messages rendered as Block Kit."""

import json
from urllib.parse import urlsplit

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerts.digest import Message
from workers.deliveries.cutting import cut
from workers.deliveries.slack import blocks

HOSTILE = "<!channel> & @here <@U123> <http://x|y> *bold* `code` ~no~ _no_ :fire:"


def alert(number=1, **changes):
    article = {
        "id": f"a{number}",
        "url": f"https://herald.example/{number}",
        "title": f"Ministers meet, day {number}",
        "source": "Herald",
        "published_at": "2026-11-23T08:58:00Z",
    } | changes.pop("article", {})
    return {
        "v": 1,
        "id": f"i{number}",
        "watchlist": "nato",
        "priority": "normal",
        "detected_at": "2026-11-23T09:00:00Z",
        "article": article,
        "matches": [{"term": "council", "field": "body", "count": 1}],
        "snippets": [{"text": "the council met twice", "highlights": [[4, 11]]}],
        "story": {"id": f"s{number}", "articles": 1},
    } | changes


def render(*alerts, **changes):
    return blocks.render(Message("k", alerts, **changes))


def leaves(node):
    """Returns all elements without children."""
    if isinstance(node, list):
        return [leaf for child in node for leaf in leaves(child)]
    return leaves(node["elements"]) if "elements" in node else [node]


def shown(rendered):
    """Returns the text that a reader sees, with dates as their fallback."""
    return "".join(leaf.get("text") or leaf.get("fallback", "") for leaf in leaves(rendered.blocks))


def of_type(rendered, kind):
    return [leaf for leaf in leaves(rendered.blocks) if leaf["type"] == kind]


def test_a_watchlist_is_called_by_its_title():
    assert "watchlist Peace talks" in shown(render(alert(watchlist_title="Peace talks")))


def test_an_alert_shows_its_title_as_a_link_with_source_time_and_watchlist():
    rendered = render(alert())
    assert of_type(rendered, "link") == [
        {
            "type": "link",
            "url": "https://herald.example/1",
            "text": "Ministers meet, day 1",
            "style": {"bold": True},
        }
    ]
    assert of_type(rendered, "date") == [
        {
            "type": "date",
            "timestamp": 1795424280,
            "format": "{date_short_pretty} {time}",
            "fallback": "2026-11-23 08:58 UTC",
        }
    ]
    assert shown(rendered) == (
        "Ministers meet, day 1\nHerald · 2026-11-23 08:58 UTC · watchlist natothe council met twice"
    )
    assert rendered.text == "nato: Ministers meet, day 1 (Herald)"


def test_matches_are_bold_inside_a_quote():
    rendered = render(
        alert(
            snippets=[
                {"text": "Subcouncils: council", "highlights": [[3, 10], [13, 20]]},
                {"text": "council", "highlights": [[0, 7]]},
            ]
        )
    )
    quote = rendered.blocks[0]["elements"][1]
    assert quote["type"] == "rich_text_quote"
    assert [(element["text"], "style" in element) for element in quote["elements"]] == [
        ("Sub", False),
        ("council", True),
        ("s: ", False),
        ("council", True),
        ("\n", False),
        ("council", True),
    ]


def test_an_alert_without_snippets_has_no_quote():
    assert len(render(alert(snippets=[])).blocks[0]["elements"]) == 1


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"priority": "high"}, "· high priority"),
        ({"priority": "low"}, "· low priority"),
        ({"update": True}, "· updated"),
        (
            {"story": {"id": "s", "articles": 4, "sites": 3}},
            "· 4 articles on 3 sites tell the story",
        ),
        # Of an earlier version, which did not count sites.
        ({"story": {"id": "s", "articles": 4}}, "· 4 articles tell the story"),
        ({"article": {"text_from": "feed"}}, "· from the feed; the page could not be fetched"),
        ({"article": {"quality": "teaser"}}, "· from a teaser; the full text was not available"),
        ({"article": {"paywalled": True}}, "· behind a paywall"),
    ],
)
def test_remarks_say_what_is_special_about_an_alert(changes, remark):
    assert remark in shown(render(alert(**changes)))
    assert remark not in shown(render(alert()))


def test_an_alert_of_high_priority_has_a_sign():
    rendered = render(alert(priority="high"))
    assert of_type(rendered, "emoji") == [{"type": "emoji", "name": "red_circle"}]
    assert rendered.text.startswith("❗ ")


def test_an_article_without_a_date_shows_when_it_was_found():
    (date,) = of_type(render(alert(article={"published_at": None})), "date")
    assert date["fallback"] == "2026-11-23 09:00 UTC"


def test_a_date_that_slack_cannot_show_is_given_as_text():
    rendered = render(alert(article={"published_at": "0001-01-01T00:00:00Z"}))
    assert of_type(rendered, "date") == []
    assert "0001-01-01 00:00 UTC" in shown(rendered)


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", "https://", "http://[", "http://x:99999/", "/here", "ftp://x"],
)
def test_a_title_is_plain_text_if_its_url_is_not_usable(url):
    rendered = render(alert(article={"url": url}))
    assert of_type(rendered, "link") == []
    assert shown(rendered).startswith("Ministers meet, day 1\n")


def test_a_url_contains_nothing_that_would_end_a_link():
    url = blocks.safe_url('https://x.example/a|b>c<d e"f\n`\u202e?q=ü&r=1')
    assert url == "https://x.example/a%7Cb%3Ec%3Cd%20e%22f%0A%60%E2%80%AE?q=ü&r=1"


def test_strangers_text_is_shown_verbatim():
    rendered = render(
        alert(
            article={"title": HOSTILE, "source": HOSTILE},
            snippets=[{"text": HOSTILE, "highlights": [[3, 9]]}],
        )
    )
    assert shown(rendered).count(HOSTILE) == 3
    assert {leaf["type"] for leaf in leaves(rendered.blocks)} == {"link", "text", "date"}
    assert rendered.text == "nato: {0} ({0})".format(
        "&lt;!channel&gt; &amp; @here &lt;@U123&gt; &lt;http://x|y&gt; *bold* `code` ~no~ _no_ :fire:"
    )


def test_controls_and_bidi_overrides_are_removed():
    rendered = render(
        alert(article={"title": "a\x00b\u202egnp\u2066\r\n\tc\ud800", "source": "\x1b[31m"})
    )
    assert "abgnp c\n[31m · " in shown(rendered)
    assert rendered.text == "nato: abgnp c ([31m)"


def test_an_empty_title_is_marked_as_such():
    assert of_type(render(alert(article={"title": " \u202e\n"})), "link")[0]["text"] == "(no title)"


@pytest.mark.parametrize("whole", ["e\u0301", "👩‍👩‍👧", "🇺🇳", "각"])
def test_a_text_is_not_cut_inside_a_grapheme(whole):
    for max_length in range(len(whole) + 1, 40):
        kept = cut(whole * 40, max_length)
        assert len(kept) <= max_length
        assert kept.endswith("…")
        assert kept[:-1].replace(whole, "") == ""
        assert kept[:-1]


def test_a_single_endless_grapheme_is_cut():
    assert len(cut("a" + "\u0301" * 1000, 100)) == 100


def test_an_added_article_is_brief():
    rendered = render(alert(snippets=[], priority="high"), follows=True)
    assert shown(rendered) == "Ministers meet, day 1\nHerald · 2026-11-23 08:58 UTC"


def test_a_digest_lists_each_watchlists_stories():
    rendered = render(
        alert(1, story={"id": "s", "articles": 3, "sites": 1}),
        alert(2, story={"id": "s", "articles": 3, "sites": 1}),
        alert(3, watchlist="trade", priority="high", detected_at="2026-11-22T07:00:00Z"),
    )
    heading, trade, nato = rendered.blocks
    assert shown(blocks.Rendered("", [heading])) == "3 alerts since 2026-11-22 07:00 UTC"
    assert shown(blocks.Rendered("", [trade])) == (
        " trade · 1 alertMinisters meet, day 3 · Herald · 2026-11-23 08:58 UTC"
    )
    assert of_type(blocks.Rendered("", [trade]), "emoji")
    assert shown(blocks.Rendered("", [nato])) == (
        "nato · 2 alerts"
        "Ministers meet, day 1 · Herald · 2026-11-23 08:58 UTC · 3 articles on 1 site · 1 more alert"
    )
    assert nato["elements"][1]["type"] == "rich_text_list"
    assert rendered.text == "3 alerts since 2026-11-22 07:00 UTC: trade (1), nato (2)"


def test_a_digest_says_how_to_list_the_rest():
    rendered = render(*(alert(number) for number in range(200)))
    links = of_type(rendered, "link")
    assert 10 < len(links) <= 30
    assert f"The best {len(links)} are shown. All: " in shown(rendered)
    code = [leaf["text"] for leaf in leaves(rendered.blocks) if "code" in leaf.get("style", {})]
    assert code == ["presswatch alerts list --since 2026-11-23T09:00:00Z"]


def test_a_digest_of_very_many_watchlists_names_some_that_are_not_shown():
    rendered = render(*(alert(number, watchlist=f"w{number:03}") for number in range(100)))
    assert "Not shown: " in shown(rendered)
    assert " more." in shown(rendered)
    assert fits(rendered)


def fits(rendered):
    """Slack's documented limits, and the measured one for all blocks together."""
    return (
        0 < len(rendered.text) <= 40_000
        and 0 < len(rendered.blocks) <= 50
        and len(json.dumps(rendered.blocks, ensure_ascii=False)) <= 12_000
        and all(
            leaf["text"] for leaf in leaves(rendered.blocks) if leaf["type"] in {"text", "link"}
        )
        and all(len(leaf.get("text", "")) <= 3_000 for leaf in leaves(rendered.blocks))
        and all(len(leaf["url"]) <= 3_000 for leaf in leaves(rendered.blocks) if "url" in leaf)
    )


# Mostly characters that break markup, and graphemes of several code points.
anything = st.text(
    st.one_of(st.characters(), st.sampled_from('<>&|*`@!#~_"\\\n\u202e\u200d\u0301👩🇺'))
)
long = st.builds(lambda text, times: text * times, anything, st.integers(1, 2000))
texts = st.one_of(anything, long.map(lambda text: text[:20_000]))
spans = st.lists(st.lists(st.integers(-5, 3_000), min_size=2, max_size=2), max_size=100)


@st.composite
def alerts(draw):
    return alert(
        draw(st.integers(1, 5)),
        watchlist=draw(texts),
        priority=draw(st.sampled_from(["low", "normal", "high"])),
        update=draw(st.booleans()),
        article={
            "title": draw(texts),
            "source": draw(texts),
            "url": draw(st.one_of(texts, texts.map(lambda text: f"https://x.example/{text}"))),
            "text_from": "feed",
        },
        snippets=draw(
            st.lists(st.fixed_dictionaries({"text": texts, "highlights": spans}), max_size=4)
        ),
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(alerts(), min_size=1, max_size=4), st.integers(1, 20), st.booleans())
def test_any_text_stays_within_the_limits_and_stays_text(some, times, follows):
    many = [{**each, "story": {"id": str(n), "articles": n}} for n in range(times) for each in some]
    for rendered in (render(some[0], follows=follows), render(*some), render(*many)):
        assert fits(rendered)
        json.dumps(rendered.blocks).encode()
        assert {leaf["type"] for leaf in leaves(rendered.blocks)} <= {
            "text",
            "link",
            "date",
            "emoji",
        }
        assert not regex.search(r"[<>]|&(?!amp;|lt;|gt;)", rendered.text)
        seen = rendered.text + shown(rendered)
        assert not regex.search(r"[\p{Cs}\u202a-\u202e\u2066-\u2069]", seen)
        assert not regex.search(r"[\p{Cc}--\n]", seen, regex.VERSION1)
        for link in of_type(rendered, "link"):
            assert urlsplit(link["url"]).scheme in {"http", "https"}
            assert not set(link["url"]) & set('<>|"` \n')


@given(texts, st.integers(1, 400))
def test_a_cut_text_begins_like_the_whole(text, max_length):
    kept = cut(text, max_length)
    assert len(kept) <= max_length
    assert kept == text or (kept[-1] == "…" and text.startswith(kept[:-1]))
