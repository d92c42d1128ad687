"""What a site's robots.txt allows, and what its absence means (RFC 9309)."""

import asyncio
import time
from ipaddress import ip_network

import pytest

from monitor.access import USUAL, Access
from monitor.config import Settings
from monitor.errors import FetchError, RobotsRefused, RobotsUnknown, Unreachable
from monitor.http import robots as module
from monitor.http.client import HttpClient
from monitor.http.robots import Robots, Rules

LOOPBACK = (ip_network("127.0.0.0/8"),)
US = "Presswatch/0.1 (+https://example.org/bot)"


def text(rules):
    return (200, {"Content-Type": "text/plain"}, rules.encode())


def asked_for_rules(site):
    return [path for path, _ in site.requests].count("/robots.txt")


def with_robots(act, clock=lambda: 0.0):
    """Runs an async function with a Robots, and a function that fetches a page as it says."""

    async def run():
        async with HttpClient(user_agent=US, allow_private=LOOPBACK) as http:
            robots = Robots(http, US, clock=clock)

            async def get(url, access=USUAL):
                return await http.get(
                    url, timeout_s=5, max_bytes=1000, permit=robots.permit, access=access
                )

            return await act(robots, get)

    return asyncio.run(run())


def fetch(url, access=USUAL):
    return with_robots(lambda _, get: get(url, access))


def test_a_page_is_fetched_only_if_its_site_allows_it(site):
    site.pages["/robots.txt"] = text("User-agent: *\nDisallow: /private\nAllow: /private/news$\n")
    for path in ("/private/news", "/public"):
        site.pages[path] = (200, {}, b"here")
        assert fetch(site.url + path).body == b"here"
    with pytest.raises(RobotsRefused, match=r"robots\.txt forbids it") as raised:
        fetch(f"{site.url}/private/other")
    assert not raised.value.retryable
    assert "/private/other" not in site.asked()


def test_a_group_for_us_counts_more_than_that_for_all(site):
    rules = "User-agent: *\nDisallow: /\n\nUser-agent: presswatch\nDisallow: /x\n"
    site.pages["/robots.txt"] = text(rules)
    site.pages["/y"] = (200, {}, b"here")
    assert fetch(f"{site.url}/y").body == b"here"
    with pytest.raises(RobotsRefused):
        fetch(f"{site.url}/y", Access(user_agent="Other/1"))


def test_words_in_our_address_name_no_program():
    rules = Rules.read(b"User-agent: bot\nDisallow: /\n")
    assert rules.allow("https://a.example/", US)
    assert not rules.allow("https://a.example/", "Bot/1")


def test_the_target_of_a_redirect_is_asked_for_as_well(site):
    other = type(site)()
    try:
        site.pages["/go"] = (302, {"Location": f"{other.url}/page"}, b"")
        other.pages["/robots.txt"] = text("User-agent: *\nDisallow: /page\n")
        with pytest.raises(RobotsRefused):
            fetch(f"{site.url}/go")
        assert [path for path, _ in other.requests] == ["/robots.txt"]
    finally:
        other.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_site_without_robots_allows_everything(site, status):
    site.pages["/robots.txt"] = (status, {}, b"User-agent: *\nDisallow: /\n")
    site.pages["/"] = (200, {}, b"here")
    assert fetch(f"{site.url}/").body == b"here"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_site_that_cannot_say_allows_nothing_for_now(site, status):
    site.pages["/robots.txt"] = (status, {}, b"")
    site.pages["/"] = (200, {}, b"here")
    with pytest.raises(RobotsUnknown, match=f"robots.txt: HTTP {status}") as raised:
        fetch(f"{site.url}/")
    assert raised.value.retryable
    assert "/" not in site.asked()


def test_no_connection_is_reported_as_such():
    with pytest.raises(Unreachable, match="no connection"):
        fetch("http://127.0.0.1:1/")


def test_redirects_are_followed_also_to_another_host_and_endless_ones_allow_everything(site):
    site.pages["/robots.txt"] = (302, {"Location": "/rules"}, b"")
    site.pages["/rules"] = text("User-agent: *\nDisallow: /\n")
    site.pages["/x"] = (200, {}, b"here")
    with pytest.raises(RobotsRefused):
        fetch(f"{site.url}/x")
    site.pages["/rules"] = (302, {"Location": "/robots.txt"}, b"")
    assert fetch(f"{site.url}/x").body == b"here"


@pytest.mark.parametrize(
    "body", [b"", b"\0\xff\xfe", b"<html><p>Disallow: /</p></html>", b"Disallow: /", b"\n" * 99]
)
def test_nonsense_forbids_nothing(site, body):
    site.pages["/robots.txt"] = (200, {"Content-Type": "text/html"}, body)
    site.pages["/"] = (200, {}, b"here")
    assert fetch(f"{site.url}/").body == b"here"


def test_a_byte_order_mark_hides_no_rule(site):
    site.pages["/robots.txt"] = text("\ufeffUser-agent: *\nDisallow: /\n")
    with pytest.raises(RobotsRefused):
        fetch(f"{site.url}/x")


