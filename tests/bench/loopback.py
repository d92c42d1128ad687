"""A web of many hosts on loopback: nginx for what must cost nothing, and a slow site for delays.

Hosts are addresses of 127.0.0.0/8. What was asked for, and when its answer was sent, is read from
the log.
"""

import os
import shutil
import socket
import sys
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

from processes import Failed, new_mark, start, stop, wait_until

NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
NO_NGINX = "no nginx: apt-get install nginx-light"
# So many hosts also serve pages after a delay.
SLOW_HOSTS = 250
# The path of a feed that never says that it has not changed.
NO_VALIDATORS = "plain"
NGINX_CONF = """
daemon off; worker_processes 1; worker_rlimit_nofile 65536;
pid {scratch}/nginx.pid; error_log {scratch}/nginx-error.log;
events {{ worker_connections 16384; }}
http {{
    log_format request '$msec $http_host $request_uri $status';
    access_log {scratch}/access.log request;
    client_body_temp_path {scratch}; proxy_temp_path {scratch}; fastcgi_temp_path {scratch};
    uwsgi_temp_path {scratch}; scgi_temp_path {scratch};
    types {{ application/rss+xml xml; text/html html; }}
    tcp_nodelay on; keepalive_requests 100000; root {root};
    server {{
        {listen}
        location /{plain}/ {{ etag off; if_modified_since off; add_header Last-Modified ""; }}
    }}
}}
"""


@dataclass(frozen=True)
class Request:
    """A request that was answered: when, to whom, for what, and how."""

    at: float
    host: str
    path: str
    status: int


@dataclass(frozen=True)
class Item:
    """An entry of a feed; its number becomes its date, by which its alert is recognised."""

    number: int
    link: str
    title: str
    summary: str = ""
    age: timedelta = timedelta(0)


def addresses(count):
    """Returns that many addresses of this machine."""
    return [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]


class Site:
    """Serves a folder of files from `hosts` hosts; a context manager."""

    def __init__(self, scratch: Path, hosts: int = 200):
        if NGINX is None:
            raise Failed(NO_NGINX)
        self._root = scratch / "site"
        self._root.mkdir()
        self._scratch = scratch
        self._addresses = addresses(hosts)
        self._port, self._slow_port = _free_port(), _free_port()
        self._epoch = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
        self._versions = 0
        self._read_to = defaultdict(int)
        self._started = []

    def __enter__(self):
        conf = self._scratch / "nginx.conf"
        listen = "\n".join(
            f"listen {address}:{self._port} backlog=4096;" for address in self._addresses
        )
        conf.write_text(
            NGINX_CONF.format(
                scratch=self._scratch, root=self._root, listen=listen, plain=NO_VALIDATORS
            )
        )
        log = self._scratch / "site.log"
        slow = Path(__file__).with_name("slow_site.py")
        commands = (
            [NGINX, "-p", self._scratch, "-c", conf],
            [
                *(sys.executable, slow, self._root, self._scratch / "slow.log"),
                *(self._slow_port, min(SLOW_HOSTS, len(self._addresses))),
            ],
        )
        self._started = [start(command, log, new_mark()) for command in commands]
        for port in (self._port, self._slow_port):
            if not wait_until(lambda port=port: self._answers(port), 20):
                self.__exit__()
                raise Failed(f"the site does not start: {log.read_text()}")
        return self

    def __exit__(self, *_):
        for process in self._started:
            stop(process, 3)

    def _answers(self, port):
        with closing(socket.socket()) as client:
            return client.connect_ex((self._addresses[-1 if port == self._port else 0], port)) == 0

    def url(self, host, path):
        """Returns the URL of a file at a host, given by its number."""
        return f"http://{self._addresses[host % len(self._addresses)]}:{self._port}/{path}"

    def slow_url(self, host, path, delay_ms):
        """Returns a URL that is answered after a delay, at one of the first `SLOW_HOSTS`."""
        address = self._addresses[host % min(SLOW_HOSTS, len(self._addresses))]
        return f"http://{address}:{self._slow_port}/{delay_ms}/{path}"

    def put(self, path, content: bytes):
        """Writes a file at once; each version has a date of its own, and so another ETag."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f"{target.name}.new")
        new.write_bytes(content)
        self._versions += 1
        modified = 1_600_000_000 + self._versions
        os.utime(new, (modified, modified))
        new.replace(target)

    def put_feed(self, path, items=(), title="Herald"):
        """Writes a feed."""
        entries = "".join(
            f"<item><title>{escape(item.title)}</title><link>{escape(item.link)}</link>"
            f'<guid isPermaLink="false">{escape(item.link)}#id</guid>'
            f"<description>{escape(item.summary)}</description>"
            f"<pubDate>{format_datetime(self.date(item.number) - item.age, usegmt=True)}</pubDate>"
            "</item>\n"
            for item in items
        )
        self.put(
            path,
            f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel><title>{title}'
            f"</title><link>http://example.org/</link>\n{entries}</channel></rss>\n".encode(),
        )

    def date(self, number):
        """Returns the date of the entry with a number."""
        return self._epoch - timedelta(seconds=number)

    def number(self, document):
        """Returns the number of the entry that an alert is about."""
        published = datetime.fromisoformat(document["article"]["published_at"])
        return round((self._epoch - published).total_seconds())

    def requests(self):
        """Returns the requests that were answered since the last call."""
        found = []
        for name in ("access.log", "slow.log"):
            log = self._scratch / name
            if not log.exists():
                continue
            with log.open("rb") as lines:
                lines.seek(self._read_to[name])
                read = lines.read()
            read = read[: read.rfind(b"\n") + 1]
            self._read_to[name] += len(read)
            for line in read.decode("ascii", "replace").splitlines():
                at, host, path, status = line.split(" ")
                found.append(Request(float(at), host, path, int(status)))
        return found

    def wait_for(self, count, within_s, wanted=lambda _: True, every_s=0.02):
        """Waits for that many different URLs to be asked for; returns all requests meanwhile."""
        seen, urls, deadline = [], set(), time.monotonic() + within_s
        while len(urls) < count and time.monotonic() < deadline:
            new = self.requests()
            seen += new
            urls |= {(request.host, request.path) for request in new if wanted(request)}
            time.sleep(every_s)
        return seen


def feed_path(number):
    """Returns a feed's path: three tenths answer 304 if unchanged, the others with the same bytes."""
    return f"{'feeds' if number % 10 < 3 else NO_VALIDATORS}/{number}.xml"


def _free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
