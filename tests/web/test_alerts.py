"""The front page and the API for alerts, as HTTP gives them."""

import json
import re
from datetime import timedelta

import pytest
import requests

from monitor.model import content_id

COUNCIL = "The NATO-Russia Council met on Monday.\nLittle was said."


@pytest.fixture
def get(served):
    def get(path):
        return requests.get(f"{served.url}{path}", timeout=10)

    return get


def titles(page: str) -> list[str]:
    found = re.findall(r'<li class="entry.*?</h2>', page, re.DOTALL)
    return [re.sub(r"<.*?>", "", each).replace("Unread:", "").strip() for each in found]


def test_the_page_lists_alerts_newest_first_by_what_is_asked_for(newsroom, get):
    newsroom.publish("Envoys meet", COUNCIL, age=timedelta(hours=3))
    newsroom.publish("Herring return", "The herring are back.", source="Gazette", language="de")
    newsroom.publish("Cod quotas", "Cod again.", age=timedelta(days=9))
    assert titles(get("/").text) == ["Herring return", "Envoys meet"]
    assert titles(get("/?period=30d").text) == ["Herring return", "Envoys meet", "Cod quotas"]
    for parameters in ("watchlist=nato-russia", "source=Herald", "language=en", "priority=high"):
        assert titles(get(f"/?{parameters}").text) == ["Envoys meet"], parameters
    assert titles(get("/?q=monday+AND+NOT+herring").text) == ["Envoys meet"]


def test_an_alert_counts_for_the_source_that_it_names(newsroom, get):
    newsroom.publish("Herring return", "The herring are back.", url="https://a.example/1")
    # Another feed brings the same article, without a second alert.
    newsroom.publish(
        "Herring return", "The herring are back.", url="https://a.example/1", source="Gazette"
    )
    assert titles(get("/?source=Herald").text) == ["Herring return"]
    assert titles(get("/?source=Gazette").text) == []
    assert "Gazette" not in get("/").text


def test_an_empty_page_says_so(newsroom, get):
    page = re.sub(r"<.*?>", "", get("/").text)
    assert "No alerts in 7 days" in page
    assert "2 feeds are watched; no article has come yet." in page
    newsroom.publish("Weather", "Rain.")
    assert "2 feeds are watched; the last article came" in re.sub(r"<.*?>", "", get("/").text)
    assert "with these filters" in get("/?watchlist=nobody").text


def test_a_filtered_list_says_how_many_of_all_alerts_it_shows(newsroom, get):
    newsroom.publish("Envoys meet", COUNCIL)
    newsroom.publish("Herring return", "The herring are back.")
    assert "1 of 2 alerts in 7 days" in re.sub(r"<.*?>", "", get("/?watchlist=nato-russia").text)
    assert " of 2 alerts" not in re.sub(r"<.*?>", "", get("/").text)


@pytest.mark.parametrize(("show", "button"), [("starred", "Star"), ("irrelevant", "Not relevant")])
def test_an_empty_list_of_marks_says_how_to_mark(newsroom, get, show, button):
    assert f"its button {button}" in re.sub(r"<.*?>", "", get(f"/?show={show}").text)


@pytest.mark.parametrize(
    "path", ["/?period=x", "/?period=0d", "/?show=all", "/?before=x", "/?before=-1-a"]
)
def test_an_address_that_means_nothing_is_explained(newsroom, get, path):
    answer = get(path)
    assert answer.status_code == 422
    assert "This page cannot be shown" in answer.text


def test_a_broken_query_is_explained_where_it_was_typed(newsroom, get):
    answer = get("/?q=(nato")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text


