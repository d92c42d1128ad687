"""A configuration, or every fault in it with its place."""

import errno
import os
from datetime import timedelta
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import fingerprint, load, load_valid_part
from monitor.config.additions import prepare_feed
from monitor.errors import ConfigError, PresswatchError
from monitor.model import Digest, Feed, FeedFilter, Quiet, ReportSchedule

EXAMPLE = """\
settings:
  user_agent: "Presswatch/1.0 (+https://example.org/contact)"
  poll: {every: 15m, fastest: 1m, slowest: 6h, per_host: 2, timeout: 20s}
  articles: {per_host: 2, delay: 1s, keep: 30d, max_size: 10MB}
  backfill: 24h
  allow_private_addresses: [127.0.0.1/32]
feeds:
  - url: https://www.nato.int/rss/news.xml
    name: NATO newsroom
    tags: [defence, official]
    every: 5m
watchlists:
  - name: nato-russia
    query: '"NATO-Russia Council" OR (NRC AND (NATO OR Grushko))'
    feeds: {tags: [defence]}
    priority: high
    subscribers: [desk-slack, analysts]
    once_per: story
subscribers:
  - name: desk-slack
    slack: {webhook_url: "${SLACK_WEBHOOK_URL}"}
  - name: analysts
    email: {to: [a@example.org], smtp_url: "${SMTP_URL}"}
    digest: {at: "08:00,17:00", timezone: Europe/Brussels}
    quiet: {from: "22:00", to: "07:00", except: high}
  - name: archive
    webhook: {url: https://example.org/hook, secret: "${HOOK_SECRET}"}
  - name: phones
    apprise: {url: "${APPRISE_URL:-json://localhost}"}
"""
SECRETS = {
    "SLACK_WEBHOOK_URL": "https://hooks.example/T/B/x",
    "SMTP_URL": "smtps://me:pw@mail.example",
    "HOOK_SECRET": "hush",
}


@pytest.fixture
def write(tmp_path):
    def put(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return put


def faults(directory, environ=None):
    with pytest.raises(ConfigError) as raised:
        load(directory, environ or {})
    return [
        f"{fault.file.name}:{fault.line}:{fault.column}: {fault.message}"
        for fault in raised.value.faults
    ]


def test_a_whole_configuration_is_read(write):
    config = load(write(all=EXAMPLE), SECRETS)
    assert config.settings.poll.every == timedelta(minutes=15)
    assert config.settings.articles.max_size == 10_000_000
    assert config.settings.allow_private_addresses == (ip_network("127.0.0.1/32"),)
    assert config.feeds == (
        Feed(
            "https://www.nato.int/rss/news.xml",
            "NATO newsroom",
            ("defence", "official"),
            timedelta(minutes=5),
        ),
    )
    (watchlist,) = config.watchlists
    assert watchlist.feeds == FeedFilter(tags=("defence",))
    assert watchlist.subscribers == ("desk-slack", "analysts")
    slack, email, webhook, phones = config.subscribers
    assert (slack.kind, slack.options) == ("slack", {"webhook_url": SECRETS["SLACK_WEBHOOK_URL"]})
    assert email.digest == Digest(("08:00", "17:00"), None, "Europe/Brussels")
    assert email.quiet == Quiet("22:00", "07:00", "UTC", "high")
    assert webhook.options == {"url": "https://example.org/hook", "secret": "hush"}
    assert phones.options == {"url": "json://localhost"}


@pytest.mark.parametrize("title", ["Центральные банки", "NATO–Russia Council: talks & more"])
def test_people_read_a_watchlists_title_and_without_one_its_name(write, title):
    config = load(
        write(a=f"watchlists: [{{name: a, query: q, title: '{title}'}}, {{name: b, query: q}}]"), {}
    )
    assert config.headings == {"a": title, "b": "b"}


@pytest.mark.parametrize(
    "title", ["", " spaces", "two\\nlines", "\\e[31mred", "\\u202e", "x" * 101]
)
def test_a_title_is_one_line_that_commands_no_terminal(write, title):
    (fault,) = faults(write(a=f'watchlists: [{{name: a, query: q, title: "{title}"}}]'))
    assert "must be a line of at most 100 characters" in fault


def test_what_is_on_or_off_is_true_or_false(write):
    (fault,) = faults(write(a="settings: {web: {edit_watchlists: 'yes'}}"))
    assert "`edit_watchlists` must be true or false" in fault


def test_files_are_merged_and_settings_key_by_key(write):
    directory = write(
        a="settings: {poll: {every: 5m}}\nfeeds: [{url: https://a.example/}]\n",
        b="settings: {poll: {per_host: 3}, backfill: 1h}\nfeeds: [{url: https://b.example/}]\n",
        c="",
    )
    config = load(directory, {})
    assert (config.settings.poll.every, config.settings.poll.per_host) == (timedelta(minutes=5), 3)
    assert [feed.url for feed in config.feeds] == ["https://a.example/", "https://b.example/"]


def test_a_mapping_that_an_alias_repeats_is_merged_where_it_is_named_only(write):
    directory = write(
        a="settings: {poll: &shared {per_host: 3}, articles: *shared}\n",
        b="settings: {poll: {at_once: 5}}\n",
    )
    settings = load(directory, {}).settings
    assert (settings.poll.per_host, settings.poll.at_once) == (3, 5)
    assert settings.articles.per_host == 3


def test_a_fault_in_a_later_file_of_a_list_has_the_place_in_that_file(write):
    directory = write(
        a="feeds: [{url: https://a.example/}, {url: https://b.example/}]\n",
        b="# more\nfeeds:\n  - {url: https://c.example/, tag: x}\n",
    )
    assert faults(directory) == ["b.yaml:3:31: unknown key `tag`; did you mean `tags`?"]


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://me.example", "https://me.example"),
        ("https://me.example:8443/news/", "https://me.example:8443/news"),
        ("me.example", None),
        ("ftp://me.example/", None),
        ("https://user:pw@me.example/", None),
        ("https://me.example/?a=1", None),
        ("https://me.example/#a", None),
    ],
)
def test_a_public_address_is_one_to_which_paths_can_be_added(write, url, read):
    directory = write(a=f"settings: {{web: {{public_url: '{url}'}}}}")
    if read is None:
        (fault,) = faults(directory)
        assert "`public_url` must be an address" in fault
        assert "pw" not in fault
    else:
        assert load(directory, {}).settings.web.public_url == read


