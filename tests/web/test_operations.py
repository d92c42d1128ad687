"""The pages for operators: feeds, queues, deliveries, configuration."""

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from monitor.alerts.concerns import Concern, ConcernsState, KnownConcern
from monitor.config import load
from monitor.model import Delivery, FeedGaps, FeedState, SubscriberState, as_plain
from monitor.runtime.composition import Runtime
from monitor.store.feeds import StateRecord
from monitor.web.backend import Backend
from monitor.web.rendering import duration, with_code, with_moments

NOW = datetime.now(UTC)
FINE = FeedState(polled_at=NOW - timedelta(minutes=1), succeeded_at=NOW, changed_at=NOW, entries=20)
PAGES = ("/feeds", "/queues", "/deliveries", "/configuration")


@pytest.fixture
def get(served):
    def get(path):
        return requests.get(f"{served.url}{path}", timeout=10)

    return get


@pytest.fixture
def post(served, visitor_of):
    """Send a form of one of our pages."""
    return visitor_of(served).post


@pytest.fixture
def feeds(served, store):
    """The feeds of the configuration; give them states."""
    configured = served.backend.runtime.config.feeds
    store.feeds.schedule(configured, NOW)

    def put(*states):
        records = [
            StateRecord(feed, state, NOW + timedelta(hours=1))
            for feed, state in zip(configured, states, strict=True)
        ]
        store.feeds.commit(records)
        return configured

    return put


@pytest.fixture
def fail(redis):
    """Give up a job of an entry or a delivery."""

    def put(queue, job_id, args, error="begun 12 times, never ended"):
        record = {"args": args, "error": error, "failed_at": NOW.isoformat()}
        redis.hset(f"presswatch:failed:{queue}", job_id, json.dumps(record))

    return put


def names(page):
    return re.findall(r"<h2>(?:<a[^>]*>)?([^<]+)", page)


def test_ill_feeds_come_first_with_what_is_wrong_in_words(feeds, get, led):
    failing = replace(FINE, failures=41, error="HTTP 403", succeeded_at=NOW - timedelta(days=6))
    feeds(FINE, failing)
    page = get("/feeds").text
    assert "1</data> feed fails" in page
    assert names(page) == ["Gazette", "Herald"]
    assert re.search(r"Answers HTTP 403, at .*41.* polls in a row\.", page)
    assert "Last read <time" in page
    doubtful = replace(FINE, problem="no charset is declared", held_back=7)
    feeds(doubtful, FINE)
    page = get("/feeds").text
    assert "No charset is declared." in page
    assert "entries are left to later polls" in page
    feeds(FINE, FINE)
    assert re.search(r"All .*2.* feeds answer", get("/feeds").text)


def test_feeds_are_found_by_health_and_by_words(feeds, get):
    feeds(FINE, replace(FINE, failures=1, error="HTTP 500"))
    assert names(get("/feeds?health=failing").text) == ["Gazette"]
    assert names(get("/feeds?health=ok").text) == ["Herald"]
    assert names(get("/feeds?q=PRESS").text) == ["Herald"]
    assert names(get("/feeds?q=gazette.example+feed").text) == ["Gazette"]
    nothing = get("/feeds?q=nobody").text
    assert names(nothing) == []
    assert "No feed fits" in nothing
    assert get("/feeds?health=dying").status_code == 422


def test_a_feeds_rhythm_is_shown_from_the_archive(feeds, newsroom, get):
    feeds(FINE, FINE)
    for number in range(28):
        newsroom.publish(f"Cod {number}", "Cod.", age=timedelta(hours=12 * number))
    page = get("/feeds").text
    assert "2</data> articles a day" in page
    assert "no articles in 14 days" in page


def test_many_feeds_are_shown_in_pages(serve, redis):
    lines = "".join(
        f'  - {{url: "https://a.example/{n}", name: "Feed {n:03}"}}\n' for n in range(250)
    )
    served = serve(configuration=f"feeds:\n{lines}watchlists: [{{name: w, query: a}}]\n")
    seen, path = [], "/feeds"
    while path:
        page = requests.get(f"{served.url}{path}", timeout=10).text
        assert len(page) < 100_000
        seen += names(page)
        following = re.search(r'href="(/feeds\?[^"]*)" rel="next"', page)
        path = following and following[1].replace("&amp;", "&")
    assert seen == [f"Feed {number:03}" for number in range(250)]
    assert "201" in requests.get(f"{served.url}/feeds?page=99", timeout=10).text


