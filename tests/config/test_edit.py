"""A feed written into a file: nothing else in it changes, whatever it looks like."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import load
from monitor.config.additions import prepare_feed, prepare_feeds, prepare_query, prepare_removal
from monitor.config.edit import watchlist_yaml, with_query, with_watchlist
from monitor.config.source import ConfigDocument, read
from monitor.errors import ConfigError, PresswatchError
from monitor.model import Feed, Watchlist
from monitor.watchlists.query import parse

PROJECT = Path(__file__).parents[2]
NEW = Feed("https://new.example/", "New: #1", ("x", "no"))
FLOW = '{url: "https://new.example/", name: "New: #1", tags: ["x", "no"]}'


@pytest.mark.parametrize(
    ("head", "indent", "tail"),
    [
        ("feeds:  # none yet\n", 2, "\n# end\n"),
        ("feeds:\n- url: https://a.example/\n", 0, ""),
        ("feeds:\n- url: https://a.example/\n", 0, "# end\nsettings:   {}\n"),
        ("feeds:\n      - name:  >\n          a\n          b\n        url: https://a.example/ # a\n",
         6, "\n# s\nsettings:   {}\n"),
        ("feeds:\n  - url: https://a.example/\n    name: |\n      a\n", 2, "\n# s\nsettings: {}\n"),
        ("feeds:\n  - url: https://a.example/\n    name: a\n     b\n", 2, "   # c\n"),
        ("feeds:\n  - url: https://a.example/\n    name:\n", 2, "settings:\n"),
        ("feeds:\n  - {url: https://a.example/,\n     tags: [a,\n b] } # c\n", 2, "  # d\n"),
    ],
)  # fmt: skip
def test_lines_are_added_below_the_last_feed_and_none_is_changed(tmp_path, head, indent, tail):
    file = tmp_path / "feeds.yaml"
    file.write_text(head + tail)
    known = load(tmp_path, {}).feeds
    assert prepare_feed(tmp_path, NEW, {}).write() == file
    assert load(tmp_path, {}).feeds == (*known, NEW)
    lines = ['- url: "https://new.example/"', '  name: "New: #1"', '  tags: ["x", "no"]']
    assert file.read_text() == head + "".join(f"{' ' * indent}{line}\n" for line in lines) + tail


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("feeds: []  # none yet\n", f"feeds: [{FLOW}]  # none yet\n"),
        (
            "feeds: [{url: https://a.example/}]\nsettings: {}",
            f"feeds: [{{url: https://a.example/}}, {FLOW}]\nsettings: {{}}",
        ),
    ],
)
def test_a_list_in_brackets_stays_one(tmp_path, before, after):
    (tmp_path / "feeds.yaml").write_text(before)
    prepare_feed(tmp_path, NEW, {}).write()
    assert (tmp_path / "feeds.yaml").read_text() == after


OLD = Feed("https://old.example/")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("feeds:\n  - url: https://old.example/ # gone\n", "feeds:\n"),
        ("feeds:\n- url: https://old.example/\n# b\n- url: https://b.example/\n",
         "feeds:\n# b\n- url: https://b.example/\n"),
        ("feeds:\n  - url: https://a.example/\n  -\n    # x\n    url: >-\n      https://old.example/\n\n# e\n",
         "feeds:\n  - url: https://a.example/\n\n# e\n"),
        ("feeds:\n  - {tags: [a,\n   b], url: https://old.example/}\nsettings: {}\n", "feeds:\nsettings: {}\n"),
        ("feeds: [{url: https://old.example/}, {url: https://b.example/}]\n",
         "feeds: [{url: https://b.example/}]\n"),
        ("feeds: [{url: https://b.example/}, {url: https://old.example/},]\n",
         "feeds: [{url: https://b.example/},]\n"),
        ("feeds: [{url: https://old.example/},]\n", "feeds: []\n"),
        ("feeds:\r\n- url: https://old.example/\r\n- url: https://b.example/\r\n",
         "feeds:\r\n- url: https://b.example/\r\n"),
        ("feeds:\n- url: https://b.example/\n- url: ${OLD}", "feeds:\n- url: https://b.example/\n"),
    ],
)  # fmt: skip
def test_a_feed_is_removed_and_nothing_else_is_changed(tmp_path, before, after):
    file = tmp_path / "feeds.yaml"
    file.write_bytes(before.encode())
    prepare_removal(tmp_path, OLD, {"OLD": OLD.url}).write()
    assert file.read_bytes().decode() == after


def test_a_feed_that_a_watchlist_names_is_not_removed(tmp_path):
    file = tmp_path / "feeds.yaml"
    file.write_text(
        "feeds: [{url: https://old.example/, name: Old}]\n"
        "watchlists: [{name: a, query: a, feeds: {names: [Old]}}]\n"
    )
    with pytest.raises(ConfigError, match="no feed is called `Old`"):
        prepare_removal(tmp_path, OLD, {})


def test_a_feed_that_others_share_keys_with_is_left_to_a_person(tmp_path):
    (tmp_path / "feeds.yaml").write_text(
        "feeds:\n- &a {url: https://old.example/, tags: [x]}\n- {<<: *a, url: https://b.example/}\n"
    )
    with pytest.raises(PresswatchError):
        prepare_removal(tmp_path, OLD, {})


def test_many_feeds_are_added_at_once(tmp_path):
    (tmp_path / "feeds.yaml").write_text("feeds: [{url: https://a.example/}]\n")
    feeds = [Feed(f"https://{number}.example/") for number in range(2000)]
    prepare_feeds(tmp_path, [(feed, None) for feed in feeds], {}).write()
    assert set(load(tmp_path, {}).feeds) == {Feed("https://a.example/"), *feeds}


@pytest.mark.parametrize("before", ["", "# none yet\n", "settings: {}", None])
def test_the_first_feed_begins_a_list(tmp_path, before):
    if before is not None:
        (tmp_path / "feeds.yaml").write_text(before)
    assert prepare_feed(tmp_path, NEW, {}).write().name == "feeds.yaml"
    assert (tmp_path / "feeds.yaml").read_text().startswith(before or "feeds:\n")
    assert load(tmp_path, {}).feeds == (NEW,)


def test_the_bundled_feeds_keep_every_line(tmp_path):
    file = tmp_path / "feeds.yaml"
    before = (PROJECT / "config" / "feeds.yaml").read_text(encoding="utf-8")
    file.write_text(before, encoding="utf-8")
    prepare_feed(tmp_path, NEW, {}).write()
    assert file.read_text(encoding="utf-8").startswith(before)


def test_byte_order_marks_and_crlf_are_kept(tmp_path):
    file = tmp_path / "feeds.yaml"
    file.write_bytes(b"\xef\xbb\xbffeeds:\r\n  - url: https://a.example/\r\n")
    prepare_feed(tmp_path, Feed("https://b.example/"), {}).write()
    assert file.read_bytes() == (
        b'\xef\xbb\xbffeeds:\r\n  - url: https://a.example/\r\n  - url: "https://b.example/"\r\n'
    )


@pytest.mark.parametrize(
    "text", ["feeds: ~\n", "{settings: {}}\n", "feeds: [{url: https://a.example/},]\n", "feeds:\n...\n"]
)  # fmt: skip
def test_a_file_that_cannot_take_a_feed_is_left_alone_and_another_written(tmp_path, text):
    (tmp_path / "feeds.yaml").write_text(text)
    known = load(tmp_path, {}).feeds
    file = prepare_feed(tmp_path, NEW, {}).write()
    assert load(tmp_path, {}).feeds in {(*known, NEW), (NEW, *known)}
    assert file.name == "feeds.yaml" or (tmp_path / "feeds.yaml").read_text() == text


def test_an_invalid_feed_changes_nothing(tmp_path):
    (tmp_path / "a.yaml").write_text("feeds: [{url: https://a.example/, name: A}]")
    for feed in (Feed("nonsense"), Feed("https://b.example/", "A")):
        with pytest.raises(ConfigError):
            prepare_feed(tmp_path, feed, {}).write()
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
    assert (tmp_path / "a.yaml").read_text() == "feeds: [{url: https://a.example/, name: A}]"


def test_a_linked_file_stays_a_link_and_keeps_its_mode(tmp_path):
    directory = tmp_path / "config"
    directory.mkdir()
    real = tmp_path / "real.yaml"
    real.write_text("feeds: []\n")
    real.chmod(0o640)
    (directory / "feeds.yaml").symlink_to(real)
    prepare_feed(directory, NEW, {}).write()
    assert (directory / "feeds.yaml").is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert load(directory, {}).feeds == (NEW,)


def test_no_feed_is_added_to_a_broken_configuration(tmp_path):
    (tmp_path / "a.yaml").write_text("feeds: [")
    with pytest.raises(ConfigError):
        prepare_feed(tmp_path, NEW, {}).write()
    assert (tmp_path / "a.yaml").read_text() == "feeds: ["


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
    | st.sampled_from(["${HOME}", "$${HOME}", "${A:-b}", "no", "1.5", "~", "'", '"', "# x", "- a"])
)
def test_any_name_is_read_back_unchanged(tmp_path, name):
    for file in tmp_path.iterdir():
        file.unlink()
    prepare_feed(
        tmp_path, Feed("https://a.example/", name, (name,)), {"HOME": "wrong", "A": "wrong"}
    ).write()
    assert load(tmp_path, {}).feeds == (Feed("https://a.example/", name, (name,)),)


@pytest.mark.parametrize(
    "query",
    [
        "NATO",
        '"NATO-Russia Council" OR (NRC AND NATO)',
        "O'Brien AND \"it's\"",
        '#tag OR "y: - z"',
        '"costs ${5}" OR money',
        '  NATO AND (\r\n    "A  B"\n\n  OR Kyiv)\n',
        "NATO OR\t\u0085Kyiv\u2028OR Moscow",
        "北京 OR Москва",
    ],
)
def test_a_watchlist_is_written_as_yaml_that_reads_as_its_query(tmp_path, query):
    text = "watchlists:\n" + watchlist_yaml("new-one", query)
    (tmp_path / "watchlists.yaml").write_text(text, encoding="utf-8")
    (watchlist,) = load(tmp_path, {}).watchlists
    assert watchlist.name == "new-one"
    assert parse(watchlist.query).reading == parse(query).reading


WRITTEN = {
    "plain": "query: NATO AND Kyiv  # why",
    "single": "query: 'NATO AND ''Kyiv'''  # why",
    "double": 'query: "NATO AND \\"Kyiv\\""  # why',
    "literal": "query: |-\n      NATO\n      AND Kyiv\n\n    # why",
    "folded": "query: >\n      NATO\n      AND Kyiv\n    # why",
    "several lines": "query: NATO\n      AND Kyiv # why",
}
FILE = """\
# The desk's.
watchlists:
  - name: other
    query: 'cod' # first

  - name: desk
    {query}
    priority:   high
  - {{name: last, query: herring}}
