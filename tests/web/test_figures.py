"""Watchlists, bench, coverage and stories, as HTTP gives them."""

import csv
import html
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from monitor.archive.marks import change_mark
from monitor.model import content_id

COUNCIL = "The NATO-Russia Council met on Monday. Little was said. It rained."
DAY = timedelta(days=1)


@pytest.fixture
def get(served):
    def get(path, **headers):
        return requests.get(f"{served.url}{path}", headers=headers, timeout=20)

    return get


def words(page: str) -> str:
    """The text of a page, with one space between words."""
    body = re.sub(r"<(script|style).*?</\1>", " ", page.partition("<main")[2], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<.*?>", " ", body, flags=re.DOTALL)).split())


def mark(newsroom, alert, *, relevant):
    change_mark(newsroom.backend.archive, alert["id"], {"relevant": relevant}, datetime.now(UTC))


def test_each_watchlist_has_its_figures_beside_the_time_before(newsroom, get):
    newsroom.publish("Old", "Cod.", age=13 * DAY)
    newsroom.publish("Older", "Cod.", age=12 * DAY)
    for number in range(3):
        newsroom.publish(f"Cod {number}", "Cod.", age=number * DAY + timedelta(hours=1))
    page = words(get("/watchlists").text)
    assert "3 alerts in 7 days, 1 more than before · 1 of 2 watchlists never alerted" in page
    assert "fisheries normal · no subscribers 3 alerts 1 more than before Herald 3" in page
    assert "nato-russia high · desk never alerted" in page


def test_precision_is_what_readers_marked(newsroom, get):
    for number in range(4):
        (alert,) = newsroom.publish(f"Cod {number}", "Cod.")
        mark(newsroom, alert, relevant=number > 0)
    assert "75% ( 3 relevant, 1 not)" in words(get("/watchlists").text)
    assert "75% ( 3 relevant, 1 not)" in words(get("/watchlists/fisheries").text)
    assert "not marked yet" in words(get("/watchlists/nato-russia").text)


def test_a_watchlist_that_was_removed_is_shown_as_such(serve, newsroom, get):
    newsroom.publish("Cod", "Cod.")
    backend, runtime = newsroom.backend, newsroom.backend.runtime
    left = tuple(each for each in runtime.config.watchlists if each.name != "fisheries")
    backend.runtime = replace(runtime, config=replace(runtime.config, watchlists=left))
    assert re.search(
        r"Removed .* fisheries no longer in the configuration", words(get("/watchlists").text)
    )
    page = get("/watchlists/fisheries")
    assert page.status_code == 200
    assert "No longer in the configuration" in page.text
    assert get("/watchlists/fisheries/bench").status_code == 404
    assert get("/watchlists/nobody").status_code == 404


def test_many_watchlists_come_page_by_page_and_are_found_by_name(serve):
    watchlists = "".join(f"  - {{name: w{number:03}, query: cod}}\n" for number in range(120))
    served = serve(configuration=f"watchlists:\n{watchlists}")
    seen, path = [], "/watchlists"
    while path:
        page = requests.get(f"{served.url}{path}", timeout=20).text
        assert len(page) < 100_000
        seen += re.findall(r'href="/watchlists/(w\d+)\?', page)
        following = re.search(r'href="(/watchlists\?[^"]*)" rel="next"', page)
        path = following and html.unescape(following[1])
    assert seen == [f"w{number:03}" for number in range(120)]
    found = requests.get(f"{served.url}/watchlists?find=W11", timeout=20).text
    assert len(set(re.findall(r'href="/watchlists/(w\d+)\?', found))) == 10


def test_a_watchlist_shows_its_query_and_how_it_was_read(newsroom, get):
    newsroom.publish("Envoys meet", COUNCIL)
    page = get("/watchlists/nato-russia").text
    assert "<code>&#34;NATO-Russia Council&#34;</code>" in page
    assert "<code>&#34;nato russia council&#34;</code>" in page
    assert "The <mark>NATO-Russia Council</mark> met" in page
    assert "1 article on 1 site" in words(page)


def test_the_bench_shows_what_a_query_gains_and_loses(newsroom, get):
    newsroom.publish("Cod", "Cod again.")
    newsroom.publish("Herring", "Herring again.")
    newsroom.publish("Trout", "Trout again.")
    page = get("/watchlists/fisheries/bench?q=trout+OR+cod").text
    assert "2 articles in 30 days: 1 gained , 1 lost against the present query’s 2" in words(page)
    gained, lost, found = re.split("Gained|Lost|Found", page.partition('id="result"')[2])[1:4]
    assert ("<mark>Trout</mark>" in gained, "<mark>Herring</mark>" in lost) == (True, True)
    assert found.count("<mark>") == 2
    # The first time, with the present query, which is compared with nothing.
    present = words(get("/watchlists/fisheries/bench").text)
    assert "2 articles in 30 days with the present query" in present
    assert "Gained" not in present


def test_a_new_query_is_tried_and_written_as_yaml(newsroom, get):
    newsroom.publish("Trout", "Trout again.")
    page = get("/bench?q=trout+AND+NOT+cod").text
    assert "1 article in 30 days" in words(page)
    assert '"trout" AND NOT "cod"' in words(page)
    assert "query: 'trout AND NOT cod'" in html.unescape(page)
    assert "Write what to look for" in get("/bench").text


def test_a_broken_query_is_underlined_with_what_to_write_instead(newsroom, get):
    page = get("/bench?q=cod+AND+herring+OR+x+AND+y").text
    assert "can be read in two ways" in page
    assert "<mark>cod AND herring OR x</mark> AND y" in page
    assert get("/bench?q=cod+AND+(herring").text.count("cod AND <mark>(</mark>herring") == 1
    fixes = re.findall(r'data-query="(.*?)"', get("/bench?q=cod+AND+herring+OR+x").text)
    assert fixes == ["(cod AND herring) OR x", "cod AND (herring OR x)"]


def test_a_script_gets_the_result_alone(newsroom, get):
    part = get("/bench?q=cod", **{"HX-Request": "true"})
    assert "<html" not in part.text
    assert "0 articles in 30 days" in words("<main>" + part.text)
    assert "HX-Request" in part.headers["Vary"]
    whole = get("/bench?q=cod", **{"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.text


def test_marks_count_and_suggest_what_to_exclude(newsroom, get):
    for number in range(4):
        (alert,) = newsroom.publish(f"Chips {number}", f"Fish and chips: cod was served {number}.")
        mark(newsroom, alert, relevant=False)
    for number in range(2):
        (alert,) = newsroom.publish(f"Quota {number}", f"The quota for cod was cut {number}.")
        mark(newsroom, alert, relevant=True)
    page = get("/watchlists/fisheries/bench").text
    assert "It finds 2 of 2 relevant, and 4 of 4 not relevant: 33% precision." in words(page)
    assert "excludes 4 of 4 not relevant, loses no relevant one" in words(page)
    longer = html.unescape(re.search(r'data-query="(\(cod OR herring\) AND NOT .*?)"', page)[1])
    after = words(get(f"/watchlists/fisheries/bench?q={requests.utils.quote(longer)}").text)
    assert "It finds 2 of 2 relevant, and 0 of 4 not relevant: 100% precision." in after
    assert "0 gained , 4 lost" in after


def test_a_search_without_time_says_how_far_it_came(newsroom, get, monkeypatch):
    for number in range(4):
        newsroom.publish(f"Cod {number}", "Cod again.", age=number * DAY)
    monkeypatch.setattr("monitor.archive.pool.BATCH", 1)
    monkeypatch.setattr("monitor.web.trials.LIMIT_S", 0.0)
    page = words(get("/bench?q=cod+NEAR/2+again").text)
    assert "1 article in 30 days" in page
    assert "The search was cut short" in page


def test_a_search_ends_when_its_reader_has_left(served, newsroom, monkeypatch):
    newsroom.publish("Cod", "Cod again.")
    ended = []

    def endless(*arguments):
        is_cancelled = arguments[-1]
        begun = time.monotonic()
        while not is_cancelled() and time.monotonic() < begun + 20:
            time.sleep(0.01)
        ended.append(is_cancelled())

    monkeypatch.setattr("monitor.web.pages.bench.try_query", endless)
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{served.url}/bench?q=cod", timeout=(5, 0.3))
    deadline = time.monotonic() + 10
    while not ended and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ended == [True]


def test_coverage_says_the_same_in_numbers_and_as_csv(newsroom, get):
    newsroom.publish("Cod", "Cod again.", age=timedelta(minutes=1))
    newsroom.publish("Envoys", COUNCIL, age=2 * DAY, source="Gazette", language="de")
    newsroom.publish("Both", f"Cod. {COUNCIL}", age=2 * DAY)
    page = get("/coverage?period=7d").text
    assert "4 matches in 7 days" in words(page)
    answer = get("/api/v1/coverage/export.csv?period=7d")
    assert answer.headers["Content-Type"].startswith("text/csv")
    head, *rows = csv.reader(answer.text.splitlines())
    assert head == ["from", "fisheries", "nato-russia"]
    assert len(rows) == 7
    assert [sum(int(row[column]) for row in rows) for column in (1, 2)] == [2, 2]
    day = (datetime.now(UTC) - 2 * DAY).strftime("%Y-%m-%dT00:00:00Z")
    assert [day, "1", "2"] in rows
    stories = words(get(f"/coverage?period=7d&at={day}").text).partition("Largest stories")[2]
    assert "Envoys" in stories
    assert "Cod 1 article" not in stories


@pytest.mark.parametrize(
    ("by", "names"), [("source", ["Gazette", "Herald"]), ("language", ["not known", "de"])]
)
def test_coverage_by_source_and_language_counts_each_article_once(newsroom, get, by, names):
    newsroom.publish("Both", f"Cod. {COUNCIL}", age=2 * DAY, language=None)
    newsroom.publish("Envoys", COUNCIL, source="Gazette", language="de")
    newsroom.publish("Cod", "Cod again.", source="Gazette", language=None)
    page = get(f"/coverage?by={by}&period=7d").text
    assert "3 articles in 7 days · that any watchlist matched" in words(page)
    head, *rows = csv.reader(
        get(f"/api/v1/coverage/export.csv?by={by}&period=7d").text.splitlines()
    )
    assert head == ["from", *names]
    assert [sum(map(int, column)) for column in zip(*(row[1:] for row in rows), strict=True)] == [
        2,
        1,
    ]
    totals = re.search(r'<tr class="total">(.*?)</tr>', page)[1]
    assert re.findall(r'value="(\d+)"', totals) == ["2", "1"]
    chart = json.loads(html.unescape(re.search(r'data-chart="(.*?)"', page)[1]))
    assert [sum(line["counts"]) for line in chart["lines"]] == [2, 1]
    page = words(get(f"/coverage?by={by}&watchlist=fisheries&period=7d").text)
    assert "2 articles in 7 days · that fisheries matched" in page


def test_sources_beyond_the_six_largest_are_counted_together(newsroom, get):
    for number in range(8):
        newsroom.publish(f"Cod {number}", "Cod again.", source=f"Outlet {number}")
    head, *rows = csv.reader(get("/api/v1/coverage/export.csv?by=source").text.splitlines())
    assert head[-1] == "others"
    assert sum(int(row[-1]) for row in rows) == 2


def test_watchlists_that_are_not_compared_are_counted_together(newsroom, get):
    newsroom.publish("Both", f"Cod. {COUNCIL}")
    answer = get("/api/v1/coverage/export.csv?watchlist=nato-russia")
    head, *rows = csv.reader(answer.text.splitlines())
    assert head == ["from", "nato-russia", "others"]
    assert [sum(map(int, column)) for column in zip(*(row[1:] for row in rows), strict=True)] == [
        1,
        1,
    ]
    many = "&".join(f"watchlist=w{number}" for number in range(7))
    assert get(f"/coverage?{many}").status_code == 422


@pytest.mark.parametrize("period", ["24h", "7d", "30d", "365d"])
def test_every_period_has_a_page_of_bounded_size(newsroom, get, period):
    newsroom.publish("Cod", "Cod again.", age=timedelta(minutes=1))
    for path in (
        "/watchlists",
        "/watchlists/fisheries",
        "/watchlists/fisheries/bench",
        "/coverage",
    ):
        answer = get(f"{path}?period={period}")
        assert answer.status_code == 200
        assert len(answer.text) < 100_000
    rows = get(f"/api/v1/coverage/export.csv?period={period}").text.splitlines()
    assert sum(int(row.split(",")[1]) for row in rows[1:]) == 1


@pytest.mark.parametrize(
    "path",
    ["/watchlists?period=x", "/watchlists?page=0", "/coverage?period=0d", "/coverage?at=x", "/coverage?by=x",
     "/coverage?at=1990-01-01", "/bench?period=x", "/stories/x", "/stories/x?from=-1",
     "/watchlists/%00"],
)  # fmt: skip
def test_an_address_that_means_nothing_is_explained(newsroom, get, path):
    answer = get(path)
    assert answer.status_code in {404, 422}
    assert "This page cannot be shown" in answer.text


@pytest.mark.parametrize(
    "path", ["/watchlists", "/watchlists/fisheries", "/bench?q=cod", "/coverage"]
)
def test_pages_of_figures_say_that_the_archive_cannot_be_read(served, get, path):
    # A directory where the archive's file should be.
    (served.backend.data / "archive.db").mkdir(parents=True)
    answer = get(path)
    assert answer.status_code == 503
    assert "archive" in answer.text


def test_an_empty_archive_is_said_to_be_empty(newsroom, get):
    assert "2 of 2 watchlists never alerted" in words(get("/watchlists").text)
    assert "has never alerted" in get("/watchlists/fisheries").text
    for by in ("watchlist", "source", "language"):
        assert "No article matched a watchlist in 30 days" in words(get(f"/coverage?by={by}").text)
        assert get(f"/api/v1/coverage/export.csv?by={by}&period=7d").text.count("\n") == 8


def test_a_story_shows_what_each_outlet_added_or_changed(newsroom, get):
    story = content_id("story")
    tellings = (
        ("Herald", COUNCIL),
        ("Gazette", COUNCIL.replace("Monday", "Tuesday").replace(" It rained.", "")),
        ("Courier", COUNCIL.replace("Monday", "Tuesday") + " An envoy was seen."),
    )
    for number, (source, text) in enumerate(tellings):
        newsroom.publish(
            source, text, story=story, source=source, age=timedelta(hours=5 - number),
            url=f"https://{source.lower()}.example/a",
        )  # fmt: skip
    page = get(f"/stories/{story}").text
    assert "3 articles on 3 sites" in words(page)
    assert "1 sentence kept, 1 changed, 1 left out" in words(page)
    assert "met on <mark>Tuesday</mark>" in page
    assert "<del>It rained.</del>" in page
    assert "<ins>An envoy was seen.</ins>" in page
    assert (
        page.index("herald.example") < page.index("gazette.example") < page.index("courier.example")
    )


def test_a_long_story_comes_page_by_page(newsroom, get):
    story = content_id("story")
    for number in range(25):
        newsroom.publish(
            f"Telling {number:02}", COUNCIL, story=story, age=timedelta(hours=50 - number)
        )
    first = get(f"/stories/{story}").text
    assert re.findall(r"Telling (\d\d)</a></h2>", first) == [f"{number:02}" for number in range(20)]
    second = get(f"/stories/{story}?from=20").text
    assert re.findall(r"Telling (\d\d)</a></h2>", second) == [
        f"{number:02}" for number in range(20, 25)
    ]
    # The first of the second page is compared, too.
    assert words(second).count("The same text as the article before.") == 5


def test_the_page_of_a_story_is_bounded_whatever_its_texts(newsroom, get):
    story = content_id("story")
    for number in range(20):
        text = f"Sentence {number} " + "goes on and on " * 4_000 + "." + f"\nLine {number}." * 300
        newsroom.publish(f"Telling {number}", text, story=story, age=timedelta(hours=30 - number))
    newsroom.publish("Without a text", "", story=story, age=timedelta(hours=31))
    page = get(f"/stories/{story}").text
    assert len(page) < 100_000
    assert "no text of this article" in page


def test_what_strangers_wrote_is_text_on_every_page(newsroom, get):
    hostile = "<script>alert(1)</script>"
    (alert,) = newsroom.publish(
        hostile,
        f'<img src=x onerror="alert(2)"> cod {hostile}',
        url="javascript:alert(3)",
        source='"><script>alert(4)</script>',
        language="<b>x</b>",
    )
    story = alert["story"]["id"]
    for path in (
        "/watchlists", "/watchlists/fisheries", "/coverage", "/bench?q=cod", f"/stories/{story}",
        "/bench?q=%3Cscript%3Ealert(1)%3C/script%3E", "/coverage?watchlist=%22%3E%3Cscript%3Ealert(5)",
        "/watchlists?find=%22%3E%3Cscript%3Ealert(6)",
    ):  # fmt: skip
        page = get(path).text
        assert not re.search(r"<script>alert|<img src=x|<b>x|href=\"javascript", page), path


def test_pages_of_figures_never_keep_the_archive_from_writing(newsroom, get):
    newsroom.publish("Cod", "Cod again.")
    assert get("/watchlists").status_code == 200
    with newsroom.backend.reader.begin():
        newsroom.publish("Herring", "Herring again.")


def test_pages_and_feeds_call_a_watchlist_by_its_title(serve, newsroom_of):
    configuration = """
feeds: [{url: "https://herald.example/feed", name: Herald}]
watchlists:
  - {name: fisheries, title: Cod & co, query: cod OR herring, feeds: {names: [Herald]}}
"""
    served = serve(configuration=configuration)
    (alert,) = newsroom_of(served).publish("Cod quotas", "Cod again.")
    assert alert["watchlist_title"] == "Cod & co"
    for path in ("/", f"/alerts/{alert['id']}", "/watchlists", "/watchlists/fisheries",
                 "/watchlists/fisheries/bench", "/coverage", "/watchlists?find=%26"):  # fmt: skip
        assert "Cod &amp; co" in requests.get(f"{served.url}{path}", timeout=10).text, path
    bench = requests.get(f"{served.url}/watchlists/fisheries/bench?q=cod", timeout=10).text
    assert "the feeds that Cod &amp; co covers" in bench
    feed = requests.get(f"{served.url}/api/v1/watchlists/fisheries/feed.json", timeout=10).json()
    assert feed["title"] == "Cod & co · Presswatch"
    assert "Cod & co: cod" in feed["items"][0]["content_text"]


CONFIDENTIAL = """
feeds: [{url: "https://herald.example/feed"}]
definitions:
  targets: '"${TARGET}"'
watchlists:
  - name: takeover
    query: '("${TARGET}" OR halibut) AND ship'
  - name: rumours
    query: '@targets'
"""


@pytest.fixture
def confidential(monkeypatch, serve, newsroom_of):
    """A newsroom with a name from the environment in its queries."""
    monkeypatch.setenv("TARGET", "Acme Trawlers")
    served = serve("edit_watchlists: true", CONFIDENTIAL)
    newsroom_of(served).publish("At sea", "A ship of a fleet, with halibut.")
    return served


@pytest.mark.parametrize(
    "path",
    [
        "/watchlists/takeover",
        "/watchlists/rumours",
        "/watchlists/takeover/bench",
        "/watchlists/rumours/bench",
        "/watchlists/takeover/bench?q=herring",
        "/watchlists/takeover/bench?q=(${TARGET}",
        "/watchlists/takeover/bench?q=@targets OR ship",
        '/watchlists/takeover/bench?q=@targets AND "',
        '/bench?q="${TARGET}" OR ship',
        "/api/v1/watchlists",
    ],
)
def test_a_value_of_the_environment_in_a_query_is_not_shown(confidential, visitor_of, path):
    answer = visitor_of(confidential).get(path)
    assert answer.status_code == 200
    assert "Trawlers" not in answer.text


def test_the_bench_tries_a_query_with_the_values_of_the_environment(
    confidential, visitor_of, newsroom_of
):
    newsroom_of(confidential).publish("Bought", "Acme Trawlers has a new ship.")
    page = visitor_of(confidential).get("/watchlists/takeover/bench").text
    assert "2 articles in 30 days with the present query" in words(page)
    yaml = html.unescape(page.partition('<textarea id="yaml"')[2])
    assert """query: '("${TARGET}" OR halibut) AND ship'""" in yaml
