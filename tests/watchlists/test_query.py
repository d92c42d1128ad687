"""Every query means exactly one thing, or is refused with a hint what to write instead."""

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
        ("NATO -football", '"nato" AND NOT "football"'),
        ("Covid-19 AND x", '"covid 19" AND "x"'),
        ("a NEAR/5 b", '"a" NEAR/5 "b"'),
        ("a W/5 b", '"a" NEAR/5 "b"'),
        ("a ONEAR/5 b", '"a" ONEAR/5 "b"'),
        ("a PRE/0 b", '"a" ONEAR/0 "b"'),
        ("a NEAR/5 b AND c", '("a" NEAR/5 "b") AND "c"'),
        ("a NEAR/5 (b OR c)", '"a" NEAR/5 ("b" OR "c")'),
        ('"a b"~3', '"a b"~3'),
        ("a SAMESENTENCE b SAMESENTENCE c", '"a" SAMESENTENCE "b" SAMESENTENCE "c"'),
        ("a SAMEPARA b", '"a" SAMEPARA "b"'),
        (
            'apple OUTSIDE ("apple juice" OR "apple pie")',
            '"apple" OUTSIDE ("apple juice" OR "apple pie")',
        ),
        ("ATLEAST/3(a OR b)", 'ATLEAST/3("a" OR "b")'),
        ("ATLEAST/3 (a)", 'ATLEAST/3("a")'),
        ("sanct* AND wom?n", '"sanct*" AND "wom?n"'),
        ("Łódź*", '"lodz*"'),
        ('case:"WHO"', 'case:"WHO"'),
        ('cs("WHO")', 'case:"WHO"'),
        ("exact:Müller", 'exact:"Müller"'),
        ("title:summit", 'title:"summit"'),
        ("title:(a OR b)", 'title:"a" OR title:"b"'),
        ('title:case:"WHO"', 'title:case:"WHO"'),
        (
            "lang:EN AND site:www.BBC.co.uk AND tag:Defence",
            "lang:en AND site:bbc.co.uk AND tag:defence",
        ),
        ("NATO \u2013 Russia", '"nato russia"'),
        ("(a OR b) AND NOT a", '("a" OR "b") AND NOT "a"'),
        ("a AND NOT title:a", '"a" AND NOT title:"a"'),
        ("http://a.example/b AND c", '"http a example b" AND "c"'),
    ],
)
def test_a_query_has_one_reading(query, reading):
    assert parse(query).reading == reading


@pytest.mark.parametrize(
    ("query", "column", "length", "message", "hint"),
    [
        ("", 1, 1, "the query is empty", "NATO summit"),
        ("   ", 1, 1, "the query is empty", ""),
        ('NATO AND "Russia', 10, 1, "never closed", 'another "'),
        ("NATO AND (Russia", 10, 1, "never closed", "close it with )"),
        ("NATO) AND Russia", 5, 1, "was never opened", "remove it"),
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
        ("NATO AND -", 10, 1, "contains no word", "one letter"),
        ('NATO AND ""', 10, 2, "contains no word", "one letter"),
        ("NATO and (Russia)", 6, 3, "and in small letters is a word", "write AND"),
        ("a NEAR b", 3, 4, "NEAR needs a number", "NEAR/5"),
        ("a NEAR/5 b OR c", 1, 15, "NEAR/5 beside OR", "(a NEAR/5 b) OR c"),
        ("a NEAR/5 b NEAR/3 c", 1, 17, "two ways", "put each pair in parentheses"),
        ("a NEAR/5 (b AND c)", 10, 9, "joins words, phrases and OR groups", "the rest with AND"),
        ("NEAR/5 a", 1, 6, "has nothing before it", ""),
        ("a NEAR/5", 3, 6, "nothing follows NEAR/5", ""),
        ("ATLEAST/0(a)", 1, 9, "ATLEAST counts", "ATLEAST/3"),
        ("ATLEAST/2(a AND b)", 1, 9, "ATLEAST counts", ""),
        ("ab* AND b", 1, 3, "matches too many words", "3 letters"),
        ("北京* AND b", 1, 3, "needs no wildcard", "inside longer words"),
        ('case:"WHO* x"', 1, 13, "takes no wildcards", ""),
        ("titel:a AND b", 1, 6, "there is no field titel", "title"),
        ("title:(body:a OR b)", 1, 19, "can never match", ""),
        ("title:a NEAR/3 body:b", 1, 21, "can never match", ""),
        ("a AND b AND NOT a", 1, 17, "can never match", ""),
        ("site:x AND a", 6, 1, "x is not a site", "site:bbc.co.uk"),
        ("lang:english AND a", 6, 7, "not a language code", "lang:en"),
        ("lang:(en OR de)", 1, 15, "takes one value", "lang:a OR lang:b"),
        ("@nato AND b", 1, 5, "is not defined", "known definitions: none"),
        ("title: summit", 1, 6, "title: needs a term right after it", "title:summit"),
        ("NATO AND Title:", 10, 6, "Title: needs a term right after it", "title:summit"),
        ("NATO | Russia", 6, 1, "| is not an operator", "write OR"),
        ("NATO|Russia", 1, 11, "is not an operator", "write OR"),
        ("NATO && Russia", 6, 2, "&& is not an operator", "write AND"),
        ("NATO ANDNOT Russia", 6, 6, "ANDNOT is not an operator", "write AND NOT"),
        ("NATO \uff21\uff2e\uff24 Russia", 6, 3, "is not an operator", "write AND"),
        ("+NATO +Russia", 1, 5, "+ is not an operator", "write AND before"),
        ("NATO \u2013football", 6, 9, "may be a minus or a dash", "AND NOT"),
        ("NATO \u2212football", 6, 9, "may be a minus or a dash", "AND NOT"),
        ("a near/10 b", 3, 7, "looks like a misspelt operator", "a NEAR/5 b"),
        ("a pre/10 b", 3, 6, "looks like a misspelt operator", "a ONEAR/5 b"),
        ("a NEAR/5b", 3, 7, "looks like a misspelt operator", "a NEAR/5 b"),
        ("atleast/3(a)", 1, 9, "looks like a misspelt operator", "ATLEAST/3(sanctions)"),
        ("a samesentence b", 3, 12, "looks like a misspelt operator", "SAMESENTENCE"),
        ("tag:def* AND a", 5, 4, "no wildcard", "write it out"),
        ("site:bbc*.com AND a", 6, 8, "no wildcard", "subdomains are included"),
        ('"U.S." AND NOT US', 1, 17, "can never match", ""),
        ("a AND NOT (a OR b)", 1, 18, "can never match", ""),
        ("(a OR b) AND NOT a AND NOT b", 1, 28, "can never match", ""),
        (
            "\u201cclimate change\u201d Berlin AND x",
            1,
            23,
            "could mean",
            'write "climate change Berlin" or',
        ),
    ],
)
def test_a_query_that_means_two_things_or_nothing_is_refused_with_the_place(
    query, column, length, message, hint
):
    with pytest.raises(QueryError) as raised:
        parse(query)
    error = raised.value
    assert (error.column, error.length) == (column, length)
    assert message in error.message
    assert hint in error.hint


