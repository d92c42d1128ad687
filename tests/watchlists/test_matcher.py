"""Watchlists that match an article, and the evidence."""

import importlib.util
import os
import time
from bisect import bisect_right
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import QueryError
from monitor.model import Article, FeedFilter, Watchlist
from monitor.watchlists.matcher import Matcher
from monitor.watchlists.query import parse
from monitor.watchlists.syntax import Fact
from monitor.watchlists.syntax import phrases as syntax_phrases
from monitor.watchlists.text import Text

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
    """Returns the matching terms with the words that they matched, or None without a match."""
    found = Matcher([Watchlist("w", query)]).match(article(text, title))
    if not found:
        return None
    fields = {"title": title, "body": text}
    return [
        (term.term, term.field, [fields[term.field][start:end] for start, end in term.spans])
        for term in found[0].terms
    ]


def test_evidence_gives_the_term_as_written_the_field_and_the_span_in_the_original():
    found = evidence(
        '"NATO-Russia Council"', "The NATO\u2013Russia\nCouncil's aide left.", "Nato Russia council"
    )
    assert found == [
        ('"NATO-Russia Council"', "title", ["Nato Russia council"]),
        ('"NATO-Russia Council"', "body", ["NATO\u2013Russia\nCouncil's"]),
    ]


def test_only_whole_words_match():
    assert evidence("art", "start arts artful") is None
    assert evidence('"a b"', "aa b") is None


def test_a_phrase_does_not_span_title_and_body():
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


def test_terms_match_inside_longer_words_in_scripts_without_spaces():
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
def test_a_watchlist_covers_the_feeds_that_it_names(feeds, matches):
    matcher = Matcher([Watchlist("w", "NATO", feeds)])
    found = matcher.match(article("NATO", tags=("defence",), language="en-GB"))
    assert bool(found) is matches


def test_an_article_in_an_unknown_language_passes_the_filter():
    matcher = Matcher([Watchlist("w", "NATO", FeedFilter(languages=("de",)))])
    assert matcher.match(article("NATO", language=None))


@pytest.mark.parametrize("wanted", ["en", "EN", "en-GB", "en_GB"])
@pytest.mark.parametrize("given", ["en", "en-US", "en_US", "EN-us"])
def test_languages_are_compared_without_their_regions(wanted, given):
    matcher = Matcher([Watchlist("w", "NATO", FeedFilter(languages=(wanted,)))])
    assert matcher.match(article("NATO", language=given))
    assert Matcher([Watchlist("w", "NATO AND lang:en")]).match(article("NATO", language=given))


@pytest.mark.parametrize(
    ("url", "is_there"),
    [
        ("https://www.example.org/a", True),
        ("https://EXAMPLE.org.:8080/a", True),
        ("https://example.org.evil.example/", False),
        ("https://example.org@evil.example/", False),
        ("http://[example.org", False),
        ("", False),
    ],
)
def test_any_url_has_one_site_or_none(url, is_there):
    document = Article("id", url, "", "NATO", "Herald", "")
    assert Matcher([Watchlist("w", "NATO")]).match(document)
    assert bool(Matcher([Watchlist("w", "NATO AND site:example.org")]).match(document)) is is_there


@pytest.mark.parametrize(
    "query",
    ['apple OUTSIDE "apple juice"', '"appl* juice"', "apple NEAR/3 juice", '"apple juice"~2'],
)
def test_a_repetitive_page_is_matched_quickly(query):
    document = article("apple juice " * 20_000 + "apple")
    begun = time.process_time()
    assert Matcher([Watchlist("w", query)]).match(document)
    # It takes a second at most; comparing every place with every other takes over half a minute.
    assert time.process_time() - begun < 5


def test_matches_come_in_the_order_of_the_watchlists():
    matcher = Matcher([Watchlist(name, name) for name in ("b", "a", "c")])
    assert [match.watchlist for match in matcher.match(article("a b"))] == ["b", "a"]
    assert Matcher([]).match(article("a b")) == []


WORDS = ["nato", "Nato", "rat", "über", "uber", "北", "京", "aa", "bb", "Straße", "strasse", "U.S.",
         "council's", "natos"]  # fmt: skip
FILLERS = ["-", "\n", "x", ".", "Mr.", "1,000", "1\u202f000", "e\u0301"]
words = st.sampled_from(WORDS)
phrases = st.lists(words, min_size=1, max_size=3).map(lambda some: f'"{" ".join(some)}"')
terms = (
    phrases
    | st.tuples(phrases, st.integers(0, 3)).map(lambda pair: f"{pair[0]}~{pair[1]}")
    | st.sampled_from(
        ["nat*", "*trasse", "str*e", "n?to", "*ato*", '"nato r?t*"', '"*nat* aa"']
    ).filter(lambda pattern: pattern != '"nato r?t*"')
    | st.builds("case:{}".format, phrases)
    | st.builds("exact:{}".format, phrases)
    | st.builds("{}:{}".format, st.sampled_from(["title", "body", "lead", "author"]), phrases)
)
groups = terms | st.lists(terms, min_size=2, max_size=3).map(lambda some: f"({' OR '.join(some)})")
located = groups | st.tuples(groups, groups).map(lambda pair: f"({pair[0]} OUTSIDE {pair[1]})")
operators = st.sampled_from(
    ["NEAR/0", "NEAR/2", "W/9", "ONEAR/0", "PRE/3", "SAMESENTENCE", "SAMEPARA"]
)
special = (
    st.tuples(located, operators, located).map(lambda some: f"({' '.join(some)})")
    | st.tuples(st.integers(1, 3), located).map(lambda pair: f"ATLEAST/{pair[0]}({pair[1]})")
    | st.sampled_from(["tag:defence", "tag:sports", "lang:en", "site:example.org", "site:org.uk"])
)


