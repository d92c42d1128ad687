"""The date of an article whose page only writes it for readers."""

import pytest
from lxml.html import document_fromstring

from monitor.articles.clean import clean
from monitor.articles.written_dates import written_dates

PROSE = "<p>" + "The council met to discuss its budget, and members spoke about it at length. " * 4


def published(header, url="https://a.example/news/council-meets"):
    html = (
        f"<html><body><article>{header}{PROSE}{PROSE.replace('met', 'sat')}</article></body></html>"
    )
    at = clean(html.encode(), url=url).published_at
    return at.strftime("%Y-%m-%d") if at else None


@pytest.mark.parametrize(
    "header",
    [
        '<h1>Council meets</h1><time class="published updated">March 14, 2019</time>',
        '<h1>Council meets</h1><abbr class="published" title="2019-03-14T10:00:00+01:00">a day</abbr>',
        "<h1>Council meets</h1><div>14.03.2019</div>",
        "<h1>Council meets</h1><p class='date'>Donnerstag, 14. März 2019, 10:15 Uhr | Politik</p>",
        "<h1>Council meets</h1><span class=tarih>14.03.2019 - Güncelleme : 15.03.2019</span>",
        "<h1>Council meets</h1><span>14 mars 2019</span>",
        "<h1>Council meets</h1><span>14 de marzo de 2019</span>",
        "<div><small>Thursday, March 14th, 2019</small></div><h1>Council meets</h1>",
        "<h1>Council meets</h1><span>2019年3月14日</span>",
    ],
)
def test_a_date_near_the_headline_is_that_of_publication(header):
    assert published(header) == "2019-03-14"


@pytest.mark.parametrize(
    "header",
    [
        "<h1>Council meets</h1><p>The council of the town met on 14.03.2019 for its first session.</p>",
        "<h1>Council meets</h1><div class=related><span>14.03.2019</span></div>",
        "<h1>Council meets</h1><aside><span>14.03.2019</span></aside>",
        "<h1>Council meets</h1><span class=updated>14.03.2019</span>",
        "<h1>Council meets</h1><span>03/04/2019</span>",
        "<h1>Council meets</h1><span>99.99.2019</span>",
        f"<h1>Council meets</h1>{'<i></i>' * 100}<span>14.03.2019</span>",
        "<span>14.03.2019</span>",
    ],
)
def test_other_dates_are_not(header):
    assert published(header) is None


def test_a_marked_up_date_comes_first_and_the_address_last():
    url = "https://a.example/2018/12/24/council-meets.html"
    assert published("<h1>Council meets</h1>", url) == "2018-12-24"
    assert published("<h1>Council meets</h1><span>14.03.2019</span>", url) == "2019-03-14"
    marked = '<h1>Council meets</h1><span>14.03.2019</span><time datetime="2019-03-15">x</time>'
    assert published(marked, url) == "2019-03-15"


def test_a_page_of_many_elements_is_read_near_the_headline_only():
    tree = document_fromstring("<body>" + "<i>14.03.2019</i>" * 100_000 + "</body>")
    assert len(list(written_dates(tree, 500, None))) <= 120
    assert list(written_dates(tree, None, "https://a.example:x/")) == []