def test_every_fault_of_every_file_is_reported_at_its_place(write):
    directory = write(
        a="""\
feeds:
  - url: ftp://a.example/
    evry: 5m
  - {name: nameless}
settings:
  poll: {every: soon, per_host: 0}
  backfil: 1h
""",
        b="""\
watchlists:
  - name: two words
    query: a AND
    priority: urgent
    feeds: {languages: [english]}
subscribers:
  - {name: s, webhook: {url: https://a.example/}, apprise: {url: x}}
  - {name: t, digest: {at: "8"}, email: {to: [], smtp_url: smtp://x}}
""",
        c="feeds: [{url: 'https://c.example'\n",
    )
    assert faults(directory) == [
        "a.yaml:2:10: `url` must be an address that starts with http:// or https://, "
        "got 'ftp://a.example/'",
        "a.yaml:3:5: unknown key `evry`; did you mean `every`?",
        "a.yaml:4:5: `url` is missing",
        "a.yaml:6:17: `every` must be a duration such as 20s, 15m, 6h or 1h30m, got 'soon'",
        "a.yaml:6:33: `per_host` must be a whole number from 1 to 1000, got 0",
        "a.yaml:7:3: unknown key `backfil`; did you mean `backfill`?",
        "b.yaml:2:11: `name` must be a name of at most 64 letters, digits, dots, dashes and "
        "underscores, since it names a channel; what people read can be its `title`, got "
        "'two words'",
        "b.yaml:3:14: query: nothing follows AND; write a word, a phrase or a group there",
        "b.yaml:4:15: `priority` must be 'low', 'normal' or 'high', got 'urgent'",
        "b.yaml:5:25: must be a language code such as en or de, got 'english'",
        "b.yaml:7:5: must have exactly one of slack, email, webhook, apprise",
        'b.yaml:8:29: `at` must be times of day such as "08:00" or "08:00,17:00", got \'8\'',
        "b.yaml:8:46: `to` must not be empty",
        "c.yaml:2:1: not valid YAML: expected ',' or '}', but got '<stream end>'",
    ]


def test_definitions_are_shared_by_all_files(write):
    directory = write(
        a="definitions: {nato: 'NATO OR OTAN'}",
        b="watchlists: [{name: w, query: '@nato AND x'}]",
    )
    assert load(directory, {}).definitions == {"nato": "NATO OR OTAN"}