def test_poll_now_makes_a_feed_due_and_says_so(feeds, post, store, led):
    herald, gazette = feeds(FINE, FINE)
    assert store.feeds.due(datetime.now(UTC)) == []
    answer = post("/feeds/poll?q=herald", feed=herald.id)
    assert answer.status_code == 200
    assert answer.url.endswith(f"/feeds?q=herald&asked={herald.id}")
    assert "Herald is polled now" in answer.text
    assert store.feeds.due(datetime.now(UTC) + timedelta(seconds=1)) == [herald.id]
    assert post("/feeds/poll", feed="unknown").status_code == 404
    assert gazette.id in store.feeds.all_due()


def test_a_feed_is_not_polled_by_hand_again_at_once(feeds, post):
    first, _ = feeds(replace(FINE, polled_at=datetime.now(UTC)), FINE)
    answer = post("/feeds/poll", feed=first.id)
    assert answer.status_code == 429
    assert "less than 10 seconds ago" in answer.text


def test_gaps_moves_and_ends_of_feeds_are_shown(feeds, get):
    gaps = FeedGaps(found=3, filled=2, last_at=NOW)
    moved = replace(FINE, gaps=gaps, address="https://new.example/feed")
    gone = replace(FINE, failures=1, error="HTTP 410: gone for good", stopped_at=NOW)
    feeds(moved, gone)
    page = re.sub(r"\s+", " ", re.sub(r"<[^<>]*>", "", get("/feeds").text))
    assert "3 polls shared no entry with the one before, so that some may be missing" in page
    assert "2 of these gaps were filled from older pages" in page
    assert "Moved for good, and polled at https://new.example/feed." in page
    assert "polled no more" in page
    herald, gazette = get("/api/v1/feeds").json()["feeds"]
    assert (herald["gaps"]["found"], herald["gaps"]["filled"]) == (3, 2)
    assert herald["moved_to"] == "https://new.example/feed"
    assert gazette["gaps"] == {"found": 0, "filled": 0, "last_at": None}
    assert gazette["stopped_at"]
    assert gazette["due_at"] is None


def test_programs_see_how_feeds_fare(feeds, get, served):
    ill = replace(FINE, failures=3, error="HTTP 403", succeeded_at=NOW - timedelta(days=1))
    first, second = feeds(ill, FINE)
    found = get("/api/v1/feeds?health=failing").json()
    assert found["total"] == 1
    (feed,) = found["feeds"]
    assert (feed["id"], feed["problem"], feed["failures"]) == (first.id, "HTTP 403", 3)
    assert feed["title"] == "Herald"
    assert get(f"/api/v1/feeds/{second.id}").json()["health"] == "ok"
    assert get("/api/v1/feeds?q=gazette").json()["total"] == 1
    page = get("/api/v1/feeds?skip=1&limit=1").json()
    assert (page["total"], [each["id"] for each in page["feeds"]]) == (2, [second.id])
    assert get("/api/v1/feeds/abc").status_code == 404
    url = f"{served.url}/api/v1/feeds/{first.id}/poll"
    assert requests.post(url, timeout=10).status_code == 403


def test_without_a_scheduler_poll_now_promises_nothing(feeds, post):
    herald, _ = feeds(FINE, FINE)
    page = post("/feeds/poll", feed=herald.id).text
    assert "as soon as a scheduler runs" in page
    assert "No scheduler leads, so no feed is polled" in page


def test_queues_say_what_keeps_work_from_being_done(get, redis, led):
    assert "Everything works" in get("/queues").text
    redis.delete("presswatch:leader", "rq:workers")
    redis.xadd("presswatch:unarchived", {"record": "{}"}, id="1000-0")
    page = get("/queues").text
    assert "Not everything works" in page
    for reason in ("No scheduler leads", "No worker lives", "The archive is behind since 1970"):
        assert reason in page


def test_queues_and_metrics_show_what_went_silent(get, store, led):
    concern = Concern("silent:x", "the watchlist <x> is silent", "See `presswatch status`.")
    known = KnownConcern(concern, NOW, is_told=True)
    store.concerns.change(None, ConcernsState((known,)), lambda _: None)
    page = get("/queues").text
    assert "Not everything works" in page
    assert "The watchlist &lt;x&gt; is silent, since" in page
    assert "See <code>presswatch status</code>." in page
    assert "presswatch_concerns 1.0" in get("/metrics").text
    # Restarting would not help.
    assert get("/readyz").status_code == 200


