"""Alerts as Atom and JSON Feed, as feed readers read them."""

import io
import re
from datetime import timedelta

import feedparser
import pytest
import requests

COUNCIL = "The NATO-Russia Council met on Monday."
HOSTILE = (
    '<script>alert(1)</script> & "quotes" \x00\x0b\ufffe\uffff\u202e]]> &amp; Kyjiv \U0001f41f'
)


@pytest.fixture
def get(served):
    def get(path, **options):
        return requests.get(f"{served.url}/api/v1/{path}", timeout=10, **options)

    return get


def read(answer):
    parsed = feedparser.parse(io.BytesIO(answer.content), response_headers=answer.headers)
    assert not parsed.bozo, parsed.bozo_exception
    return parsed


def test_a_watchlist_is_a_feed_that_readers_understand(served, newsroom, get):
    (first,) = newsroom.publish("Envoys meet", COUNCIL, age=timedelta(hours=3), authors=("Ada",))
    newsroom.publish("Envoys stay", COUNCIL)
    newsroom.publish("Cod quotas", "Cod again.")
    answer = get("watchlists/nato-russia/feed.atom")
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    feed = read(answer)
    assert feed.version == "atom10"
    assert feed.feed.title == "nato-russia · Presswatch"
    assert feed.feed.link == f"{served.url}/?watchlist=nato-russia"
    assert [entry.title for entry in feed.entries] == ["Envoys stay", "Envoys meet"]
    entry = feed.entries[1]
    assert entry.link == first["article"]["url"]
    assert entry.id.replace("-", "") == f"urn:uuid:{first['id']}"
    assert entry.updated == first["detected_at"]
    assert entry.published == first["article"]["published_at"]
    assert entry.author == "Ada"
    assert {tag.term for tag in entry.tags} == {"nato-russia", "high"}
    (content,) = entry.content
    assert content.type == "text/plain"
    assert content.value == f'{COUNCIL}\nHerald · nato-russia: "NATO-Russia Council"'
    items = get("watchlists/nato-russia/feed.json").json()
    assert items["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["id"] for item in items["items"]] == [entry.id for entry in feed.entries]
    assert items["items"][1]["content_text"] == content.value


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://a.example/a b"]
)
def test_what_strangers_wrote_is_text_in_a_feed(served, newsroom, get, url):
    (alert,) = newsroom.publish(
        f"NATO-Russia Council {HOSTILE}", f"{HOSTILE} NATO-Russia Council", url=url, source=HOSTILE,
        authors=(HOSTILE,), language='en" x="',
    )  # fmt: skip
    entry = read(get("alerts/feed.atom")).entries[0]
    assert entry.title_detail.type == "text/plain"
    assert '<script>alert(1)</script> & "quotes"' in entry.title
    assert "]]> &amp; Kyjiv \U0001f41f" in entry.title
    assert not set("\x00\x0b\ufffe\uffff\u202e") & set(entry.title + entry.author)
    assert entry.link == f"{served.url}/alerts/{alert['id']}"
    (item,) = get("alerts/feed.json").json()["items"]
    assert item["url"] == entry.link
    assert item["title"] == entry.title


def test_an_empty_feed_is_a_feed(newsroom, get):
    assert read(get("watchlists/fisheries/feed.atom")).entries == []
    assert get("watchlists/fisheries/feed.json").json()["items"] == []
    assert get("watchlists/nobody/feed.atom").status_code == 404


def test_a_selection_is_a_feed(served, newsroom, get):
    newsroom.publish("Envoys meet", COUNCIL)
    newsroom.publish("Cod quotas", "Cod again on Monday.")
    feed = read(get("alerts/feed.atom?q=monday&watchlist=fisheries&token=x"))
    assert [entry.title for entry in feed.entries] == ["Cod quotas"]
    assert feed.feed.link == f"{served.url}/?q=monday&watchlist=fisheries"
    assert feed.feed.id == read(get("alerts/feed.atom?watchlist=fisheries&q=monday")).feed.id


def test_a_reader_that_has_a_feed_gets_it_again_only_when_it_changed(newsroom, get):
    newsroom.publish("Cod quotas", "Cod again.")
    path = "watchlists/fisheries/feed.atom"
    first = get(path).headers
    by_tag = {"If-None-Match": f'"other", {first["ETag"]}', "If-Modified-Since": "yesterday"}
    by_time = {"If-Modified-Since": first["Last-Modified"]}
    for headers in (by_tag, by_time):
        again = get(path, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first["ETag"]
    newsroom.publish("Herring return", "The herring are back.", age=timedelta(minutes=1))
    for headers in (by_tag, by_time):
        assert len(read(get(path, headers=headers)).entries) == 2


def test_a_reader_sends_its_token_in_the_address_and_it_is_nowhere_in_the_feed(serve):
    served = serve('password: "correct horse", tokens: ["a-token-that-reads"]')
    for path in ("watchlists/fisheries/feed.atom", "alerts/feed.json"):
        url = f"{served.url}/api/v1/{path}"
        assert requests.get(url, timeout=10).status_code == 401
        answer = requests.get(f"{url}?token=a-token-that-reads", timeout=10)
        assert answer.status_code == 200
        assert "a-token" not in answer.text


def test_the_front_page_leads_to_feeds_and_files_of_what_it_shows(served, newsroom):
    newsroom.publish("Cod quotas", "Cod again.")
    newsroom.publish("Old cod", "Cod again.", age=timedelta(days=2))
    page = requests.get(f"{served.url}/?watchlist=fisheries&period=24h&q=cod", timeout=10).text
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/api/v1/[^"]*)"', page)]
    assert links[:2] == [
        "/api/v1/watchlists/fisheries/feed.atom",
        "/api/v1/watchlists/fisheries/feed.json",
    ]
    found = [requests.get(f"{served.url}{link}", timeout=10) for link in links]
    assert [answer.status_code for answer in found] == [200] * 5
    assert len(read(found[2]).entries) == 2
    assert found[3].text.count("\r\n") == 2