def test_broken_definitions_are_faults_at_their_place(write):
    directory = write(
        a="""\
definitions:
  one: '@two OR x'
  two: 'y AND @one'
  three: 'a AND'
watchlists:
  - {name: w, query: '@thre'}
"""
    )
    assert faults(directory) == [
        "a.yaml:2:9: query: definitions form a circle: @two → @one → @two",
        "a.yaml:3:15: query: definitions form a circle: @one → @two → @one",
        "a.yaml:4:13: query: nothing follows AND; write a word, a phrase or a group there",
        "a.yaml:6:23: query: @thre is not defined; known definitions: @one, @three, @two; "
        "or put it in quotes",
    ]


def test_words_without_operators_make_a_query(write):
    directory = write(
        a="watchlists:\n"
        "  - {name: w, any: [grain, 'Black Sea'], all: [Ukraine], none: [recipe, cake]}\n"
        "  - {name: v, all: [a, b]}\n"
    )
    assert [one.query for one in load(directory, {}).watchlists] == [
        '("grain" OR "Black Sea") AND "Ukraine" AND NOT ("recipe" OR "cake")',
        '"a" AND "b"',
    ]
    broken = write(
        a="watchlists:\n"
        "  - {name: w, none: [recipe]}\n"
        "  - {name: v, query: a, any: [b]}\n"
        "  - {name: u, any: ['!', 'a*']}\n"
    )
    assert faults(broken) == [
        "a.yaml:2:5: must have either query, or any or all",
        "a.yaml:3:5: must have either query, or any or all",
        "a.yaml:4:22: contains no word",
        "a.yaml:4:27: a* matches too many words",
    ]


def test_watchlists_are_tested_with_their_examples(write, tmp_path):
    (tmp_path / "note.txt").write_text("The World Health Organization spoke.")
    directory = write(
        a="""\
watchlists:
  - name: who
    query: case:"WHO" AND (outbreak OR emergency)
    must_match:
      - The WHO declared an emergency.
      - The WHO met.
      - {file: note.txt}
      - {file: none.txt}
    must_not_match:
      - Who declared an emergency?
      - WHO emergency
"""
    )
    load(directory, {})
    with pytest.raises(ConfigError) as raised:
        load(directory, {}, examples=True)
    reading = 'read as case:"WHO" AND ("outbreak" OR "emergency")'
    assert [f"{fault.line}:{fault.column}: {fault.message}" for fault in raised.value.faults] == [
        f'6:9: `who` does not match this, because of "outbreak", "emergency"; {reading}',
        f'7:9: `who` does not match this, because of case:"WHO", "outbreak", "emergency"; {reading}',
        "8:9: cannot be read: No such file or directory",
        f'11:9: `who` matches this, because of case:"WHO", "emergency"; {reading}',
    ]


def test_a_name_given_twice_names_both_places(write):
    directory = write(
        a="watchlists: [{name: w, query: a}]\nsettings: {backfill: 1h}\n",
        b="watchlists: [{name: w, query: b}]\nsettings: {backfill: 2h}\n",
    )
    assert faults(directory) == [
        f"b.yaml:1:21: watchlist name `w` is given twice, first at {directory}/a.yaml:1",
        f"b.yaml:2:12: `backfill` is given twice, first at {directory}/a.yaml:2",
    ]


def test_a_key_given_twice_is_a_fault(write):
    assert faults(write(a="feeds: []\nfeeds: []\n")) == [
        f"a.yaml:2:1: `feeds` is given twice, first at {write()}/a.yaml:1"
    ]


def test_references_to_unknown_names_are_faults(write):
    directory = write(
        a="""\
feeds: [{url: https://a.example/, name: Herald, tags: [defence]}]
subscribers: [{name: archive, webhook: {url: https://a.example/}}]
watchlists:
  - {name: w, query: a, subscribers: [archiv], feeds: {tags: [defense], names: [Courier]}}
"""
    )
    assert faults(directory) == [
        "a.yaml:4:39: no subscriber is called `archiv`; did you mean `archive`?",
        "a.yaml:4:63: no tag on any feed is called `defense`; did you mean `defence`?",
        "a.yaml:4:81: no feed is called `Courier`",
    ]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("query: NATO AND OR x", "2:21: query: OR has nothing before it"),
        ("query: 'NATO AND OR x'", "2:22: query: OR has nothing before it"),
        ('query: "NATO AND OR x"', "2:22: query: OR has nothing before it"),
        ("query: '''a'' AND OR x'", "2:12: query, column 9: OR has nothing before it"),
        ("query: >\n      NATO AND\n      OR x", "2:12: query, column 10: OR has nothing"),
    ],
)
def test_a_fault_in_a_query_has_its_own_place(write, query, place):
    (fault,) = faults(write(a=f"watchlists:\n  - {query}\n    name: w\n"))
    assert fault.startswith(f"a.yaml:{place}"), fault


