"""Tests of the way from an entry to its alerts."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from redis import Redis
from structlog.testing import capture_logs

from monitor.alerts.mutes import mute_of
from monitor.articles.urls import former_link
from monitor.config import load
from monitor.coverage import Record
from monitor.feeds.entries import decide, listed
from monitor.jobs.outcome import Again, Done
from monitor.model import Entry, Feed, as_plain, from_json
from monitor.runtime.composition import Runtime
from monitor.store.counters import AlertedCount
from workers.articles import addresses, process
from workers.articles import read as reading
from workers.articles.desk import Desk
from workers.articles.process import PAUSES_S

CONFIG = """
feeds:
  - {{url: {site}/feed, name: Herald}}
  - {{url: {site}/other, name: Courier}}
watchlists:
  - {{name: council, query: '"NATO-Russia Council"', subscribers: [hook], once_per: article}}
  - {{name: grain, query: grain, once_per: article}}
subscribers: [{{name: hook, webhook: {{url: "{site}/hook"}}}}]
"""


class Newsroom:
    """Processes entries as a reader and its cleaners would, one after another, in one process."""

    def __init__(self, site, directory, redis, process_job):
        self.site = site
        self.process_job = process_job
        self.runtime = Runtime(directory, load(directory, {}), redis)
        self.feed = Feed(f"{site.url}/feed")
        self.other = Feed(f"{site.url}/other")

    def at(self, redis):
        """Returns a newsroom with a connection of its own."""
        return Newsroom(self.site, self.runtime.config_directory, redis, self.process_job)

    def enqueue(self, entry, feed=None, version="v", polled_at=None):
        feed = feed or self.feed
        before = set(self.runtime.redis.hkeys("presswatch:outstanding:articles"))
        with self.runtime.redis.pipeline() as pipe:
            pipe.multi()
            self.runtime.queues.enqueue_entry(
                feed.id, as_plain(entry), version, pipe, polled_at=polled_at
            )
            pipe.execute()
        (job_id,) = set(self.runtime.redis.hkeys("presswatch:outstanding:articles")) - before
        return job_id.decode()

    def work(self, job):
        return self.process_job(self.runtime, job)

    def lines(self):
        second = timedelta(seconds=1)
        return self.runtime.queues.lines(at_once=1, delay=second, lease=second)

    def process(self, entry, feed=None, version="v"):
        return self.work(self.enqueue(entry, feed, version))

    def alerts(self):
        stream = self.runtime.redis.xrange("presswatch:alerts")
        documents = [json.loads(fields[b"alert"]) for _, fields in stream]
        return [(one["watchlist"], one["article"]["title"]) for one in documents]

    def last(self):
        return self.runtime.store.alerts.latest(limit=1)[0]["article"]

    def owed(self):
        return self.runtime.queues.depths()["articles"].owed


@pytest.fixture
def desk(site, configure, redis, process_job):
    return Newsroom(site, configure(CONFIG.format(site=site.url)), redis, process_job)


@pytest.fixture
def council(desk, words):
    desk.site.put_page("/1", "Envoys meet", words, f"The NATO-Russia Council met. {words}", words)
    return Entry("1", f"{desk.site.url}/1", "Envoys meet")


def test_a_matching_page_alerts_and_settles_its_job(desk, council):
    assert desk.process(council) == Done()
    assert desk.alerts() == [("council", "Envoys meet")]
    assert desk.owed() == 0
    assert desk.runtime.queues.depths()["deliveries"].owed == 1
    assert desk.last()["url"] == f"{desk.site.url}/1"
    assert "text_from" not in desk.last()


@pytest.mark.parametrize("kind", ["story", "source"])
def test_a_muted_match_is_archived_and_alerts_nobody(desk, council, words, kind):
    desk.process(council)
    (document,) = desk.runtime.store.alerts.latest()
    now = datetime.now(UTC)
    desk.runtime.store.mutes.add(mute_of(document, kind, now=now, length=timedelta(days=1)))
    desk = desk.at(desk.runtime.redis)
    again = Entry("2", f"{desk.site.url}/2", "Envoys meet again")
    met = f"The NATO-Russia Council met. {words}"
    desk.site.put_page("/2", again.title, words, met, words, f"They spoke of grain. {words}")
    desk.process(again)
    assert desk.alerts() == [("council", "Envoys meet"), ("grain", "Envoys meet again")]
    records = [from_json(Record, each) for each in desk.runtime.store.unarchived.waiting()]
    matches = {match.watchlist: match for match in records[-1].publication.matches}
    assert (matches["council"].alert, matches["council"].muted) == (None, True)
    assert matches["grain"].alert is not None
    assert not matches["grain"].muted


def test_after_a_mute_the_story_alerts_again(desk, council, words):
    desk.site.put_page("/0", "Envoys talk", f"The NATO-Russia Council talked. {words[::-1]}")
    desk.process(Entry("0", f"{desk.site.url}/0", "Envoys talk"))
    (document,) = desk.runtime.store.alerts.latest()
    now = datetime.now(UTC)
    mute = mute_of(document, "source", now=now, length=None)
    desk.runtime.store.mutes.add(mute)
    desk.at(desk.runtime.redis).process(council)
    assert len(desk.alerts()) == 1
    assert desk.runtime.store.mutes.remove(mute.id)
    desk.at(desk.runtime.redis).process(council, version="edited")
    assert desk.alerts()[1:] == [("council", "Envoys meet")]


def test_articles_are_counted_with_the_lags_of_their_alerts(desk, council):
    now = datetime.now(UTC)
    entry = replace(council, published_at=now - timedelta(minutes=4))
    job = desk.enqueue(entry, polled_at=now - timedelta(seconds=31))
    desk.work(job)
    desk.process(Entry("2", f"{desk.site.url}/gone", "Nothing"))
    counts = desk.runtime.store.counters.read()
    assert counts.articles == {"page": 1, "feed": 1}
    assert counts.alerted == (AlertedCount("300", "60", 1),)
    assert counts.alerts == {"council": 1}
    assert counts.errors == {("page", "http_404"): 1}


def test_an_edit_has_no_lag_since_its_publication(desk, council, words):
    desk.process(replace(council, published_at=datetime.now(UTC) - timedelta(minutes=4)))
    desk.site.put_page("/1", "Envoys meet", f"Of grain. {words}", words)
    desk.process(council, version="edited")
    assert AlertedCount(None, None, 1) in desk.runtime.store.counters.read().alerted


def test_the_same_job_twice_publishes_once(desk, council):
    job = desk.enqueue(council)
    desk.work(job)
    assert desk.work(job) == Done()
    desk.process(council, version="another")
    assert len(desk.alerts()) == 1
    assert desk.owed() == 0


def test_a_page_that_is_gone_is_matched_on_the_feeds_words(desk):
    entry = Entry(
        "1", f"{desk.site.url}/gone", "Envoys meet", "<p>In the NATO&#8211;Russia Council</p>"
    )
    assert isinstance(desk.process(entry), Done)
    assert desk.alerts() == [("council", "Envoys meet")]
    assert desk.last()["text_from"] == "feed"
    assert desk.owed() == 0


def test_a_page_that_breaks_off_is_used_as_far_as_it_goes_and_asked_for_once_more(desk, council):
    status, headers, whole = desk.site.pages["/1"]
    body = gzip.compress(whole[: whole.index(b"</article>")])[:-8]
    desk.site.pages["/1"] = (status, headers | {"Content-Encoding": "gzip"}, body)
    job = desk.enqueue(council)
    assert desk.work(job) == Again(PAUSES_S[0])
    assert desk.alerts() == [("council", "Envoys meet")]
    assert (desk.last()["quality"], desk.owed()) == ("teaser", 1)
    assert desk.work(job) == Done()
    assert desk.owed() == 0
    assert len(desk.alerts()) == 1


def test_a_wall_is_matched_on_the_feeds_words_and_counted_by_its_kind(desk):
    plea = (
        "Already a subscriber? Then log in to continue. Forgot your password? Ask for another one."
    )
    desk.site.put_page("/1", "Log in", plea)
    entry = Entry("1", f"{desk.site.url}/1", "The NATO-Russia Council met", "They spoke at length.")
    with capture_logs() as logs:
        assert desk.process(entry) == Done()
    assert [line["kind"] for line in logs if line["event"] == "page failed"] == ["login"]
    assert desk.alerts() == [("council", "The NATO-Russia Council met")]
    assert desk.runtime.store.counters.read().errors == {("page", "login"): 1}


def test_an_unavailable_page_is_matched_on_the_feed_at_once_and_on_the_page_later(desk, words):
    desk.site.pages["/1"] = (503, {}, b"")
    entry = Entry("1", f"{desk.site.url}/1", "Envoys meet", "The NATO-Russia Council met.")
    job = desk.enqueue(entry)
    assert desk.work(job) == Again(PAUSES_S[0])
    assert desk.alerts() == [("council", "Envoys meet")]
    assert desk.owed() == 1
    desk.site.put_page(
        "/1", "Envoys meet", words, f"The NATO-Russia Council spoke of grain. {words}", words
    )
    assert isinstance(desk.work(job), Done)
    assert desk.alerts() == [("council", "Envoys meet"), ("grain", "Envoys meet")]
    assert desk.owed() == 0


def test_after_the_last_pause_the_page_is_not_fetched_again(desk):
    desk.site.pages["/1"] = (503, {}, b"")
    entry = Entry("1", f"{desk.site.url}/1", "Grain")
    job = desk.enqueue(entry)
    pauses = [desk.work(job) for _ in PAUSES_S]
    assert pauses == [Again(pause) for pause in PAUSES_S]
    asked = desk.site.asked()["/1"]
    assert isinstance(desk.work(job), Done)
    assert desk.site.asked()["/1"] == asked + 1
    assert desk.owed() == 0


def test_a_page_that_killed_its_workers_is_not_fetched_again(desk):
    entry = Entry("1", f"{desk.site.url}/1", "Grain")
    job = desk.enqueue(entry)
    for _ in range(len(PAUSES_S) + 1):
        desk.runtime.queues.begin("articles", job)
    with capture_logs() as logs:
        assert isinstance(desk.work(job), Done)
    assert desk.site.requests == []
    (failed,) = [line["error"] for line in logs if line["event"] == "page failed"]
    assert failed == "begun 5 times without an end"
    assert desk.alerts() == [("grain", "Grain")]


@pytest.fixture
def broken_by(desk, monkeypatch):
    """Makes the cleaner fail, and enqueues an entry that it fails on."""
    desk.site.put_page("/1", "Grain", "Of grain.")

    def breaks(fault):
        def read(*_, **__):
            fault()

        monkeypatch.setattr(reading, "Reading", read)
        return desk.enqueue(Entry("1", f"{desk.site.url}/1", "Grain"))

    return breaks


def raises(error):
    def fault():
        raise error

    return fault


def never_ends():
    while True:
        try:
            sum(range(100))
        except Exception:  # noqa: BLE001
            continue


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), MemoryError()])
def test_an_error_in_the_cleaner_is_logged_with_one_trace_and_the_feed_is_matched_at_once(
    desk, broken_by, error
):
    job = broken_by(raises(error))
    with capture_logs() as logs:
        assert desk.work(job) == Again(PAUSES_S[0])
        assert desk.alerts() == [("grain", "Grain")]
        for pause in PAUSES_S[1:]:
            assert desk.work(job) == Again(pause)
        assert isinstance(desk.work(job), Done)
    assert desk.owed() == 0
    assert desk.alerts() == [("grain", "Grain")]
    told = [line for line in logs if line["event"] == "page broke its reader"]
    assert len(told) == len(PAUSES_S) + 1
    assert ["exception" in line for line in told] == [True] + [False] * len(PAUSES_S)


def test_cleaning_that_never_ends_is_interrupted_and_the_feed_is_matched_in_the_same_job(
    desk, broken_by, monkeypatch
):
    monkeypatch.setattr(reading, "CLEANING", timedelta(seconds=0.3))
    job = broken_by(never_ends)
    assert desk.work(job) == Again(PAUSES_S[0])
    assert desk.alerts() == [("grain", "Grain")]


def test_the_feed_is_matched_first_at_the_second_attempt_after_a_page_killed_its_process(
    desk, broken_by
):
    class Killed(BaseException):
        pass

    job = broken_by(raises(Killed()))
    for _ in range(2):
        with pytest.raises(Killed):
            desk.work(job)
    assert desk.alerts() == [("grain", "Grain")]
    assert desk.owed() == 1


def busy(seconds, status=503):
    return (status, {"Retry-After": str(seconds)}, b"")


@pytest.mark.parametrize(("asked", "pause"), [(30, 30), (5, PAUSES_S[0]), (86400, 3600)])
def test_a_host_is_not_asked_again_before_its_retry_after(desk, asked, pause):
    desk.site.pages["/1"] = busy(asked)
    assert desk.process(Entry("1", f"{desk.site.url}/1", "Grain")) == Again(pause)
    assert desk.alerts() == [("grain", "Grain")]


def test_other_pages_of_a_host_with_retry_after_wait_but_their_feeds_words_do_not(desk):
    desk.site.pages["/1"] = busy(30, 429)
    desk.process(Entry("1", f"{desk.site.url}/1", "Grain"))
    other = desk.process(Entry("2", f"{desk.site.url}/2", "Grain two"))
    assert isinstance(other, Again)
    assert 25 < other.pause_s <= 30
    assert desk.site.asked() == {"/1": 1}
    assert desk.alerts() == [("grain", "Grain"), ("grain", "Grain two")]
    assert desk.owed() == 2


def test_a_page_that_its_site_forbids_is_not_fetched_but_its_feeds_words_are_matched(desk):
    desk.site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /1\n")
    assert isinstance(desk.process(Entry("1", f"{desk.site.url}/1", "Grain")), Done)
    assert desk.alerts() == [("grain", "Grain")]
    assert not desk.site.asked()
    assert desk.owed() == 0


def test_a_site_that_forbids_page_after_page_is_left_alone_and_asked_again_later(desk):
    for number in range(1, 5):
        desk.site.pages[f"/{number}"] = (403, {}, b"")
    first, second, third, fourth = (
        desk.process(Entry(str(number), f"{desk.site.url}/{number}", "Grain"))
        for number in range(1, 5)
    )
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert isinstance(third, Again)
    assert isinstance(fourth, Again)
    assert third.pause_s >= 890
    assert fourth.pause_s >= 880
    assert desk.site.asked() == {"/1": 1, "/2": 1, "/3": 1}
    assert len(desk.alerts()) == 4


def test_a_page_that_answers_takes_back_what_was_held_against_its_site(desk, council):
    for number in (2, 3, 4):
        desk.site.pages[f"/{number}"] = (403, {}, b"")
    for number in (2, 3):
        desk.process(Entry(str(number), f"{desk.site.url}/{number}", "Grain"))
    desk.process(council)
    assert isinstance(desk.process(Entry("4", f"{desk.site.url}/4", "Grain")), Done)


def test_the_pause_that_a_site_asks_for_lies_between_its_pages(desk, council):
    desk.site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nCrawl-delay: 30\n")
    desk.process(council)
    lines = desk.runtime.queues.lines(at_once=9, delay=timedelta(0), lease=timedelta(minutes=1))
    now = datetime.now(UTC)
    assert not lines.enter("127.0.0.1", "too-early", now).may_start
    runner = desk.runtime.queues.runner()
    assert not lines.release(runner, now + timedelta(seconds=20), 9)


def test_a_missing_page_holds_up_no_other(desk):
    desk.site.pages["/1"] = busy(30, 404)
    assert isinstance(desk.process(Entry("1", f"{desk.site.url}/1", "Grain")), Done)
    desk.process(Entry("2", f"{desk.site.url}/2", "Grain two"))
    assert desk.site.asked() == {"/1": 1, "/2": 1}


def test_retry_after_holds_for_the_host_that_answered_not_for_the_one_that_redirected(desk):
    elsewhere = desk.site.url.replace("127.0.0.1", "localhost")
    desk.site.pages["/1"] = (302, {"Location": f"{elsewhere}/2"}, b"")
    desk.site.pages["/2"] = busy(30)
    desk.process(Entry("1", f"{desk.site.url}/1", "Grain"))
    now = datetime.now(UTC)
    assert desk.lines().enter("127.0.0.1", "next", now).closed_for_s == 0
    assert desk.lines().enter("localhost", "next", now).closed_for_s > 25


@pytest.mark.parametrize("begun", [0, len(PAUSES_S) + 1])
def test_the_host_is_free_again_after_a_job(desk, begun):
    entry = Entry("1", f"{desk.site.url}/gone", "Grain")
    job = desk.enqueue(entry)
    for _ in range(begun):
        desk.runtime.queues.begin("articles", job)
    desk.work(job)
    assert desk.lines().enter("127.0.0.1", "next", datetime.now(UTC)).may_start


def test_an_alert_says_how_much_of_the_article_was_available(desk, council, words):
    desk.process(council)
    assert (desk.last()["quality"], "paywalled" in desk.last()) == ("full", False)
    paid = '{"@type": "NewsArticle", "isAccessibleForFree": false}'
    desk.site.put_page("/2", "Envoys part", f"The NATO-Russia Council met. {words}")
    status, headers, body = desk.site.pages["/2"]
    marked = body.replace(
        b"<h1>", f'<script type="application/ld+json">{paid}</script><h1>'.encode(), 1
    )
    desk.site.pages["/2"] = (status, headers, marked)
    desk.process(Entry("2", f"{desk.site.url}/2", "Envoys part"))
    assert (desk.last()["quality"], desk.last()["paywalled"]) == ("teaser", True)
    desk.process(Entry("3", None, "Envoys rest", "The NATO-Russia Council rests."))
    assert desk.last()["quality"] == "feed"


def test_the_language_of_a_feeds_words_is_detected(desk):
    said = "Der NATO-Russia Council hat sich am Montag in Brüssel getroffen und nichts entschieden."
    desk.process(Entry("3", None, "Botschafter treffen sich", said))
    assert desk.last()["language"] == "de"


def test_text_that_is_on_three_articles_of_a_site_does_not_alert(desk, words):
    plea = f"The NATO-Russia Council and we thank you. {words[:120]}"
    for number in range(4):
        own = " ".join(f"{word}{number}" for word in words.split()) + "."
        desk.site.put_page(f"/{number}", f"Envoys {number}", own, own[5:], plea)
        desk.process(Entry(f"{number}", f"{desk.site.url}/{number}", f"Envoys {number}"))
    assert desk.alerts() == [("council", "Envoys 0"), ("council", "Envoys 1")]


def test_plain_text_and_the_feeds_words_are_freed_of_furniture_line_by_line(desk, words):
    flat = f"Advertisement\nEnvoys meet\n{words}.\nTrending\nThe NATO-Russia Council\n3 minutes ago"
    desk.site.pages["/1"] = (200, {"content-type": "text/plain"}, flat.encode())
    desk.process(Entry("1", f"{desk.site.url}/1", "Envoys meet"))
    desk.process(Entry("2", None, "Envoys meet", flat.replace("\n", "<br>")))
    assert desk.alerts() == []


def test_a_page_with_a_malformed_content_type_is_read(desk, council):
    _, _, html = desk.site.pages["/1"]
    hostile = {"Content-Type": "text/html; charset*=utf-8''a; charset*0=b"}
    desk.site.pages["/1"] = (200, hostile, html)
    desk.process(council)
    assert desk.alerts() == [("council", "Envoys meet")]
    assert "text_from" not in desk.last()


def test_one_article_in_two_feeds_alerts_once(desk, council):
    desk.process(council)
    tracked = Entry("x", f"{desk.site.url}/1?utm_source=courier", "Envoys meet")
    desk.site.pages["/1?utm_source=courier"] = desk.site.pages["/1"]
    desk.process(tracked, desk.other)
    assert desk.alerts() == [("council", "Envoys meet")]


def test_an_article_recorded_before_more_parameters_were_known_does_not_alert_again(
    desk, words, monkeypatch
):
    """Its texts differ, so that only its address tells that it is the same article."""
    entry = Entry(None, f"{desk.site.url}/1?CMP=rss_uk", "Envoys meet", f"Of grain. {words}")
    with monkeypatch.context() as before:
        for module in (reading, addresses):
            before.setattr(module, "normalise_link", lambda url: former_link(url) or url)
        desk.process(entry)
    edited = replace(entry, title="Envoys met", summary=f"Grain was sold. {words[::-1]}")
    for number in (1, 2):
        desk.process(edited, version=f"edited {number}")
    assert desk.alerts() == [("grain", "Envoys meet")]


def test_an_aggregators_link_is_read_and_shown_as_the_articles(desk, council):
    wrapped = f"https://www.google.com/url?url={quote(council.url, safe='')}&ct=ga"
    desk.process(replace(council, url=wrapped, guid="tag:1"), desk.other)
    assert desk.last()["url"] == council.url
    desk.process(council)
    assert len(desk.alerts()) == 1


def test_an_edited_headline_does_not_alert_again(desk, council, words):
    desk.process(council)
    desk.site.put_page("/1", "Envoys meet, at last", words, f"The NATO-Russia Council met. {words}")
    desk.process(Entry("1", council.url, "Envoys meet, at last"), version="edited")
    assert desk.alerts() == [("council", "Envoys meet")]


@pytest.mark.parametrize("once_per", ["article", "story"])
def test_an_entry_edited_after_months_of_silence_does_not_alert_again(
    site, configure, redis, words, once_per, process_job
):
    text = CONFIG.format(site=site.url).replace("once_per: article", f"once_per: {once_per}")
    desk = Newsroom(site, configure(text), redis, process_job)
    site.put_page("/1", "Envoys meet", words, f"The NATO-Russia Council met. {words}", words)
    entry = Entry("1", f"{site.url}/1", "Envoys meet")
    desk.process(entry)
    for key in redis.scan_iter():
        if 0 < redis.ttl(key) < timedelta(days=120).total_seconds():
            redis.delete(key)
    site.put_page("/1", "Envoys met", words, f"The NATO-Russia Council met. {words}", words)
    desk.process(replace(entry, title="Envoys met"), version="edited")
    assert desk.alerts() == [("council", "Envoys meet")]


def test_pages_that_claim_the_same_url_are_distinguished_by_their_titles(desk, words):
    for number in (1, 2):
        desk.site.put_page(f"/{number}", f"Grain {number}", words, f"Of grain. {words}")
        html = desk.site.pages[f"/{number}"][2].replace(f'/{number}"'.encode(), b'/same"')
        desk.site.pages[f"/{number}"] = (200, {"Content-Type": "text/html"}, html)
        desk.process(Entry(str(number), f"{desk.site.url}/{number}", f"Grain {number}"))
    assert desk.alerts() == [("grain", "Grain 1"), ("grain", "Grain 2")]


def claim(desk, path, claimed):
    status, headers, html = desk.site.pages[path]
    claims = html.replace(f'{path}"'.encode(), f'{claimed}"'.encode())
    desk.site.pages[path] = (status, headers, claims)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_page_that_claims_the_url_of_another_entry_does_not_hide_that_entry(desk, words, order):
    for number in (1, 2):
        desk.site.put_page(f"/{number}", f"Grain {number}", words, f"Of grain. {words}")
    claim(desk, "/1", "/2")
    for number in order:
        desk.process(Entry(str(number), f"{desk.site.url}/{number}", f"Grain {number}"))
    assert sorted(desk.alerts()) == [("grain", "Grain 1"), ("grain", "Grain 2")]


def test_a_page_that_claims_the_url_of_an_unavailable_page_does_not_hide_that_page(desk, words):
    desk.site.pages["/2"] = (503, {}, b"")
    down = Entry("2", f"{desk.site.url}/2", "Envoys meet")
    job = desk.enqueue(down)
    desk.work(job)
    desk.site.put_page("/1", "Grain", words, f"Of grain. {words}")
    claim(desk, "/1", "/2")
    desk.process(Entry("1", f"{desk.site.url}/1", "Grain"))
    desk.site.put_page("/2", "Envoys meet", words, f"Of grain, too. {words}")
    desk.work(job)
    assert desk.alerts() == [("grain", "Grain"), ("grain", "Envoys meet")]


def test_one_article_behind_two_links_alerts_once_also_when_its_headline_changes(
    desk, council, words
):
    desk.process(council)
    for version, title in enumerate(("Envoys meet", "Envoys meet, at last")):
        desk.site.put_page("/9", title, words, f"The NATO-Russia Council met. {words}", words)
        claim(desk, "/9", "/1")
        again = Entry("9", f"{desk.site.url}/9", f"{title} - Courier")
        desk.process(again, desk.other, version=str(version))
    assert desk.alerts() == [("council", "Envoys meet")]


def test_a_consent_page_does_not_make_two_articles_one(desk, words):
    desk.site.put_page("/consent", "Before you continue", words, words)
    for number in (1, 2):
        desk.site.pages[f"/{number}"] = (302, {"Location": "/consent"}, b"")
        long = f"All about grain, number {number}. {words} " * 6
        desk.process(
            Entry(str(number), f"{desk.site.url}/{number}", f"Grain {number}", content=long)
        )
    assert desk.alerts() == [("grain", "Grain 1"), ("grain", "Grain 2")]


def test_the_feeds_text_replaces_a_teaser_before_a_paywall(desk, words):
    desk.site.put_page(
        "/1", "Envoys meet", "Subscribe to read this article in full, and all others."
    )
    entry = Entry(
        "1", f"{desk.site.url}/1", "Envoys meet", content=f"<p>{words}</p><p>Then grain.</p>"
    )
    desk.process(entry)
    assert desk.alerts() == [("grain", "Envoys meet")]
    assert desk.last()["text_from"] == "feed"


@pytest.mark.parametrize("url", ["/live", "/live#part-{}"])
def test_each_entry_that_shares_a_page_alerts_on_its_own_words(desk, words, url):
    desk.site.put_page("/live", "Live", words, f"Grain, and the NATO-Russia Council. {words}")
    document = [
        Entry(
            str(number),
            desk.site.url + url.format(number),
            f"Update {number}",
            f"Grain in update {number}." if number else "The NATO-Russia Council met.",
        )
        for number in range(5)
    ]
    for one in decide(listed(document)[0], {}, now=datetime.now(UTC)).new:
        desk.process(from_json(Entry, one.json), version=one.version)
    grain = [("grain", f"Update {number}") for number in range(1, 5)]
    assert desk.alerts() == [("council", "Update 0"), *grain]
    assert desk.site.requests == []


def test_an_entry_whose_link_is_shared_later_does_not_alert_again(desk):
    first, second = (
        Entry(str(number), f"{desk.site.url}/live", f"Grain {number}", "Grain.")
        for number in range(2)
    )
    alone = decide(listed([first])[0], {}, now=datetime.now(UTC))
    edited = replace(first, summary="Grain, again.")
    document, _ = listed([second, edited])
    together = decide(document, alone.remember, now=datetime.now(UTC))
    for one in alone.new + together.new + together.edited:
        desk.process(from_json(Entry, one.json), version=one.version)
    assert desk.alerts() == [("grain", "Grain 0"), ("grain", "Grain 1")]


def test_an_entry_without_a_link_is_matched_on_its_own_words(desk):
    desk.process(Entry(None, None, "Grain up"))
    desk.process(Entry(None, None, "Grain down"), version="w")
    assert desk.alerts() == [("grain", "Grain up"), ("grain", "Grain down")]
    assert desk.last()["url"] == ""


def test_an_unusable_content_type_is_matched_on_the_feed(desk):
    desk.site.pages["/1.pdf"] = (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7")
    desk.process(Entry("1", f"{desk.site.url}/1.pdf", "Grain report"))
    assert desk.last()["text_from"] == "feed"
    assert desk.owed() == 0


def test_an_entry_of_a_feed_that_was_removed_is_settled_in_the_end(desk, council):
    job = desk.enqueue(council, Feed("https://gone.example/feed"))
    assert [desk.work(job) for _ in PAUSES_S] == [Again(pause) for pause in PAUSES_S]
    assert desk.work(job) == Done()
    assert desk.owed() == 0


def test_an_entry_of_a_new_feed_is_kept_for_workers_with_the_new_configuration(desk, council):
    new = Feed(f"{desk.site.url}/new")
    job = desk.enqueue(council, new)
    assert isinstance(desk.work(job), Again)
    config = desk.runtime.config
    desk.runtime = replace(desk.runtime, config=replace(config, feeds=(*config.feeds, new)))
    desk.work(job)
    assert desk.alerts() == [("council", "Envoys meet")]


def test_an_entry_of_a_feed_that_was_removed_occupies_no_place_at_its_host(desk, council, redis):
    now, name = datetime.now(UTC), "127.0.0.1"
    runner = desk.runtime.queues.runner()
    lines = desk.runtime.queues.lines(at_once=1, delay=timedelta(0), lease=timedelta(minutes=2))
    job_id = desk.enqueue(council, Feed("https://gone.example/feed"))
    runner.take("articles", job_id)
    lines.enter(name, "busy", now)
    lines.enter(name, job_id, now)
    with redis.pipeline() as pipe:
        lines.leave(name, "busy", now, pipe)
        pipe.execute()
    (taken,) = lines.release(runner, now, 9)
    assert taken.in_turn
    desk.work(taken)
    assert lines.enter(name, "other", datetime.now(UTC)).may_start


def test_a_job_for_a_busy_host_waits_in_its_line(desk, council):
    for number in range(16):
        desk.runtime.queues.lines(at_once=16, delay=timedelta(0), lease=timedelta(minutes=1)).enter(
            "127.0.0.1", str(number), datetime.now(UTC)
        )
    assert desk.process(council) is None
    assert desk.site.requests == []
    depth = desk.runtime.queues.depths()["articles"]
    assert (depth.waiting, depth.owed) == (1, 1)


def test_the_words_of_a_feed_are_matched_while_a_page_is_slow(desk, council, monkeypatch):
    monkeypatch.setattr(process, "WORDS_AFTER", timedelta(seconds=0.2))
    desk.site.delays["/1"] = 1
    desk.process(replace(council, summary="Of grain."))
    assert desk.alerts() == [("grain", "Envoys meet"), ("council", "Envoys meet")]


def test_workers_that_process_one_article_at_once_publish_it_once(desk, council, redis_url):
    jobs = [desk.enqueue(council, version=str(number)) for number in range(8)]

    def work(job):
        with Redis.from_url(redis_url) as redis:
            desk.at(redis).work(job)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, jobs))
    assert desk.alerts() == [("council", "Envoys meet")]
    assert desk.owed() == 0


def test_workers_that_process_one_article_behind_several_links_at_once_publish_it_once(
    desk, words, redis_url
):
    entries = []
    for number in range(8):
        desk.site.put_page(f"/{number}", "Envoys meet", words, f"The NATO-Russia Council. {words}")
        claim(desk, f"/{number}", "/same")
        entries.append(Entry(str(number), f"{desk.site.url}/{number}", "Envoys meet"))
    jobs = [desk.enqueue(entry) for entry in entries]

    def work(job):
        with Redis.from_url(redis_url) as redis:
            desk.at(redis).work(job)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, jobs))
    assert desk.alerts() == [("council", "Envoys meet")]
    assert desk.owed() == 0


STORY = """
feeds:
  - {{url: {site}/feed, name: Herald}}
  - {{url: {site}/other, name: Courier}}
