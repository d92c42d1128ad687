"""Tests of what an article takes from its feed and what from its page."""

from datetime import UTC, datetime

import pytest

from monitor.articles.clean import Page
from monitor.model import Entry, Feed, FeedState
from workers.articles.read import as_article, hints_of

OF_FEED = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
OF_PAGE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FEED = Feed("https://a.example/feed")


@pytest.mark.parametrize(
    ("of_feed", "is_doubtful", "of_page", "meant"),
    [
        (OF_FEED, False, OF_PAGE, OF_FEED),
        (OF_FEED, True, OF_PAGE, OF_PAGE),
        (OF_FEED, True, None, OF_FEED),
        (None, False, OF_PAGE, OF_PAGE),
    ],
)
def test_a_pages_own_date_wins_over_a_doubtful_one(of_feed, is_doubtful, of_page, meant):
    entry = Entry(url="https://a.example/1", published_at=of_feed, date_is_doubtful=is_doubtful)
    page = Page("Title", "Text of the page.", published_at=of_page)
    assert as_article(FEED, FeedState(), entry, hints_of(entry), page, None).published_at == meant


def test_an_entrys_title_is_shown_without_markup_on_one_line():
    entry = Entry(title="AT&amp;T <b>News</b><br>today")
    assert (
        as_article(FEED, FeedState(), entry, hints_of(entry), None, None).title == "AT&T News today"
    )