def test_variables_come_from_the_environment(write):
    directory = write(
        a='settings: {user_agent: "${WHO} and ${OTHER:-nobody} for $${NOTHING}", backfill: "${B}"}'
    )
    settings = load(directory, {"WHO": "me", "B": "2h"}).settings
    assert settings.user_agent == "me and nobody for ${NOTHING}"
    assert settings.backfill == timedelta(hours=2)
    assert faults(directory, {"WHO": "me"})[-1].endswith(
        "the environment has no B; set it, or write ${B:-default}"
    )


def test_a_secret_is_never_repeated(write):
    directory = write(
        a='subscribers:\n  - {name: s, webhook: {url: "${HOOK}"}}\n'
        '  - {name: t, slack: {webhook_url: "x${HOOK}"}}\n'
        'feeds: [{url: "${HOOK}"}, {url: "${HOOK}"}]'
    )
    assert "hunter2" not in "\n".join(faults(directory, {"HOOK": "hunter2"}))


def test_a_report_has_its_times(write):
    directory = write(
        a="""subscribers:
  - {name: a, email: {to: [a@b.example], smtp_url: "smtp://mail.example"}, report: {every: monday}}
  - name: b
    email: {to: [a@b.example], smtp_url: "smtp://mail.example"}
    report: {every: day, at: "17:30", timezone: Europe/Brussels, since: 36h}
  - {name: c, email: {to: [a@b.example], smtp_url: "smtp://mail.example"}, report: {every: day}}
"""
    )
    assert [each.report for each in load(directory, {}).subscribers] == [
        ReportSchedule("monday", "08:00", timedelta(days=7), "UTC"),
        ReportSchedule("day", "17:30", timedelta(hours=36), "Europe/Brussels"),
        ReportSchedule("day", "08:00", timedelta(days=1), "UTC"),
    ]


def test_a_report_needs_mail_and_a_day(write):
    directory = write(
        a="""subscribers:
  - name: desk
    slack: {webhook_url: "https://hooks.example/x"}
    report: {every: monday}
  - name: analysts
    email: {to: [a@b.example], smtp_url: "smtp://mail.example"}
    report: {every: month, at: "8:00", timezone: Brussels, until: 1d}
  - {name: c, email: {to: [a@b.example], smtp_url: "smtp://mail.example"}, report: {at: "08:00"}}
"""
    )
    found = faults(directory)
    assert found[0] == (
        "a.yaml:4:5: `report` is for subscribers of e-mail; remove it here, and write it beside "
        "`email: {to: [desk@example.org], smtp_url: …}`"
    )
    assert found[1].startswith("a.yaml:7:21: `every` must be 'day', 'monday', 'tuesday'")
    assert found[1].endswith("or 'sunday', got 'month'")
    assert found[2:] == [
        "a.yaml:7:33: `at` must be a time of day such as \"22:00\", got '8:00'",
        "a.yaml:7:50: `timezone` must be a time zone such as Europe/Brussels or UTC, got 'Brussels'",
        "a.yaml:7:60: unknown key `until`",
        "a.yaml:8:84: `every` is missing",
    ]


def test_values_from_the_environment_are_never_suggested(write):
    directory = write(
        a='feeds: [{url: https://a.example/, name: "${S}", tags: ["${S}"]}]\n'
        'subscribers: [{name: "${S}", webhook: {url: https://a.example/}}]\n'
        "watchlists:\n"
        "  - name: w\n"
        "    query: a\n"
        "    feeds: {names: [hunter3], tags: [hunter3]}\n"
        "    subscribers: [hunter3]\n"
    )
    assert faults(directory, {"S": "hunter2"}) == [
        "a.yaml:6:21: no feed is called `hunter3`",
        "a.yaml:6:38: no tag on any feed is called `hunter3`",
        "a.yaml:7:19: no subscriber is called `hunter3`",
    ]