def test_jobs_that_were_given_up_are_retried_or_dropped(get, post, fail, queues):
    fail("articles", "entry-1", ["feed", {"url": "https://herald.example/1"}])
    fail("articles", "entry-2", ["feed", {"url": "https://herald.example/2"}])
    fail("articles", "foreign", [], "not one of our jobs: it names 'os.system'")
    page = get("/queues").text
    assert "https://herald.example/1" in page
    assert "a job of another program" in page
    assert "1</data> queued again" in post("/queues/failed", action="retry", job="entry-1").text
    assert queues.all_owed("articles") == {"entry-1"}
    assert post("/queues/failed", action="retry", job="foreign").status_code == 422
    assert post("/queues/failed", action="burn", job="foreign").status_code == 422
    assert post("/queues/failed", action="drop", job="nobody").status_code == 404
    assert "1</data> queued again" in post("/queues/failed", action="retry", job="all").text
    assert "1</data> dropped" in post("/queues/failed", action="drop", job="all").text
    assert queues.failed("articles") == []
    assert "Nothing was given up" in get("/queues").text


def test_a_form_of_another_site_settles_nothing(served, fail, queues):
    fail("articles", "entry-1", ["feed", {"url": "https://herald.example/1"}])
    for path in ("/queues/failed", "/deliveries/failed", "/feeds/poll"):
        answer = requests.post(f"{served.url}{path}", data={"action": "drop", "job": "all"})
        assert answer.status_code == 403
    assert len(queues.failed("articles")) == 1


def test_deliveries_show_who_gets_nothing_and_why(newsroom, get, store, fail, post, queues):
    newsroom.publish("Envoys meet", "The NATO-Russia Council met.")
    page = get("/deliveries").text
    assert "Alerts arrive" in page
    assert "Accepts alerts" in page
    assert re.search(r"Envoys meet</a>.*desk.*delivered.*204", page)
    state = SubscriberState(5, NOW, "HTTP 410 <gone>", NOW, 1, NOW + timedelta(minutes=9))
    store.subscribers.change("desk", lambda _: state)
    page = get("/deliveries").text
    assert "1</data> subscriber accepts no alerts" in page
    assert "HTTP 410 &lt;gone&gt;" in page
    fail("deliveries", "delivery-1", [as_plain(Delivery("desk", ("a" * 32,)))], "HTTP 410")
    assert f"alert {'a' * 32} to desk" in get("/deliveries").text
    assert "1</data> dropped" in post("/deliveries/failed", action="drop", job="delivery-1").text
    assert queues.failed("deliveries") == []


def test_the_ledger_is_narrowed_by_subscriber_and_event(newsroom, get):
    newsroom.publish("Envoys meet", "The NATO-Russia Council met.")
    assert "Envoys meet" in get("/deliveries?subscriber=desk&event=delivered").text
    assert "No such delivery" in get("/deliveries?event=given+up").text
    assert "No such delivery" in get("/deliveries?subscriber=nobody").text
    assert get("/deliveries?event=lost").status_code == 422


def test_the_ledger_goes_back_page_by_page(newsroom, get, monkeypatch):
    monkeypatch.setattr("monitor.web.pages.deliveries.LINES", 2)
    for number in range(3):
        newsroom.publish(
            f"Envoys meet {number}", "The NATO-Russia Council.", age=timedelta(hours=number)
        )
    page = get("/deliveries?subscriber=desk").text
    older = html.unescape(re.search(r'href="(/deliveries\?[^"]*before=[^"]*)"', page)[1])
    assert "Envoys meet 2" not in page
    page = get(older).text
    assert "Envoys meet 2" in page
    assert "Envoys meet 1" not in page
    assert "Older deliveries" not in page
    assert get("/deliveries?before=nonsense").status_code == 422


def test_the_configuration_is_shown_by_parts(get):
    assert "The configuration is valid" in get("/configuration").text
    assert "poll.every" in get("/configuration").text
    assert "https://herald.example/feed" in get("/configuration?part=feeds").text
    assert "cod OR herring" in get("/configuration?part=watchlists").text
    assert "hook.example" in get("/configuration?part=subscribers").text
    assert "has no definitions" in get("/configuration?part=definitions").text
    assert get("/configuration?part=secrets").status_code == 422


