"""Queries of other services, rewritten in our syntax."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.watchlists.convert import convert
from monitor.watchlists.dialects import DIALECTS
from monitor.watchlists.query import parse


@pytest.mark.parametrize(
    ("dialect", "query", "converted"),
    [
        (
            "meltwater",
            '"NATO-Russia Council" OR (NRC AND NATO)',
            '"NATO-Russia Council" OR (NRC AND NATO)',
        ),
        ("meltwater", "nato near/5 russia", "nato NEAR/5 russia"),
        ("meltwater", "a AND b OR c", "(a AND b) OR c"),
        (
            "meltwater",
            "title:(summit OR talks) NOT football",
            "title:(summit OR talks) AND NOT football",
        ),
        ("meltwater", '"oil price"~4 -recipe', '"oil price"~4 AND NOT recipe'),
        ("meltwater", "ingress:summit AND language:en", "lead:summit AND lang:en"),
        ("cision", "sanction* W/3 oil ANDNOT gas", "(sanction* NEAR/3 oil) AND NOT gas"),
        ("cision", "headline:summit and nato", "title:summit AND nato"),
        ("lexis", "nato and russia or moscow", "nato AND (russia OR moscow)"),
        ("lexis", "arms control w/5 treaty", '"arms control" NEAR/5 treaty'),
        ("lexis", "sanction! pre/3 oil", "sanction* ONEAR/3 oil"),
        ("lexis", "wom*n w/s vote", "wom?n SAMESENTENCE vote"),
        ("lexis", "grushko /p nato", "grushko SAMEPARA nato"),
        ("lexis", "atleast3(sanctions)", "ATLEAST/3(sanctions)"),
        ("lexis", "allcaps(who) and headline(outbreak)", "case:WHO AND title:outbreak"),
        ("lexis", "a and b and c and not d", "(a AND b AND c) AND NOT d"),
        ("lexis", "merger /3 profit", "merger NEAR/3 profit"),
        (
            "lexis",
            "merger not w/5 profit",
            "merger AND NOT (merger NEAR/5 profit)",
        ),
        ("cision", 'cs("BEST") AND Apple/c', 'case:"BEST" AND case:"Apple"'),
        ("cision", "sourceCountry:US AND Apple", "Apple"),
        ("cision", "Apple AND NOT sourceCountry:(US OR UK)", "Apple"),
        ("cision", "pear AND (sourceCountry:US OR Apple)", "pear AND (Apple)"),
        ("meltwater", "nato near russia", "nato NEAR/5 russia"),
        ("meltwater", "nato ONEAR russia", "nato ONEAR/5 russia"),
        ("talkwalker", 'title:nato AND "oil price"~3', 'title:nato AND "oil price"~3'),
        ("talkwalker", "nato SENTENCE russia", "nato SAMESENTENCE russia"),
        ("brandwatch", "{Polo} NEAR/5f car <<<the car>>>", 'case:"Polo" ONEAR/5 car'),
        ("brandwatch", 'raw:"Polo!" OR polo', 'exact:"Polo!" OR polo'),
        ("google", "nato OR otan russia -sport", "((nato OR otan) AND russia) AND NOT sport"),
        ("google", 'intitle:nato "north atlantic"', 'title:nato AND "north atlantic"'),
        ("google", "nato AROUND(5) russia", "nato NEAR/5 russia"),
        ("lucene", "+nato +russia -sport", "(nato AND russia) AND NOT sport"),
        ("lucene", "quick~ AND fox^2.5", "quick AND fox"),
        ("lucene", "a && b || c AND d", "(a AND b) OR (c AND d)"),
        ("lucene", "nato russia", "nato OR russia"),
    ],
)
def test_queries_keep_their_meaning(dialect, query, converted):
    assert convert(query, dialect).query == converted
    parse(converted)


@pytest.mark.parametrize(
    ("dialect", "query", "warning"),
    [
        ("meltwater", "climate change", "joined with AND"),
        ("meltwater", "country:be AND nato", "country:be has no equivalent"),
        ("meltwater", "nato near russia", "near without a number"),
        ("lexis", "merger not w/5 profit", "one place where the two are near"),
        ("lucene", "nato russia", "joined with OR"),
        ("lucene", "quick~2", "similar words"),
        ("lexis", "hlead(nato)", "the lead alone"),
    ],
)
def test_a_warning_names_what_may_have_changed(dialect, query, warning):
    assert warning in " ".join(convert(query, dialect).warnings)


@pytest.mark.parametrize("query", ["", "(a", "a)", 'a "b', "a AND", "not a"])
def test_an_unreadable_query_is_refused(query):
    with pytest.raises(QueryError):
        convert(query, "meltwater")


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "nato",
                "AND",
                "or",
                "not",
                "(",
                ")",
                '"x y"',
                "w/5",
                "/s",
                "title:",
                "-b",
                "san!",
                "+c",
                "near",
                "not w/3",
                "{Polo}",
                "country:x",
                "|",
                "q~2",
            ]
        ),
        max_size=9,
    ).map(" ".join),
    st.sampled_from(DIALECTS),
)
def test_every_converted_query_can_be_parsed(query, dialect):
    try:
        converted = convert(query, dialect)
    except QueryError:
        return
    parse(converted.query)