@pytest.mark.parametrize("written", ["${A B}", "${A-b}", "${}", "${A", "${A:-${B}", "$$$${A}${"])
def test_a_malformed_variable_is_a_fault(write, written):
    directory = write(a=f"feeds: [{{url: https://a.example/, name: '{written}'}}]")
    assert (
        "a.yaml:1:42: `${` must begin a variable such as ${NAME} or ${NAME:-default}; "
        "write $${ for the characters themselves"
    ) in faults(directory, {"A": "x", "B": "y"})


def test_two_dollars_escape_a_variable(write):
    directory = write(a="feeds: [{url: https://a.example/, name: '$${A} $${A B} $$ $A $$${'}]")
    assert load(directory, {"A": "x"}).feeds[0].name == "${A} ${A B} $$ $A $${"


def test_words_that_yaml_1_1_converts_stay_words(write):
    directory = write(a="feeds: [{url: https://a.example/, name: no, tags: [off, on, y, 08:00]}]")
    (feed,) = load(directory, {}).feeds
    assert (feed.name, feed.tags) == ("no", ("off", "on", "y", "08:00"))


def test_files_that_are_not_text_or_not_a_mapping_are_faults(write, tmp_path):
    write(b="- a\n")
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    first, second = faults(tmp_path)
    assert first == "a.yaml:1:1: not UTF-8 at byte 0; save the file as UTF-8"
    assert second == "b.yaml:1:1: must hold keys such as `feeds:`, not a single value"


def test_a_missing_directory_is_a_fault(tmp_path):
    assert faults(tmp_path / "none") == ["none:1:1: no such directory"]