watchlists:
  - {{name: council, query: '"NATO-Russia Council" OR Grushko', subscribers: [bot, hook]}}
subscribers:
  - {{name: hook, webhook: {{url: "{site}/hook"}}}}
  - {{name: bot, slack: {{token: t, channel: C}}}}
"""


@pytest.fixture
def agency(site, configure, redis, words, process_job):
    """Publishes an agency's text at several outlets."""
    desk = Newsroom(site, configure(STORY.format(site=site.url)), redis, process_job)

    def carry(
        number, *more, feed=None, text="The NATO-Russia Council met.", version="v", at=site.url
    ):
        site.put_page(f"/{number}", f"Headline {number}", f"{text} {words}", *more)
        entry = Entry(str(number), f"{at}/{number}", f"Headline {number}")
        return desk.process(entry, feed or desk.feed, version)

    def carry_late(number, text, summary="A summary of little use."):
        """Matches the feed's words first, and the page at the second attempt."""
        site.pages[f"/{number}"] = (503, {}, b"")
        entry = Entry(str(number), f"{site.url}/{number}", f"Headline {number}", summary)
        job = desk.enqueue(entry)
        desk.work(job)
        site.put_page(f"/{number}", f"Headline {number}", f"{text} {words}")
        desk.work(job)

    carry.desk, carry.late = desk, carry_late
    return carry


