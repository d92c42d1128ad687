"""The command line, as people and scripts call it."""

import getpass
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.alerts.build import notice, rfc3339
from monitor.archive.database import open_archive
from monitor.archive.later import mark_later
from monitor.archive.writer import Writer
from monitor.cli import console, presswatch
from monitor.cli.history import alerts
from monitor.coverage import DeliveryRecord, MatchRecord, Publication, Record
from monitor.model import Article, Delivery, DeliveryNote, SubscriberState
from monitor.runtime import composition

CONFIG = """
feeds:
  - {url: "https://a.example/feed", name: Herald, tags: [press]}
watchlists:
  - {name: talks, query: 'NATO AND (Grushko OR "NATO-Russia Council")'}
"""


@pytest.fixture
def page(tmp_path, site, words):
    site.put_page("/1", "Envoys meet", words, f"The NATO-Russia Council met. {words}", beside="UN")
    path = tmp_path / "page.html"
    path.write_bytes(site.pages["/1"][2])
    return path


def test_check_shows_how_each_query_was_read(presswatch, configure):
    result = presswatch.call("check", "--config", str(configure(CONFIG)))
    assert result.returncode == 0
    assert 'talks: "nato" AND ("grushko" OR "nato russia council")' in result.stdout
    assert "1 feeds, 1 watchlists, 0 subscribers, no fault" in result.stdout


def test_check_prints_every_fault_with_its_place(presswatch, configure):
    directory = configure("feeds:\n  - {url: ftp://x}\nwatchlists:\n  - {name: w, qeury: a}\n")
    result = presswatch.call("check", "--config", str(directory))
    assert result.returncode == 2
    assert f"{directory}/config.yaml:2:11: `url` must be an address" in result.stderr
    assert (
        f"{directory}/config.yaml:4:15: unknown key `qeury`; did you mean `query`?" in result.stderr
    )
    assert result.stderr.endswith("2 faults\n")


def test_a_broken_configuration_stops_the_daemon_before_it_starts(presswatch, configure, tmp_path):
    directory = configure("feeds: [1]")
    result = presswatch.call("run", "--config", str(directory), "--data", str(tmp_path / "var"))
    assert result.returncode == 2
    assert not (tmp_path / "var").exists()


def test_check_exports_a_schema(presswatch):
    schema = json.loads(presswatch.call("check", "--schema").stdout)
    assert {"settings", "feeds", "watchlists", "subscribers"} <= set(schema["properties"])


def test_clean_gives_one_object_a_page_in_order(presswatch, page, tmp_path):
    empty = tmp_path / "empty.html"
    empty.write_bytes(b"")
    result = presswatch.call("clean", "--json", str(page), str(empty), str(tmp_path / "none.html"))
    assert result.returncode == 1
    first, second, third = map(json.loads, result.stdout.splitlines())
    known = ["title", "text", "authors", "published_at", "language", "url", "error"]
    assert list(first)[:7] == list(third) == known
    assert (first["quality"], first["paywalled"]) == ("full", False)
    assert first["title"] == "Envoys meet"
    assert "NATO-Russia Council" in first["text"]
    assert "UN" not in first["text"]
    assert (first["language"], first["error"]) == ("en", None)
    assert (second["text"], second["error"]) == (None, "the page is empty")
    assert third["error"] == "No such file or directory"


def test_clean_fetches_addresses_but_none_that_are_private(presswatch, page, site, configure):
    directory = configure(CONFIG)
    allowed = presswatch.call("clean", "--json", f"{site.url}/1", "--config", str(directory))
    assert json.loads(allowed.stdout)["url"] == f"{site.url}/1"
    refused = presswatch.call("clean", "--json", f"{site.url}/1", "--config", "none")
    assert "private address" in json.loads(refused.stdout)["error"]


