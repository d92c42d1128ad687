"""Muting a story or a source for a watchlist: pages, keys, API."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import requests

from monitor.alerts.build import notice
from monitor.alerts.mutes import Mute
from monitor.archive.writer import Writer
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article, content_id

COUNCIL = "The NATO-Russia Council met on Monday."


@pytest.fixture
def visit(served, visitor_of):
    return visitor_of(served)


@pytest.fixture
def hold_back(served):
    """Write articles whose matches a mute held back."""

    def write(*titles, watchlist="nato-russia", source="Herald", at=None):
        records = []
        for title in titles:
            name = content_id(title)
            article = Article(
                id=name, url="https://herald.example/a", title=title, text="Text.", source=source,
                feed_url="https://herald.example/feed", story=name,
            )  # fmt: skip
            matched = (MatchRecord(watchlist, muted=True), MatchRecord("fisheries"))
            records.append(
                Record(publication=Publication(at or datetime.now(UTC), article, matched))
            )
        assert Writer(served.backend.archive).write(records) == []

    return write


def mute(name, kind="source", watchlist="nato-russia", **fields):
    return Mute(watchlist, kind, name, name, datetime.now(UTC) - timedelta(hours=1), **fields)


def test_a_story_is_muted_and_unmuted_by_keyboard(served, newsroom, open_page):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    page = open_page(f"{served.url}/alerts/{alert['id']}")
    page.keyboard.press("m")
    page.get_by_role("button", name="Mute", exact=True).click()
    page.wait_for_selector("text=This story is muted for nato-russia until")
    (mute,) = served.backend.runtime.store.mutes.all(newsroom.now)
    assert (mute.watchlist, mute.kind, mute.subject) == (
        "nato-russia", "story", alert["story"]["id"],
    )  # fmt: skip
    assert mute.until - mute.since == timedelta(days=7)
    page.get_by_role("button", name="Unmute").click()
    page.wait_for_selector("summary:has-text('Mute')")
    assert served.backend.runtime.store.mutes.all(newsroom.now) == []


def test_the_page_lists_what_a_mute_held_back(served, newsroom, visit, hold_back):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    shown = visit.post(f"/alerts/{alert['id']}/mutes", kind="source", **{"for": ""}).text
    assert "Herald is muted for nato-russia." in shown
    (begun,) = served.backend.runtime.store.mutes.all(newsroom.now)
    hold_back("<script>held</script>", "Held, too")
    hold_back("Of another source", source="Gazette")
    hold_back("Of another watchlist", watchlist="cod")
    listed = visit.get("/mutes?watchlist=nato-russia").text
    assert "&lt;script&gt;held" in listed
    assert "Held, too" in listed
    assert "Of another watchlist" not in listed
    assert ">2 muted matches<" in re.sub(r"<data[^>]*>(.*?)</data>", r"\1", listed)
    of_one = visit.get(f"/mutes?mute={begun.id}").text
    assert "Held, too" in of_one
    assert "Of another source" not in of_one
    assert "Nothing is muted" in visit.get("/mutes?watchlist=cod").text


def test_what_was_held_back_is_listed_after_the_mute_has_ended(served, visit, hold_back):
    store = served.backend.runtime.store.mutes
    begun = mute("Herald")
    store.add(begun)
    hold_back("Held back")
    answer = visit.post(f"/mutes/{begun.id}/end", watchlist="nato-russia")
    assert answer.url == f"{served.url}/mutes?watchlist=nato-russia"
    assert "Nothing is muted" in answer.text
    assert "Held back" in answer.text
    front = visit.get("/?watchlist=nato-russia").text
    assert 'href="/mutes?watchlist=nato-russia&amp;period=7d"' in front
    assert visit.get(f"/mutes?mute={begun.id}").status_code == 404


def test_older_matches_are_on_the_next_page(visit, hold_back):
    hold_back(*(f"Held {number:03}" for number in range(120)), at=datetime.now(UTC))
    seen, page = [], visit.get("/mutes").text
    for _ in range(2):
        seen += re.findall(r"Held \d+", page)
        older = re.search(r'href="([^"]*)" rel="next">Older matches', page)[1]
        page = visit.get(older.replace("&amp;", "&")).text
    seen += re.findall(r"Held \d+", page)
    assert "Older matches" not in page
    assert len(seen) == len(set(seen)) == 120
    for nonsense in ("before=nonsense", "period=long", "page=0"):
        assert visit.get(f"/mutes?{nonsense}").status_code == 422


def test_a_watchlist_lists_its_mutes_and_counts_what_they_held_back(
    served, newsroom, open_page, hold_back
):
    newsroom.publish("Envoys meet", COUNCIL)
    served.backend.runtime.store.mutes.add(mute("Herald", by="ada"))
    served.backend.runtime.store.mutes.add(mute("Gazette", watchlist="fisheries"))
    hold_back("Held back")
    page = open_page(f"{served.url}/watchlists/nato-russia", java_script_enabled=False)
    section = page.get_by_role("region", name="Muted")
    assert section.get_by_role("heading").all_text_contents() == ["Muted", "Herald"]
    assert "by ada" in section.text_content()
    assert page.get_by_role("link", name="1 match was muted").is_visible()
    section.get_by_role("button", name="Unmute Herald for nato-russia").click()
    page.wait_for_url(f"{served.url}/mutes?watchlist=nato-russia")
    (left,) = served.backend.runtime.store.mutes.all(newsroom.now)
    assert left.subject == "Gazette"


def test_the_count_in_the_filters_is_that_of_the_page_it_leads_to(served, visit, hold_back):
    served.backend.runtime.store.mutes.add(mute("Gazette", watchlist="fisheries"))
    hold_back("Held back", "Held, too")
    hold_back("Of cod", watchlist="cod")
    for query, counted in (("", 3), ("?watchlist=nato-russia", 2), ("?watchlist=cod", 1)):
        front = visit.get(f"/{query}").text
        count = re.search(r'<span>Muted</span> <span class="count">(.*?)</span></a>', front)[1]
        assert re.sub(r"<[^>]*>", "", count) == str(counted)
    assert "Muted</span>" not in visit.get("/?watchlist=herring").text


def test_mutes_are_read_once_for_a_page(newsroom, visit, redis):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    redis.config_resetstat()
    assert visit.get(f"/alerts/{alert['id']}").status_code == 200
    assert redis.info("commandstats")["cmdstat_hvals"]["calls"] == 1


def test_without_javascript_an_alert_is_muted_by_its_form(served, newsroom, open_page):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    page = open_page(f"{served.url}/alerts/{alert['id']}", java_script_enabled=False, width=380)
    page.get_by_text("Mute …").click()
    page.get_by_label("anything from Herald").check()
    page.locator(".mute select").select_option("1d")
    page.get_by_role("button", name="Mute", exact=True).click()
    page.get_by_text("Herald is muted for nato-russia until").wait_for()
    (begun,) = served.backend.runtime.store.mutes.all(newsroom.now)
    assert (begun.kind, begun.subject, begun.until - begun.since) == (
        "source", "Herald", timedelta(days=1),
    )  # fmt: skip


def test_hostile_names_stay_text_and_pages_stay_small(served, newsroom, open_page, hold_back):
    name = "<script>alert(1)</script>\u202e" + "\"'&<b>" * 100
    for number in range(200):
        served.backend.runtime.store.mutes.add(mute(f"{name}{number}", by="<i>ada</i>"))
    newsroom.publish("Envoys meet", COUNCIL)
    hold_back(*(f"{name}{number}" for number in range(60)), source=name)
    for path in ("/mutes", "/mutes?page=7", "/watchlists/nato-russia"):
        page = open_page(f"{served.url}{path}")
        assert page.locator("main script, main b, main i").count() == 0
        assert len(page.content().encode()) < 100_000
        assert page.evaluate("document.documentElement.scrollWidth") <= 1600


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/mutes", "/watchlists/nato-russia"])
def test_readers_with_disabilities_can_use_what_is_muted(
    served, newsroom, chromium, hold_back, scheme, path
):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    newsroom.publish("Envoys meet", COUNCIL)
    served.backend.runtime.store.mutes.add(mute("Herald", by="ada"))
    hold_back("Held back")
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{served.url}{path}")
    found = axe.Axe().run(page).response["violations"]
    context.close()
    assert [each["id"] for each in found if each["impact"] in {"serious", "critical"}] == []


def test_a_mute_names_who_made_it_as_the_proxy_says(serve, newsroom_of, visitor_of):
    served = serve('user_header: X-User, proxies: ["127.0.0.1"]')
    (alert,) = newsroom_of(served).publish("Envoys meet", COUNCIL)
    visit = visitor_of(served, **{"X-User": "ada   " + "x" * 200})
    shown = visit.post(f"/alerts/{alert['id']}/mutes", kind="story", **{"for": "7d"}).text
    (begun,) = served.backend.runtime.store.mutes.all(datetime.now(UTC))
    assert begun.by.startswith("ada x")
    assert len(begun.by) == 100
    assert f", by {begun.by}." in shown


def test_a_token_sees_mutes_and_cannot_change_them(serve, newsroom_of):
    served = serve('password: "correct horse", tokens: [a-token-that-reads]')
    (alert,) = newsroom_of(served).publish("Envoys meet", COUNCIL)
    begun = mute("Herald")
    served.backend.runtime.store.mutes.add(begun)
    bearer = {"Authorization": "Bearer a-token-that-reads"}
    api = f"{served.url}/api/v1"
    assert requests.get(f"{api}/mutes", headers=bearer, timeout=10).json()[0]["id"] == begun.id
    assert requests.get(f"{api}/matches/muted", headers=bearer, timeout=10).status_code == 200
    for method, address in (
        ("POST", f"{api}/alerts/{alert['id']}/mutes"), ("DELETE", f"{api}/mutes/{begun.id}"),
        ("POST", f"{served.url}/alerts/{alert['id']}/mutes"),
        ("POST", f"{served.url}/mutes/{begun.id}/end"),
    ):  # fmt: skip
        assert requests.request(method, address, headers=bearer, timeout=10).status_code == 403
    assert [each.id for each in served.backend.runtime.store.mutes.all(datetime.now(UTC))] == [
        begun.id
    ]


def test_nothing_can_be_muted_without_knowing_what_and_how_long(served, newsroom, visit):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    address = f"/alerts/{alert['id']}/mutes"
    for form in ({"kind": "feed", "for": "7d"}, {"kind": "story", "for": "9d"}):
        assert visit.post(address, **form).status_code == 422
    assert visit.post(address, csrf="", kind="story", **{"for": "7d"}).status_code == 403
    assert served.backend.runtime.store.mutes.all(newsroom.now) == []


def test_an_alert_that_no_article_caused_cannot_be_muted(served, newsroom, visit):
    about = notice("A feed fails", "It does.", now=newsroom.now)
    Writer(served.backend.archive).write([Record(alert=about.document)])
    assert "Mute" not in visit.get(f"/alerts/{about.id}").text
    answer = visit.post(f"/alerts/{about.id}/mutes", kind="story")
    assert answer.status_code == 422


def test_programs_mute_list_and_unmute(served, newsroom, visit):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    address = f"/api/v1/alerts/{alert['id']}/mutes"
    assert requests.post(f"{served.url}{address}", json={}, timeout=10).status_code == 403
    made = visit.call("POST", address, json={"days": 2}).json()
    assert made["kind"] == "story"
    assert visit.get("/api/v1/mutes").json() == [made]
    ended = f"/api/v1/mutes/{made['id']}"
    assert visit.call("DELETE", ended).status_code == 204
    assert visit.call("DELETE", ended).status_code == 404
    assert visit.get("/api/v1/mutes").json() == []


def test_programs_list_what_was_held_back_page_by_page(served, hold_back):
    now = datetime.now(UTC)
    hold_back("Held first", at=now - timedelta(hours=2))
    hold_back("Held second", at=now - timedelta(hours=1))
    hold_back("Of cod", watchlist="cod", at=now)
    api = f"{served.url}/api/v1/matches/muted"

    def listed(**parameters):
        answer = requests.get(api, params=parameters, timeout=10)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        return [each["article"]["title"] for each in page["matches"]], page["older"]

    newest, older = listed(watchlist="nato-russia", limit=1)
    assert newest == ["Held second"]
    assert listed(watchlist="nato-russia", before=older) == (["Held first"], None)
    assert listed() == (["Of cod", "Held second", "Held first"], None)
    recent = (now - timedelta(minutes=90)).isoformat()
    assert listed(since=recent) == (["Of cod", "Held second"], None)
    assert requests.get(api, params={"before": "nonsense"}, timeout=10).status_code == 422
