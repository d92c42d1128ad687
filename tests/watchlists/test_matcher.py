"""Which watchlists match an article, and why."""

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Article, FeedFilter, Watchlist
from monitor.watchlists.matcher import Matcher
from monitor.watchlists.query import parse

_spec = importlib.util.spec_from_file_location("naive", Path(__file__).with_name("naive.py"))
naive = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(naive)

SEED = (
    Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora"))
    / "seed"
    / "nato-russia-council.txt"
)


def article(text="", title="", **more):
    return Article("id", "https://a.example/", title, text, "Herald", "https://a.example/f", **more)


def evidence(query, text, title=""):
    """The terms that matched and the words at which they stand; None where nothing matched."""
    found = Matcher([Watchlist("w", query)]).match(article(text, title))
    if not found:
        return None
    fields = {"title": title, "body": text}
    return [
        (term.term, term.field, [fields[term.field][start:end] for start, end in term.spans])
        for term in found[0].terms
    ]


def test_evidence_names_the_term_as_written_the_field_and_the_place_in_the_original():
    found = evidence(
        '"NATO-Russia Council"', "The NATO\u2013Russia\nCouncil's aide left.", "Nato Russia council"
    )
    assert found == [
        ('"NATO-Russia Council"', "title", ["Nato Russia council"]),
        ('"NATO-Russia Council"', "body", ["NATO\u2013Russia\nCouncil's"]),
    ]


def test_words_match_whole():
    assert evidence("art", "start arts artful") is None
    assert evidence('"a b"', "aa b") is None


def test_a_phrase_does_not_run_from_the_title_into_the_body():
    assert evidence('"red tape"', "tape", "red") is None


def test_overlapping_phrases_are_all_found():
    found = evidence('"a b" AND "b c" AND b', "a b c")
    assert [term for term, _, _ in found] == ['"a b"', '"b c"', "b"]


def test_operators():
    text = "NATO met Russia"
    assert evidence("NATO AND Russia", text)
    assert evidence("NATO AND China", text) is None
    assert evidence("China OR Russia", text) == [("Russia", "body", ["Russia"])]
    assert evidence("NATO AND NOT Russia", text) is None
    assert evidence("NATO AND NOT China", text) == [("NATO", "body", ["NATO"])]
    assert evidence("NATO AND (China OR (Russia AND met))", text)


def test_terms_match_as_runs_of_characters_in_scripts_without_spaces():
    assert evidence("北京", "他在北京大学读书") == [("北京", "body", ["北京"])]
    assert evidence("東京都", "東京へ行く") is None


@pytest.mark.parametrize(
    ("feeds", "matches"),
    [
        (FeedFilter(), True),
        (FeedFilter(names=("Herald",)), True),
        (FeedFilter(names=("Courier",)), False),
        (FeedFilter(tags=("defence", "sports")), True),
        (FeedFilter(tags=("sports",)), False),
        (FeedFilter(languages=("EN",)), True),
        (FeedFilter(languages=("de",)), False),
        (FeedFilter(names=("Herald",), tags=("sports",)), False),
    ],
)
def test_a_watchlist_looks_at_the_feeds_that_it_names(feeds, matches):
    matcher = Matcher([Watchlist("w", "NATO", feeds)])
    found = matcher.match(article("NATO", tags=("defence",), language="en-GB"))
    assert bool(found) is matches


def test_an_article_of_unknown_language_is_not_missed():
    matcher = Matcher([Watchlist("w", "NATO", FeedFilter(languages=("de",)))])
    assert matcher.match(article("NATO", language=None))


def test_watchlists_come_in_their_own_order_and_none_without_a_match():
    matcher = Matcher([Watchlist(name, name) for name in ("b", "a", "c")])
    assert [match.watchlist for match in matcher.match(article("a b"))] == ["b", "a"]
    assert Matcher([]).match(article("a b")) == []


WORDS = ["nato", "Nato", "rat", "über", "uber", "北", "京", "a", "b", "Straße", "strasse", "U.S."]
phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(
    lambda words: f'"{" ".join(words)}"'
)


def joined(parts):
    return st.sampled_from([" AND ", " OR "]).flatmap(
        lambda operator: st.lists(parts, min_size=2, max_size=3).map(
            lambda some: f"({operator.join(some)})"
        )
    )


queries = st.recursive(
    phrases,
    lambda inner: (
        joined(inner) | st.tuples(inner, inner).map(lambda pair: f"({pair[0]} AND NOT {pair[1]})")
    ),
    max_leaves=6,
)
texts = st.lists(st.sampled_from([*WORDS, "-", "\n", "x"]), max_size=12).map(" ".join)


@given(st.lists(queries, min_size=1, max_size=6), texts, texts)
def test_the_matcher_says_what_plain_looking_says(some, title, body):
    watchlists = [Watchlist(f"w{number}", query) for number, query in enumerate(some)]
    found = {match.watchlist: match for match in Matcher(watchlists).match(article(body, title))}
    for watchlist in watchlists:
        expected = naive.matches(parse(watchlist.query).root, title, body)
        assert (watchlist.name in found) is expected, watchlist.query
    for match in found.values():
        for term in match.terms:
            text = title if term.field == "title" else body
            phrase = parse(term.term).root.words
            for start, end in term.spans:
                assert naive.stands(phrase, naive.tokenise(text[start:end]).words)


@pytest.mark.skipif(not SEED.exists(), reason=f"no seed text at {SEED}")
@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ('"NATO-Russia Council"', True),
        ('"Russia-NATO Council"', True),
        ("NRC AND NATO", True),
        ('"NATO-Russia Council" OR (NRC AND (NATO OR Grushko))', True),
        ("Stoltenberg AND NOT Grushko", False),
        ('"NATO-China Council"', False),
    ],
)
def test_a_real_article_matches_as_a_reader_would_say(query, matches):
    text = SEED.read_text(encoding="utf-8")
    assert bool(Matcher([Watchlist("w", query)]).match(article(text))) is matches
