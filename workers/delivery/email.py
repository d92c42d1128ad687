"""Mail: one for each recipient, all over one connection, which is kept for the next deliveries."""

from __future__ import annotations

import contextlib
import os
import smtplib
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import Address
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

from monitor.errors import DeliveryError, SubscriberBroken
from monitor.mailing import Route, default_sender, mailbox, read_route
from workers.delivery.channel import Receipt
from workers.delivery.mail import clean, content
from workers.delivery.mime import compose
from workers.delivery.smtp import LATER, REFUSED, TAKEN, Answer, Connection, said_by

if TYPE_CHECKING:
    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime import Runtime

# All recipients together, but for the last step: who is not reached by then is tried again later,
# where being cut short would lose who has taken the mail already.
BUDGET_S = 40.0
_LOGIN_WANTED = 530
# Said of the sender, these do not depend on the mail (RFC 5321, section 4.3.2; RFC 4954).
_SENDER_REFUSED = frozenset({_LOGIN_WANTED, 550, 553})


# By process, for a forked child must not speak on its parent's connection, and by URL. A connection
# in use is not in here: whatever ends a delivery midway, even a timeout of its job, loses it.
_kept: dict[tuple[int, str], Connection] = {}
_leaving: set[int] = set()


def send(runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:  # noqa: ARG001 - the contract's
    """Mail a message to each recipient that is left; see Channel for what is raised.

    Where a connection breaks, who has taken the mail is not tried again. The answer to a mail sent
    in full may be lost, though: then it comes twice, with one Message-ID.
    """
    options = subscriber.options
    route = read_route(options["smtp_url"])
    sender = mailbox(options["sender"]) if options.get("sender") else default_sender(route.host)
    unsubscribe = options.get("unsubscribe", "")
    said = content(message, unsubscribe=unsubscribe)
    began = time.monotonic()
    taken: dict[str, str] = {}
    later: dict[str, str] = {}
    refused: dict[str, str] = {}
    lost: DeliveryError | None = None
    for written in dict.fromkeys(message.to or options["to"]):
        if lost:
            later[written] = str(lost)
            continue
        recipient = mailbox(written)
        mailed = compose(
            message,
            said,
            sender=sender,
            recipient=recipient,
            now=datetime.now(UTC),
            unsubscribe=unsubscribe,
        ).as_bytes()
        try:
            with _connected(options["smtp_url"], route, began) as connection:
                answer = connection.post(sender, recipient, mailed, began + BUDGET_S)
            _check_sender(route, sender, answer)
        except DeliveryError as error:
            if not taken and (isinstance(error, SubscriberBroken) or not (later or refused)):
                raise
            lost = error
            later[written] = str(error)
            continue
        kind = answer.code // 100
        (taken if kind == TAKEN else later if kind == LATER else refused)[written] = answer.said
    if not taken:
        each = "; ".join(f"{who}: {what}" for who, what in (later | refused).items())
        raise DeliveryError(each, retryable=bool(later)) from lost
    return Receipt("; ".join(dict.fromkeys(taken.values())), later, refused)


def _check_sender(route: Route, sender: Address, answer: Answer) -> None:
    """Raise SubscriberBroken where no mail at all would be taken."""
    if answer.code == _LOGIN_WANTED or (answer.at == "MAIL" and answer.code in _SENDER_REFUSED):
        raise SubscriberBroken(
            f"{route.server} takes no mail from {sender.addr_spec}: {answer.said}"
        )


@contextlib.contextmanager
def _connected(smtp_url: str, route: Route, began: float) -> Iterator[Connection]:
    """The connection kept, or a new one; it is kept again unless something goes wrong."""
    _clear()
    key = os.getpid(), smtp_url
    connection = _kept.pop(key, None)
    try:
        if connection and not connection.answers(began, began + BUDGET_S):
            connection.quit()
            connection = None
        with _translated(route):
            if connection is None:
                connection = Connection(route, began + BUDGET_S)
            yield connection
    except BaseException:
        if connection:
            connection.drop()
        raise
    _kept[key] = connection
    _leave_at_exit()


@contextlib.contextmanager
def _translated(route: Route) -> Iterator[None]:
    """Say in our words what went wrong, and whether an operator must see to it."""
    server = route.server
    try:
        yield
    except DeliveryError:
        raise
    except ssl.SSLCertVerificationError as error:
        reason = clean(error.verify_message)
        raise SubscriberBroken(f"the certificate of {server} is not valid: {reason}") from error
    except smtplib.SMTPAuthenticationError as error:
        said = f"{server} refuses the login: {said_by(route, error.smtp_code, error.smtp_error)}"
        if error.smtp_code // 100 == REFUSED:
            raise SubscriberBroken(said) from error
        raise DeliveryError(said, retryable=True) from error
    except smtplib.SMTPResponseException as error:
        said = said_by(route, error.smtp_code, error.smtp_error)
        raise DeliveryError(f"{server}: {said}", retryable=True) from error
    except UnicodeError as error:
        raise SubscriberBroken(f"{server}: the host's name is none") from error
    except OSError as error:
        reason = clean(str(error.strerror or error)) or type(error).__name__
        raise DeliveryError(f"{server}: {reason}", retryable=True) from error


def _clear() -> None:
    """Close what a parent left to us when we were forked, and what no server keeps any more."""
    for key, connection in list(_kept.items()):
        if key[0] != os.getpid():
            _kept.pop(key).drop()
        elif connection.idle:
            _kept.pop(key).quit()


def _leave_at_exit() -> None:
    """Take leave of servers when this process ends; `atexit` forgets forked workers."""
    if os.getpid() not in _leaving:
        _leaving.add(os.getpid())
        Finalize(None, _leave, exitpriority=0)


def _leave() -> None:
    for (owner, _), connection in _kept.items():
        if owner == os.getpid():
            connection.quit()
    _kept.clear()
