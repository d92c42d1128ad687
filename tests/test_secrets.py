"""What a feed's address holds of secrets stays in the process."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from monitor.config import load
from monitor.errors import ConfigError
from monitor.hiding import hidden, secrets, without_secrets, without_userinfo
from monitor.http.client import HttpClient
from monitor.model import Feed
from monitor.runtime.composition import Runtime
from monitor.scheduler.poll import Poller
from workers.deliveries.attempt import deliver

PASSWORD, KEY = "hunter2-hunter2", "k3y/0123456789"
CONFIG = """
feeds:
  - {url: "http://me:${PASSWORD}@%(host)s/feed.xml?key=${KEY}&edition=eu"}
watchlists: [{name: talks, query: Council, subscribers: [hook], once_per: article}]
subscribers: [{name: hook, webhook: {url: "%(url)s/hook"}}]
"""


@pytest.fixture
def directory(site, configure):
    host = site.url.removeprefix("http://")
    return configure(CONFIG % {"host": host, "url": site.url})


def items(*entries):
    found = "".join(
        f"<item><title>{title}</title><link>{link}</link><guid>{title}</guid>"
        f"<pubDate>{datetime.now(UTC):%a, %d %b %Y %H:%M:%S +0000}</pubDate>"
        f"<description>The Council met.</description></item>"
        for title, link in entries
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{found}</channel></rss>'.encode()


def test_user_password_and_key_of_a_feed_are_never_shown(
    directory, presswatch, site, redis, redis_url, store, queues, words, monkeypatch, capfd,
    process_job,
):  # fmt: skip
    for name, value in (("PASSWORD", PASSWORD), ("KEY", KEY)):
        monkeypatch.setenv(name, value)
    path = f"/feed.xml?key={KEY}&edition=eu"
    host = site.url.removeprefix("http://")
    site.pages[path] = (302, {"Location": f"/moved.xml?key={KEY}"}, b"")
    rss = {"Content-Type": "application/rss+xml"}
    entries = (
        ("Relative", "/1"), ("Fragment", "#2"), ("Own key", f"/3?key={KEY}"),
        ("Own user", f"http://me:{PASSWORD}@{host}/4"), ("Gone", "/5"),
    )  # fmt: skip
    site.pages[f"/moved.xml?key={KEY}"] = (200, rss, items(*entries))
    for number in (1, 4):
        site.put_page(f"/{number}", f"Page {number}", words, f"The Council met. {words}", words)
    config = load(directory, {"PASSWORD": PASSWORD, "KEY": KEY})
    runtime = Runtime(directory, config, redis)

    async def poll():
        async with HttpClient.of(config.settings) as http:
            outcome = await Poller(store, queues, http, config.settings).poll(config.feeds[0])
            assert outcome.new == len(entries)

    asyncio.run(poll())
    for job in redis.hkeys("presswatch:outstanding:articles"):
        process_job(runtime, job.decode())
    assert store.alerts.count() == len(entries)
    for job in redis.hkeys("presswatch:outstanding:deliveries"):
        deliver(runtime, job.decode())
    posted = [body for _, body in site.received]
    assert len(posted) == len(entries)
    called = [
        presswatch.call(
            *command, "--config", str(directory), REDIS_URL=redis_url, PASSWORD=PASSWORD, KEY=KEY
        )
        for command in (
            ("status", "--json"), ("status",), ("feeds", "list", "--json"), ("feeds", "list"),
            ("alerts", "list", "--json"), ("check", "--online"), ("failed", "list"),
            ("feeds", "poll", config.feeds[0].id),
        )
    ]  # fmt: skip
    shown = "".join(result.stdout + result.stderr for result in called)
    read = [redis.get(key) for pattern in ("alert:*", "article:*", "feed:*")
            for key in redis.keys(f"presswatch:{pattern}")]  # fmt: skip
    stream = redis.xrange("presswatch:alerts")
    everything = f"{shown} {read} {stream} {posted}"
    for secret in (PASSWORD, KEY, "me:", "me@"):
        assert secret not in everything
    feed_urls = {json.loads(body)["article"]["feed_url"] for body in posted}
    assert feed_urls == {f"{site.url}/feed.xml?key=${{KEY}}&edition=eu"}
    assert {json.loads(body)["article"]["source"] for body in posted} == {"127.0.0.1"}


def test_logs_of_a_daemon_hold_no_secret_of_a_feed(
    directory, presswatch, site, tmp_path, eventually
):
    daemon = presswatch.start(
        "run", "--config", str(directory), "--data", str(tmp_path / "var"), "--log-level", "debug",
        PASSWORD=PASSWORD, KEY=KEY,
    )  # fmt: skip
    eventually(lambda: "feed failed" in daemon.log.read_text())
    log = daemon.log.read_text()
    assert "key=${KEY}" in log
    for secret in (PASSWORD, KEY, "me:"):
        assert secret not in log


def test_an_address_is_shown_as_the_file_writes_it(directory):
    config = load(directory, {"PASSWORD": PASSWORD, "KEY": "short"})
    feed = config.feeds[0]
    assert feed.public_url.endswith("/feed.xml?key=${KEY}&edition=eu")
    assert feed.id == Feed(feed.url).id
    assert feed.shown(feed.url) == feed.public_url
    assert feed.shown("https://a.example/short") == "https://a.example/short"


def test_an_address_from_a_variable_is_hidden_entirely(configure):
    url = "https://me:hunter2@news.example/rss?token=0123456789"
    directory = configure("feeds: [{url: '${FEED}'}]")
    (feed,) = load(directory, {"FEED": url}).feeds
    assert feed.public_url == "${FEED}"
    assert feed.shown("https://news.example/1?token=0123456789") == (
        "https://news.example/1?token=${FEED}"
    )


def test_defaults_and_escapes_are_shown_as_written(configure):
    directory = configure("feeds: [{url: 'https://a.example/${A:-first}/$${B}'}]")
    (feed,) = load(directory, {}).feeds
    assert (feed.url, feed.public_url) == (
        "https://a.example/first/${B}",
        "https://a.example/${A}/${B}",
    )


def test_user_and_password_are_removed_but_not_the_host():
    assert without_userinfo("https://a:b@c@d.example/@e see x@y") == "https://d.example/@e see x@y"
    known = secrets([("d.example", "${HOST}"), ("secret value", "${KEY}")])
    assert hidden("https://u@d.example/x?k=secret%20value", known) == "https://d.example/x?k=${KEY}"


def test_an_error_hides_the_key_that_a_page_repeats(
    configure, presswatch, site, redis, redis_url, store, queues
):
    page = (
        '<html><head><link rel="alternate" type="application/rss+xml" '
        f'href="/real?{"pad=1&" * 33}key={KEY}"></head></html>'
    )
    site.pages[f"/page?key={KEY}"] = (200, {"Content-Type": "text/html"}, page.encode())
    directory = configure(f"feeds: [{{url: '{site.url}/page?key=${{KEY}}'}}]")
    config = load(directory, {"KEY": KEY})

    async def poll():
        async with HttpClient.of(config.settings) as http:
            return await Poller(store, queues, http, config.settings).poll(config.feeds[0])

    error = asyncio.run(poll()).state.error
    assert "subscribe to that" in error
    called = [
        presswatch.call(*command, "--config", str(directory), REDIS_URL=redis_url, KEY=KEY)
        for command in (("status",), ("status", "--json"), ("check", "--online"))
    ]
    shown = "".join(result.stdout + result.stderr for result in called)
    stored = redis.get(f"presswatch:feed:{config.feeds[0].id}").decode()
    assert "subscribe to that" in shown
    for text in (error, shown, stored):
        assert "k3y/" not in text


@pytest.mark.parametrize(
    "spelling",
    ["se cret/é&1", "se%20cret%2F%C3%A9%261", "se+cret%2F%C3%A9%261", "se%20cret/%C3%A9%261",
     "se+cret/%c3%a9%261", "se+cret%2f%c3%a9%261", "se%20cret%2f%c3%a9%261"],
)  # fmt: skip
@pytest.mark.parametrize("given", ["se cret/é&1", "se%20cret%2f%c3%a9%261", "se+cret%2F%C3%A9%261"])
def test_a_secret_is_hidden_in_each_spelling(given, spelling):
    known = secrets([(given, "${KEY}")])
    url = f"https://a.example/x?k={spelling}&page=2"
    assert hidden(url, known) == "https://a.example/x?k=${KEY}&page=2"
    assert without_secrets(f"see {url}", known) == "see https://a.example/x?k=${KEY}&page=2"


def test_a_value_that_is_short_when_decoded_does_not_hide_other_text():
    assert without_secrets("a  b", secrets([("%20%20", "${KEY}")])) == "a  b"


def test_a_message_names_no_user_and_no_password():
    known = secrets([("pass/word1", "${PASSWORD}")])
    said = without_secrets("at https://me:pass/word1@a.example/ and https://u:p@b.example/x", known)
    assert said == "at https://a.example/ and https://b.example/x"


def test_faults_name_an_address_without_user_and_password(configure):
    url = "https://me:hunter2@a.example/"
    directory = configure(
        f"feeds: [{{url: '{url}'}}, {{url: '{url}'}}, {{url: 'ftp://me:hunter2@b.example/'}}]"
    )
    with pytest.raises(ConfigError) as raised:
        load(directory, {})
    assert "`https://a.example/` is given twice" in str(raised.value)
    assert "ftp://b.example/" in str(raised.value)
    assert "hunter2" not in str(raised.value)