def test_a_long_list_is_read_page_by_page_without_loss(newsroom, get):
    for number in range(120):
        # Many at the same moment: the id decides.
        newsroom.publish(f"Cod {number}", "Cod.", age=timedelta(minutes=number // 40))
    seen, path = [], "/"
    while path:
        page = get(path).text
        seen += titles(page)
        older = re.search(r'href="(/\?[^"]*)" rel="next"', page)
        path = older and older[1].replace("&amp;", "&")
    assert len(seen) == 120
    assert set(seen) == {f"Cod {number}" for number in range(120)}


def test_an_open_alert_shows_the_text_with_its_matches_and_where_it_went(newsroom, get):
    story = content_id("story")
    (alert,) = newsroom.publish("Envoys meet", COUNCIL, story=story)
    newsroom.publish("Council sits", "Nothing to match.", story=story, source="Gazette")
    page = get(f"/alerts/{alert['id']}").text
    assert "<p>The <mark>NATO-Russia Council</mark> met on Monday.</p>" in page
    assert "<code>&#34;NATO-Russia Council&#34;</code>" in page
    assert "Council sits" in page
    assert re.search(r"desk.*webhook.*delivered", page, re.DOTALL)


def test_what_strangers_wrote_is_text(newsroom, get):
    (alert,) = newsroom.publish(
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(2)"> NATO-Russia Council',
        url="javascript:alert(3)",
        source='"><script>alert(4)</script>',
        authors=("<b>Ada</b>",),
    )
    for path in ("/", f"/alerts/{alert['id']}"):
        page = get(path).text
        assert not re.search(r"<script>alert|<img src=x|<b>Ada|href=\"javascript", page), path


def test_of_many_watchlists_those_with_the_most_alerts_are_offered(serve, newsroom_of):
    names = [f"w{number:02}" for number in range(35)]
    watchlists = "".join(f"  - {{name: {name}, query: cod}}\n" for name in names)
    served = serve(configuration=f"watchlists:\n{watchlists}")
    newsroom_of(served).publish("Cod quotas", "Cod again.")
    page = requests.get(f"{served.url}/?watchlist=w34", timeout=20).text
    offered = re.findall(r"<span>(w\d\d)</span> <span class=\"count\">", page)
    assert offered == [*names[:30], "w34"]
    assert re.search(r'href="/watchlists\?period=7d">All <data value="35">', page)


def test_an_unknown_alert_is_not_found(newsroom, get):
    for unknown in (content_id("nothing"), "x", "%25", "../etc"):
        assert get(f"/alerts/{unknown}").status_code == 404


def test_marks_are_kept_and_filter(served, newsroom, get):
    (first,) = newsroom.publish("Envoys meet", COUNCIL)
    newsroom.publish("Cod quotas", "Cod again.")
    with requests.Session() as session:
        token = re.search(r'name="csrf" content="(.*?)"', session.get(served.url).text)[1]
        marks = f"{served.url}/alerts/{first['id']}/marks"
        for change in ("star", "irrelevant"):
            session.post(marks, data={"csrf": token, "change": change})
        session.post(marks, data={"csrf": token, "note": "Not <b>ours</b>."})
        assert session.post(marks, data={"csrf": token, "change": "burn"}).status_code == 422
    assert titles(get("/?show=starred").text) == ["Envoys meet"]
    assert titles(get("/?show=irrelevant").text) == ["Envoys meet"]
    assert titles(get("/?show=unread").text) == ["Cod quotas"]
    assert "Not &lt;b&gt;ours&lt;/b&gt;." in get(f"/alerts/{first['id']}").text


def test_a_page_says_what_it_cannot_reach(serve):
    served = serve()
    # A directory where the archive's file should be.
    (served.backend.data / "archive.db").mkdir(parents=True)
    answer = requests.get(served.url, timeout=10)
    assert answer.status_code == 503
    assert "archive" in answer.text
    assert requests.get(f"{served.url}/api/v1/alerts", timeout=10).json()["detail"]


def test_the_api_lists_what_the_archive_has(newsroom, get):
    (envoys,) = newsroom.publish("Envoys meet", COUNCIL, age=timedelta(hours=3))
    (cod,) = newsroom.publish("Cod quotas", "Cod again.")
    assert get("/api/v1/alerts").json() == {"alerts": [cod, envoys], "older": None}
    page = get("/api/v1/alerts?limit=1").json()
    assert page["alerts"] == [cod]
    assert get(f"/api/v1/alerts?before={page['older']}").json()["alerts"] == [envoys]
    assert get("/api/v1/alerts?q=monday").json()["alerts"] == [envoys]
    assert get("/api/v1/alerts?q=(monday").status_code == 422
    shown = get(f"/api/v1/alerts/{envoys['id']}").json()
    assert shown["alert"] == envoys
    assert [line["event"] for line in shown["deliveries"]] == ["delivered"]
    assert get(f"/api/v1/alerts/{content_id('nothing')}").status_code == 404


def test_live_alerts_resume_where_a_connection_broke(served, redis):
    add = lambda number: redis.xadd("presswatch:alerts", {"alert": json.dumps({"id": number})})  # noqa: E731
    first = add(1).decode()
    add(2)

    def events(**headers):
        url = f"{served.url}/api/v1/alerts/live"
        with requests.get(url, headers=headers, stream=True, timeout=10) as answer:
            for line in answer.iter_lines():
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))["id"]

    resumed = events(**{"Last-Event-ID": first})
    assert next(resumed) == 2
    add(3)
    assert next(resumed) == 3
    resumed.close()
