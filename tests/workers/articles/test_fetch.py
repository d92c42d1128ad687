"""Tests of fetching the page of an entry."""

import asyncio

import pytest

from monitor.config import load
from monitor.errors import FetchError, RefusedAddress, UnsupportedPdf, error_kind
from monitor.http.client import HttpClient
from workers.articles.fetch import fetch_page

CONFIG = "feeds: [{{url: {site}/feed}}]\nwatchlists: [{{name: grain, query: grain}}]\n"


@pytest.fixture
def fetch(site, configure):
    settings = load(configure(CONFIG.format(site=site.url)), {}).settings

    async def fetched(path):
        async with HttpClient.of(settings) as http:
            return await fetch_page(http, site.url + path, settings)

    return lambda path: asyncio.run(fetched(path))


def refresh(target):
    page = f"<meta http-equiv=refresh content='0;url={target}'>"
    return (200, {"Content-Type": "text/html"}, page.encode())


def test_a_page_that_refreshes_to_another_leads_to_that(site, fetch, words):
    site.pages["/short"] = refresh("/middle")
    site.pages["/middle"] = refresh(f"{site.url}/1")
    site.put_page("/1", "Envoys meet", words)
    assert fetch("/short").url == f"{site.url}/1"


def test_pages_that_refresh_in_a_circle_end(site, fetch):
    site.pages["/a"], site.pages["/b"] = refresh("/b"), refresh("/a")
    with pytest.raises(FetchError, match="more than 3 pages"):
        fetch("/a")
    assert sum(site.asked().values()) == 4


def test_a_refresh_to_a_private_address_is_refused(site, fetch):
    site.pages["/a"] = refresh("http://169.254.169.254/latest/meta-data")
    with pytest.raises(RefusedAddress):
        fetch("/a")


@pytest.mark.parametrize("content_type", ["application/pdf", "text/html", "application/x-download"])
def test_a_pdf_is_named_as_not_supported(site, fetch, content_type):
    site.pages["/a"] = (200, {"Content-Type": content_type}, b"%PDF-1.7\n%\xe2\xe3")
    with pytest.raises(UnsupportedPdf, match="PDF, which is not supported") as refused:
        fetch("/a")
    assert error_kind(refused.value) == "pdf"