def test_definitions_are_expanded():
    definitions = {"nato": "NATO OR OTAN", "both": "@nato AND Russia"}
    assert parse("@both AND x", definitions).reading == (
        '(("nato" OR "otan") AND "russia") AND "x"'
    )
    assert parse("@nato NEAR/3 Russia", definitions).reading == (
        '("nato" OR "otan") NEAR/3 "russia"'
    )
    with pytest.raises(QueryError, match="circle: @a → @b → @a"):
        parse("@a AND x", {"a": "@b OR y", "b": "@a OR z"})


def test_definitions_are_limited_in_depth_and_size():
    chain = {f"d{number}": f"@d{number + 1} OR x" for number in range(400)} | {"d400": "y"}
    with pytest.raises(QueryError, match="definitions are nested deeper"):
        parse("@d0 AND x", chain)
    doubled = {f"d{n}": f"@d{n + 1} OR (@d{n + 1} AND x)" for n in range(30)} | {"d30": "y"}
    with pytest.raises(QueryError, match="definitions expand to more than"):
        parse("@d0 AND x", doubled)


def test_a_question_mark_at_the_end_of_a_pasted_headline_gets_a_warning():
    assert "? stands for any one letter" in parse("Who is Grushko?").warnings[0]
    assert parse("sanction?").warnings == ()


def test_operators_in_small_letters_get_a_warning():
    assert "write AND" in parse("oil and gas").warnings[0]
    assert parse('"oil and gas"').warnings == ()


def test_queries_are_limited_in_length_and_depth():
    with pytest.raises(QueryError, match="longer"):
        parse("a" * (MAX_LENGTH + 1))
    with pytest.raises(QueryError, match="deeper"):
        parse("(" * (MAX_DEPTH + 2) + "a" + ")" * (MAX_DEPTH + 2))
    with pytest.raises(QueryError, match="deeper"):
        parse("a AND " + "NOT " * 200 + "b")


queryish = st.text(st.sampled_from('ab "()“”«-\n') | st.characters(), max_size=30) | st.lists(
    st.sampled_from(
        [
            "AND",
            "OR",
            "NOT",
            "(",
            ")",
            '"a b"',
            "a",
            "b",
            '"',
            "NEAR/2",
            "OUTSIDE",
            "SAMEPARA",
            "ATLEAST/2",
            "title:",
            "case:",
            "exact:",
            "lang:en",
            "-b",
            "abc*",
            '"a b"~2',
            "cs(",
            "C++",
            '"AT&T x"',
            ".NET",
            "$TSLA",
            "2%",
        ]
    ),
    max_size=12,
).map(" ".join)


@given(queryish)
def test_any_text_parses_or_raises_an_error_that_points_into_it(text):
    try:
        query = parse(text)
    except QueryError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.length >= 1
    else:
        assert parse(query.reading).reading == query.reading


@pytest.mark.parametrize(
    ("query", "instead"),
    [
        ("NATO summit AND x", ['"NATO summit" AND x', "(NATO AND summit) AND x"]),
        ("NATO (Kyiv OR Moscow)", ["NATO AND (Kyiv OR Moscow)"]),
        ("a AND b OR c", ["(a AND b) OR c", "a AND (b OR c)"]),
        ("(a AND b", ["(a AND b)"]),
        ("a) AND b", ["a AND b", "(a) AND b"]),
        ('"abc', ['"abc"']),
        ("titel:a AND b", ["title:a AND b", '"titel:a" AND b']),
        ("title: summit", ["title:summit"]),
        ("NATO | Russia", ["NATO OR Russia"]),
        ("NATO && Russia", ["NATO AND Russia"]),
        ("NATO \u2013football", ["NATO AND NOT football"]),
        ("a near/10 b", ["a NEAR/10 b"]),
        ("a NEAR b", ["a NEAR/5 b"]),
        ("AND b", ["b"]),
        ("a AND", ["a"]),
        ("@nato OR b", ['"@nato" OR b']),
        ("ab* OR b", ["ab OR b"]),
    ],
)
def test_a_refused_query_comes_with_whole_queries_to_write_instead(query, instead):
    with pytest.raises(QueryError) as raised:
        parse(query)
    assert [each for each in raised.value.instead if parses(each)] == instead


def parses(query):
    try:
        parse(query)
    except QueryError:
        return False
    return True
