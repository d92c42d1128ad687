"""Feeds in, alerts out: the whole daemon as a user starts it."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path

import pytest
import requests
from aiosmtpd.controller import Controller
from redis import Redis

from monitor.demo.newsroom import LOOPBACK, free_port

CONFIG = """
feeds:
  - {{url: {site}/feed.xml, name: Herald, every: 1s}}
watchlists:
  - {{name: nato-russia, query: '"NATO-Russia Council"', priority: high, subscribers: [hook],
     once_per: article}}
  - {{name: recipes, query: 'recipes OR "Mukhtar Ansari"'}}
subscribers:
  - {{name: hook, webhook: {{url: "{site}/hook"}}}}
"""


@pytest.fixture
def herald(site, words, configure):
    """A site with one article that matches and one that does not, but for its trending list."""
    site.put_page("/1", "Envoys meet", words, f"The NATO\u2013Russia Council met. {words}", words)
    site.put_page("/2", "Rain expected", words, words, beside="Mukhtar Ansari and recipes")
    site.put_feed("/feed.xml", [("Envoys meet", "/1"), ("Rain expected", "/2")], ETag='"1"')
    site.config = configure(CONFIG.format(site=site.url))
    return site


def redis_of(data):
    return Redis.from_url((data / "redis.url").read_text().strip())


def stream(data):
    with redis_of(data) as redis:
        return [json.loads(fields[b"alert"]) for _, fields in redis.xrange("presswatch:alerts")]


def titles(alerts):
    return [(alert["watchlist"], alert["article"]["title"]) for alert in alerts]


def settled(data):
    with redis_of(data) as redis:
        return redis.hlen("presswatch:outstanding:articles") == 0


def test_what_was_found_can_be_searched_and_listed_while_the_daemon_is_stopped(
    herald, presswatch, eventually, tmp_path
):
    options = ("--config", str(herald.config), "--data", str(tmp_path / "var"))
    daemon = presswatch.start("run", *options)
    eventually(lambda: "Envoys meet\nHerald · " in daemon.log.read_text())
    eventually(lambda: presswatch.call("alerts", "list", *options).stdout.count("\n"), 1)
    (published,) = stream(tmp_path / "var")
    show = ("alerts", "show", published["id"], *options)
    eventually(lambda: "delivered" in presswatch.call(*show).stdout)
    daemon.terminate()
    assert daemon.wait(12) == 0
    alert = json.loads(presswatch.call("alerts", "list", "--json", *options).stdout)
    assert titles([alert]) == [("nato-russia", "Envoys meet")]
    shown = presswatch.call("alerts", "show", alert["id"][:6], *options).stdout
    assert "hook  webhook  delivered  HTTP 204" in shown
    found = presswatch.call("try", "council NEAR/2 russia", "--since", "1h", *options)
    assert (found.returncode, found.stdout.count("Envoys meet")) == (0, 1)
    # Nothing beside the article is in the archive, either.
    assert presswatch.call("try", '"Mukhtar Ansari"', "--since", "1h", *options).returncode == 1
    copy = tmp_path / "copy.db"
    assert presswatch.call("archive", "backup", str(copy), *options).returncode == 0
    other = ("--config", str(herald.config), "--data", str(tmp_path / "other"))
    restored = presswatch.call("archive", "restore", str(copy), *other)
    assert restored.stdout == f"2 articles of {copy} are in the archive\n", restored.stderr
    assert presswatch.call("alerts", "list", *other).stdout.count("Envoys meet") == 1


def test_a_page_that_appears_in_a_sitemap_alerts_and_those_listed_before_do_not(
    herald, presswatch, eventually, tmp_path
):
    data = tmp_path / "var"
    herald.config.joinpath("config.yaml").write_text(
        CONFIG.format(site=herald.url).replace("feed.xml", "sitemap.xml")
    )
    herald.pages["/3"] = herald.pages["/1"]

    def put_sitemap(*paths):
        urls = "".join(f"<url><loc>{herald.url}{path}</loc></url>" for path in paths)
        herald.pages["/sitemap.xml"] = (200, {}, f"<urlset>{urls}</urlset>".encode())

    put_sitemap("/3", "/2")
    presswatch.start("run", "--config", str(herald.config), "--data", str(data))
    eventually(lambda: herald.asked()["/sitemap.xml"] > 1)
    put_sitemap("/1", "/3", "/2")
    eventually(
        lambda: (data / "redis.url").exists() and titles(stream(data)),
        [("nato-russia", "Envoys meet")],
    )
    assert not herald.asked().keys() & {"/2", "/3"}


def test_a_matching_article_alerts_everyone_once_and_a_trending_list_nobody(
    herald, presswatch, eventually, tmp_path, words
):
    data = tmp_path / "var"
    daemon = presswatch.start("run", "--config", str(herald.config), "--data", str(data))
    eventually(lambda: (data / "redis.url").exists())
    with redis_of(data) as redis:
        everything, one = redis.pubsub(), redis.pubsub()
        everything.subscribe("presswatch:alerts")
        one.subscribe("presswatch:alerts:nato-russia")
        eventually(lambda: titles(stream(data)), [("nato-russia", "Envoys meet")])
        heard = [
            next(m["data"] for m in channel.listen() if m["type"] == "message")
            for channel in (everything, one)
        ]
        everything.close()
        one.close()
    (alert,) = stream(data)
    assert [json.loads(message) for message in heard] == [alert, alert]
    assert alert["v"] == 1
    assert alert["priority"] == "high"
    assert alert["article"]["source"] == "Herald"
    assert alert["article"]["url"] == f"{herald.url}/1"
    assert alert["matches"] == [{"term": '"NATO-Russia Council"', "field": "body", "count": 1}]
    snippet = alert["snippets"][0]
    (start, end), *_ = snippet["highlights"]
    assert snippet["text"][start:end] == "NATO\u2013Russia Council"

    # Delivered to the subscriber, with the id as its key, and printed for the person who watches.
    eventually(lambda: len(herald.received))
    headers, body = herald.received[0]
    assert headers["idempotency-key"] == alert["id"]
    # A message says how many articles the story has by now, the stream how many it had.
    assert json.loads(body) | {"story": alert["story"]} == alert
    eventually(lambda: "Envoys meet\nHerald · " in daemon.log.read_text())
    assert "\x1b[" not in daemon.log.read_text()

    # News comes in later, and edited entries do not alert again.
    herald.put_page(
        "/3", "Council adjourned", words, f"The NATO-Russia\nCouncil's talks ended. {words}"
    )
    herald.put_feed(
        "/feed.xml", [("Council adjourned", "/3"), ("Envoys meet (2)", "/1")], ETag='"2"'
    )
    expected = [("nato-russia", "Envoys meet"), ("nato-russia", "Council adjourned")]
    eventually(lambda: titles(stream(data)), expected)
    eventually(lambda: settled(data))

    status = json.loads(
        presswatch.call(
            "status", "--json", "--config", str(herald.config), "--data", str(data)
        ).stdout
    )
    assert status["scheduler"]
    assert status["workers"] > 0
    assert [feed["health"] for feed in status["feeds"]] == ["ok"]
    assert status["failed"] == []

    # Stopped and started again, it goes on where it was, without repeating anything.
    daemon.send_signal(signal.SIGINT)
    assert daemon.wait(10) == 0
    herald.put_page("/4", "Third round", words, f"A third NATO Russia Council is planned. {words}")
    herald.put_feed(
        "/feed.xml", [("Third round", "/4"), ("Envoys meet", "/1"), ("Rain expected", "/2")]
    )
    presswatch.start("run", "--config", str(herald.config), "--data", str(data))
    expected.append(("nato-russia", "Third round"))
    eventually(lambda: (data / "redis.url").exists())
    eventually(lambda: titles(stream(data)), expected)
    eventually(lambda: settled(data))
    assert titles(stream(data)) == expected
    eventually(lambda: len(herald.received), 3)


def test_tail_prints_alerts_as_json_while_they_happen(herald, presswatch, eventually, tmp_path):
    data = tmp_path / "var"
    feed = herald.pages.pop("/feed.xml")
    common = ("--config", str(herald.config), "--data", str(data))
    presswatch.start("run", *common)
    eventually(lambda: (data / "redis.url").exists())
    tail = presswatch.start("tail", "--json", "nato-russia", *common)
    eventually(lambda: herald.asked()["/feed.xml"] > 1)
    herald.pages["/feed.xml"] = feed
    eventually(lambda: tail.log.read_text().count("\n"), 1)
    assert json.loads(tail.log.read_text())["article"]["title"] == "Envoys meet"


def test_a_changed_watchlist_is_used_for_the_next_article(
    herald, presswatch, eventually, tmp_path, words
):
    data = tmp_path / "var"
    presswatch.start("run", "--config", str(herald.config), "--data", str(data))
    eventually((data / "redis.url").exists)
    eventually(lambda: titles(stream(data)), [("nato-russia", "Envoys meet")])
    (herald.config / "more.yaml").write_text(
        "watchlists: [{name: grain, query: 'grain NEAR/3 price*'}]"
    )
    eventually(lambda: "configuration read" in (tmp_path / "run-0.log").read_text(), within=6)
    eventually(lambda: '"watchlists": 3' in (tmp_path / "run-0.log").read_text(), within=6)
    herald.put_page("/5", "Harvest", words, f"The prices of all grain rose. {words}", words)
    herald.put_feed("/feed.xml", [("Harvest", "/5"), ("Envoys meet", "/1")])
    expected = [("nato-russia", "Envoys meet"), ("grain", "Harvest")]
    eventually(lambda: titles(stream(data)), expected)


def test_a_second_daemon_on_the_same_data_names_the_first(herald, presswatch, eventually, tmp_path):
    data = tmp_path / "var"
    common = ("--config", str(herald.config), "--data", str(data))
    first = presswatch.start("run", *common)
    eventually(lambda: (data / "redis.url").exists())
    second = presswatch.call("run", *common)
    assert second.returncode == 1
    assert f"held by another presswatch (process {first.pid})" in second.stderr


def test_redis_and_all_processes_end_with_a_killed_daemon(herald, presswatch, eventually, tmp_path):
    data = tmp_path / "var"
    daemon = presswatch.start("run", "--config", str(herald.config), "--data", str(data))
    eventually(lambda: herald.asked()["/1"], 1)
    daemon.kill()
    daemon.wait()

    def left():
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                found.append(file.read_text().replace("\0", " "))
        return [arguments for arguments in found if str(data) in arguments]

    eventually(left, [], within=15)
    presswatch.start("run", "--config", str(herald.config), "--data", str(data))
    eventually(
        lambda: (data / "redis.url").exists() and titles(stream(data)),
        [("nato-russia", "Envoys meet")],
        # The lease of the killed scheduler has to end before the next one looks for lost jobs.
        within=60,
    )


def test_the_demo_alerts_for_its_articles_and_nothing_else():
    shown = subprocess.run(
        [sys.executable, "-m", "monitor.cli", "demo"],
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
    )
    assert "0 twice, 0 false." in shown.stdout, shown.stdout + shown.stderr
    assert shown.returncode == 0, shown.stdout


CHANNELS = """
feeds: [{{url: "{site}/feed.xml", name: Herald, every: 1s}}]
watchlists: [{{name: talks, query: Council, subscribers: [hook, mail, phones, chat]}}]
subscribers:
  - {{name: hook, webhook: {{url: "{site}/hook"}}}}
  - {{name: phones, apprise: {{url: "{json}/phones"}}}}
  - {{name: chat, slack: {{token: xoxb, channel: C1, api_url: "{site}/api/"}}}}
  - {{name: mail, email: {{to: [a@example.org], smtp_url: "smtp://127.0.0.1:{port}"}}}}