def documents(desk):
    return list(reversed(desk.runtime.store.alerts.latest()))


def deliveries(desk):
    stored = desk.runtime.redis.hvals("presswatch:outstanding:deliveries")
    return [json.loads(one)[0] for one in stored]


def test_a_story_at_many_outlets_alerts_once_and_counts_the_rest(agency):
    for number in range(5):
        agency(number, f"Reporting by our own desk {number}.", feed=agency.desk.other)
    (alert,) = documents(agency.desk)
    assert alert["article"]["title"] == "Headline 0"
    assert agency.desk.runtime.store.stories.size(alert["story"]["id"]).articles == 5


def test_an_alert_counts_the_sites_of_its_story_and_not_only_the_articles(agency, site):
    other_site = site.url.replace("127.0.0.1", "localhost")
    agency(1)
    agency(2)
    agency(3, at=other_site)
    agency(4, "Mr Grushko took the floor.", at=other_site)
    first, second = (alert["story"] for alert in documents(agency.desk))
    assert (first["articles"], first["sites"]) == (1, 1)
    assert (second["articles"], second["sites"]) == (4, 2)


def test_a_later_article_that_matches_another_term_alerts_within_the_story(agency):
    agency(1)
    agency(2, "Mr Grushko took the floor.")
    agency(3, "Mr Grushko spoke.")
    first, second = documents(agency.desk)
    assert second["article"]["title"] == "Headline 2"
    assert second["story"] == {"id": first["story"]["id"], "articles": 2, "sites": 1}
    assert second["id"] != first["id"]