def test_clean_reads_fetched_text_as_workers_do_and_refuses_other_types(
    presswatch, site, configure, words
):
    site.pages["/text"] = (200, {"Content-Type": "text/plain"}, f"1 < 2. {words}".encode())
    site.pages["/pdf"] = (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7")
    urls = [f"{site.url}{path}" for path in ("/text", "/pdf")]
    result = presswatch.call("clean", "--json", *urls, "--config", str(configure(CONFIG)))
    text, pdf = map(json.loads, result.stdout.splitlines())
    assert text["text"].startswith("1 < 2. ")
    assert pdf["error"] == "the page is a PDF, which is not supported"


def test_try_exits_as_grep_does(presswatch, page):
    assert presswatch.call("try", "NATO AND Russia", str(page)).returncode == 0
    assert presswatch.call("try", "Grushko", str(page)).returncode == 1
    broken = presswatch.call("try", "NATO AND", str(page))
    assert broken.returncode == 2
    assert "NATO AND\n     ^^^\ncolumn 6: nothing follows AND" in broken.stderr


def test_try_shows_the_evidence(presswatch, page, tmp_path):
    text = tmp_path / "note.txt"
    text.write_text("Trending\nNATO\u2013Russia Council's aide")
    result = presswatch.call("try", "--json", '"NATO-Russia Council"', str(page), str(text))
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["matched"]
    assert first["matches"] == [{"term": '"NATO-Russia Council"', "field": "body", "count": 1}]
    (start, end) = second["snippets"][0]["highlights"][0]
    assert second["snippets"][0]["text"][start:end] == "NATO\u2013Russia Council's"


def test_try_explains_why_and_why_not(presswatch, page, tmp_path):
    text = tmp_path / "note.txt"
    text.write_text("Grushko spoke.")
    query = '"NATO-Russia Council" OR (Grushko AND NATO)'
    result = presswatch.call("try", "--explain", query, str(page), str(text))
    assert result.stdout.startswith('read as: "nato russia council" OR ("grushko" AND "nato")\n')
    assert f"{text}: no match\n  ✗ one of\n" in result.stdout
    assert '      ✓ "grushko"  (1× in body)\n      ✗ "nato"  (nowhere)\n' in result.stdout
    told = json.loads(presswatch.call("try", "--json", "--explain", "Grushko", str(text)).stdout)
    assert told["reading"] == '"grushko"'
    assert told["parts"] == [
        {"depth": 0, "reading": '"grushko"', "holds": True, "detail": "1× in body"}
    ]


def test_try_reads_standard_input(presswatch, page):
    run = presswatch.call
    assert run("try", "NATO NEAR/1 Russia", "-", stdin="NATO and Russia").returncode == 0
    assert run("try", "NATO", "-", stdin="nothing").returncode == 1
    as_page = run("try", "--json", "Envoys", "-", stdin=page.read_text())
    assert json.loads(as_page.stdout)["title"] == "Envoys meet"


def test_try_warns_of_operators_in_small_letters_and_knows_definitions(presswatch, configure, page):
    warned = presswatch.call("try", "NATO and Russia", str(page))
    assert "and is read as a word of the phrase; write AND" in warned.stderr
    directory = configure("definitions: {nato: 'NATO OR OTAN'}")
    config = ("--config", str(directory))
    assert presswatch.call("try", "@nato AND Council", str(page), *config).returncode == 0


def test_check_fails_if_a_watchlist_does_not_match_its_example(presswatch, configure):
    directory = configure("watchlists: [{name: w, query: a, must_match: [b]}]")
    result = presswatch.call("check", "--config", str(directory))
    assert result.returncode == 2
    assert "1:47: `w` does not match this" in result.stderr


def test_commands_that_need_a_daemon_say_how_to_start_one(presswatch, configure, tmp_path):
    directory = configure(CONFIG)
    for command in (["status"], ["tail"], ["alerts", "resend", "a"]):
        result = presswatch.call(
            *command, "--config", str(directory), "--data", str(tmp_path / "none")
        )
        assert result.returncode == 1, command
        assert "start one with `presswatch run`" in result.stderr


def test_commands_that_read_the_archive_say_where_there_is_none(presswatch, configure, tmp_path):
    directory = configure(CONFIG)
    for command in (["alerts", "list"], ["alerts", "show", "a"], ["try", "NATO", "--since", "1d"]):
        result = presswatch.call(
            *command, "--config", str(directory), "--data", str(tmp_path / "none")
        )
        assert result.returncode == 1, command
        assert f"there is no archive in {tmp_path}/none" in result.stderr


def test_a_feed_is_described_added_and_listed(presswatch, configure, site):
    directory = configure(CONFIG)
    config = ("--config", str(directory))
    site.put_feed("/rss", [("Envoys meet", "/1"), ("Rain", "/2")])
    url = f"{site.url}/rss"
    added = presswatch.call("feeds", "add", url, "--tag", "new", *config)
    assert added.returncode == 0, added.stderr
    assert added.stdout.startswith(f"H: 2 entries, the newest of {datetime.now(UTC):%Y-%m-%d}")
    listed = presswatch.call("feeds", "list", "--json", *config)
    feeds = list(map(json.loads, listed.stdout.splitlines()))
    assert [(feed["url"], feed["tags"]) for feed in feeds] == [
        ("https://a.example/feed", ["press"]),
        (url, ["new"]),
    ]
    assert presswatch.call("feeds", "add", url, *config).returncode == 1
    assert presswatch.call("feeds", "add", "nonsense", *config).returncode == 2


def test_a_feed_that_cannot_be_read_is_added_only_with_force(presswatch, configure, site):
    directory = configure(CONFIG)
    config, before = ("--config", str(directory)), (directory / "config.yaml").read_text()
    site.put_page("/page", "Envoys meet", "A page.")
    for path, why in (("page", "no feed"), ("gone", "HTTP 404")):
        refused = presswatch.call("feeds", "add", f"{site.url}/{path}", *config)
        assert refused.returncode == 1
        assert f"{site.url}/{path} was not added: " in refused.stderr
        assert why in refused.stderr
        assert "--force" in refused.stderr
        assert (directory / "config.yaml").read_text() == before
    forced = presswatch.call("feeds", "add", f"{site.url}/gone", "--force", *config)
    assert forced.returncode == 0
    assert site.asked()["/gone"] == 1
    assert f"{site.url}/gone" in (directory / "config.yaml").read_text()


def test_the_bundled_configuration_is_never_written_to(presswatch, tmp_path, monkeypatch):
    refused = presswatch.call("feeds", "add", "https://b.example/rss", "--force")
    assert refused.returncode == 1
    assert "presswatch init" in refused.stderr
    bundled = composition.bundled("config")
    monkeypatch.setattr(composition, "is_bundled", lambda path: path == bundled)
    refused = presswatch.call(
        "feeds", "add", "https://b.example/rss", "--force", "--config", str(bundled)
    )
    assert "presswatch init" in refused.stderr


def test_a_feed_is_added_to_the_users_configuration_where_there_is_none_here(presswatch, tmp_path):
    directory = tmp_path / "home" / "presswatch"
    assert presswatch.call("init", str(directory)).returncode == 0
    added = presswatch.call(
        *("feeds", "add", "https://b.example/rss", "--force"),
        XDG_CONFIG_HOME=str(tmp_path / "home"),
    )
    assert added.stdout == f"added to {directory}/feeds.yaml\n"


def test_feeds_add_takes_a_variable_in_the_address(presswatch, configure, site):
    directory = configure("feeds: []\n")
    config = ("--config", str(directory))
    site.put_feed("/rss?key=k3y-0123456789", [("A", "/a")])
    url = f"{site.url}/rss?key=${{KEY}}"
    unset = presswatch.call("feeds", "add", url, *config)
    assert unset.returncode == 1
    assert "the environment has no KEY" in unset.stderr
    wrong = presswatch.call("feeds", "add", url, *config, KEY="k3y-of-another")
    assert wrong.returncode == 1
    assert "k3y-of-another" not in wrong.stderr
    blank = presswatch.call("feeds", "add", url, *config, KEY="two words")
    assert "must not hold white space" in blank.stderr
    added = presswatch.call("feeds", "add", url, *config, KEY="k3y-0123456789")
    assert added.returncode == 0, added.stderr
    written = "".join(file.read_text() for file in directory.glob("*.yaml"))
    assert f'url: "{url}"' in written
    assert "k3y-0123456789" not in added.stdout + added.stderr + written
    again = presswatch.call("feeds", "add", url, *config, KEY="k3y-0123456789")
    assert "is already a feed" in again.stderr


def test_init_quotes_the_directory_in_the_commands_that_follow(presswatch):
    assert "presswatch check --config 'other dir'," in presswatch.call("init", "other dir").stdout


def test_init_writes_a_valid_configuration_and_overwrites_nothing(presswatch, tmp_path):
    done = presswatch.call("init")
    assert done.returncode == 0
    assert "presswatch run\n" in done.stdout
    assert presswatch.call("check").returncode == 0
    assert presswatch.call("feeds", "add", "https://b.example/rss", "--force").returncode == 0
    written = (tmp_path / "config" / "feeds.yaml").read_text()
    again = presswatch.call("init")
    assert again.returncode == 1
    assert "config/feeds.yaml exists already; nothing was written" in again.stderr
    assert (tmp_path / "config" / "feeds.yaml").read_text() == written
    elsewhere = presswatch.call("init", str(tmp_path / "other" / "place"))
    assert f"--config {tmp_path}/other/place" in elsewhere.stdout
    (tmp_path / "file").write_text("")
    assert "Not a directory" in presswatch.call("init", "file/config").stderr


def keys_of(schema):
    """Every key that a configuration may have."""
    for found in (schema, *schema.get("$defs", {}).values()):
        yield from found.get("properties", {})


def test_the_configuration_of_init_shows_every_option(presswatch, tmp_path):
    presswatch.call("init")
    text = "".join(file.read_text() for file in (tmp_path / "config").glob("*.yaml"))
    schema = json.loads(presswatch.call("check", "--schema").stdout)
    # `api_url` is for another Slack than slack.com.
    assert [key for key in keys_of(schema) if f"{key}:" not in text] == ["api_url"]


def test_a_feed_is_polled_on_demand(presswatch, configure, site, words, redis_url, redis):
    site.put_page("/1", "Envoys meet", words)
    site.put_feed("/feed.xml", [("Envoys meet", "/1")])
    directory = configure(f"feeds: [{{url: {site.url}/feed.xml}}]")
    config = ("--config", str(directory))
    result = presswatch.call("feeds", "poll", f"{site.url}/feed.xml", *config, REDIS_URL=redis_url)
    assert result.stdout == "1 entries, 1 new, 0 edited\n", result.stderr
    again = presswatch.call("feeds", "poll", f"{site.url}/feed.xml", *config, REDIS_URL=redis_url)
    assert again.stdout == "1 entries, 0 new, 0 edited\n"
    unknown = presswatch.call("feeds", "poll", "https://b.example/", *config, REDIS_URL=redis_url)
    assert "presswatch feeds add" in unknown.stderr


def test_every_command_explains_itself():
    def walk(command, path):
        result = CliRunner().invoke(presswatch_command, [*path, "--help"])
        assert result.exit_code == 0
        assert command.help, path
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, [*path, name])

    presswatch_command = presswatch
    walk(presswatch_command, [])
    assert alerts.commands


