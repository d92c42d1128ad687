"""Searches of the archive find what the matcher finds, in either database."""

import importlib.util
import itertools
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from monitor.archive import refolding, scan
from monitor.archive.database import begin
from monitor.archive.narrow import fts5, narrow, tsquery
from monitor.archive.rows import index, unindex
from monitor.archive.schema import articles as articles_table
from monitor.archive.schema import indexed_articles
from monitor.archive.search import Search
from monitor.archive.writer import Writer
from monitor.coverage import Publication, Record
from monitor.errors import QueryError
from monitor.model import Article, Watchlist, content_id
from monitor.watchlists.article import joined_texts
from monitor.watchlists.matcher import Matcher
from monitor.watchlists.query import parse
from monitor.watchlists.text import RULES

_path = Path(__file__).parents[1] / "watchlists" / "test_matcher.py"
_spec = importlib.util.spec_from_file_location("generators", _path)
generators = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generators)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
# Each example has an hour of its own in one archive, since a new one takes long to make.
hours = itertools.count()

OTHER_SCRIPTS = [
    "Путин", "путина", "Київ", "Αθήνα", "ΑΘΉΝΑ", "القُدس", "القدس", "ירושלים", "กรุงเทพ", "東京都",
    "東京", "パリ", "서울", "दिल्ली", "Zürich", "zurich", "İstanbul", "istanbul", "ﬁnance", "finance",
    "news", "example", "herald", "smith", "서울에서", "C++", "AT&T", "at", "t", ".NET", "$TSLA", "tsla", "F-16", "F16", "F", "16", "١٦", "کی", "كي",
]  # fmt: skip
others = st.sampled_from(OTHER_SCRIPTS)
other_terms = others.map('"{}"'.format) | st.builds(
    "{}:{}".format, st.sampled_from(["title", "body", "author", "source", "url", "exact"]), others
)
other_queries = (
    other_terms
    | st.lists(other_terms, min_size=2, max_size=4).map(" AND ".join)
    | st.lists(other_terms, min_size=2, max_size=4).map(" OR ".join)
    | st.tuples(other_terms, other_terms).map(" AND NOT ".join)
    | st.sampled_from(["lang:en", "lang:de AND NOT Zürich", "tag:defence", "site:example.org",
                       "*rich", "zür*", "herald", "source:herald", "url:example"])
)  # fmt: skip
texts = st.lists(
    st.sampled_from([*generators.WORDS, *generators.FILLERS, *OTHER_SCRIPTS]), max_size=14
).map(" ".join)
articles = st.builds(
    lambda title, text, author, language, tag, source: {
        "title": title, "text": text, "authors": (author,), "language": language,
        "tags": (tag,), "source": source,
    },
    texts, texts, others, st.sampled_from(["en", "en-GB", "de", None]),
    st.sampled_from(["Defence", "sports", "two words"]), st.sampled_from(["Herald", "Courier"]),
)  # fmt: skip


def stored(writer, at, fields):
    """Writes articles, one a second from a moment on, and returns them."""
    made = [
        Article(
            **{
                "id": content_id(at.isoformat(), str(number)), "url": "https://news.example.org/a",
                "title": "", "text": "", "source": "Herald", "feed_url": "", "story": "s",
            } | each
        )
        for number, each in enumerate(fields)
    ]  # fmt: skip
    records = [
        Record(publication=Publication(at + timedelta(seconds=number), article))
        for number, article in enumerate(made)
    ]
    assert writer.write(records) == []
    return made


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(articles, min_size=1, max_size=6),
    st.lists(generators.queries | other_queries, min_size=1, max_size=6),
)
def test_a_search_finds_what_the_matcher_finds_with_the_same_evidence(
    engine, writer, some, queries
):
    at = BEGIN + next(hours) * timedelta(hours=1)
    known = stored(writer, at, some)
    for query in queries:
        try:
            matcher = Matcher([Watchlist(scan.SEARCHED, query)])
        except QueryError:
            continue
        expected = [
            (article, match) for article in reversed(known) for match in matcher.match(article)
        ]
        search = Search(engine, query, since=at, until=at + timedelta(hours=1))
        found = [found for batch in search for found in batch]
        assert [(each.article, each.match) for each in found] == expected, query
        assert search.totals.articles == len(expected)
        counted = Search(engine, query, since=at, until=at + timedelta(hours=1), limit=0)
        assert [each for batch in counted for each in batch] == []
        # Without evidence, the index may decide alone.
        assert counted.totals == search.totals, query


@pytest.fixture
def twenty(writer):
    fields = [
        {"text": f"peace word{number}", "source": "Herald" if number % 2 else "Courier",
         "language": "en-GB" if number % 4 else None}
        for number in range(20)
    ]  # fmt: skip
    return stored(writer, BEGIN, fields)


def urls(search):
    return [found.article.id for batch in search for found in batch]


def test_the_newest_come_first_and_all_are_counted(engine, twenty):
    search = Search(engine, "peace", since=BEGIN, limit=3)
    assert urls(search) == [article.id for article in twenty[:-4:-1]]
    assert (search.totals.articles, search.examined, search.candidates) == (20, 20, 20)
    assert search.totals.by_source == {"Herald": 10, "Courier": 10}
    assert search.totals.by_language == {"en": 15, None: 5}
    assert search.totals.by_day == {BEGIN.date(): 20}


