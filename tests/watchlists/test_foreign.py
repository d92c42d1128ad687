"""What other programs understand is understood, refused with what to write, or warned about."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.watchlists.query import parse

REFUSED = [
    # Lexis, Factiva, Cision
    ("merger w/p profit", "merger SAMEPARA profit"),
    ("merger w/s profit", "merger SAMESENTENCE profit"),
    ("merger /s profit", "merger SAMESENTENCE profit"),
    ("merger /p profit", "merger SAMEPARA profit"),
    ("merger /3 profit", "merger NEAR/3 profit"),
    ("merger w/3 profit", "merger NEAR/3 profit"),
    ("merger +3 profit", "merger NEAR/3 profit"),
    ("merger pre/3 profit", "merger ONEAR/3 profit"),
    ("merger adj3 profit", "merger ONEAR/3 profit"),
    ("merger ADJ profit", "merger ONEAR/0 profit"),
    ("merger SAME profit", "merger SAMEPARA profit"),
    ("merger NEAR5 profit", "merger NEAR/5 profit"),
    ("merger near/5 profit", "merger NEAR/5 profit"),
    ("merger WITHIN/5 profit", "merger NEAR/5 profit"),
    ("merger AND/3 profit", "merger NEAR/3 profit"),
    ("merger P/3 profit", "merger ONEAR/3 profit"),
    ("ATLEAST5(merger)", "ATLEAST/5(merger)"),
    ("atleast5(merger)", "ATLEAST/5(merger)"),
    ("allcaps(WHO)", "case:(WHO)"),
    ("hlead(merger)", "lead:(merger)"),
    ("headline(merger AND profit)", "title:(merger AND profit)"),
    # Meltwater, Brandwatch, Talkwalker
    ("merger NEAR profit", "merger NEAR/5 profit"),
    ("merger SENTENCE profit", "merger SAMESENTENCE profit"),
    ("merger PARAGRAPH profit", "merger SAMEPARA profit"),
    ("{Polo} AND car", 'case:"Polo" AND car'),
    ("title=merger", "title:merger"),
    ("merger & profit", "merger AND profit"),
    ("merger ; profit", "merger OR profit"),
    ("merger and/or profit", "merger OR profit"),
    ("merger XOR profit", "merger OR profit"),
    ("merger EXCEPT profit", "merger AND NOT profit"),
    # Google
    ("intitle:merger", "title:merger"),
    ("inurl:merger", "url:merger"),
    ("merger || profit", "merger OR profit"),
    ("merger | profit", "merger OR profit"),
    # Lucene
    ("quick~", "quick"),
    ("quick~2", "quick"),
    ("quick^2.5", "quick"),
    ("_exists_:title", '"_exists_:title"'),
    ("+merger +profit", "merger AND profit"),
    ("!merger AND profit", '"!merger" AND profit'),
    ("merger && profit", "merger AND profit"),
    ("/joh?n(ath[oa]n)/", None),
    ("/merg.r/ AND profit", '"/merg.r/" AND profit'),
    ("date:[2020 TO 2021]", None),
    ("~merger", "merger"),
    ("=merger", "merger"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "instead"), REFUSED)
def test_an_operator_of_another_program_is_refused_with_what_to_write(query, instead):
    with pytest.raises(QueryError) as raised:
        parse(query)
    assert raised.value.hint
    if instead is not None:
        assert raised.value.instead[0] == instead


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("merger near profit", "NEAR/5"),
        ("merger and profit", "AND"),
        ("merger Or profit", "OR"),
        ("merger N3 profit", "NEAR/3"),
        ("merger W12 profit", "NEAR/12"),
        ("merger BEFORE profit", "ONEAR/5"),
        ("merger WITHIN 5 profit", "NEAR/5"),
        ("merger - profit", "AND NOT"),
        ("merger, profit", "OR"),
        ("merg!", "merg*"),
    ],
)
def test_a_word_that_may_be_an_operator_elsewhere_causes_a_warning(query, meant):
    (warning,) = parse(query).warnings
    assert meant in warning


@pytest.mark.parametrize(
    "query",
    ["Route N3", "N3 is closed", "cats near me and dogs".title(), "24/7", "a/b", "x=y"],
)
def test_ordinary_text_is_not_taken_for_an_operator(query):
    try:
        parse(query)
    except QueryError as error:
        assert "operator" not in error.message


PARTS = st.sampled_from(
    ["merger", "profit", '"a b"', "AND", "OR", "NOT", "(", ")", "w/p", "NEAR5", "NEAR/5", "{Polo}", "x~",
     "y^2", "&", "+z", "|", "and", "title:", "titel:c", "@nato", "/re/", "headline", "!d", '"', "ab*", "-"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PARTS, max_size=8).map(" ".join))
def test_whatever_is_proposed_can_be_read(query):
    try:
        parse(query)
    except QueryError as error:
        for each in error.instead:
            parse(each)
