"""What the pages of one site have in common."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.clean import Reading
from monitor.articles.features import Told
from monitor.articles.memory import WINDOW, Trace, furniture, trace
from monitor.errors import CleanError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLEA = (
    "Journalism like this costs money, and we are glad of every reader who takes out a membership"
    " of the Herald and keeps it going."
)
BACKGROUND = (
    "The council was founded in Rome in the year 2002, as a place in which its members should speak"
    " about what they have in common, and it has met there, on and off, ever since that spring."
)
SYLLABLES = "ba de fi go lu ma ne pi ro su ta ve".split()


def sentence(seed):
    """A sentence of made up words, another for each seed."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(24)]
    return " ".join(words).capitalize() + "."


def page_of(number, *more, around=""):
    """A page of a site whose template says nothing by its tags and classes."""
    own = [sentence(f"{number}-{at}") for at in range(5)]
    body = [own[0], *own[1:3], *more, *own[3:], PLEA]
    paragraphs = "".join(f"<p>{one}</p>" for one in body)
    return f"""<title>{title_of(number)}</title><div><h1>{title_of(number)}</h1>
        <div>{paragraphs}{around}</div></div>""".encode()


def title_of(number):
    return sentence(f"title {number}")[:40]


class Site:
    """Reads pages as the worker does, with what it remembers of the others."""

    def __init__(self):
        self.known = []

    def read(self, number, html, *, link=None, title=None, summary="", now=NOW):
        title = title or title_of(number)
        reading = Reading(html, anchor=Told(title=title, summary=summary))
        own = trace(
            reading.blocks, link=link or f"https://a.example/{number}", title=title, now=now
        )
        found = furniture(self.known, own)
        self.known.insert(0, Trace.from_bytes(own.to_bytes()))
        return reading.page(found).text


@pytest.fixture
def site():
    return Site()


def test_what_returns_on_a_third_article_is_furniture(site):
    read = [site.read(number, page_of(number)) for number in range(20)]
    assert [PLEA in text for text in read] == [True, True] + 18 * [False]
    for number, text in enumerate(read):
        assert all(sentence(f"{number}-{at}") in text for at in range(5))


def test_a_list_that_is_marked_up_as_text_goes(site):
    listed = "<p>Eknath Shinde said to be moved to another ward of the hospital, say doctors.</p>"
    first, _ = (site.read(number, page_of(number, around=listed)) for number in range(2))
    assert "Eknath" in first
    assert "Eknath" not in site.read(3, page_of(3, around=listed))


def test_background_that_is_told_once_more_amidst_the_text_stays(site):
    read = [site.read(number, page_of(number, BACKGROUND)) for number in range(4)]
    assert all(BACKGROUND in text for text in read)


@pytest.mark.parametrize(
    "again",
    [{"link": "https://a.example/other"}, {"title": "Another headline altogether of the same"}],
    ids=["under another link", "with another headline"],
)
def test_an_article_is_no_furniture_for_being_read_again(site, again):
    first = [site.read(1, page_of(1)) for _ in range(3)]
    assert site.read(1, page_of(1), **again) == first[0] == first[2]


def test_a_text_that_a_portal_has_from_several_outlets_stays(site):
    for number in range(3):
        html = page_of(1).replace(title_of(1).encode(), title_of(number).encode())
        assert sentence("1-3") in site.read(number, html)


def test_what_the_feed_says_of_an_article_is_no_furniture(site):
    read = [site.read(number, page_of(number), summary=f"Today: {PLEA}") for number in range(4)]
    assert all(PLEA in text for text in read)


def test_a_page_that_stands_in_for_several_articles_is_none(site):
    consent = page_of("Before you go on").replace(b"<p>", b"<p>We and our partners. ")
    for number in range(2):
        site.read(number, consent)
    with pytest.raises(CleanError, match="no article"):
        site.read(3, consent)


def test_what_was_seen_long_ago_counts_no_more(site):
    for number in range(2):
        site.read(number, page_of(number), now=NOW - WINDOW - timedelta(days=1))
    assert PLEA in site.read(2, page_of(2))


@given(
    st.builds(
        Trace,
        st.integers(0, 2**32 - 1),
        st.binary(min_size=4, max_size=4),
        st.binary(min_size=4, max_size=4),
        st.lists(st.integers(0, 2**32 - 1)).map(tuple),
    )
)
def test_what_is_stored_is_read_back(one):
    assert Trace.from_bytes(one.to_bytes()) == one