"""


class Mailbox:
    """What an SMTP server took."""

    def __init__(self):
        self.subjects = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.subjects.append(message_from_bytes(envelope.content)["Subject"])
        return "250 OK"


def test_an_alert_arrives_by_every_channel(herald, presswatch, configure, eventually, tmp_path):
    site, data, mailbox = herald, tmp_path / "var", Mailbox()
    answer = b'{"ok": true, "ts": "1.2", "channel": "C1"}'
    site.pages["/api/chat.postMessage"] = (200, {"Content-Type": "application/json"}, answer)
    server = Controller(mailbox, hostname=LOOPBACK, port=free_port())
    server.start()
    try:
        json_url = site.url.replace("http:", "json:")
        config = configure(CHANNELS.format(site=site.url, json=json_url, port=server.port))
        presswatch.start("run", "--config", str(config), "--data", str(data))
        paths = {"/hook", "/phones", "/api/chat.postMessage"}
        eventually(lambda: {headers[":path"] for headers, _ in site.received}, paths)
        eventually(lambda: mailbox.subjects, ["[talks] Envoys meet"])
    finally:
        server.stop()


def test_on_a_terminal_the_pages_of_the_demo_stay_until_ctrl_c():
    controller, terminal = pty.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", "demo"],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""
    try:
        while b"until Ctrl-C." not in shown:
            shown += os.read(controller, 4096)
        (address,) = re.findall(rb"All of it is at (http://\S+)", shown)
        assert "nato-russia" in requests.get(address.decode(), timeout=10).text
        demo.send_signal(signal.SIGINT)
        assert demo.wait(15) == 0
    finally:
        demo.kill()
        os.close(controller)