def test_a_broken_configuration_is_explained_beside_the_one_in_use(served, get):
    file = served.backend.runtime.config_directory / "config.yaml"
    valid = file.read_text()
    file.write_text(valid.replace("webhook:", "pigeon:"))
    served.backend.reload()
    page = get("/configuration?part=subscribers").text
    assert "The configuration has" in page
    assert "config.yaml" in page
    assert "pigeon" in page
    assert "hook.example" in page
    file.write_text(valid.replace("cod OR herring", "haddock"))
    served.backend.reload()
    page = get("/configuration?part=watchlists").text
    assert "The configuration is valid" in page
    assert "haddock" in page


SECRETS = {"KEY": "k3y-of-a-feed", "HOOK": "https://hook.example/s3cr3t", "PASS": "hunter2-hunter2"}
SECRETIVE = """
settings: {user_agent: "Herald ${KEY}"}
definitions: {secret: "cod OR ${KEY}"}
feeds:
  - {url: "https://me:${PASS}@herald.example/feed?key=${KEY}", name: "Herald"}
watchlists:
  - {name: w, query: "secret: OR ${KEY}", subscribers: [a, b]}
subscribers:
  - {name: a, webhook: {url: "${HOOK}", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
  - {name: b, email: {to: [a@b.example], smtp_url: "smtp://me:${PASS}@mail.example"}}
"""


def test_no_page_shows_what_comes_from_the_environment(redis, tmp_path, serve, store, fail):
    directory = tmp_path / "secretive"
    directory.mkdir()
    (directory / "a.yaml").write_text(SECRETIVE.replace("secret: OR", "herring OR"))
    config = load(directory, SECRETS)
    served = serve()
    served.backend.runtime = Runtime(directory, config, redis)
    served.backend.written = Backend(served.backend.runtime, tmp_path / "other").written
    store.feeds.commit([StateRecord(config.feeds[0], replace(FINE, failures=1, error="x"), NOW)])
    parts = ("settings", "feeds", "watchlists", "definitions", "subscribers")
    paths = [*PAGES, *(f"/configuration?part={part}" for part in parts), "/metrics", "/readyz"]
    for path in paths:
        page = requests.get(f"{served.url}{path}", timeout=10).text
        for secret in (*SECRETS.values(), "s3cr3t", "whsec_", "me:"):
            assert secret not in page, path


def test_what_strangers_wrote_is_text_on_these_pages(feeds, get, fail):
    markup = "<script>alert(1)</script>"
    feeds(replace(FINE, failures=1, error=markup), replace(FINE, problem=markup, title=markup))
    fail("articles", "entry-1", ["feed", {"url": markup}], markup)
    for path in PAGES:
        assert "<script>alert" not in get(path).text, path


def test_pages_say_what_they_cannot_reach_and_show_the_rest(serve):
    served = serve()
    # A directory where the archive's file should be.
    (served.backend.data / "archive.db").mkdir(parents=True)
    for path in ("/feeds", "/queues", "/deliveries"):
        answer = requests.get(f"{served.url}{path}", timeout=10)
        assert answer.status_code == 200
        assert "The archive cannot be read" in answer.text
    assert "Herald" in requests.get(f"{served.url}/feeds", timeout=10).text


def test_pages_say_that_redis_does_not_answer(serve, unreachable):
    served = serve()
    served.backend.runtime = replace(served.backend.runtime, redis=unreachable)
    for path in ("/feeds", "/queues", "/deliveries"):
        answer = requests.get(f"{served.url}{path}", timeout=10)
        assert answer.status_code == 503
        assert "Redis does not answer" in answer.text
    assert requests.get(f"{served.url}/configuration", timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (4.4, "4 s"), (59.6, "1 min"), (90, "1 min 30 s"), (3600, "1 h"),
     (4740, "1 h 19 min"), (86_400, "1 d"), (90_061, "1 d 1 h")],
)  # fmt: skip
def test_durations_are_written_in_words(seconds, words):
    assert duration(timedelta(seconds=seconds)) == words


def test_commands_in_messages_are_shown_as_code():
    assert with_code("start `presswatch <b>`, please") == (
        "start <code>presswatch &lt;b&gt;</code>, please"
    )


def test_moments_in_answers_are_written_for_readers():
    shown = with_moments("until its time, 2026-12-01T13:41:08+00:00 <b>")
    assert shown == (
        'until its time, <time datetime="2026-12-01T13:41:08Z">1 Dec 2026, 13:41 UTC</time>'
        " &lt;b&gt;"
    )
