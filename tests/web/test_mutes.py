"""Muting a story or a source for a watchlist: pages, keys, API."""

import re
from datetime import timedelta

import pytest
import requests

from monitor.alerts.build import notice
from monitor.archive.writer import Writer
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article, content_id

COUNCIL = "The NATO-Russia Council met on Monday."


@pytest.fixture
def session(served):
    """A visitor; `csrf` is what forms and programs must send."""
    with requests.Session() as session:
        page = session.get(served.url, timeout=10).text
        session.csrf = re.search(r'name="csrf" content="(.*?)"', page)[1]
        yield session


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


def test_the_page_lists_what_a_mute_held_back(served, newsroom, session):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    form = {"csrf": session.csrf, "kind": "source", "for": ""}
    shown = session.post(f"{served.url}/alerts/{alert['id']}/mutes", data=form, timeout=10).text
    assert "Herald is muted for nato-russia." in shown
    (mute,) = served.backend.runtime.store.mutes.all(newsroom.now)
    titles = ["<script>held</script>", "Held, too", "Of another source"]
    for title, source in zip(titles, ["Herald", "Herald", "Gazette"], strict=True):
        name = content_id(title)
        article = Article(
            id=name, url="https://herald.example/a", title=title, text="Text.", source=source,
            feed_url="https://herald.example/feed", story=name,
        )  # fmt: skip
        publication = Publication(mute.since, article, (MatchRecord("nato-russia"),))
        Writer(served.backend.archive).write([Record(publication=publication)])
    listed = session.get(f"{served.url}/mutes?watchlist=nato-russia", timeout=10).text
    assert "&lt;script&gt;held" in listed
    assert "Held, too" in listed
    assert "Of another source" not in listed
    assert "Nothing is muted" in session.get(f"{served.url}/mutes?watchlist=cod", timeout=10).text


def test_nothing_can_be_muted_without_knowing_what_and_how_long(served, newsroom, session):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    address = f"{served.url}/alerts/{alert['id']}/mutes"
    for form in ({"kind": "feed", "for": "7d"}, {"kind": "story", "for": "9d"}):
        answer = session.post(address, data={"csrf": session.csrf} | form, timeout=10)
        assert answer.status_code == 422
    assert session.post(address, data={"kind": "story"}, timeout=10).status_code == 403
    assert served.backend.runtime.store.mutes.all(newsroom.now) == []


def test_an_alert_that_no_article_caused_cannot_be_muted(served, newsroom, session):
    about = notice("A feed fails", "It does.", now=newsroom.now)
    Writer(served.backend.archive).write([Record(alert=about.document)])
    assert "Mute" not in session.get(f"{served.url}/alerts/{about.id}", timeout=10).text
    answer = session.post(
        f"{served.url}/alerts/{about.id}/mutes",
        data={"csrf": session.csrf, "kind": "story"},
        timeout=10,
    )
    assert answer.status_code == 422


def test_programs_mute_list_and_unmute(served, newsroom, session):
    (alert,) = newsroom.publish("Envoys meet", COUNCIL)
    address, api = f"alerts/{alert['id']}/mutes", f"{served.url}/api/v1"
    headers = {"X-CSRF-Token": session.csrf}
    assert session.post(f"{api}/{address}", json={}, timeout=10).status_code == 403
    made = session.post(f"{api}/{address}", json={"days": 2}, headers=headers, timeout=10).json()
    assert made["kind"] == "story"
    assert requests.get(f"{api}/mutes", timeout=10).json() == [made]
    ended = f"{api}/mutes/{made['id']}"
    assert session.delete(ended, headers=headers, timeout=10).status_code == 204
    assert session.delete(ended, headers=headers, timeout=10).status_code == 404
    assert requests.get(f"{api}/mutes", timeout=10).json() == []