def test_counted_articles_go_below_the_first_message_if_the_subscriber_has_threads(agency):
    agency(1)
    (alert,) = documents(agency.desk)
    agency(2)
    later = [one for one in deliveries(agency.desk) if one["article"]]
    assert [(one["subscriber"], one["alerts"]) for one in later] == [("bot", [alert["id"]])]
    agency(2, version="edited", text="The NATO-Russia Council met again.")
    assert len([one for one in deliveries(agency.desk) if one["article"]]) == 1


def test_a_muted_story_sends_nothing_not_even_below_the_first_message(agency):
    agency(1)
    (alert,) = documents(agency.desk)
    before = deliveries(agency.desk)
    mute = mute_of(alert, "story", now=datetime.now(UTC), length=None)
    agency.desk.runtime.store.mutes.add(mute)
    # A worker that has just started reads the mutes anew.
    agency.desk.runtime = agency.desk.at(agency.desk.runtime.redis).runtime
    agency(2)
    agency(3, "Mr Grushko took the floor.")
    agency(1, text="The NATO-Russia Council met again.", version="edited")
    assert documents(agency.desk) == [alert]
    assert deliveries(agency.desk) == before
    assert agency.desk.runtime.store.stories.size(alert["story"]["id"]).articles == 3


def test_a_page_that_is_fetched_late_is_recognised_as_a_copy(agency):
    agency(1)
    agency.late(2, "The NATO-Russia Council met.")
    (alert,) = documents(agency.desk)
    assert agency.desk.runtime.store.stories.size(alert["story"]["id"]).articles == 2


