"""All hostile servers at once, beside ten healthy feeds: the alerts of these come, and in time."""

import json
import re
import statistics
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from hostile_behaviours import BEHAVIOURS, DEAD_NAMES, feed, item, rss
from hostile_server import HostileServer
from redis import Redis

HEALTHY = 10
ROUNDS = 4
BETWEEN_S = 2.0
GRACE_S = 8
# A wide limit, since the machine may be busy; the figure itself is printed.
TOO_LATE_S = 30
PAGE = """<!doctype html><html lang="en"><head><title>{title}</title></head><body>
<main><article><h1>{title}</h1><p>{words}</p><p>{title} was what they spoke of. {words}</p>
</article></main></body></html>"""
# Each has a subject of its own, so that no two of their articles are one story.
SUBJECTS = ("grain", "ferries", "copper", "bridges", "herring", "tariffs", "glaciers", "opera",
            "rail", "timber")  # fmt: skip
SETTINGS = """settings:
  poll: {every: 1s, fastest: 1s, slowest: 5s, timeout: 2s}
  articles: {delay: 0s}
  allow_private_addresses: [127.2.0.0/16]
  web: {listen: "127.0.0.1:0"}
"""


class Outlet:
    """A healthy feed; its articles are numbered."""

    def __init__(self, subject: str, words: str):
        self.subject = subject
        self.published: list[float] = []
        self._words = words

    def title(self, number: int) -> str:
        return f"Talks about {self.subject}, day {number} of the aurora summit"

    async def answer(self, request):
        *_, last = urlsplit(request.url).path.split("/")
        if last.isdigit():
            page = PAGE.format(title=self.title(int(last)), words=f"{self.subject} " + self._words)
            answer = feed(page, Content_Type="text/html")
        else:
            link = "<link>" + request.url + "/{}</link>"
            entries = [
                item(self.title(number), link.format(number))
                for number in range(len(self.published))
            ]
            answer = feed(rss(*entries, title=self.subject))
        async for part in answer(request):
            yield part


@pytest.fixture
def newsstand(words):
    server = HostileServer(len(BEHAVIOURS) + HEALTHY)
    server.answers |= {each.name: each.answer for each in BEHAVIOURS}
    outlets = [Outlet(subject, words) for subject in SUBJECTS]
    server.answers |= {outlet.subject: outlet.answer for outlet in outlets}
    yield server, outlets
    server.close()


def _configuration(server, outlets) -> tuple[dict[str, str], str]:
    """Returns the address of each behaviour's feed, and a configuration with all feeds."""
    healthy = [server.url(number, outlet.subject) for number, outlet in enumerate(outlets)]
    hostile = {
        each.name: server.url(HEALTHY + number, each.name) for number, each in enumerate(BEHAVIOURS)
    }
    urls = [*healthy, *hostile.values(), *DEAD_NAMES]
    feeds = "".join(f"  - {{url: {json.dumps(url)}}}\n" for url in urls)
    watchlists = "watchlists:\n  - {name: aurora, query: aurora, once_per: article}\n"
    return hostile, f"feeds:\n{feeds}{watchlists}"


def _alerts(data):
    """Returns all alerts, each with the moment of its publication in seconds."""
    with Redis.from_url((data / "redis.url").read_text().strip()) as redis:
        return [
            (json.loads(fields[b"alert"]), int(name.split(b"-")[0]) / 1000)
            for name, fields in redis.xrange("presswatch:alerts")
        ]


def _strange(alerts, *, most=True):
    """Returns the hostile feeds that have fewer alerts than they should, or with `most` more."""
    counts = Counter(urlsplit(alert["article"]["feed_url"]).path.strip("/") for alert, _ in alerts)
    return {
        each.name: counts[each.name]
        for each in BEHAVIOURS
        if counts[each.name] < each.alerts[0] or (most and counts[each.name] > each.alerts[1])
    }


@pytest.mark.timeout(240)
def test_healthy_feeds_alert_in_time_beside_all_hostile_ones(
    newsstand, configure, presswatch, eventually, tmp_path, capsys
):
    server, outlets = newsstand
    hostile, text = _configuration(server, outlets)
    directory = configure(text)
    (directory / "settings.yaml").write_text(SETTINGS)
    data = tmp_path / "var"
    daemon = presswatch.start(
        *("run", "--config", str(directory), "--data", str(data)),
        PRESSWATCH_LOG_FORMAT="pretty",
        NO_COLOR="1",
    )
    names = [*SUBJECTS, *hostile]
    eventually(lambda: [name for name in names if not server.asked[f"/{name}"]], [], within=60)
    published = {}
    for number in range(ROUNDS):
        for outlet in outlets:
            published[outlet.title(number)] = time.time()
            outlet.published.append(time.time())
        time.sleep(BETWEEN_S)

    def missing():
        return sorted(set(published) - {alert["article"]["title"] for alert, _ in _alerts(data)})

    eventually(missing, [], within=60)
    # Large documents are read one after another.
    eventually(lambda: _strange(_alerts(data), most=False), {}, within=60)
    time.sleep(GRACE_S)  # for alerts that come again
    alerts = _alerts(data)
    daemon.terminate()
    assert daemon.wait(20) == 0
    log = daemon.log.read_text(errors="replace")

    came = {alert["article"]["title"]: at for alert, at in alerts}
    lags_s = [came[title] - at for title, at in published.items()]
    p95_s = statistics.quantiles(lags_s, n=20)[-1]
    with capsys.disabled():
        print(  # noqa: T201 - a figure that a busy machine must not make fail
            f"\n{len(hostile)} hostile feeds, {len(DEAD_NAMES)} dead names: {len(lags_s)} alerts of "
            f"healthy feeds after {statistics.median(lags_s):.1f} s (p50), {p95_s:.1f} s (p95); "
            f"{len(log.splitlines())} lines logged"
        )
    assert p95_s < TOO_LATE_S
    titles = Counter(alert["article"]["title"] for alert, _ in alerts)
    assert [title for title in published if titles[title] != 1] == []
    assert _strange(alerts) == {}
    _assert_quiet(log, hostile)


def _assert_quiet(log: str, hostile: dict[str, str]) -> None:
    """Asserts that the log has no tracebacks, no escapes, and few lines for each feed."""
    assert "Traceback" not in log
    assert "exception" not in log
    assert re.findall(r"[^\n\x20-\x7e\xa0-\uffff]", re.sub("[\u202a-\u202e]", "\x1b", log)) == []
    # Indented lines belong to tracebacks and to alerts; a feed's title must not imitate a line.
    lines = [line for line in log.splitlines() if re.match(r"[\w.-]+ *\| |\d{4}-", line)]
    for name, url in hostile.items():
        about = [line for line in lines if re.search(rf"{re.escape(url)}(?![\w./-])", line)]
        failed = [line for line in about if "feed failed" in line]
        recovered = [line for line in about if "feed recovered" in line]
        assert len(failed) <= len(recovered) + 1, (name, failed[:3])
        if name != "comes-and-goes":
            assert len(failed) <= 1, (name, failed[:3])