def combined(parts):
    return st.sampled_from([" AND ", " OR "]).flatmap(
        lambda operator: st.lists(parts, min_size=2, max_size=3).map(
            lambda some: f"({operator.join(some)})"
        )
    ) | st.tuples(parts, parts).map(lambda pair: f"({pair[0]} AND NOT {pair[1]})")


queries = st.recursive(located | special, combined, max_leaves=5)
texts = st.lists(st.sampled_from([*WORDS, *FILLERS]), max_size=14).map(" ".join)
FACTS = {Fact("tag", "defence"), Fact("lang", "en")} | {
    Fact("site", site) for site in ("news.example.org", "example.org", "org")
}


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(queries, min_size=1, max_size=4), texts, texts, words)
def test_the_matcher_agrees_with_the_naive_one(some, title, body, author):
    document = Article(
        "id", "https://news.example.org/a", title, body, "Herald", "https://a.example/f",
        tags=("Defence",), authors=(author,), language="en-GB",
    )  # fmt: skip
    watchlists = []
    for number, query in enumerate(some):
        try:
            parse(query)
        except QueryError as error:
            assert "never match" in error.message
        else:
            watchlists.append(Watchlist(f"w{number}", query))
    found = {match.watchlist: match for match in Matcher(watchlists).match(document)}
    for watchlist in watchlists:
        root = parse(watchlist.query).root
        expected = naive.matches(root, document, FACTS)
        assert (watchlist.name in found) is expected, watchlist.query
        if not expected:
            continue
        # All evidence is an occurrence of some phrase of the query.
        known = {
            (phrase.text, field, Text(naive.fields_of(document)[field]).span(first)[0])
            for phrase in syntax_phrases(root)
            for field, first, _ in naive.places(phrase, document)
        }
        for term in found[watchlist.name].terms:
            for start, end in term.spans:
                assert start < end
                assert (term.term, term.field, start) in known


@given(texts)
def test_splitting_at_white_space_gives_the_tokens_of_one_expression_over_the_text(text):
    tokens = Text(text)
    assert list(zip(tokens.words, tokens.spans, strict=True)) == naive.tokens(text)


@given(st.text(max_size=120))
def test_splitting_at_white_space_gives_the_same_tokens_for_any_text(text):
    tokens = Text(text)
    assert list(zip(tokens.words, tokens.spans, strict=True)) == naive.tokens(text)


@pytest.mark.skipif(not SEED.exists(), reason=f"no seed text at {SEED}")
@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ('"NATO-Russia Council"', True),
        ('"NATO-Russia Council"~0', True),
        ('"NATO Council Russia"~0', True),
        ('Stoltenberg NEAR/10 "armed conflict"', True),
        ('Stoltenberg ONEAR/10 "armed conflict"', True),
        ('"armed conflict" ONEAR/10 Stoltenberg', False),
        ('Stoltenberg NEAR/2 "armed conflict"', False),
        ("NATO AND NOT Grushko", False),
        ('"Mukhtar Ansari" AND NOT NATO', False),
        ('Grushko SAMESENTENCE "NATO-Russia"', True),
        ('ATLEAST/3("Russian Deputy Foreign Minister")', True),
        ("ATLEAST/50(NATO)", False),
        ('Russia OUTSIDE ("NATO-Russia" OR "Russia-NATO")', True),
        (
            'Council OUTSIDE ("NATO-Russia Council" OR "Russia-NATO Council" OR "Permanent Council")',
            False,
        ),
        ("Stolt* AND c?uncil", True),
        ('case:"NATO" AND NOT case:nato', True),
        ('"Russia-NATO Council"', True),
        ("NRC AND NATO", True),
        ('"NATO-Russia Council" OR (NRC AND (NATO OR Grushko))', True),
        ("Stoltenberg AND NOT Grushko", False),
        ('"NATO-China Council"', False),
    ],
)
def test_a_real_article_matches_as_a_reader_would_expect(query, matches):
    text = SEED.read_text(encoding="utf-8")
    assert bool(Matcher([Watchlist("w", query)]).match(article(text))) is matches


@given(st.one_of(st.text(max_size=120), st.text("aB½1. \n\u2009!?。\"'", max_size=60)))
def test_sentences_and_paragraphs_are_those_found_word_by_word(text):
    tokens = Text(text)
    for scope, begin in [("sentence", tokens.sentences), ("paragraph", tokens.paragraphs)]:
        numbers = naive.segments(text, scope)
        assert [bisect_right(begin, word) for word in range(len(numbers))] == numbers
