"""Any alert can be shown, whatever stands in it."""

import copy
import json
import time

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.digest import Message
from monitor.alerts.document import clock, whole
from monitor.cli import console
from workers.deliveries.email import render as mail
from workers.deliveries.slack import blocks

ALERT = {
    "v": 1,
    "id": "5b0c",
    "watchlist": "talks",
    "priority": "high",
    "detected_at": "2026-11-23T09:00:00Z",
    "article": {
        "id": "91d2",
        "url": "https://a.example/1",
        "title": "Envoys meet",
        "source": "Herald",
        "feed_url": "https://a.example/feed",
        "authors": ["A. Writer"],
        "published_at": "2026-11-23T08:58:00Z",
        "language": "en",
        "quality": "full",
    },
    "matches": [{"term": "Council", "field": "body", "count": 3}],
    "snippets": [{"text": "the Council met", "highlights": [[4, 11]]}],
    "story": {"id": "91d2", "articles": 1},
    "update": True,
    "later": {"added": ["in", "version", 1]},
}
DATES = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00", "1969-12-31T00:00:00Z", "2026-11-23", "2026-11-23T08:58:00",
    "yesterday", "", "\x1b[31m",
)  # fmt: skip


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def changed(path, value, *, missing=False):
    found = copy.deepcopy(ALERT)
    if not path:
        return value
    inner = found
    for part in path[:-1]:
        inner = inner[part]
    if missing and isinstance(inner, dict):
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return found


def show_everywhere(document):
    """Everything that renders alerts renders this one, and keeps the terminal safe."""
    shown = click.unstyle(console.block(document)) + console.line(document)
    assert {char for char in shown if not char.isprintable()} <= {"\n"}
    for alerts in ((document,), (document, ALERT)):
        message = Message("k", alerts)
        mail.render_mail(message)
        json.dumps(blocks.render(message).blocks)
    blocks.render(Message("k", (document,), follows=True))
    return shown


@pytest.fixture(params=["UTC", "America/New_York", "Pacific/Auckland"])
def zone(request, monkeypatch):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("date", DATES)
def test_a_date_that_no_calendar_has_is_shown_as_it_is(zone, date):
    for path in (("article", "published_at"), ("detected_at",)):
        shown = show_everywhere(changed(path, date))
        assert "Envoys meet" in shown
    if date[:4] in {"0001", "9999"}:
        raw = click.unstyle(console.block(changed(("article", "published_at"), date)))
        assert date in raw or " 1, " in raw or " 9999, " in raw


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(DATES),
    st.lists(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.integers()))),
    st.dictionaries(st.sampled_from(["id", "text", "highlights", "x"]), st.text()),
)  # fmt: skip


@given(st.sampled_from(list(places(ALERT))), values, st.booleans())
def test_any_value_in_any_field_can_be_shown(path, value, missing):
    show_everywhere(changed(path, value, missing=missing))


@given(st.sampled_from(list(places(ALERT))), values, st.booleans())
def test_what_was_completed_needs_no_more(path, value, missing):
    once = whole(changed(path, value, missing=missing))
    assert whole(once) == once


def test_an_alert_that_is_whole_stays_as_it_is():
    assert whole(ALERT) == ALERT


def test_what_is_no_alert_is_shown_raw():
    assert "{'unreadable': '{'}" in console.line({"unreadable": "{"})


def test_clocks_go_by_their_zone():
    assert clock("2026-11-23T09:00:00Z", "%H:%M") == "09:00"
    assert clock("never", "%H:%M") == "never"
