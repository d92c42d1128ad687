"""The summary of what a watchlist found by looking back, as JSON and for people."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import click
import pytest

from monitor.alerts.build import coverage_alert
from monitor.alerts.digest import Message
from monitor.alerts.look_back import LookBackFound, in_words, look_back_alert
from monitor.alerts.spikes import SpikeEvent
from monitor.cli.console import block, line
from monitor.model import Article, Watchlist
from workers.deliveries.email.render import render_mail
from workers.deliveries.slack.blocks import render as render_slack

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WATCHLIST = Watchlist("talks", "q", subscribers=("desk",), backfill=timedelta(days=7))
ARTICLE = Article(
    "a" * 32, "https://me:sesame@a.example/1", "Envoys <b>meet</b>", "Text", "Herald", "f"
)
FOUND = LookBackFound(NOW - timedelta(days=7), NOW, 38, 0, ((NOW - timedelta(days=1), ARTICLE),))


def summary(found=FOUND, watchlist=WATCHLIST):
    return look_back_alert(watchlist, found, "i" * 32, now=NOW).document


@pytest.mark.parametrize(
    ("articles", "known", "title"),
    [
        (38, 0, "38 articles of the last 7 days match talks"),
        (1, 0, "1 article of the last 7 days matches talks"),
        (2, 1, "2 further articles of the last 7 days match talks"),
        (0, 0, "no article of the last 7 days matches talks"),
        (0, 5, "no further article of the last 7 days matches talks"),
    ],
)
def test_the_title_says_how_many_articles_match(articles, known, title):
    found = replace(FOUND, articles=articles, known=known)
    assert summary(found)["article"]["title"] == title


def test_a_watchlist_with_a_title_is_called_by_it():
    document = summary(FOUND, replace(WATCHLIST, title="Peace talks"))
    assert document["article"]["title"].endswith("match Peace talks")
    assert document["watchlist"] == "talks"


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(days=1), "day"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(milliseconds=1500), "2 seconds"),
    ],
)
def test_a_period_is_written_in_the_largest_unit_that_fits(time, words):
    assert in_words(time) == words


@pytest.mark.parametrize(
    ("priority", "articles", "expected"),
    [("high", 1, "normal"), ("normal", 1, "normal"), ("low", 1, "low"), ("high", 0, "low")],
)
def test_the_past_is_never_of_high_priority(priority, articles, expected):
    watchlist = replace(WATCHLIST, priority=priority)
    assert summary(replace(FOUND, articles=articles), watchlist)["priority"] == expected


def test_the_document_names_no_password_and_has_every_field_of_an_alert():
    document = summary()
    assert "sesame" not in json.dumps(document)
    assert document["look_back"]["newest"][0]["found_at"] == "2026-11-22T09:00:00Z"
    assert {"v", "id", "watchlist", "detected_at", "matches", "snippets", "story"} <= set(document)


def spike(watchlist=WATCHLIST):
    story = {"id": "s", "title": "Envoys <b>meet</b>", "url": "https://a.example/1",
             "source": "Herald", "articles": 12}  # fmt: skip
    event = SpikeEvent("spike", NOW - timedelta(hours=3), 3, 40, 0.6)
    return coverage_alert(watchlist, event, "s", [story], now=NOW).document


@pytest.mark.parametrize("build", [spike, lambda watchlist: summary(watchlist=watchlist)])
def test_mails_call_a_watchlist_by_its_title_also_when_no_article_alerts(build):
    plain, titled = build(WATCHLIST), build(replace(WATCHLIST, title="Peace <talks>"))
    assert "watchlist_title" not in plain
    assert render_mail(Message("k", (plain,))).subject.startswith("[talks] ")
    assert render_mail(Message("k", (titled,))).subject.startswith("[Peace <talks>] ")


LISTING = pytest.mark.parametrize(
    ("document", "listed"),
    [(summary(), "Envoys <b>meet</b> (Herald), 22 November 2026"),
     (spike(), "12 articles: Envoys <b>meet</b> (Herald)")],
    ids=["look back", "spike"],
)  # fmt: skip


@LISTING
def test_slack_lists_the_articles_as_links(document, listed):
    (rich,) = render_slack(Message("k", (document,))).blocks
    _, quote, bullets = rich["elements"]
    assert quote["type"] == "rich_text_quote"
    assert bullets["type"] == "rich_text_list"
    (item,) = bullets["elements"]
    (link,) = item["elements"]
    assert link == {"type": "link", "url": "https://a.example/1", "text": listed}


@LISTING
def test_mails_list_the_articles_as_links(document, listed):
    content = render_mail(Message("k", (document,)))
    assert f"> {listed}\n> https://a.example/1\n" in content.text
    assert '<a class="title" href="https://a.example/1"' in content.html
    assert "Envoys &lt;b&gt;meet&lt;/b&gt;" in content.html


@LISTING
def test_the_console_shows_each_address_below_its_article(document, listed):
    shown = click.unstyle(block(document))
    assert f"  {listed}\n  https://a.example/1\n" in shown


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", 7, None, 'https://a.example/"><b>'])
def test_an_address_that_is_not_safe_becomes_no_link(url):
    document = summary()
    document["snippets"][1]["url"] = url
    message = Message("k", (document,))
    assert "javascript" not in render_mail(message).html
    assert 'class="title" href' not in render_mail(message).html
    links = [
        element
        for part in render_slack(message).blocks[0]["elements"]
        for item in part["elements"]
        for element in item.get("elements", [])
        if element["type"] == "link"
    ]
    assert all(link["url"].startswith("https://a.example/") for link in links)
    assert "Envoys" in block(document)


def test_a_match_found_later_is_marked_in_lists():
    document = {**summary(), "later": True}
    assert line(document).endswith("(found later)")
    assert "(found later)" not in line(summary())