def test_the_page_does_not_alert_again_after_the_feeds_words_did(agency):
    agency(1, "Mr Grushko spoke.")
    agency.late(2, "The NATO-Russia Council met. Mr Grushko.", "The NATO-Russia Council.")
    assert [one["article"]["title"] for one in documents(agency.desk)] == [
        "Headline 1",
        "Headline 2",
    ]


def test_an_article_is_added_to_a_thread_once_however_many_watchlists_match(agency, configure):
    desk = agency.desk
    more = "  - {{name: grain, query: grain OR wheat, subscribers: [bot]}}\nsubscribers:"
    config = STORY.replace("subscribers:\n", f"{more}\n").format(site=desk.site.url)
    desk.runtime = Runtime(
        desk.runtime.config_directory, load(configure(config), {}), desk.runtime.redis
    )
    text = "The NATO-Russia Council met about grain."

    def added():
        return [one["article"] for one in deliveries(desk) if one["article"]]

    agency(1, text=text)
    agency(2, text=text)
    assert len(added()) == 1
    # Counted for one watchlist, an alert for the other, which stands in the thread as well.
    agency(3, "They spoke of wheat.", text=text)
    assert len(documents(desk)) == 3
    assert len(added()) == 1


def test_an_article_that_is_edited_for_longer_than_alerts_are_kept_alerts_once(agency):
    agency(1)
    redis = agency.desk.runtime.redis
    (told,) = redis.keys("presswatch:told:*")
    redis.expire(told, 60)
    agency(1, text="The NATO-Russia Council met again.", version="edited")
    (article,) = redis.keys("presswatch:article:*")
    assert redis.ttl(told) >= redis.ttl(article)