ARTICLE = Article("a", "https://a.example/1", "Envoys meet", "They met.", "Herald", "", story="a")
DOCUMENT = {
    "id": "0",
    "watchlist": "w",
    "priority": "high",
    "detected_at": "2026-11-23T09:00:00Z",
    "story": {"id": "a", "articles": 1},
    "article": {
        "id": "a",
        "title": "Red \x1b[31malert\u202e",
        "source": "Herald",
        "url": "https://a.example/\x07",
        "published_at": None,
    },
    "snippets": [{"text": "… the Council met\x1b]0;x", "highlights": [[6, 13]]}],
}


def test_a_strangers_title_cannot_command_the_terminal():
    assert "\x1b" not in console.line(DOCUMENT)
    block = console.block(DOCUMENT)
    assert "Red  [31malert \x1b[0m" in block
    assert "\x1b]" not in block
    assert "\x07" not in block
    assert "\u202e" not in block


@pytest.fixture
def archived(tmp_path):
    """Writes alerts to an archive, and returns the options of commands that read it."""

    def write(*documents, notes=()):
        records = [
            Record(Publication(datetime.now(UTC), ARTICLE, alerts=(document,)))
            for document in documents
        ]
        records += [
            Record(delivery=DeliveryRecord(tuple(each["id"] for each in documents), note))
            for note in notes
        ]
        engine = open_archive(None, tmp_path)
        assert Writer(engine).write(records) == []
        engine.dispose()
        return ("--data", str(tmp_path))

    return write


