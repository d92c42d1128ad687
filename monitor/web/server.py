"""The process `presswatch web`: serves pages and API until it is told to stop."""

from __future__ import annotations

import errno
import signal
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import structlog
import uvicorn

from monitor import threads
from monitor.config.values import host_and_port
from monitor.errors import PresswatchError
from monitor.web.app import create
from monitor.web.backend import Backend

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.schema import WebSettings
    from monitor.runtime.composition import Runtime

# How long to wait for a port that another program has.
PORT_PAUSE_S = 5.0
# Open pages hold a request for live alerts; they are cut off at the end.
STOP_S = 2
MOST_CONNECTIONS = 500
IDLE_S = 30
BACKLOG = 128

log = structlog.stdlib.get_logger(__name__)


def serve(runtime: Runtime, data: Path) -> None:
    """Serves until SIGTERM or SIGINT; raises PresswatchError if the address cannot be used."""
    settings = runtime.config.settings.web
    stop = threading.Event()
    backend = Backend(runtime, data)
    threads.start(lambda: backend.keep_up(stop), "configuration")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    listener = _listener(settings, stop)
    if listener is None:
        return
    with closing(listener):
        config = uvicorn.Config(
            create(backend),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            # `create` trusts the proxies that the settings name, and no other.
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=STOP_S,
            ws="none",
            lifespan="off",
        )
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        log.info("web listens", url=f"http://{shown}:{port}/")
        uvicorn.Server(config).run(sockets=[listener])
    stop.set()
    backend.close()


def _listener(settings: WebSettings, stop: threading.Event) -> socket.socket | None:
    """Returns a socket that listens, as soon as the port is free; None if told to stop before."""
    host, port = host_and_port(settings.listen)
    said = False
    while not stop.is_set():
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PresswatchError(
                    f"settings.web.listen: {host}:{port} cannot be used: {error.strerror}"
                ) from error
            if not said:
                said = True
                log.error(  # noqa: TRY400 - the cause is in the line
                    "web waits",
                    error=f"another program uses {host}:{port}; set settings.web.listen",
                )
            stop.wait(PORT_PAUSE_S)
    return None