feeds: [{{url: 'https://a.example/'}}] # end
"""


@pytest.mark.parametrize("style", WRITTEN)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "query", ["NRC", 'it\'s "NRC": # no', "NRC\nOR (NATO\n  AND Kyiv)", "${HOME}"]
)
def test_a_query_is_replaced_and_nothing_else(tmp_path, style, newline, query):
    before = FILE.format(query=WRITTEN[style]).replace("\n", newline)
    after = with_query(before, "desk", query)
    assert after.startswith(before.partition("    query: 'cod' # first")[0])
    assert after.endswith("".join(before.partition("    priority:   ")[1:]))
    assert after.count("# why") == 1
    if newline == "\r\n":
        assert "\n" not in after.replace("\r\n", "")
    (tmp_path / "a.yaml").write_bytes(after.encode())
    queries = {each["name"]: each["query"] for each in read(tmp_path, {}).values["watchlists"]}
    assert queries["desk"].split() == query.split()
    assert (queries["other"], queries["last"]) == ("cod", "herring")


def test_a_query_in_braces_stays_on_its_line():
    text = with_query(FILE.format(query="query: x"), "last", "cod\nOR 'herring'")
    assert "  - {name: last, query: 'cod OR ''herring'''}\n" in text


def test_a_file_without_the_watchlists_query_is_left_alone():
    assert with_query("watchlists: [{name: a, any: [b]}]", "a", "x") is None
    assert with_query("feeds: []", "a", "x") is None
    assert with_query("", "a", "x") is None


def test_a_changed_query_is_tried_with_the_watchlists_examples(tmp_path):
    examples = "query: NATO\n    must_match: [NATO met.]"
    (tmp_path / "a.yaml").write_text(FILE.format(query=examples))
    change = prepare_query(tmp_path, "desk", "NATO OR NRC", {}, present="NATO")
    assert change.file == tmp_path / "a.yaml"
    assert b"    query: 'NATO OR NRC'\n" in change.content
    with pytest.raises(ConfigError, match="does not match this"):
        prepare_query(tmp_path, "desk", "NRC", {}, present="NATO")
    with pytest.raises(ConfigError):
        prepare_query(tmp_path, "desk", "(NRC", {}, present="NATO")


def test_a_query_that_somebody_changed_meanwhile_is_not_replaced(tmp_path):
    (tmp_path / "a.yaml").write_text(FILE.format(query="query: NATO"))
    with pytest.raises(PresswatchError, match="changed meanwhile"):
        prepare_query(tmp_path, "desk", "NRC", {}, present="OTAN")
    with pytest.raises(PresswatchError, match="changed meanwhile"):
        prepare_query(tmp_path, "nothing", "NRC", {}, present="")


@pytest.mark.parametrize(
    ("query", "present"),
    [("query: '${WORDS}'", "NATO"), ("any: [NATO]", '"NATO"'), ("query: *shared", "cod")],
)
def test_what_cannot_be_replaced_by_itself_is_edited_by_hand(tmp_path, query, present):
    text = FILE.format(query=query).replace("query: 'cod'", "query: &shared cod")
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(PresswatchError, match="edit the file by hand"):
        prepare_query(tmp_path, "desk", "NRC", {"WORDS": "NATO"}, present=present)


QUERIES = st.lists(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
    | st.sampled_from(["NATO", '"a b"', "O'Brien", "# x", "x: y", "${HOME}", "$${HOME}", "\n", "- a"]),
    min_size=1,
    max_size=5,
).map(" ".join).filter(str.strip)  # fmt: skip


@settings(max_examples=200)
@given(QUERIES, st.sampled_from(sorted(WRITTEN)), st.sampled_from(["desk", "other", "last"]))
def test_any_query_is_read_back_unchanged_and_the_others_are_left(query, style, name):
    before = FILE.format(query=WRITTEN[style])
    after = with_query(before, name, query)
    known, changed = (
        {each["name"]: each["query"].split() for each in _values(text)} for text in (before, after)
    )
    assert changed == known | {name: query.split()}


def _values(text):
    document = ConfigDocument(Path())
    document.add(Path("a.yaml"), text, {"HOME": "wrong"})
    assert not document.faults
    return document.values["watchlists"]


@settings(max_examples=100)
@given(
    QUERIES,
    st.sampled_from(["", "watchlists:\n", "watchlists: []\n", FILE.format(query="query: x")]),
)
def test_any_watchlist_is_added_below_the_others(query, before):
    after = with_watchlist(before, Watchlist("new", query, subscribers=("desk",)))
    assert _values(after)[-1] == {"name": "new", "query": query, "subscribers": ["desk"]}
    assert _values(after)[:-1] == (_values(before) if "cod" in before else [])


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path):
    change = prepare_feed(tmp_path, NEW, {})
    (tmp_path / "feeds.yaml").write_text("# mine\n")
    with pytest.raises(PresswatchError, match="changed meanwhile"):
        change.write()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("feeds.yaml", "# mine\n")
    ]


def test_of_changes_at_once_one_is_written_and_the_others_are_refused(tmp_path):
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    changes = [
        prepare_feed(tmp_path, Feed(f"https://{number}.example/"), {}) for number in range(8)
    ]
    with ThreadPoolExecutor(8) as pool:
        results = [pool.submit(change.write) for change in changes]
    errors = [result.exception() for result in results]
    assert errors.count(None) == 1
    assert len(load(tmp_path, {}).feeds) == 1


def test_a_new_file_can_be_read_by_whom_its_directory_lets_in(tmp_path):
    directory = tmp_path / "config"
    directory.mkdir()
    for mode in (0o755, 0o750):
        directory.chmod(mode)
        file = prepare_feed(directory, NEW, {}).write()
        assert stat.S_IMODE(file.stat().st_mode) == mode & 0o666
        file.unlink()
