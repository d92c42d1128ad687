"""Mail: one for each recipient, all over one connection, which is kept for later deliveries."""

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
from zoneinfo import ZoneInfo

from monitor.config.mail_addresses import Route, default_sender, mailbox, read_route
from monitor.errors import DeliveryError, SubscriberBroken
from monitor.untrusted import mail_line
from workers.deliveries.channel import Receipt
from workers.deliveries.email.mime import compose
from workers.deliveries.email.render import render_mail
from workers.deliveries.email.report import report_mail
from workers.deliveries.email.smtp import LATER, REFUSED, TAKEN, Answer, Connection, answer_text

if TYPE_CHECKING:
    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime.composition import Runtime

# For all recipients together, apart from the last step. Recipients not reached by then are tried
# later; a job that is cut short would lose the record of who has accepted the mail.
BUDGET_S = 40.0
_LOGIN_WANTED = 530
# As answers to MAIL, these do not depend on the message (RFC 5321, section 4.3.2; RFC 4954).
_SENDER_REFUSED = frozenset({_LOGIN_WANTED, 550, 553})


# By process, since a forked child must not use its parent's connection, and by URL. A connection
# in use is not in here: it is lost if anything ends a delivery midway, even the job's timeout.
_kept: dict[tuple[int, str], Connection] = {}
_leaving: set[int] = set()


def send(runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:  # noqa: ARG001 - the contract's
    """Mails a message to each remaining recipient; see Channel for what is raised.

    If the connection breaks, recipients whose mail was accepted are not tried again. But the answer
    to a complete mail may be lost: then it comes twice, with the same Message-ID.
    """
    options = subscriber.options
    route = read_route(options["smtp_url"])
    sender = mailbox(options["sender"]) if options.get("sender") else default_sender(route.host)
    unsubscribe = options.get("unsubscribe", "")
    content = report_mail(message, unsubscribe=unsubscribe) or render_mail(
        message, zone=ZoneInfo(subscriber.timezone), unsubscribe=unsubscribe
    )
    began = time.monotonic()
    taken: dict[str, str] = {}
    later: dict[str, str] = {}
    refused: dict[str, str] = {}
    failure: DeliveryError | None = None
    for address in dict.fromkeys(message.to or options["to"]):
        if failure:
            later[address] = str(failure)
            continue
        recipient = mailbox(address)
        mailed = compose(
            message,
            content,
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
            failure = error
            later[address] = str(error)
            continue
        kind = answer.code // 100
        (taken if kind == TAKEN else later if kind == LATER else refused)[address] = answer.text
    if not taken:
        answers = "; ".join(f"{recipient}: {text}" for recipient, text in (later | refused).items())
        raise DeliveryError(answers, retryable=bool(later)) from failure
    return Receipt("; ".join(dict.fromkeys(taken.values())), later, refused)


def _check_sender(route: Route, sender: Address, answer: Answer) -> None:
    """Raises SubscriberBroken if the server would accept no mail at all."""
    if answer.code == _LOGIN_WANTED or (answer.step == "MAIL" and answer.code in _SENDER_REFUSED):
        raise SubscriberBroken(
            f"{route.server} accepts no mail from {sender.addr_spec}: {answer.text}"
        )


@contextlib.contextmanager
def _connected(smtp_url: str, route: Route, began: float) -> Iterator[Connection]:
    """Yields the kept connection, or a new one; keeps it again unless something goes wrong."""
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
    """Translates errors into our words, and says whether an operator must act."""
    server = route.server
    try:
        yield
    except DeliveryError:
        raise
    except ssl.SSLCertVerificationError as error:
        reason = mail_line(error.verify_message)
        raise SubscriberBroken(f"the certificate of {server} is not valid: {reason}") from error
    except smtplib.SMTPAuthenticationError as error:
        text = answer_text(route, error.smtp_code, error.smtp_error)
        message = f"{server} refuses the login: {text}"
        if error.smtp_code // 100 == REFUSED:
            raise SubscriberBroken(message) from error
        raise DeliveryError(message, retryable=True) from error
    except smtplib.SMTPResponseException as error:
        text = answer_text(route, error.smtp_code, error.smtp_error)
        raise DeliveryError(f"{server}: {text}", retryable=True) from error
    except UnicodeError as error:
        raise SubscriberBroken(f"{server}: the host name is not valid") from error
    except OSError as error:
        reason = mail_line(str(error.strerror or error)) or type(error).__name__
        raise DeliveryError(f"{server}: {reason}", retryable=True) from error


def _clear() -> None:
    """Closes connections inherited through a fork, and those that servers no longer keep."""
    for key, connection in list(_kept.items()):
        if key[0] != os.getpid():
            _kept.pop(key).drop()
        elif connection.idle:
            _kept.pop(key).quit()


def _leave_at_exit() -> None:
    """Says goodbye to servers when this process ends; `atexit` does not run in forked workers."""
    if os.getpid() not in _leaving:
        _leaving.add(os.getpid())
        Finalize(None, _leave, exitpriority=0)


def _leave() -> None:
    for (owner, _), connection in _kept.items():
        if owner == os.getpid():
            connection.quit()
    _kept.clear()
