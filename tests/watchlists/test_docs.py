"""The documentation of queries is true."""

import re
from pathlib import Path

import pytest

from monitor.errors import QueryError
from monitor.model import Article, Watchlist
from monitor.watchlists.matcher import Matcher
from monitor.watchlists.query import parse

DOCUMENT = (Path(__file__).parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(.+?)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
FIELD_ROW = re.compile(
    r"^\| `((?:title|body|lead|author|source|url|site|lang|tag):.+?)` \| ", re.MULTILINE
)


def found(query, text):
    article = Article("id", "", "", text, "", "")
    return bool(Matcher([Watchlist("w", query)]).match(article))


def texts(cell):
    return [text.strip() for text in cell.split(";") if text.strip()]


@pytest.mark.parametrize(("query", "yes", "no"), ROW.findall(DOCUMENT))
def test_examples_match_as_documented(query, yes, no):
    assert texts(yes)
    for text in texts(yes):
        assert found(query, text), text
    for text in texts(no):
        assert not found(query, text), text


def test_all_tables_were_read():
    assert len(ROW.findall(DOCUMENT)) > 25
    assert len(FIELD_ROW.findall(DOCUMENT)) == 9


@pytest.mark.parametrize("query", FIELD_ROW.findall(DOCUMENT))
def test_fields_are_as_documented(query):
    article = Article(
        "id", "https://www.bbc.co.uk/sport/olympics", "Summit", "The summit began.", "BBC News",
        "https://a.example/f", ("defence",), ("Ann Smith",), None, "fr-FR",
    )  # fmt: skip
    assert Matcher([Watchlist("w", query)]).match(article)
    other = Article("id", "https://notbbc.co.uk/", "", "", "Other", "")
    assert not Matcher([Watchlist("w", query)]).match(other)


def test_operators_of_other_programs_are_refused():
    prose = " ".join(DOCUMENT.split())
    start = prose.index("silently be read as a word")
    named = re.findall(r"`([^`]+)`", prose[start : prose.index("since editors", start)])
    assert len(named) == 6
    for piece in [*named, "\u2013football"]:
        with pytest.raises(QueryError):
            parse(f"summit {piece} talks")
        assert not parse(f'summit AND "NATO {piece}"').warnings


@pytest.mark.parametrize("kind", ["AND beside OR", "NEAR beside OR", "unknown fields"])
def test_queries_documented_as_refused_are_refused(kind):
    assert kind in DOCUMENT.replace("\n", " ")
    query = {"AND beside OR": "a AND b OR c", "NEAR beside OR": "a NEAR/2 b OR c"}.get(
        kind, "foo:b AND c"
    )
    with pytest.raises(QueryError):
        parse(query)
