"""Tests of where pages send their readers at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.refresh import refresh_target

URL = "https://t.example/x"
STORY = "https://herald.example/1?a=1&b=2"


@pytest.mark.parametrize(
    "head",
    [
        "<meta http-equiv='refresh' content='0;url=https://herald.example/1?a=1&amp;b=2'>",
        '<META content="0; URL=\'https://herald.example/1?a=1&b=2\'" HTTP-EQUIV="Refresh">',
        "<meta http-equiv=refresh content='3, https://herald.example/1?a=1&b=2'>",
        "<base href='https://herald.example/a/'><meta http-equiv=refresh content='0;../1?a=1&b=2'>",
        f"<noscript><META http-equiv='refresh' content='0;URL={STORY}'></noscript>",
    ],
)
def test_a_page_that_sends_its_readers_on_is_followed(head):
    assert refresh_target(f"<html><head>{head}</head></html>".encode(), URL) == STORY


@pytest.mark.parametrize(
    "page",
    [
        "<meta http-equiv=refresh content=300>",
        f"<meta http-equiv=refresh content='300;url={STORY}'>",
        f"<meta http-equiv=refresh content='0;url={URL}#top'>",
        "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
        "<meta http-equiv=refresh content='0;url=file:///etc/passwd'>",
        "<meta http-equiv=refresh content='0;url=https://[x'>",
        f"<!-- <meta http-equiv=refresh content='0;url={STORY}'> -->",
        f"<script>x = \"<meta http-equiv=refresh content='0;url={STORY}'>\"</script>",
        f"<noscript><meta http-equiv=refresh content='0;url={STORY}'></noscript>" + 5_000 * "x",
        f"<meta name=refresh content='0;url={STORY}'>",
        "refresh <![<![",
    ],
)
def test_a_page_that_shows_something_or_leads_nowhere_is_kept(page):
    assert refresh_target(page.encode(), URL) is None


@given(st.binary(max_size=60).map(b"<meta http-equiv=refresh content='0;".__add__))
def test_any_bytes_can_be_searched(body):
    refresh_target(body, URL)
