"""Furniture recognised by the pages of a site."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.clean import Reading
from monitor.articles.features import ArticleHints
from monitor.articles.memory import ARTICLES, WINDOW, Trace, furniture, trace
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
    """Returns a sentence of invented words that depends on the seed."""
    draw = random.Random(seed)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(24)]
    return " ".join(words).capitalize() + "."


def page_of(number, *more, around=""):
    """Returns a page of a site whose template has uninformative tags and no classes."""
    article = [sentence(f"{number}-{at}") for at in range(5)]
    body = [*article[:3], *more, *article[3:], PLEA]
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in body)
    return f"""<title>{title_of(number)}</title><div><h1>{title_of(number)}</h1>
        <div>{paragraphs}{around}</div></div>""".encode()


def title_of(number):
    return sentence(f"title {number}")[:40]


class Site:
    """Reads pages as a worker does, and remembers their traces."""

    def __init__(self):
        self.known = []

    def read(self, number, html, *, link=None, title=None, summary="", now=NOW):
        title = title or title_of(number)
        reading = Reading(html, feed_hints=ArticleHints(title=title, summary=summary))
        current = trace(
            reading.blocks, link=link or f"https://a.example/{number}", title=title, now=now
        )
        marks = furniture(self.known, current)
        self.known.insert(0, Trace.from_bytes(current.to_bytes()))
        return reading.page(marks).text


@pytest.fixture
def site():
    return Site()


def test_a_block_on_a_third_article_is_furniture(site):
    read = [site.read(number, page_of(number)) for number in range(20)]
    assert [PLEA in text for text in read] == [True, True] + 18 * [False]
    for number, text in enumerate(read):
        assert all(sentence(f"{number}-{at}") in text for at in range(5))


def test_a_list_that_is_marked_up_as_text_is_removed(site):
    listed = "<p>Eknath Shinde said to be moved to another ward of the hospital, say doctors.</p>"
    first, _ = (site.read(number, page_of(number, around=listed)) for number in range(2))
    assert "Eknath" in first
    assert "Eknath" not in site.read(3, page_of(3, around=listed))


def test_repeated_background_inside_the_article_is_kept(site):
    read = [site.read(number, page_of(number, BACKGROUND)) for number in range(4)]
    assert all(BACKGROUND in text for text in read)


@pytest.mark.parametrize(
    "again",
    [{"link": "https://a.example/other"}, {"title": "Another headline altogether of the same"}],
    ids=["under another link", "with another headline"],
)
def test_reading_an_article_again_does_not_make_it_furniture(site, again):
    first = [site.read(1, page_of(1)) for _ in range(3)]
    assert site.read(1, page_of(1), **again) == first[0] == first[2]


def test_a_text_that_a_portal_publishes_under_several_titles_is_kept(site):
    for number in range(3):
        html = page_of(1).replace(title_of(1).encode(), title_of(number).encode())
        assert sentence("1-3") in site.read(number, html)


def test_text_that_the_feed_announces_is_not_furniture(site):
    read = [site.read(number, page_of(number), summary=f"Today: {PLEA}") for number in range(4)]
    assert all(PLEA in text for text in read)


def test_a_page_that_is_served_in_place_of_several_articles_is_refused(site):
    consent = page_of("Before you go on").replace(b"<p>", b"<p>We and our partners. ")
    for number in range(2):
        site.read(number, consent)
    with pytest.raises(CleanError, match="no article"):
        site.read(3, consent)


def test_pages_read_long_ago_do_not_count(site):
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
def test_a_stored_trace_is_read_back(stored):
    assert Trace.from_bytes(stored.to_bytes()) == stored


@given(
    st.lists(
        st.tuples(*3 * [st.integers(0, 40)], st.sets(st.integers(0, 9))),
        min_size=1,
        max_size=12,
    )
)
def test_furniture_is_every_mark_of_the_page_on_enough_other_articles(pages):
    """The truth: of pages that share a link or a title, only the newest counts."""
    current, *known = [
        Trace(10**9 - 86_400 * age, bytes([link % 7]), bytes([title % 7]), tuple(marks))
        for age, link, title, marks in pages
    ]
    others = [current]
    for page in sorted(known, key=lambda page: -page.at):
        is_recent = page.at >= current.at - WINDOW.total_seconds()
        if is_recent and not any(page.is_same_article(other) for other in others):
            others.append(page)
    expected = {
        mark for mark in current.marks if sum(mark in page.marks for page in others) >= ARTICLES
    }
    assert furniture(known, current) == expected
