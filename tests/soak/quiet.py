"""Leave `presswatch run` alone for ten minutes in which nothing happens; then one alert is due.

Prints what the daemon printed, and exits with 1 where anything ended, a traceback came, more was
said than a quiet night is worth, or the alert took longer than a few seconds. `--minutes` makes
the wait shorter.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MOST_LINES = 40
PROMPT_S = 15
STOP_S = 10
TITLE = "Envoys return to the Council"
TEXT = (
    "<p>" + "The Council of the two sides met again after a long silence of months. " * 9 + "</p>"
)
CONFIG = """
settings:
  poll: {{every: 5s, fastest: 5s}}
  allow_private_addresses: [127.0.0.1/32]
feeds: [{{url: "{url}/feed.xml", name: Herald}}]
watchlists: [{{name: talks, query: Council}}]
"""


class Newsroom(BaseHTTPRequestHandler):
    """A feed that is empty until there is news."""

    news = threading.Event()

    def do_GET(self):
        item = ""
        if self.news.is_set():
            now = format_datetime(datetime.now(UTC), usegmt=True)
            link = f"http://{self.headers['Host']}/1"
            item = f"<item><title>{TITLE}</title><link>{link}</link><pubDate>{now}</pubDate></item>"
        feed = f'<rss version="2.0"><channel><title>Herald</title>{item}</channel></rss>'
        page = f"<html><body><article><h1>{TITLE}</h1>{TEXT}</article></body></html>"
        is_feed = self.path == "/feed.xml"
        body = (feed if is_feed else page).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml" if is_feed else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def soak(minutes, directory):
    """What went wrong, and what was printed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Newsroom)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (directory / "config").mkdir()
    config = CONFIG.format(url=f"http://127.0.0.1:{server.server_port}")
    (directory / "config" / "config.yaml").write_text(config)
    log = directory / "log"
    environ = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "monitor.cli", "run"],
            cwd=directory, env=environ, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    wrong = []
    try:
        daemon.wait(minutes * 60)
        return [f"ended by itself with code {daemon.returncode}"], log.read_text()
    except subprocess.TimeoutExpired:
        pass
    Newsroom.news.set()
    began = time.monotonic()
    while TITLE not in log.read_text() and time.monotonic() - began < PROMPT_S:
        time.sleep(0.1)
    took = time.monotonic() - began
    if took >= PROMPT_S:
        wrong.append("the alert did not come")
    print(f"after {minutes:g} quiet minutes the alert came in {took:.1f} s")
    daemon.send_signal(signal.SIGINT)
    try:
        if daemon.wait(STOP_S):
            wrong.append(f"stopped with code {daemon.returncode}")
    except subprocess.TimeoutExpired:
        wrong.append("did not stop")
        daemon.kill()
    said = log.read_text()
    wrong += [
        f"said {word!r}" for word in ("Traceback", "exc_type", "process ended") if word in said
    ]
    if said.count("\n") > MOST_LINES:
        wrong.append(f"printed {said.count(chr(10))} lines")
    return wrong, said


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="presswatch-soak-") as scratch:
        wrong, said = soak(minutes, Path(scratch))
    print(said, end="")
    print(*wrong or ["all is well"], sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