def test_hidden_files_and_other_kinds_are_ignored(write, tmp_path):
    write(a="feeds: []")
    (tmp_path / ".a.yaml").write_text("broken: [")
    (tmp_path / "a.yaml~").write_text("broken: [")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b.yml").write_text("feeds: [{url: https://a.example/}]")
    assert len(load(tmp_path, {}).feeds) == 1


def test_a_broken_link_is_a_fault_until_its_target_exists(write, tmp_path):
    directory = tmp_path / "config"
    directory.mkdir()
    before = fingerprint(directory)
    (directory / "a.yaml").symlink_to(tmp_path / "later.yaml")
    linked = fingerprint(directory)
    assert faults(directory) == ["a.yaml:1:1: cannot be read: No such file or directory"]
    write(later="feeds: [{url: https://a.example/}]")
    assert len(load(directory, {}).feeds) == 1
    assert len({before, linked, fingerprint(directory)}) == 3


def test_a_pipe_is_ignored(tmp_path):
    os.mkfifo(tmp_path / "a.yaml")
    assert load(tmp_path, {}).feeds == ()


def test_an_unreadable_file_is_a_fault(write, tmp_path, monkeypatch):
    write(a="feeds: []", b="feeds: []")
    (tmp_path / "more").mkdir()
    real = os.scandir

    def scandir(path):
        if os.fspath(path) == str(tmp_path / "more"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    def read_text(path, **_):
        if path.name == "b.yaml":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return ""

    # Rights would not do: tests may run as root.
    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr("pathlib.Path.read_text", read_text)
    assert faults(tmp_path) == [
        "b.yaml:1:1: cannot be read: Permission denied",
        "more:1:1: cannot be read: Permission denied",
    ]


def test_two_documents_in_a_file_are_a_fault(write):
    assert faults(write(a="feeds: []\n---\nfeeds: []\n")) == [
        "a.yaml:2:1: not valid YAML: expected a single document in the stream, but found another document"
    ]


def test_aliases_that_multiply_are_refused(write):
    levels = "".join(
        f"x{number}: &x{number} [{', '.join([f'*x{number - 1}'] * 10)}]\n" for number in range(1, 9)
    )
    found = faults(write(a="x0: &x0 [a]\n" + levels))
    assert any("too large" in fault for fault in found)


def test_a_change_changes_the_fingerprint(write):
    directory = write(a="feeds: []")
    before = fingerprint(directory)
    assert fingerprint(directory) == before
    os.utime(directory / "a.yaml", ns=(1, 1))
    changed = fingerprint(directory)
    write(b="")
    assert len({before, changed, fingerprint(directory)}) == 3


def test_a_feed_is_added_without_touching_the_rest(write):
    directory = write(feeds="# ours\nfeeds:\n  - url: https://a.example/  # the first\n")
    file = prepare_feed(directory, Feed("https://b.example/", "B", ("x",)), {}).write()
    text = file.read_text()
    assert "# ours" in text
    assert "# the first" in text
    assert load(directory, {}).feeds[1] == Feed("https://b.example/", "B", ("x",))
    with pytest.raises(PresswatchError, match="already"):
        prepare_feed(directory, Feed("https://b.example/"), {}).write()
    with pytest.raises(ConfigError):
        prepare_feed(directory, Feed("nonsense"), {}).write()
    assert file.read_text() == text
    assert [path.name for path in directory.iterdir()] == ["feeds.yaml"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.binary(max_size=80)
    | st.text(st.sampled_from("feds:-[]{}&*'\"|> \n\t${}#!%@`a1"), max_size=80).map(str.encode)
    | st.sampled_from([EXAMPLE.encode()[:cut] for cut in range(0, len(EXAMPLE), 7)])
)
def test_any_bytes_give_a_configuration_or_a_config_error(tmp_path, content):
    (tmp_path / "a.yaml").write_bytes(content)
    try:
        load(tmp_path, {})
    except ConfigError as error:
        assert error.faults


@pytest.mark.parametrize(
    ("spike", "fault"),
    [
        ("{times: 1}", "`times` must be a number from 1.5 to 1000, such as 3"),
        ("{over: 2d}", "`over` must be from 7d to 365d, since it must have every day of the week"),
    ],
)
def test_a_spike_that_cannot_be_recognised_is_a_fault(tmp_path, spike, fault):
    (tmp_path / "a.yaml").write_text(f"watchlists: [{{name: a, query: b, spike: {spike}}}]")
    with pytest.raises(ConfigError, match=fault.replace("(", r"\(")):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("backfill", "fault"),
    [
        ("-7d", "1:44: `backfill` must be a duration such as 20s, 15m, 6h or 1h30m, got '-7d'"),
        ("0d", "1:44: `backfill` must be longer than zero, got '0d'"),
        ("31d", "1:44: `backfill` must not be longer than settings.archive.keep, which is 30d"),
        ("365d", "1:44: `backfill` must not be longer than settings.archive.keep, which is 30d"),
    ],
)
def test_a_backfill_beyond_what_the_archive_keeps_is_a_fault(tmp_path, backfill, fault):
    (tmp_path / "a.yaml").write_text(
        f"watchlists: [{{name: a, query: b, backfill: {backfill}}}]\n"
        "settings: {archive: {keep: 30d}}"
    )
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, {})
    assert [f"{each.line}:{each.column}: {each.message}" for each in raised.value.faults] == [fault]


def test_a_secret_is_not_shown_beside_a_backfill_that_is_too_long(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "watchlists: [{name: a, query: b, backfill: 31d}]\nsettings: {archive: {keep: '${KEEP}'}}"
    )
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, {"KEEP": "30d"})
    assert [each.message for each in raised.value.faults] == [
        "`backfill` must not be longer than settings.archive.keep"
    ]


def test_a_backfill_as_long_as_the_archive_keeps_is_valid(tmp_path):
    (tmp_path / "a.yaml").write_text("watchlists: [{name: a, query: b, backfill: 365d}]")
    assert load(tmp_path, {}).watchlists[0].backfill == timedelta(days=365)


def test_the_valid_part_of_a_broken_configuration_is_read(write, tmp_path):
    write(
        a="settings: {redis_prefix: 'x:', poll: {every: soon}, nonsense: 1}",
        b="""
feeds:
  - {url: nonsense}
  - {url: "https://b.example/feed?key=${KEY}"}
watchlists:
  - {name: good, query: NATO}
  - {nam: bad}
  - {name: broken, query: "A OR"}
subscribers: [{name: nobody}]
""",
        c="feeds: [",
    )
    config = load_valid_part(tmp_path, {"KEY": "hush-hush"})
    assert [feed.url for feed in config.feeds] == ["https://b.example/feed?key=hush-hush"]
    assert [feed.public_url for feed in config.feeds] == ["https://b.example/feed?key=${KEY}"]
    assert [watchlist.name for watchlist in config.watchlists] == ["good", "broken"]
    assert config.subscribers == ()
    assert config.settings.redis_prefix == "x:"