def test_try_searches_the_archive_newest_first_while_no_daemon_runs(
    presswatch, configure, tmp_path
):
    engine = open_archive(None, tmp_path)
    at = datetime.now(UTC) - timedelta(days=2)
    for number, source in enumerate(("Herald", "Courier", "Herald")):
        article = Article(
            f"{number}", f"https://a.example/{number}", "Envoys meet", "They met \x1b[31mthere.", source,
            "", story="a", language="en",
        )  # fmt: skip
        record = Record(Publication(at + timedelta(hours=number), article))
        assert Writer(engine).write([record]) == []
    engine.dispose()

    def search(*arguments):
        options = ("--config", str(configure(CONFIG)), "--data", str(tmp_path))
        return presswatch.call("try", *arguments, *options)

    found = search("--json", "envoys")
    hits = list(map(json.loads, found.stdout.splitlines()))
    assert [hit["file"] for hit in hits] == [f"https://a.example/{n}" for n in (2, 1, 0)]
    assert hits[0]["matches"] == [{"term": "envoys", "field": "title", "count": 1}]
    assert (found.returncode, found.stderr) == (0, "")
    shown = search("envoys AND met", "--source", "Herald", "--lang", "en").stdout
    assert "2 articles since" in shown
    assert "sources: Herald 2" in shown
    assert "languages: en 2" in shown
    assert f"{at:%Y-%m-%d}" in shown
    assert "\x1b" not in shown
    assert search("envoys", "--since", "1d").returncode == 1
    assert search("envoys", "--lang", "de").returncode == 1
    assert search("envoys AND").returncode == 2
    assert search("envoys", "--lang", "de", "page.html").returncode == 2


