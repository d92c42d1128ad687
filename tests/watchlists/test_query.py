"""Every query means exactly one thing, or is refused with what to write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.watchlists.query import MAX_DEPTH, MAX_LENGTH, parse


@pytest.mark.parametrize(
    ("query", "reading"),
    [
        ("NATO", '"nato"'),
        ("NATO-Russia Council", '"nato russia council"'),
        ('"NATO-Russia Council"', '"nato russia council"'),
        ("\u201cNATO-Russia Council\u201d", '"nato russia council"'),
        ("\u201eNATO-Russland-Rat\u201c", '"nato russland rat"'),
        ("«Conseil OTAN-Russie»", '"conseil otan russie"'),
        ("NATO AND Russia", '"nato" AND "russia"'),
        ("NATO AND Russia AND talks", '"nato" AND "russia" AND "talks"'),
        ('"arms control" OR disarmament', '"arms control" OR "disarmament"'),
        ("NATO AND NOT sports", '"nato" AND NOT "sports"'),
        ("NATO NOT sports", '"nato" AND NOT "sports"'),
        ("NATO AND (Grushko OR Lavrov)", '"nato" AND ("grushko" OR "lavrov")'),
        ("NATO AND NOT (a OR b)", '"nato" AND NOT ("a" OR "b")'),
        ("NOT sports AND NATO", 'NOT "sports" AND "nato"'),
        ("((NATO))", '"nato"'),
        ("NATO AND NOT NOT Russia", '"nato" AND "russia"'),
        ('NATO AND "OR"', '"nato" AND "or"'),
        ("oil and gas", '"oil and gas"'),
    ],
)
def test_a_query_is_read_in_one_way(query, reading):
    assert parse(query).reading == reading


@pytest.mark.parametrize(
    ("query", "column", "length", "message", "hint"),
    [
        ("", 1, 1, "the query is empty", "NATO summit"),
        ("   ", 1, 1, "the query is empty", ""),
        ('NATO AND "Russia', 10, 1, "never closed", 'another "'),
        ("NATO AND (Russia", 10, 1, "never closed", "close it with )"),
        ("NATO) AND Russia", 5, 1, "closes nothing", "remove it"),
        ("NATO AND", 6, 3, "nothing follows AND", "write a word"),
        ("AND NATO", 1, 3, "has nothing before it", '"AND"'),
        ("NATO AND OR Russia", 10, 2, "has nothing before it", ""),
        ("NATO AND ()", 10, 1, "nothing follows (", ""),
        ("NOT sports", 1, 10, "matches nearly every article", "AND NOT"),
        ("NOT a AND NOT b", 1, 15, "nearly every article", "AND NOT"),
        ("a OR NOT b", 1, 10, "nearly every article", "AND NOT"),
        ("a AND b OR c", 1, 12, "two ways", "(a AND b) OR c"),
        ("a OR b NOT c", 1, 12, "two ways", ""),
        ("climate change AND Berlin", 1, 14, "climate change could mean", '"climate change"'),
        ('"climate change" Berlin', 1, 23, "could mean", 'write "climate change Berlin" or'),
        ("NATO AND -", 10, 1, "holds no word", "one letter"),
        ('NATO AND ""', 10, 2, "holds no word", "one letter"),
    ],
)
def test_what_could_mean_two_things_or_nothing_is_refused_with_its_place(
    query, column, length, message, hint
):
    with pytest.raises(QueryError) as raised:
        parse(query)
    error = raised.value
    assert (error.column, error.length) == (column, length)
    assert message in error.message
    assert hint in error.hint


def test_queries_are_limited_in_length_and_depth():
    with pytest.raises(QueryError, match="longer"):
        parse("a" * (MAX_LENGTH + 1))
    with pytest.raises(QueryError, match="deeper"):
        parse("(" * (MAX_DEPTH + 2) + "a" + ")" * (MAX_DEPTH + 2))
    with pytest.raises(QueryError, match="deeper"):
        parse("a AND " + "NOT " * 200 + "b")


queryish = st.text(st.sampled_from('ab "()“”«-\n') | st.characters(), max_size=30) | st.lists(
    st.sampled_from(["AND", "OR", "NOT", "(", ")", '"a b"', "a", "b", '"']), max_size=12
).map(" ".join)


@given(queryish)
def test_any_text_is_a_query_or_a_query_error_that_points_into_it(text):
    try:
        query = parse(text)
    except QueryError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.length >= 1
    else:
        assert parse(query.reading).reading == query.reading
