"""Whatever stands in a file: faults in words, secrets kept, nothing else raised."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import load
from monitor.errors import ConfigError

HOOK = "https://a.example/"
WHOLE = {
    "settings": {
        "user_agent": "me",
        "poll": {"every": "1m", "per_host": 2, "max_size": "1MB"},
        "backfill": "1h",
        "allow_private_addresses": ["10.0.0.0/8"],
    },
    "definitions": {"nato": "NATO OR OTAN"},
    "feeds": [{"url": HOOK, "name": "A", "tags": ["x"], "every": "1m"}],
    "watchlists": [
        {
            "name": "w",
            "query": "@nato AND b",
            "must_match": ["NATO b", {"file": "a.yaml"}],
            "must_not_match": ["b"],
            "feeds": {"names": ["A"], "tags": ["x"], "languages": ["en"]},
            "priority": "low",
            "subscribers": ["s"],
            "once_per": "none",
        },
        {"name": "v", "any": ["a"], "all": ["b"], "none": ["c"]},
    ],
    "subscribers": [
        {
            "name": "s",
            "webhook": {"url": HOOK, "secret": "x"},
            "digest": {"at": "08:00", "timezone": "UTC"},
            "quiet": {"from": "22:00", "to": "07:00", "except": "high"},
        },
        {"name": "t", "slack": {"token": "a", "channel": "b"}, "digest": {"every": "1h"}},
        {"name": "u", "email": {"to": ["a@a.example"], "smtp_url": "x", "sender": "y"}},
        {"name": "p", "apprise": {"url": "json://"}},
    ],
}


def places_in(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places_in(inner, (*path, key))


def with_value(path, value, key=None):
    """The whole configuration with one value in the place of another, perhaps under another key."""
    found = copy.deepcopy(WHOLE)
    if not path:
        return value
    inner = found
    for part in path[:-1]:
        inner = inner[part]
    if key is not None and isinstance(inner, dict):
        del inner[path[-1]]
        inner[key] = value
    else:
        inner[path[-1]] = value
    return found


def faults(directory, environ=None, **options):
    with pytest.raises(ConfigError) as raised:
        load(directory, environ or {}, **options)
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in raised.value.faults]


PLACES = list(places_in(WHOLE))
scalars = st.sampled_from(
    [None, True, 0, -1, 10**40, 1.5, "", " ", "x", "1m", "9" * 30 + "d", "Europe/Nowhere", "@nato AND",
     "http://a.example:99999", "https://[::1", "10.0.0.1/8", "24:00", "${SECRET}", "x${SECRET} OR", "${NONE}"]
)  # fmt: skip
values = st.recursive(
    scalars | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["file", "url", "name", "x", ""]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.sampled_from(PLACES), values, st.none() | st.sampled_from(["", "nam", "tags", "file"]))
def test_any_value_anywhere_is_accepted_or_a_fault_in_the_file(tmp_path, path, value, key):
    file = tmp_path / "a.yaml"
    text = json.dumps(with_value(path, value, key), indent=1)
    file.write_text(text)
    try:
        load(tmp_path, {"SECRET": "hunter2"}, examples=True)
    except ConfigError as error:
        for fault in error.faults:
            assert "hunter2" not in fault.message
            if fault.file == file:
                lines = text.split("\n")
                assert 1 <= fault.line <= len(lines)
                assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1


def test_every_scalar_from_the_environment_can_be_wrong_without_being_shown(tmp_path):
    for path in PLACES:
        for written in ("${SECRET}", "@${SECRET}", "${SECRET} AND", "${SECRET}*"):
            (tmp_path / "a.yaml").write_text(json.dumps(with_value(path, written)))
            try:
                load(tmp_path, {"SECRET": "hu"}, examples=True)
            except ConfigError as error:
                shown = " ".join(fault.message for fault in error.faults).split()
                assert not {"hu", "`hu`", "@hu", "hu*", "'hu'", '"hu"'} & set(shown), (path, shown)


def test_a_query_from_the_environment_is_not_shown_where_another_uses_it(tmp_path):
    (tmp_path / "a.yaml").write_text(
        'definitions: {ours: "hunter2 ${REST}"}\n'
        "watchlists:\n"
        "  - {name: w, query: '@ours OR x'}\n"
        "  - {name: v, query: '${QUERY}', must_match: [something else]}\n"
    )
    assert faults(tmp_path, {"REST": "OR", "QUERY": "hush"}) == [
        "1:22: query, column 9: cannot be read; the reason is not shown, because the value is from "
        "the environment",
        "3:23: query: cannot be read; the reason is not shown, because the value is from the environment",
    ]
    assert faults(tmp_path, {"REST": "OR x", "QUERY": "hush"}, examples=True) == [
        "4:47: the watchlist does not match this"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("settings: {backfill: 36501d}", "must be at most 36500d"),
        ("settings: {backfill: 99999999999999d}", "must be at most 36500d"),
        ("settings: {backfill: 10}", "must be a duration such as 20s, 15m, 6h or 1h30m"),
        ("settings: {poll: {every: 0s}}", "must be longer than zero"),
        ("settings: {poll: {max_size: 0}}", "must be a size such as 512kB or 10MB"),
        ("settings: {poll: {max_size: 10 miles}}", "must be a size such as 512kB or 10MB"),
        ("settings: {poll: {at_once: 1001}}", "must be a whole number from 1 to 1000"),
        ("settings: {poll: {at_once: 2.0}}", "must be a whole number"),
        ("settings: {user_agent: Wächter}", "must be printable ASCII"),
        ('settings: {user_agent: "a\\nb"}', "must be printable ASCII"),
        ("settings: {allow_private_addresses: [10]}", "must be a network such as 127.0.0.1/32"),
        ("settings: {allow_private_addresses: [10.0.0.1/8]}", "must be a network such as 10.0.0.0/8"),
        ('feeds: [{url: "http://a.example:99999/"}]', "must be an address that starts with"),
        ("feeds: [{url: file:///etc/passwd}]", "must be an address that starts with"),
        ("subscribers: [{name: s, digest: {at: '08:00', timezone: Europe/Brusels}}]", "must be a time zone"),
        ("subscribers: [{name: s, digest: {at: '08:00', timezone: Europe}}]", "must be a time zone"),
        ("subscribers: [{name: s, quiet: {from: '24:00', to: '07:00'}}]", "must be a time of day"),
        ("subscribers: [{name: s, quiet: {start: '22:00'}}]", "unknown key `start`"),
        ("subscribers: [{name: s, slack: {webhook_url: 'https://a.example/', token: t}}]", "must have either webhook_url"),
        ("subscribers: [{name: s, slack: {webhook_url: 'https://a.example/', channel: c}}]", "must have either webhook_url"),
        ("subscribers: [{name: s, slack: {token: t}}]", "must have either webhook_url"),
        ('watchlists: [{name: w, query: a, must_match: ["\\ud800"]}]', "1:47: must be text in UTF-8"),
        ("watchlists: [{name: w, query: a, must_match: [{fil: x}]}]", "must be text, or a file as {file: NAME}"),
        ("definitions: {two words: a}", "`two words` must be a name of letters"),
    ],
)  # fmt: skip
def test_invalid_values_are_faults(tmp_path, text, expected):
    (tmp_path / "a.yaml").write_text(text)
    assert any(expected in fault for fault in faults(tmp_path)), faults(tmp_path)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("90s", 90), ("1h30m", 5400), ("1d1ms", 86400.001), ("0s", 0)],
)
def test_durations_are_written_in_parts(tmp_path, written, seconds):
    (tmp_path / "a.yaml").write_text(f"settings: {{backfill: {written}}}")
    assert load(tmp_path, {}).settings.backfill.total_seconds() == seconds


@pytest.mark.parametrize(
    ("written", "size"), [("1000", 1000), ("512kB", 512_000), ("10 MB", 10_000_000), ("1G", 10**9)]
)
def test_sizes_are_written_with_decimal_units(tmp_path, written, size):
    (tmp_path / "a.yaml").write_text(f"settings: {{poll: {{max_size: {written}}}}}")
    assert load(tmp_path, {}).settings.poll.max_size == size


def test_an_example_file_that_is_not_text_is_a_fault_at_its_place(tmp_path):
    (tmp_path / "page.bin").write_bytes(b"\xff")
    (tmp_path / "a.yaml").write_text(
        'watchlists: [{name: w, query: a, must_match: [{file: page.bin}, {file: "a\\0"}]}]'
    )
    assert faults(tmp_path, examples=True) == [
        "1:47: cannot be read: it is not UTF-8",
        "1:65: cannot be read: it is not UTF-8",
    ]


def test_digits_of_other_scripts_are_words(tmp_path):
    (tmp_path / "a.yaml").write_text(f"feeds: [{{url: {HOOK}, name: ٣, tags: [0o17, 1_000]}}]")
    (feed,) = load(tmp_path, {}).feeds
    assert (feed.name, feed.tags) == ("٣", ("0o17", "1_000"))