def test_json_escapes_terminal_commands_and_loses_nothing(presswatch, configure, archived):
    title = "a\x9b31m \u202e b"
    article = DOCUMENT["article"] | {"title": title}
    options = ("--config", str(configure(CONFIG)), *archived(DOCUMENT | {"article": article}))
    listed = presswatch.call("alerts", "list", "--json", *options)
    assert json.loads(listed.stdout)["article"]["title"] == title
    assert {char for char in listed.stdout if not char.isprintable()} == {"\n"}
    assert presswatch.call("alerts", "list", *options).returncode == 0


def test_a_block_highlights_the_match():
    assert "the \x1b[32m\x1b[1mCouncil\x1b[0m met" in console.block(DOCUMENT)


def test_alerts_are_listed_oldest_first_while_no_daemon_runs(presswatch, configure, archived):
    now = datetime.now(UTC)
    documents = [
        DOCUMENT | {"id": str(number), "detected_at": (now - timedelta(minutes=age)).isoformat()}
        for number, age in enumerate((90, 3, 2, 1))
    ]
    listed = presswatch.call(
        "alerts", "list", "--json", "--since", "1h", "--watchlist", "w",
        "--config", str(configure(CONFIG)), *archived(*documents[1:], documents[0]),
    )  # fmt: skip
    assert [json.loads(row)["id"] for row in listed.stdout.splitlines()] == ["1", "2", "3"]
    wrong = presswatch.call("alerts", "list", "--since", "soon")
    assert wrong.returncode == 2


def test_matches_found_later_are_listed_among_alerts_and_marked(
    presswatch, configure, archived, tmp_path
):
    now = datetime.now(UTC)
    old = DOCUMENT | {"detected_at": (now - timedelta(days=1)).isoformat()}
    options = ("--config", str(configure(CONFIG)), *archived(old))
    engine = open_archive(None, tmp_path)
    later = Article("later", "https://a.example/later", "A \x1b[31m title", "", "Herald", "")
    assert Writer(engine).write([Record(Publication(now, later))]) == []
    mark_later(engine, "w", ["later"])
    engine.dispose()
    alerted, found = presswatch.call("alerts", "list", *options).stdout.splitlines()
    assert "  w  Red" in alerted
    assert "later" not in alerted
    assert found.endswith("https://a.example/later  (found later)")
    assert "\x1b" not in found
    listed = presswatch.call("alerts", "list", "--json", "--since", "1h", *options).stdout
    document = json.loads(listed)
    assert document["later"] is True
    assert document["watchlist"] == "w"
    assert document["article"]["source"] == "Herald"