def test_a_search_is_limited_to_a_period_sources_and_languages(engine, twenty):
    since, until = BEGIN + timedelta(seconds=5), BEGIN + timedelta(seconds=7)
    assert len(urls(Search(engine, "peace", since=since, until=until))) == 2
    assert len(urls(Search(engine, "peace", since=BEGIN, sources=["Herald"]))) == 10
    assert len(urls(Search(engine, "peace", since=BEGIN, languages=["EN"]))) == 15
    assert urls(Search(engine, "peace", since=BEGIN, languages=["de"])) == []


def test_many_candidates_are_shared_among_processes_in_order_and_this_one_begins(
    engine, twenty, share, monkeypatch
):
    decide, decided_here = scan.Scanner.matching, []

    def matching(self, numbers):
        decided_here.append(len(numbers))
        return decide(self, numbers)

    monkeypatch.setattr(scan.Scanner, "matching", matching)
    assert urls(Search(engine, '"peace word*"', since=BEGIN)) == [
        article.id for article in reversed(twenty)
    ]
    assert decided_here == [3]


def test_a_search_that_waits_for_its_reader_does_not_delay_the_writer(
    engine, archive_url, tmp_path, twenty, monkeypatch
):
    monkeypatch.setattr("monitor.archive.search.BATCH", 3)
    batches = iter(Search(engine, "peace", since=BEGIN))
    next(batches)
    done = threading.Thread(
        target=stored, args=(Writer(engine), BEGIN + timedelta(days=1), [{"text": "peace"}])
    )
    done.start()
    done.join(5)
    assert not done.is_alive()
    assert sum(map(len, batches)) == 17


def test_an_article_with_too_many_words_for_the_index_is_still_searched(engine, writer):
    many = " ".join(f"{number:020}" for number in range(60_000))
    [large, _] = stored(writer, BEGIN, [{"text": f"{many} peace"}, {"text": "war"}])
    assert urls(Search(engine, "peace", since=BEGIN)) == [large.id]
    assert urls(Search(engine, "source:Herald AND NOT war", since=BEGIN)) == [large.id]
    assert urls(Search(engine, "calm", since=BEGIN)) == []


@pytest.mark.parametrize(
    ("query", "fts", "exact"),
    [
        ("NATO", '"nato"', True),
        ('"NATO summit"', '("nato" AND "summit")', False),
        ("NATO OR title:summit", '("nato" OR "title/summit")', True),
        ("NATO AND NOT summit", '(("nato") NOT ("summit"))', True),
        ('NATO AND NOT "a summit"', '"nato"', False),
        ("summit* AND *conference", '"summit"*', False),
        ("*conference", None, False),
        ("*conference OR NATO", None, False),
        ("NATO NEAR/3 (summit OR talks)", '("nato" AND ("summit" OR "talks"))', False),
        ("lead:NATO", '"nato"', False),
        ("C++", '"c"', False),
        ("서울", '"서울"*', False),
        ("case:NATO", '"nato"', False),
        ("lang:de AND site:example.org", '("lang/de" AND "site/example.org")', True),
        ("ATLEAST/2(NATO)", '"nato"', False),
        ('apple OUTSIDE "apple juice"', '"apple"', False),
    ],
)
def test_a_query_is_narrowed_as_far_as_the_index_knows(query, fts, exact):
    narrowing = narrow(parse(query).root)
    assert (narrowing.filter and fts5(narrowing.filter), narrowing.is_exact) == (fts, exact)


def test_a_filter_is_spelt_for_postgresql():
    narrowing = narrow(parse("(NATO OR title:sum*) AND NOT tag:o'brien").root)
    assert tsquery(narrowing.filter) == "(('nato' | 'title/sum':*) & !'tag/o''brien')"


def test_articles_folded_by_older_rules_are_folded_again(engine, twenty):
    with begin(engine) as connection:
        connection.execute(update(articles_table).values(rules=0, joined=" old \n" * 5))
    assert len(urls(Search(engine, '"peace word7"', since=BEGIN))) == 1


def test_articles_folded_by_older_rules_are_indexed_again_a_few_at_a_time(
    engine, twenty, monkeypatch
):
    monkeypatch.setattr(refolding, "AT_ONCE", 6)
    with begin(engine) as connection:
        rows = connection.execute(select(articles_table.c.number, articles_table.c.joined)).all()
        old = joined_texts(Article("", "", "", "old words", "", ""))
        if engine.dialect.name == "sqlite":
            unindex(connection, [(row.number, row.joined) for row in rows])
            index(connection, [(row.number, old) for row in rows])
        else:
            connection.execute(update(indexed_articles).values(words=func.to_tsvector("old")))
        connection.execute(update(articles_table).values(rules=0, joined=old))
    assert urls(Search(engine, '"peace word7"', since=BEGIN)) == []
    steps, below = 0, refolding.refold(engine)
    while below is not None:
        steps, below = steps + 1, refolding.refold(engine, below)
    assert steps == 4
    assert len(urls(Search(engine, '"peace word7"', since=BEGIN))) == 1
    assert urls(Search(engine, "old", since=BEGIN)) == []
    with begin(engine) as connection:
        assert set(connection.execute(select(articles_table.c.rules)).scalars()) == {RULES}
