"""The API for programs, beside its lists of alerts: articles, stories, search, watchlists, marks."""

import re
from datetime import timedelta

import pytest
import requests

from monitor.archive import search_pages
from monitor.model import content_id

COUNCIL = "The NATO-Russia Council met on Monday.\nLittle was said."


@pytest.fixture
def get(served):
    def get(path, **parameters):
        return requests.get(f"{served.url}/api/v1/{path}", params=parameters, timeout=10)

    return get


def found(answer):
    return [each["article"]["title"] for each in answer.json()["articles"]]


def test_an_article_is_shown_with_its_text(newsroom, get):
    (alert,) = newsroom.publish(
        "Envoys meet", COUNCIL, url="https://ada:secret@herald.example/1", tags=("press",)
    )
    article = get(f"articles/{alert['article']['id']}").json()
    assert article["text"] == COUNCIL
    assert article["tags"] == ["press"]
    assert article["url"] == "https://herald.example/1"
    assert get(f"articles/{content_id('nothing')}").status_code == 404


def test_a_story_is_shown_in_the_order_of_publication(newsroom, get):
    story = content_id("story")
    newsroom.publish("Second", COUNCIL, story=story, age=timedelta(hours=1))
    newsroom.publish("First", COUNCIL, story=story, age=timedelta(hours=2))
    shown = get(f"stories/{story}").json()
    assert [each["title"] for each in shown["articles"]] == ["First", "Second"]
    assert shown["complete"] is True
    assert get(f"stories/{content_id('nothing')}").status_code == 404


def test_the_search_finds_articles_of_no_watchlist_with_evidence(newsroom, get):
    newsroom.publish("Storks return", "The storks are back.", source="Gazette", language="de")
    newsroom.publish("Storks leave", "The storks are gone.", age=timedelta(days=9))
    (only,) = get("search", q="storks").json()["articles"]
    assert only["article"]["title"] == "Storks return"
    assert only["matches"] == [
        {"term": "storks", "field": "title", "count": 1},
        {"term": "storks", "field": "body", "count": 1},
    ]
    assert only["snippets"][0]["text"] == "The storks are back."
    since = (newsroom.now - timedelta(days=30)).isoformat()
    assert found(get("search", q="storks", since=since)) == ["Storks return", "Storks leave"]
    for narrower in ({"source": "Herald"}, {"language": "en"}, {"until": since}):
        assert found(get("search", q="storks", **narrower)) == [], narrower
    assert found(get("search", q="storks", language="DE")) == ["Storks return"]


def test_a_broken_query_is_explained(newsroom, get):
    answer = get("search", q="(storks")
    assert answer.status_code == 422
    assert "column 1" in answer.json()["detail"]
    assert get("search").json()["detail"] == "query q: Field required."