def test_lists_of_alerts_and_mutes_call_watchlists_by_their_titles(
    presswatch, configure, archived, tmp_path, redis, redis_url
):
    """The title when it alerted, or the present one; programs get the name."""
    config = CONFIG + "  - {name: w, title: Peace & war, query: NATO}\n"
    matched = [{"term": "Council", "field": "body", "count": 1}]
    now = datetime.now(UTC)
    documents = [
        DOCUMENT | {"id": f"{number}" * 32, "matches": matched, "detected_at": rfc3339(at)} | title
        for number, (at, title) in enumerate(
            [(now - timedelta(hours=1), {}), (now, {"watchlist_title": "Peace"})]
        )
    ]
    options = ("--config", str(configure(config)), *archived(*documents))

    def call(*arguments):
        return presswatch.call(*arguments, *options, REDIS_URL=redis_url).stdout

    listed = call("alerts", "list", "--watchlist", "w").splitlines()
    assert [row.split("  ")[2] for row in listed] == ["Peace & war", "Peace"]
    assert json.loads(call("alerts", "list", "--json").splitlines()[0])["watchlist"] == "w"
    assert call("mutes", "add", "0000").split("  ")[1] == "Peace & war"
    assert call("mutes", "list").split("  ")[1] == "Peace & war"
    (mute,) = call("mutes", "list", "--json").splitlines()
    assert json.loads(mute)["watchlist"] == "w"
    article = Article("b" * 32, "https://a.example/1", "Held", "Text.", "Herald", "", story="s")
    publication = Publication(now, article, (MatchRecord("w", muted=True),))
    engine = open_archive(None, tmp_path)
    assert Writer(engine).write([Record(publication=publication)]) == []
    engine.dispose()
    assert call("mutes", "matches").split("  ")[1] == "Peace & war"
    ended = call("mutes", "remove", json.loads(mute)["id"])
    assert ended.startswith("Peace & war alerts again on Red")
    assert "\x1b" not in ended


def test_a_list_shows_so_much_of_an_id_that_show_finds_the_alert(presswatch, configure, archived):
    document = DOCUMENT | {"id": "0123456789abcdef" * 2}
    options = ("--config", str(configure(CONFIG)), *archived(document))
    shown_id = presswatch.call("alerts", "list", *options).stdout.split()[1]
    assert len(shown_id) < len(document["id"])
    assert presswatch.call("alerts", "show", shown_id, *options).returncode == 0


def test_an_unknown_watchlist_is_wrong_use_and_a_removed_one_is_not(
    presswatch, configure, archived
):
    options = ("--config", str(configure(CONFIG)), *archived(DOCUMENT | {"watchlist": "removed"}))
    wrong = presswatch.call("alerts", "list", "--watchlist", "remved", *options)
    assert wrong.returncode == 2
    assert "no watchlist is called 'remved'; did you mean `removed`?" in wrong.stderr
    right = presswatch.call("alerts", "list", "--watchlist", "removed", *options)
    assert right.returncode == 0
    assert right.stdout


def test_a_broken_configuration_does_not_hide_what_happened(presswatch, configure, archived):
    directory = configure(CONFIG)
    options = ("--config", str(directory), *archived(DOCUMENT))
    (directory / "broken.yaml").write_text("watchlists: [{name: x, query: 'A OR'}, {nam: y}]")
    listed = presswatch.call("alerts", "list", *options)
    assert listed.returncode == 0
    assert DOCUMENT["article"]["title"].split()[0] in listed.stdout
    assert "a running daemon goes on with the last valid one" in listed.stderr


def test_check_warns_of_what_is_seldom_meant(presswatch, configure):
    directory = configure("""
feeds: [{url: "https://herald.example/feed"}]
watchlists:
  - {name: quiet, query: NATO}
  - {name: told, query: NATO, subscribers: [phones, near, local]}
subscribers:
  - {name: phones, apprise: {url: "foo://bar"}}
  - {name: near, webhook: {url: "http://10.1.2.3/hook"}}
  - {name: local, webhook: {url: "http://127.0.0.1/hook"}}
  - {name: unused, webhook: {url: "https://hook.example/"}}
""")
    checked = presswatch.call("check", "--config", str(directory))
    assert checked.returncode == 0
    warned = [row for row in checked.stdout.splitlines() if row.startswith("warning: ")]
    assert [row.split(": ", 1)[1][:30] for row in warned] == [
        "1 of 2 watchlists (quiet) name",
        "Apprise does not support the a",
        "the subscriber near has a priv",
        "no watchlist names the subscri",
    ]


