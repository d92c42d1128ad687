"""YAML is read fast, and as YAML 1.2 has it: compared with ruamel, which is slow and pure Python."""

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from monitor.config.places import MappingSpot, unpacked
from monitor.config.yaml_text import MAX_ALIASED, YamlText, read_text

FILE = Path("a.yaml")

# Texts with tabs or aliases are not compared: libyaml reads tabs after values, as YAML 1.2 has it
# and ruamel does not, and ends the name of an alias at a colon. Nor are the oddities below.
PIECES = (
    *("feeds", ":", ": ", " ", "\n", "- ", "-", "[", "]", "{", "}", ", ", ",", "&a ", "'", '"'),
    *("|", "> ", ">-\n  ", "|\n  ", "#", " # c", "? ", "!", "!!str ", "%", "@", "`", "a", "1", "~"),
    *("null", "yes", "0o17", "1_000", "1:30", "<<", "http://a.b/c?d#e", "\\", "\\/", "\\n", "\\x41"),
    *("---", "...", "\r", "\r\n", "\x85", "\u2028", "\ufeff", "é", "😀", "\u00a0", "=", "\n  "),
    *("key: value\n", "- item\n", "\n    ", "%YAML 1.1\n", "%YAML 1.2\n", "${", "}", "\x7f", "\0"),
)  # fmt: skip


def is_compared(text):
    """The parsers differ on carriage returns beside blocks and comments, on blocks whose lines are
    not indented, and on where a value with both a tag and an anchor is."""
    has_both = "&" in text and "!" in text
    has_carriage_return = "\r" in text and any(mark in text for mark in "|>#?")
    return not (has_both or has_carriage_return or re.search(r"[|>].*\n(?! )", text))


def located(value, spot):
    """A value with its place; an empty one without, which ruamel places at what follows it."""
    if isinstance(spot, MappingSpot) and value is not None:
        inner = {key: located(value[key], spot.inner[key]) for key in value}
        return spot.at, spot.keys, inner
    if isinstance(value, list):
        return spot.at, list(map(located, value, spot.inner))
    return (value,) if value in (None, "") else (value, spot)


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        ('"A B" OR C', """'"A B" OR C'"""),
        ('"A B" OR "C D"', """'"A B" OR "C D"'"""),
        ('"it" OR it\'s', """'"it" OR it\'\'s'"""),
    ],
)
def test_a_query_that_goes_on_after_its_quotes_is_told_to_be_put_into_single_ones(value, instead):
    read = read_text(f"watchlists:\n  - name: a\n    query: {value}\n", FILE, 0, {})
    (fault,) = read.faults
    assert fault.line == 3
    assert fault.message.endswith(f"put all of it into single quotes, query: {instead}")


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join).filter(is_compared))
def test_a_text_is_read_as_the_slow_parser_reads_it(text):
    try:
        slow = YamlText(YAML(typ="safe", pure=True).parse(text), FILE, 1, {})
    except (YAMLError, ValueError, TypeError, AttributeError):
        return
    fast = read_text(text, FILE, 1, {})
    assert located(fast.value, fast.spot) == located(slow.value, slow.spot)
    assert {fault.message for fault in fast.faults} == {fault.message for fault in slow.faults}


def value_of(text):
    read = read_text(text, FILE, 1, {})
    assert not read.faults
    return read.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("[on, Off, y, NO]", ["on", "Off", "y", "NO"]),
        ("[0o17, 017, 0x1f, 1_000]", ["0o17", 17, "0x1f", "1_000"]),
        ("[1:30, 190:20:30.15, 2026-11-23]", ["1:30", "190:20:30.15", "2026-11-23"]),
        ("[True, NULL, ~, -1, +1.5e3]", [True, None, None, -1, 1500.0]),
        ("[.inf, .NaN, =]", [".inf", ".NaN", "="]),
        ("{a: &x {b: 1}, c: {<<: *x}}", {"a": {"b": 1}, "c": {"<<": {"b": 1}}}),
        ("[!!str 1, !!binary aGk=, !ours x]", [1, "aGk=", "x"]),
        ('["1", null, "\\/"]', ["1", None, "/"]),
        ("%YAML 1.1\n---\n- yes\n", ["yes"]),
        ("a:\t1\t\nb: 2\t# two\n", {"a": 1, "b": 2}),
        ("- |\n  a\n   b\n- >\n  a\n  b\n", ["a\n b\n", "a b\n"]),
        ("a: x\u2028y", {"a": "x\u2028y"}),
        ("", None),
        ("# nothing\n", None),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written, value):
    assert value_of(written) == value


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [1\nb: 2", "2:2: not valid YAML: expected ',' or ']', but got ':'"),
        ("a: 'x\n", "2:1: not valid YAML: found unexpected end of stream"),
        ("a: b: c", "1:5: not valid YAML: mapping values are not allowed here"),
        ("a:\n\t- b", "2:1: not valid YAML: found character '\\t' that cannot start any token"),
        ("a: *none", "1:4: not valid YAML: found undefined alias 'none'"),
        ("a: !x!y z", "1:4: not valid YAML: found undefined tag handle '!x!'"),
        ("a: \ud800", "1:1: not valid YAML: unacceptable character #xd800: special characters are not allowed"),
        ("a\n---\n", "2:1: not valid YAML: expected a single document in the stream, but found another document"),
        ("[a]: b", "1:1: a key must be a word"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text, fault):
    (only,) = read_text(text, FILE, 1, {}).faults
    assert str(only) == f"a.yaml:{fault}"


def test_an_anchor_given_again_means_the_later_value():
    assert value_of("[&a 1, *a, &a 2, *a]") == [1, 1, 2, 2]


def test_a_key_may_be_an_alias():
    read = read_text("&k key: &v value\nother: *v\n*k : 1", FILE, 1, {})
    assert read.value == {"key": "value", "other": "value"}
    assert [str(fault) for fault in read.faults] == [
        "a.yaml:3:1: `key` is given twice, first at a.yaml:1"
    ]


def test_any_number_of_values_may_be_written_out():
    assert len(value_of("[" + "a," * (MAX_ALIASED + 1) + "]")) == MAX_ALIASED + 1


def test_many_feeds_may_share_a_list_by_an_alias():
    feeds = value_of("feeds: [{tags: &t [a, b]}" + ", {tags: *t}" * 10_000 + "]")["feeds"]
    assert feeds[-1] == {"tags": ["a", "b"]}


BRACKETS = "[" * 1_000_000
LAUGHS = ["a: &x0 [lol]"] + [f"x{n}: &x{n} [{f'*x{n - 1}, ' * 9}]" for n in range(1, 30)]


@pytest.mark.parametrize("text", [BRACKETS, BRACKETS + "'", "\n".join(LAUGHS), "&a [*a]"])
def test_what_is_too_deep_or_multiplies_is_refused_at_once(text):
    started = time.process_time()
    (fault,) = read_text(text, FILE, 1, {}).faults
    assert fault.message == "too large or too deep, with all its aliases"
    assert time.process_time() - started < 10


def test_places_beyond_the_first_million_columns_are_exact():
    read = read_text(json.dumps({"a": "x" * 3_000_000, "b": [1]}), FILE, 7, {})
    place = unpacked(read.spot.inner["b"], {7: FILE})
    assert (place.file, place.line, place.column) == (FILE, 1, 3_000_016)
