"""Tells systemd that this process is ready, alive, or stopping: the protocol of sd_notify(3).

Another service manager, or none, is told nothing. The protocol is one datagram a message, so these
few lines take the place of a library.
"""

from __future__ import annotations

import os
import socket

import structlog

SOCKET_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_TIME_VARIABLE = "WATCHDOG_USEC"
WATCHDOG_PROCESS_VARIABLE = "WATCHDOG_PID"

READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"

# A service manager that reads nothing for so long must not hold up the daemon.
TIMEOUT_S = 1.0

log = structlog.stdlib.get_logger(__name__)


def notify(*messages: str) -> None:
    """Sends messages to the service manager, if it waits for any; logs it if that fails."""
    address = os.environ.get(SOCKET_VARIABLE)
    if not address:
        return
    if address.startswith("@"):
        # An abstract socket, which has no file.
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(TIMEOUT_S)
            manager.connect(address)
            manager.sendall("\n".join(messages).encode())
    except OSError as error:
        log.warning("service manager not told", messages=messages, error=str(error))


def alive_every_s() -> float | None:
    """Returns how often `ALIVE` is to be sent, in seconds; None if nobody waits for it.

    This is half the time after which systemd kills the service, as sd_watchdog_enabled(3) advises.
    """
    if os.environ.get(WATCHDOG_PROCESS_VARIABLE, str(os.getpid())) != str(os.getpid()):
        # Inherited from the process that systemd watches.
        return None
    time_us = os.environ.get(WATCHDOG_TIME_VARIABLE, "")
    return int(time_us) / 2_000_000 if time_us.isdecimal() and int(time_us) else None