def test_check_warns_if_nobody_would_hear_that_something_went_silent(presswatch, configure):
    directory = configure("watchlists: [{name: cod, query: cod}]")
    checked = presswatch.call("check", "--config", str(directory))
    assert checked.returncode == 0
    assert "warning: there are no subscribers: when a feed goes silent" in checked.stdout
    # Nobody need name the subscriber for operators.
    subscriber = "{name: operators, webhook: {url: 'https://hook.example/'}}"
    directory = configure(f"subscribers: [{subscriber}]")
    checked = presswatch.call("check", "--config", str(directory))
    assert "warning" not in checked.stdout


DELIVERIES = """
feeds: [{{url: "{site}/feed.xml", name: Herald}}]
watchlists: [{{name: w, query: NATO, subscribers: [hook]}}]
subscribers:
  - {{name: hook, webhook: {{url: "{site}/hook"}}}}
  - {{name: broken, webhook: {{url: "{site}/broken"}}}}
"""


@pytest.fixture
def daemon(presswatch, configure, site, redis, redis_url, queues, archived):
    """A Redis with an alert, one delivery made, one given up; and a way to call commands on it."""
    site.pages["/broken"] = (403, {}, b"")
    told = notice("Envoys meet", "They said little.", now=datetime.now(UTC))
    config = str(configure(DELIVERIES.format(site=site.url)))
    note = DeliveryNote(datetime.now(UTC), "hook", "webhook", "delivered", "HTTP 204")
    _, data = archived(told.document | {"watchlist": "w"}, notes=[note])
    with redis.pipeline() as pipe:
        pipe.multi()
        queues.fail_delivery(Delivery("hook", (told.id,)), "HTTP 422", pipe)
        pipe.execute()

    def call(*arguments):
        return presswatch.call(
            *arguments, "--config", config, REDIS_URL=redis_url, PRESSWATCH_DATA=data
        )

    call.alert = told.id
    call.data = data
    call.owed = lambda: redis.hlen("presswatch:outstanding:deliveries")
    return call


def test_an_alert_is_shown_with_its_ledger(daemon):
    shown = daemon("alerts", "show", daemon.alert).stdout
    assert "Envoys meet" in shown
    assert "hook  webhook  delivered  HTTP 204" in shown
    told = json.loads(daemon("alerts", "show", daemon.alert, "--json").stdout)
    assert told["deliveries"][0]["detail"] == "HTTP 204"
    assert daemon("alerts", "show", daemon.alert[:8]).stdout == shown
    unknown = daemon("alerts", "show", "nonsense")
    assert unknown.returncode == 1
    assert "no alert has the id nonsense" in unknown.stderr


def test_an_alert_is_sent_again_under_a_new_key(daemon, redis):
    assert daemon("alerts", "resend", daemon.alert).stdout == "queued for hook\n"
    (stored,) = redis.hvals("presswatch:outstanding:deliveries")
    assert json.loads(stored)[0]["resent"]
    assert daemon("alerts", "resend", daemon.alert, "--to", "nobody").returncode == 1


def test_mutes_are_added_listed_and_removed(daemon, archived, store):
    refused = daemon("mutes", "add", daemon.alert[:8])
    assert refused.returncode == 1
    assert "an alert about the coverage as a whole cannot be muted" in refused.stderr
    matched = [{"term": "Council", "field": "body", "count": 1}]
    archived(DOCUMENT | {"id": "9" * 32, "matches": matched})
    line = daemon("mutes", "add", "9999", "--kind", "source", "--days", "2").stdout
    assert daemon("mutes", "list").stdout == line
    shown = json.loads(daemon("mutes", "list", "--json").stdout)
    assert (shown["kind"], shown["subject"]) == ("source", DOCUMENT["article"]["source"])
    assert shown["by"] == getpass.getuser()
    assert daemon("mutes", "remove", "nonsense").returncode == 1
    assert "alerts again" in daemon("mutes", "remove", line.split()[0]).stdout
    assert daemon("mutes", "list").stdout == ""