def test_workers_that_process_one_story_at_once_alert_once(agency, redis_url, words):
    desk = agency.desk
    jobs = []
    for number in range(8):
        desk.site.put_page(f"/{number}", f"Headline {number}", f"The NATO-Russia Council. {words}")
        entry = Entry(str(number), f"{desk.site.url}/{number}", f"Headline {number}")
        jobs.append((desk.enqueue(entry), entry))

    def work(job):
        with Redis.from_url(redis_url) as redis:
            desk.at(redis).work(job[0])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, jobs))
    (alert,) = documents(desk)
    assert desk.runtime.store.stories.size(alert["story"]["id"]).articles == 8


def test_an_edit_that_matches_now_alerts_as_an_update(agency, words):
    agency(1, text="Envoys met.")
    assert documents(agency.desk) == []
    agency(1, text="Envoys of the NATO-Russia Council met.", version="edited")
    (alert,) = documents(agency.desk)
    assert alert["update"] is True
    assert alert["story"]["articles"] == 1
    agency(1, text="Mr Grushko and the NATO-Russia Council met.", version="again")
    assert len(documents(agency.desk)) == 1


def test_a_page_after_the_feeds_words_is_no_update(agency):
    agency.late(1, "The NATO-Russia Council met.")
    (alert,) = documents(agency.desk)
    assert "update" not in alert


def test_the_feeds_words_do_not_replace_the_page_if_its_cleaner_dies_after_publishing_it(
    desk, council, monkeypatch
):
    handle = Desk.handle

    def die_afterwards(desk, request):
        handle(desk, request)
        if request.response:
            raise RuntimeError("killed before it could answer")

    monkeypatch.setattr(Desk, "handle", die_afterwards)
    desk.process(council)
    assert desk.owed() == 0
    assert desk.alerts() == [("council", "Envoys meet")]
    records = [from_json(Record, each) for each in desk.runtime.store.unarchived.waiting()]
    assert [record.publication.article.text_from for record in records] == ["page"]


def test_a_process_that_was_overtaken_changes_nothing(desk, council):
    job = desk.enqueue(council)
    stale = desk.runtime.queues.runner().take("articles", job)
    desk.runtime.redis.delete("presswatch:running:articles")
    desk.work(job)
    desk.site.pages.clear()
    archived = desk.runtime.store.unarchived.waiting()
    desk.work(stale)
    assert desk.site.asked() == {"/1": 2}
    assert desk.runtime.store.unarchived.waiting() == archived
    assert desk.owed() == 0
