"""The cleaner: a process that cleans and matches pages, one at a time, for its pool's reader.

A page may crash a C library, hang in it, or fill the memory. Then only this process ends, the
reader notices at once, and the pool forks another one.

The reader sends a request as a line of JSON, followed by the page's body. The cleaner says at once
that it has begun, with an empty message, and then answers with a line of JSON. Messages are framed
as `multiprocessing.connection` does: four bytes with the length in network order, and the message.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from redis.exceptions import RedisError

from monitor import threads
from monitor.errors import CleanError, error_kind
from monitor.http.client import Response
from monitor.jobs.limits import CLEANING, TimeUp
from monitor.model import Entry, as_plain, from_plain

if TYPE_CHECKING:
    from monitor.jobs.queues import Lane
    from monitor.runtime.lifeline import Tether
    from workers.articles.desk import Desk

Verdict = Literal["done", "no article", "late", "fault", "no redis", "died"]

# Libraries in C leak memory: after this many pages a cleaner is replaced by a fresh one.
MOST_PAGES = 2000
# By how much a cleaner may grow: a page of 10 MB, which is the largest by default, takes 400 MB.
GROWTH_BYTES = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """An entry to match: on its page if there is a `response`, else on the feed's words.

    `settle` says that the job has nothing left to do afterwards. `polled_at` is when the entry's
    feed was polled (epoch seconds), if that is known.
    """

    job_id: str
    feed_id: str
    entry: Entry
    lane: Lane
    settle: bool
    response: Response | None = None
    polled_at: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended. `last` says that this cleaner takes no more requests.

    `kind` says in a word what a page is that holds no article.
    """

    verdict: Verdict
    error: str = ""
    trace: str = ""
    last: bool = False
    kind: str = ""


def encode(request: Request) -> bytes:
    """Returns a request as the cleaner reads it."""
    response = request.response
    about: dict[str, Any] = {
        "job": request.job_id,
        "feed": request.feed_id,
        "entry": as_plain(request.entry),
        "lane": request.lane,
        "settle": request.settle,
        "polled_at": request.polled_at,
        "page": response
        and {
            "url": response.url,
            "status": response.status,
            "headers": dict(response.headers),
            "broke_off": response.broke_off,
        },
    }
    return json.dumps(about).encode() + b"\n" + (response.body if response else b"")


def decode(message: bytes) -> Request:
    """Reads what `encode` returned."""
    line, _, body = message.partition(b"\n")
    about = json.loads(line)
    page = about["page"]
    return Request(
        about["job"],
        about["feed"],
        from_plain(Entry, about["entry"]),
        about["lane"],
        about["settle"],
        Response(**page, body=body) if page else None,
        about["polled_at"],
    )


def serve(desk: Desk, listener: socket.socket, tether: Tether) -> None:
    """Runs a cleaner, which is forked from the pool, until its reader or its pool is gone."""
    # It ends with its reader, which may still need it when the pool is told to stop.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    threads.hear()
    tether.watch(lambda: os._exit(0))
    _limit_growth()
    reader = socket.socket(socket.AF_UNIX)
    with suppress(EOFError, ConnectionError):
        reader.connect(listener.getsockname())
        listener.close()
        with Connection(reader.detach()) as requests:
            requests.send_bytes(str(os.getpid()).encode())
            for number in range(1, MOST_PAGES + 1):
                # Before it reads the request: that may harm it, too.
                requests.poll(None)
                requests.send_bytes(b"")
                said = answer(desk, decode(requests.recv_bytes()), last=number == MOST_PAGES)
                requests.send_bytes(json.dumps(asdict(said)).encode())
                if said.last:
                    return


def answer(desk: Desk, request: Request, *, last: bool) -> Answer:
    """Does what a request asks for; `last` says that the cleaner ends afterwards in any case."""
    try:
        desk.handle(request)
    except CleanError as error:
        return Answer("no article", str(error), last=last, kind=error_kind(error))
    except TimeUp:
        # The signal may have left a library in any state.
        return Answer("late", f"not cleaned within {CLEANING.total_seconds():g} s", last=True)
    except RedisError as error:
        return Answer("no redis", str(error), last=last)
    except Exception as error:  # noqa: BLE001 - the reader reports it
        # Where memory ran out, what is left of a library's state is not known either.
        last = last or isinstance(error, MemoryError)
        return Answer("fault", repr(error), traceback.format_exc(), last=last)
    return Answer("done", last=last)


def _limit_growth() -> None:
    """Makes allocations fail once this process has grown too much; on Linux only."""
    with suppress(OSError, ValueError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        (data_kb,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmData"))
        limit = int(data_kb) * 1024 + GROWTH_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