def test_muted_matches_are_listed_oldest_first(daemon, tmp_path):
    now = datetime.now(UTC)
    engine = open_archive(None, Path(daemon.data))
    records = []
    for age, title in ((1, "Newer"), (2, "Older \x1b[31m"), (100, "Old")):
        article = Article(
            title.ljust(32, "0"), "https://a.example/1", title, "Text.", "Herald", "", story="s"
        )
        publication = Publication(
            now - timedelta(hours=age), article, (MatchRecord("w", muted=True),)
        )
        records.append(Record(publication=publication))
    assert Writer(engine).write(records) == []
    engine.dispose()
    lines = daemon("mutes", "matches", "--since", "3h", "--watchlist", "w").stdout.splitlines()
    assert [line.split("  ")[2:4] for line in lines] == [
        ["Herald", "Older"], ["Herald", "Newer"],
    ]  # fmt: skip
    assert len(daemon("mutes", "matches").stdout.splitlines()) == 3
    shown = daemon("mutes", "matches", "--json", "--since", "90m").stdout
    assert json.loads(shown)["article"]["title"] == "Newer"
    unknown = daemon("mutes", "matches", "--watchlist", "v")
    assert unknown.returncode == 2
    assert "no watchlist is called 'v'" in unknown.stderr


def test_failed_jobs_are_listed_retried_and_dropped(daemon):
    shown = daemon("failed", "list").stdout
    assert f"alert {daemon.alert} to hook  HTTP 422" in shown
    job_id = json.loads(daemon("failed", "list", "--json").stdout)["id"]
    assert daemon("failed", "retry").returncode == 2
    assert daemon("failed", "retry", "nonsense").returncode == 1
    assert daemon("failed", "retry", job_id).stdout == "1 queued again\n"
    assert daemon.owed() == 1
    assert daemon("failed", "list").stdout == ""
    assert daemon("failed", "drop", "--all").stdout == "0 dropped\n"


def test_status_shows_a_subscribers_problems_on_one_line(daemon, store):
    state = SubscriberState(5, datetime.now(UTC), "HTTP 500", datetime.now(UTC))
    store.subscribers.change("hook", lambda _: state)
    (line,) = [line for line in daemon("status").stdout.splitlines() if "paused" in line]
    assert line.startswith("subscriber hook: paused since 20")
    assert "HTTP 500 (5× in a row)" in line


def test_check_online_polls_each_feed_and_sends_each_subscriber_a_test(daemon, site):
    site.put_feed("/feed.xml", [("Envoys meet", "/1")])
    result = daemon("check", "--online")
    assert result.returncode == 1
    assert "feed Herald: 1 entries\n" in result.stdout
    assert "subscriber hook: HTTP 204\n" in result.stdout
    assert "subscriber broken: HTTP 403\n" in result.stdout
    assert b"A test for hook" in site.received[0][1]
    del site.pages["/broken"]
    assert daemon("check", "--online").returncode == 0


def test_a_report_by_mail_has_a_ledger_without_an_alert(presswatch, configure, archived):
    note = DeliveryNote(datetime.now(UTC), "weekly", "email", "delivered", "250 queued")
    options = (
        "--config",
        str(configure(CONFIG)),
        *archived({**DOCUMENT, "id": "0" * 32}, notes=[note]),
    )
    Writer(engine := open_archive(None, Path(options[-1]))).write(
        [Record(delivery=DeliveryRecord(("f" * 32,), note))]
    )
    engine.dispose()
    shown = presswatch.call("alerts", "show", "f" * 32, *options)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.endswith("weekly  email  delivered  250 queued\n")
    read = json.loads(presswatch.call("alerts", "show", "f" * 32, "--json", *options).stdout)
    assert (read["alert"], len(read["deliveries"])) == (None, 1)


def test_options_before_a_subcommand_of_archive_are_refused(presswatch, configure, archived):
    options = ("--config", str(configure(CONFIG)), *archived(DOCUMENT))
    early = presswatch.call("archive", *options, "backup", "copy.db")
    assert (early.returncode, "write the options after `backup`" in early.stderr) == (2, True)
    assert presswatch.call("archive", "backup", "copy.db", *options).returncode == 0


def test_since_takes_a_moment_or_an_age(daemon):
    assert "Envoys meet" in daemon("alerts", "list", "--since", "1h").stdout
    assert daemon("alerts", "list", "--since", "2999-01-01T00:00:00Z").stdout == ""
    assert daemon("alerts", "list", "--since", "yesterday").returncode == 2
