"""Coverage, feeds, queues and deliveries for programs, and as files."""

import csv
import html
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from monitor.model import Delivery, FeedState, as_plain
from monitor.store.feeds import StateRecord
from monitor.web.api import deliveries

NOW = datetime.now(UTC)
LISTS = ("coverage", "feeds", "queues", "deliveries")


@pytest.fixture
def get(served):
    def get(path, **parameters):
        return requests.get(f"{served.url}{path}", params=parameters, timeout=10)

    return get


@pytest.fixture
def listed(get):
    """The JSON of a list."""
    return lambda name, **parameters: get(f"/api/v1/{name}", **parameters).json()


@pytest.fixture
def export(get):
    """The rows of a list's CSV, after comparing them with its JSON Lines."""

    def export(name, **parameters):
        answer = get(f"/api/v1/{name}/export.csv", **parameters)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        lines = get(f"/api/v1/{name}/export.jsonl", **parameters).text.splitlines()
        assert [list(json.loads(line)) for line in lines] == [list(row) for row in rows]
        return rows

    return export


def test_coverage_is_counted_for_programs_as_on_the_page(newsroom, listed, export):
    newsroom.publish("Cod", "Cod.")
    newsroom.publish("Herring", "Herring.", age=timedelta(days=2), language="de")
    coverage = listed("coverage", period="7d", by="language")
    assert coverage["step_hours"] == 24
    assert len(coverage["starts"]) == 7
    assert {line["name"]: line["total"] for line in coverage["lines"]} == {"en": 1, "de": 1}
    assert sum(int(row["de"]) for row in export("coverage", period="7d", by="language")) == 1


def test_the_ledger_is_read_page_by_page_and_narrowed(newsroom, listed):
    for number in range(3):
        newsroom.publish(
            f"Title {number}", "The NATO-Russia Council met.", age=timedelta(hours=number)
        )
    first = listed("deliveries", limit=2)
    assert [each["title"] for each in first["deliveries"]] == ["Title 0", "Title 1"]
    assert first["deliveries"][0]["event"] == "delivered"
    second = listed("deliveries", limit=2, before=first["older"])
    assert [each["title"] for each in second["deliveries"]] == ["Title 2"]
    assert second["older"] is None
    assert len(listed("deliveries", period="1h")["deliveries"]) == 1
    assert listed("deliveries", event="given up")["deliveries"] == []
    assert listed("deliveries", subscriber="nobody")["deliveries"] == []


def test_all_of_the_ledger_is_in_a_file(newsroom, export, monkeypatch):
    monkeypatch.setattr(deliveries, "PAGE", 2)
    for number in range(5):
        newsroom.publish(f"=Title {number}", "The NATO-Russia Council met.")
    rows = export("deliveries")
    # What strangers wrote is no formula.
    assert {row["title"] for row in rows} == {f"'=Title {number}" for number in range(5)}
    assert {row["subscriber"] for row in rows} == {"desk"}
    assert export("deliveries", event="held") == []


def test_feeds_that_were_asked_for_are_in_a_file(served, store, export):
    configured = served.backend.runtime.config.feeds
    failing = FeedState(polled_at=NOW, failures=3, error="HTTP 500")
    states = (failing, replace(failing, failures=0, succeeded_at=NOW))
    store.feeds.schedule(configured, NOW)
    store.feeds.commit([StateRecord(*pair, NOW) for pair in zip(configured, states, strict=True)])
    assert [row["title"] for row in export("feeds")] == ["Herald", "Gazette"]
    (row,) = export("feeds", health="failing", q="herald")
    assert row["problem"] == "HTTP 500"
    assert row["tags"] == "press"
    assert row["succeeded_at"] == ""


def test_what_waits_and_what_was_given_up_is_told_to_programs(redis, listed, export):
    args = [as_plain(Delivery("desk", ("a" * 32,)))]
    record = {"args": args, "error": "HTTP 500", "failed_at": NOW.isoformat()}
    redis.hset("presswatch:failed:deliveries", "job-1", json.dumps(record))
    told = listed("queues")
    assert {each["kind"]: each["failed"] for each in told["queues"]} == {
        "articles": 0,
        "deliveries": 1,
    }
    (job,) = told["given_up"]
    assert (job["id"], job["error"]) == ("job-1", "HTTP 500")
    # Nothing runs here but the pages.
    assert told["reasons"]
    assert told["workers"] == 0
    assert {row["kind"]: row["failed"] for row in export("queues")} == {
        "articles": "0",
        "deliveries": "1",
    }


@pytest.mark.parametrize("name", LISTS)
def test_pages_lead_to_their_list_as_a_file(newsroom, get, name):
    newsroom.publish("NATO", "The NATO-Russia Council met.")
    page = get(f"/{name}", period="7d" if name == "coverage" else None).text
    links = [html.unescape(link) for link in re.findall(r'href="([^"]*/export\.[^"]*)"', page)]
    assert links
    for link in links:
        answer = get(link)
        assert answer.status_code == 200, link
        assert "attachment" in answer.headers["Content-Disposition"]


def test_a_file_has_what_the_page_was_narrowed_to(newsroom, get):
    newsroom.publish("NATO", "The NATO-Russia Council met.")
    page = get("/deliveries", subscriber="desk", event="delivered").text
    assert '/export.csv?subscriber=desk&amp;event=delivered"' in page
    assert '/export.jsonl?q=herald"' in get("/feeds", q="herald").text
