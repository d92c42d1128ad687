"""What to exclude from a query, as readers' marks suggest."""

import pytest

from monitor.watchlists.exclusions import (
    Exclusion,
    query_terms,
    suggest_exclusions,
    with_exclusion,
)
from monitor.watchlists.query import parse
from monitor.watchlists.text import Text


def texts(*articles):
    return [Text(article).joined for article in articles]


CRICKET = texts(
    "The Bank end at Lord's: England won the cricket final by four wickets.",
    "From the Bank end, a cricket final that nobody forgets.",
    "Rain at the Bank end stopped the cricket final in London.",
)
RATES = texts(
    "The Bank of England kept its interest rates in London.",
    "Interest rates of the Bank of England may fall, says London.",
)


def test_the_phrase_that_sets_unwanted_articles_apart_comes_first():
    assert suggest_exclusions(CRICKET, RATES, RATES, ["bank"])[0] == Exclusion(
        "cricket final", 3, 0
    )


def test_what_the_query_looks_for_is_not_excluded():
    found = suggest_exclusions(CRICKET, [], [], query_terms("cricket OR final"))
    assert found
    assert not [each for each in found if {"cricket", "final"} & set(each.phrase.split())]


def test_a_phrase_that_is_common_in_the_news_sets_nothing_apart():
    others = texts(*["A cricket final was on television."] * 20)
    phrases = {each.phrase for each in suggest_exclusions(CRICKET, RATES, others, ["bank"])}
    assert phrases.isdisjoint({"cricket", "final", "cricket final"})


def test_an_exclusion_that_costs_more_than_it_gains_is_not_suggested():
    wanted = [*RATES, *texts("The cricket final moved the Bank of England.")]
    costs = {each.phrase: each for each in suggest_exclusions(CRICKET, wanted, [], ["bank"])}
    assert all(each.lost == 0 for each in costs.values())
    assert suggest_exclusions(CRICKET, CRICKET, [], ["bank"]) == []


def test_suggestions_do_not_repeat_each_other():
    found = suggest_exclusions(CRICKET, RATES, [], ["bank"])
    assert len(found) == 1


def test_nothing_is_suggested_without_unwanted_articles():
    assert suggest_exclusions([], RATES, RATES) == []


@pytest.mark.parametrize(
    ("query", "longer"),
    [
        ("bank", 'bank AND NOT "cricket final"'),
        ("central bank", '"central bank" AND NOT "cricket final"'),
        ("bank OR rates", '(bank OR rates) AND NOT "cricket final"'),
        ("bank AND rates", 'bank AND rates AND NOT "cricket final"'),
        ("bank AND NOT rates", 'bank AND NOT rates AND NOT "cricket final"'),
        ("bank NEAR/3 rates", 'bank NEAR/3 rates AND NOT "cricket final"'),
        ('"cricket final"', None),
    ],
)
def test_a_query_takes_an_exclusion_without_a_change_of_the_rest(query, longer):
    assert with_exclusion(query, "cricket final") == longer
    if longer:
        assert parse(longer).reading.endswith('NOT "cricket final"')