@pytest.mark.parametrize("name", ["Content-Type", "idempotency-key", "webhook-signature", "Host"])
def test_a_webhook_cannot_set_the_headers_that_we_set(write, tmp_path, name):
    write(
        a=f"""
subscribers:
  - {{name: hook, webhook: {{url: "https://hook.example/", headers: {{{name}: x}}}}}}
"""
    )
    with pytest.raises(ConfigError, match=f"must not set the header {name}"):
        load(tmp_path, {})


@pytest.mark.parametrize("header", ["{'a b': x}", '{a: "x\\ny"}', "{a: ' x'}", "{'': x}"])
def test_a_webhook_has_no_header_that_breaks_a_request(write, tmp_path, header):
    write(
        a=f"""
subscribers:
  - {{name: hook, webhook: {{url: "https://hook.example/", headers: {header}}}}}
"""
    )
    with pytest.raises(ConfigError):
        load(tmp_path, {})


ACCESS = """
settings: {proxy: "${PROXY}"}
feeds:
  - url: https://a.example/feed
    login: {user: desk, password: "${PASSWORD}"}
    headers: {X-Key: "${KEY}"}
    cookies: {session: written-out}
    user_agent: Special
    proxy: none
  - {url: https://b.example/feed}
"""
ACCESS_ENVIRON = {
    "PROXY": "http://me:proxypw@10.0.0.1:3128",
    "PASSWORD": "hunter2-hunter2",
    "KEY": "k3y-0123456789",
}


def test_a_feed_says_how_it_is_asked_for(write):
    config = load(write(a=ACCESS), ACCESS_ENVIRON)
    assert config.settings.proxy == ACCESS_ENVIRON["PROXY"]
    access, usual = (feed.access for feed in config.feeds)
    assert access.site == "https://a.example/feed"
    assert dict(access.secrets) == {
        "X-Key": "k3y-0123456789",
        "Cookie": "session=written-out",
        "Authorization": "Basic ZGVzazpodW50ZXIyLWh1bnRlcjI=",
    }
    assert (access.user_agent, access.proxy) == ("Special", "")
    assert (usual.secrets, usual.user_agent, usual.proxy) == ((), None, None)


def test_what_gives_access_to_a_feed_is_hidden_wherever_it_turns_up(write):
    config = load(write(a=ACCESS), ACCESS_ENVIRON)
    text = "hunter2-hunter2 k3y-0123456789 written-out"
    assert config.feeds[0].shown_text(text) == "${PASSWORD} ${KEY} (not shown)"
    assert {"hunter2-hunter2", "k3y-0123456789", "written-out"} <= config.secrets.keys()
    assert "hunter2" not in repr(config.feeds)


@pytest.mark.parametrize("given", ["none", "'${HTTPS_PROXY:-}'"])
def test_no_proxy_is_said_in_a_word_or_by_a_variable_that_is_not_set(write, given):
    assert load(write(a=f"settings: {{proxy: {given}}}"), {}).settings.proxy == ""


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("headers: {Cookie: a}", "must not set the header Cookie; see cookies and user_agent"),
        ("headers: {user-agent: a}", "must not set the header user-agent"),
        ("headers: {X-Key: 'hush\\n\u00e4'}", "must be printable ASCII"),
        ("cookies: {a: 'hush; b'}", "must be printable ASCII without `;`"),
        ("cookies: {'a b': hush}", "must be the name of a cookie"),
        ("login: {user: 'hush:y', password: z}", "must be a name without a colon"),
        ("proxy: 'socks5://hush@proxy'", "must be the address of an HTTP proxy"),
        (
            "login: {user: a, password: b}, headers: {AUTHORIZATION: c}",
            "must have only one of login",
        ),
    ],
)
def test_an_access_that_would_break_requests_is_a_fault_that_shows_no_secret(write, keys, message):
    with pytest.raises(ConfigError, match=message) as raised:
        load(write(a=f"feeds: [{{url: 'https://a.example/', {keys}}}]"), {})
    assert "hush" not in str(raised.value)


def test_a_login_beside_a_user_in_the_url_is_a_fault(write):
    feed = "{url: 'https://me:pw@a.example/', login: {user: a, password: b}}"
    with pytest.raises(ConfigError, match="must have only one of login"):
        load(write(a=f"feeds: [{feed}]"), {})
