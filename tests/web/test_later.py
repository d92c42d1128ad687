"""Matches that were found later, by looking back in the archive, on the pages."""

import html
import re
from datetime import timedelta

import pytest
import requests

from monitor.model import content_id

DAY = timedelta(days=1)


@pytest.fixture
def get(served):
    def get(path):
        return requests.get(f"{served.url}{path}", timeout=10)

    return get


def words(page):
    body = re.sub(r"<(script|style).*?</\1>", " ", page.partition("<main")[2], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<.*?>", " ", body, flags=re.DOTALL)).split())


def titles(page):
    return re.findall(r'<h3><a href="/later/[^"]*">([^<]+)', page)


def test_the_pages_of_alerts_and_of_a_watchlist_lead_to_what_was_found_later(newsroom, get):
    newsroom.publish("Herring", "Herring.")
    assert "later" not in words(get("/").text)
    newsroom.find_later("Cod", "Cod.", "fisheries", age=2 * DAY)
    assert re.search(r'href="/later"><span>Found later</span>.*>1<', get("/").text)
    page = get("/watchlists/fisheries").text
    assert "1 article was found later , by looking back" in words(page)
    assert titles(get("/later?watchlist=fisheries&period=30d").text) == ["Cod"]
    assert "found later" not in words(get("/watchlists/nato-russia").text)


def test_each_is_marked_as_found_later_and_no_alert_is_among_them(newsroom, get):
    newsroom.publish("Herring", "Herring.")
    newsroom.find_later("Cod", "Cod.", "fisheries", "nato-russia")
    page = get("/later").text
    assert titles(page) == ["Cod"]
    assert "1 article of 7 days" in words(page)
    assert "found later · fisheries, nato-russia · Herald ·" in words(page)
    assert "Cod" not in words(get("/").text)


def test_they_are_narrowed_as_alerts_are(newsroom, get):
    newsroom.find_later("Cod", "Cod.", "fisheries", source="Gazette", language="de-AT")
    newsroom.find_later("Council", "Council.", "nato-russia")
    newsroom.find_later("Old", "Cod.", "fisheries", age=9 * DAY)
    assert titles(get("/later?watchlist=fisheries").text) == ["Cod"]
    assert titles(get("/later?source=Herald").text) == ["Council"]
    assert titles(get("/later?language=de").text) == ["Cod"]
    assert sorted(titles(get("/later?period=30d").text)) == ["Cod", "Council", "Old"]
    assert "with these filters" in words(get("/later?watchlist=nobody").text)
    # These are of alerts alone.
    assert len(titles(get("/later?priority=high&show=starred&q=nothing").text)) == 2


def test_they_go_back_page_by_page(newsroom, get, monkeypatch):
    monkeypatch.setattr("monitor.web.pages.later.PAGE_LENGTH", 2)
    # At one moment, and for two watchlists: none is lost or repeated between pages.
    for number in range(5):
        newsroom.find_later(f"Cod {number}", "Cod.", "fisheries", "nato-russia")
    seen, path = [], "/later"
    while path:
        page = get(path).text
        seen += titles(page)
        following = re.search(r'href="(/later\?[^"]*)" rel="next"', page)
        path = following and html.unescape(following[1])
    assert sorted(seen) == [f"Cod {number}" for number in range(5)]


def test_one_is_read_with_its_evidence(newsroom, get):
    article = newsroom.find_later("Quotas", "The cod are back.\nAnd <b>herring</b>.", "fisheries")
    page = get(f"/later/{article.id}?watchlist=fisheries").text
    assert "<mark>cod</mark>" in page
    assert "&lt;b&gt;<mark>herring</mark>" in page
    assert "fisheries found this by looking back" in words(page)
    assert "Nobody was alerted" in words(page)
    assert f'href="/stories/{article.story}"' in page


def test_one_that_the_watchlist_no_longer_matches_says_so(newsroom, get):
    article = newsroom.find_later("Weather", "Rain.", "fisheries", "removed")
    assert "does not match this article" in words(get(f"/later/{article.id}").text)
    removed = words(get(f"/later/{article.id}?watchlist=removed").text)
    assert "removed as it is now does not match" in removed


def test_addresses_that_mean_nothing_are_explained(newsroom, get):
    (alert,) = newsroom.publish("Herring", "Herring.")
    for path in (f"/later/{alert['article']['id']}", f"/later/{content_id('none')}", "/later/x"):
        assert get(path).status_code == 404
    for path in ("/later?before=x", "/later?period=x"):
        assert get(path).status_code == 422


def test_what_strangers_wrote_is_text_and_no_link_runs(newsroom, get):
    article = newsroom.find_later(
        "<script>alert(1)</script>", "Cod.", "fisheries", url="javascript:alert(1)", source="<i>"
    )
    for page in (get("/later").text, get(f"/later/{article.id}").text):
        assert "<script>alert" not in page
        assert 'href="javascript' not in page
        assert "<i>" not in page