def test_a_file_without_end_is_read_as_far_as_the_limit(site):
    rules = "User-agent: *\nDisallow: /x\n" + "#" * module.MAX_BYTES + "\nDisallow: /y\n"
    site.pages["/robots.txt"] = text(rules)
    site.pages["/y"] = (200, {}, b"here")
    assert fetch(f"{site.url}/y").body == b"here"
    with pytest.raises(RobotsRefused):
        fetch(f"{site.url}/x")


def test_a_rule_that_was_cut_off_forbids_nothing():
    begin = b"User-agent: *\nDisallow: /x\n#"
    rest = b"\nDisallow: /"
    body = begin + b"#" * (module.MAX_BYTES - len(begin) - len(rest)) + rest
    rules = Rules.read(body)
    assert rules.allow("https://a.example/y", US)
    assert not rules.allow("https://a.example/x", US)


def test_a_site_is_asked_once_a_day_however_many_pages_wait(site):
    site.pages["/robots.txt"] = text("User-agent: *\nCrawl-delay: 7\n")
    site.delays["/robots.txt"] = 0.2
    site.pages["/x"] = (200, {}, b"here")
    now = 0.0

    async def act(robots, get):
        nonlocal now
        first = asyncio.create_task(get(f"{site.url}/x"))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(get(f"{site.url}/x")) for _ in range(5)]
        await asyncio.sleep(0.05)
        first.cancel()
        assert len(await asyncio.gather(*others)) == 5
        now = module.KEEP_S - 1
        await get(f"{site.url}/x")
        assert asked_for_rules(site) == 1
        assert robots.crawl_delay_s(f"{site.url}/other", USUAL) == 7
        now += 2
        await get(f"{site.url}/x")
        assert asked_for_rules(site) == 2

    with_robots(act, lambda: now)


def test_the_last_rules_hold_while_a_site_does_not_answer(site):
    site.pages["/robots.txt"] = text("User-agent: *\nDisallow: /x\n")
    site.pages["/y"] = (200, {}, b"here")
    now = 0.0

    async def act(robots, get):
        nonlocal now
        await get(f"{site.url}/y")
        site.pages["/robots.txt"] = (503, {}, b"")
        now = module.KEEP_S + 1
        assert (await get(f"{site.url}/y")).body == b"here"
        with pytest.raises(RobotsRefused):
            await get(f"{site.url}/x")
        now = module.KEEP_STALE_S + 1
        with pytest.raises(RobotsUnknown):
            await get(f"{site.url}/y")
        site.pages["/robots.txt"] = text("")
        now += module.KEEP_FAILURE_S + 1
        assert (await get(f"{site.url}/y")).body == b"here"

    with_robots(act, lambda: now)


def test_a_wish_to_be_asked_rarely_is_bounded():
    for written, delay_s in (("9999", 60), ("-1", 0), ("nan", 0), ("1e999", 0), ("0.5", 0.5)):
        rules = Rules.read(f"User-agent: *\nCrawl-delay: {written}\n".encode())
        assert rules.crawl_delay_s(US) == delay_s


def test_what_is_remembered_is_bounded(site, monkeypatch):
    monkeypatch.setattr(module, "MAX_SITES", 2)
    sites = [site, type(site)(), type(site)()]
    try:
        for each in sites:
            each.pages["/robots.txt"] = text("User-agent: *\nDisallow: /x\n")
            each.pages["/"] = (200, {}, b"")

        async def act(robots, get):
            for each in (*sites, sites[2], sites[0]):
                await get(f"{each.url}/")
            assert list(map(asked_for_rules, sites)) == [2, 1, 1]
            monkeypatch.setattr(module, "MAX_TEXT_BYTES", 10)
            await get(f"{sites[1].url}/")
            assert not robots._answers
            assert not robots._bytes

        with_robots(act)
    finally:
        for each in sites[1:]:
            each.close()


def test_those_who_have_leave_ask_nobody():
    assert Robots.of(None, Settings.model_validate({"articles": {"robots": "ignore"}})) is None
    assert Robots.of(None, Settings()) is not None


def test_the_worst_of_files_is_read_in_linear_time():
    lines = "".join(f"Disallow: /{'a*' * 8}{number}b\n" for number in range(18_000))
    rules = Rules.read(b"User-agent: *\n" + lines.encode()[: module.MAX_BYTES])
    begun = time.perf_counter()
    assert rules.allow(f"https://a.example/{'a' * 2000}", US)
    assert time.perf_counter() - begun < 1


def test_a_login_for_the_feed_is_used_for_robots_too(site):
    site.pages["/robots.txt"] = text("")
    site.pages["/"] = (200, {}, b"")
    fetch(f"{site.url}/", Access(f"{site.url}/feed", (("X-Key", "1"),), proxy=""))
    assert [sent.get("x-key") for _, sent in site.requests] == ["1", "1"]


def test_an_address_that_cannot_be_asked_for_is_refused_as_before():
    with pytest.raises(FetchError):
        fetch("http://")
