"""The process `presswatch web`."""

import re
import socket

import pytest
import requests

CONFIGURATION = """
feeds: [{url: "https://herald.example/feed"}]
watchlists: [{name: nato, query: NATO}]
"""


def address(process):
    found = re.search(r"http://127\.0\.0\.1:\d+/", process.log.read_text())
    return found and found[0]


@pytest.fixture
def start(presswatch, configure, redis_url, redis):
    def start(listen="127.0.0.1:0"):
        directory = configure(CONFIGURATION)
        settings = directory / "settings.yaml"
        settings.write_text(settings.read_text().replace("127.0.0.1:0", listen))
        return presswatch.start(
            "web", "--config", str(directory), "--data", "data", REDIS_URL=redis_url
        )

    return start


def test_it_serves_until_it_is_told_to_stop_even_while_a_page_is_open(start, eventually):
    process = start()
    eventually(lambda: bool(address(process)))
    url = address(process)
    assert requests.get(url, timeout=10).status_code == 200
    with requests.get(f"{url}api/v1/alerts/live", stream=True, timeout=10) as live:
        assert live.status_code == 200
        process.terminate()
        assert process.wait(10) == 0


def test_it_waits_for_a_port_that_another_program_has(start, eventually):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(f"127.0.0.1:{port}")
        eventually(lambda: "web waits" in process.log.read_text())
    eventually(lambda: bool(address(process)))
    assert process.log.read_text().count("web waits") == 1