def test_a_search_is_read_page_by_page_without_loss(newsroom, get):
    for number in range(30):
        # Many at the same moment: the number decides.
        newsroom.publish(f"Storks {number}", "Storks.", age=timedelta(minutes=number // 10))
    seen, older = [], None
    while True:
        page = get("search", q="storks", limit=7, **({"before": older} if older else {})).json()
        seen += [each["article"]["title"] for each in page["articles"]]
        older = page["older"]
        if older is None:
            break
    assert len(seen) == len(set(seen)) == 30


@pytest.mark.parametrize("limit", ["MOST_EXAMINED", "LIMIT_S"])
def test_a_page_of_a_search_ends_in_time_and_says_how_far_it_came(newsroom, monkeypatch, limit):
    for number in range(6):
        # The index of words has both words of the phrase for these, too.
        newsroom.publish(f"Storks {number}", "Stay cranes.", age=timedelta(minutes=number))
    newsroom.publish("Cranes", "Cranes stay.", age=timedelta(hours=1))
    monkeypatch.setattr(search_pages, "_BATCH", 3)
    monkeypatch.setattr(search_pages, "MOST_EXAMINED", 3 if limit == "MOST_EXAMINED" else 99)
    since = newsroom.now - timedelta(days=1)
    after, pages, titles = None, 0, []
    while pages == 0 or after is not None:
        page = search_pages.search_page(
            newsroom.backend.archive, '"cranes stay"', {}, since=since, after=after,
            limit_s=0.0 if limit == "LIMIT_S" else 60.0,
        )  # fmt: skip
        pages += 1
        titles += [each.article.title for each in page.articles]
        if page.older is not None:
            assert page.reached > since
        after = page.older
    assert titles == ["Cranes"]
    assert pages == 3
    assert page.reached == since


def test_watchlists_are_listed_with_what_they_find(newsroom, get):
    newsroom.publish("Envoys meet", COUNCIL, age=timedelta(days=3))
    newsroom.publish("Envoys stay", COUNCIL, age=timedelta(hours=3))
    nato, fisheries = get("watchlists", period="2d").json()["watchlists"]
    assert (nato["name"], nato["query"]) == ("nato-russia", '"NATO-Russia Council"')
    assert (nato["priority"], nato["subscribers"]) == ("high", ["desk"])
    assert nato["alerts"] == 1
    assert nato["last_alert_at"].startswith(
        (newsroom.now - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    )
    assert (fisheries["alerts"], fisheries["last_alert_at"]) == (0, None)
    assert get("watchlists").json()["watchlists"][0]["alerts"] == 2


def test_alerts_are_narrowed_by_all_that_the_page_offers_at_once(newsroom, get):
    newsroom.publish("Envoys meet", COUNCIL, age=timedelta(hours=3))
    newsroom.publish("Envoys stay", COUNCIL, age=timedelta(days=3), source="Gazette")
    asked = {"watchlist": "nato-russia", "language": "en", "priority": "high", "show": "unread"}
    answer = get("alerts", q="monday", source="Herald", period="7d", **asked).json()
    assert [each["article"]["title"] for each in answer["alerts"]] == ["Envoys meet"]
    answer = get("alerts", q="monday", source="Gazette", period="2d", **asked).json()
    assert answer["alerts"] == []


@pytest.mark.parametrize(
    "parameters", [{"since": "0"}, {"since": "yesterday"}, {"period": "1y"}, {"before": "x"}]
)
def test_a_parameter_that_means_nothing_is_refused(newsroom, get, parameters):
    answer = get("alerts", **parameters)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


def test_marks_are_changed_by_a_session_and_read_by_all(served, newsroom, get):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    path = f"alerts/{alert['id']}/marks"
    unmarked = {"read": False, "starred": False, "relevant": None, "note": ""}
    assert get(path).json() == unmarked
    url = f"{served.url}/api/v1/{path}"
    with requests.Session() as session:
        csrf = re.search(r'name="csrf" content="(.*?)"', session.get(served.url).text)[1]
        headers = {"X-CSRF-Token": csrf}
        assert session.patch(url, json={"starred": True}).status_code == 403
        marked = session.patch(url, json={"starred": True}, headers=headers).json()
        assert marked == unmarked | {"starred": True}
        marked = session.patch(url, json={"relevant": False, "note": "no"}, headers=headers).json()
        assert marked == {"read": False, "starred": True, "relevant": False, "note": "no"}
        for wrong in ({"red": True}, {"read": "yes"}, {"note": "x" * 2_001}, [], {"read": None}):
            answer = session.patch(url, json=wrong, headers=headers)
            assert answer.status_code == 422, wrong
        unknown = f"{served.url}/api/v1/alerts/{content_id('nothing')}/marks"
        assert session.patch(unknown, json={}, headers=headers).status_code == 404
    assert get(path).json() == marked


def test_a_token_reads_marks_and_changes_none(serve):
    served = serve('password: "correct horse", tokens: ["a-token-that-reads"]')
    url = f"{served.url}/api/v1/alerts/{content_id('nothing')}/marks"
    headers = {"Authorization": "Bearer a-token-that-reads"}
    assert requests.get(url, headers=headers, timeout=10).status_code == 404
    answer = requests.patch(url, json={"read": True}, headers=headers, timeout=10)
    assert answer.status_code == 403
    assert "token" in answer.json()["detail"]
    assert requests.get(url, timeout=10).json() == {"detail": "Log in, or send a token."}


def test_an_address_says_which_methods_it_has(served):
    url = f"{served.url}/api/v1/alerts/{content_id('nothing')}/marks"
    answer = requests.delete(url, timeout=10)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, PATCH")
