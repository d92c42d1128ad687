"""A connection to a server of mail, and what it says of a mail."""

from __future__ import annotations

import base64
import contextlib
import smtplib
import ssl
import time
from dataclasses import dataclass
from email.headerregistry import Address

from monitor.errors import SubscriberBroken
from monitor.mailing import Route
from workers.delivery.channel import TIMEOUT_S
from workers.delivery.mail import clean
from workers.delivery.mime import needs_utf8

# A connection that answers a NOOP so late is no good, and a new one is made sooner.
PROBE_S = 5.0
# RFC 5321, section 4.5.3.2.7: servers wait for the next command for five minutes at least.
IDLE_S = 240.0
GOODBYE_S = 1.0
# Servers count a client's messages, and hang up on it at some number.
MOST_MAILS = 100
_MOST_SAID = 300

# First digits of answers (RFC 5321, section 4.2.1).
TAKEN, LATER, REFUSED = 2, 4, 5
_CLOSING = 421


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said of a recipient's mail: taken (2xx), not now (4xx), or no (5xx)."""

    code: int
    said: str
    at: str


class Connection:
    """A connection to a server, open and logged in."""

    def __init__(self, route: Route, deadline: float) -> None:
        self.mails = 0
        self.used_at = time.monotonic()
        self._begun = False
        self._route = route
        timeout_s = _left(deadline)
        self._smtp = (
            smtplib.SMTP_SSL(
                route.host, route.port, timeout=timeout_s, context=ssl.create_default_context()
            )
            if route.tls
            else smtplib.SMTP(route.host, route.port, timeout=timeout_s)
        )
        try:
            self._greet(deadline)
        except BaseException:
            self.drop()
            raise

    @property
    def idle(self) -> bool:
        """Whether the connection was not used for so long that servers may have given it up."""
        return time.monotonic() - self.used_at > IDLE_S

    def answers(self, since: float, deadline: float) -> bool:
        """Whether the connection can be used again; no need to ask where it was used `since`."""
        if self.mails >= MOST_MAILS or self.idle:
            return False
        if self.used_at >= since:
            return True
        try:
            self._within(min(deadline, time.monotonic() + PROBE_S))
            return self._smtp.noop()[0] == 250  # noqa: PLR2004
        except (OSError, smtplib.SMTPException):
            return False

    def post(self, sender: Address, recipient: Address, mailed: bytes, deadline: float) -> Answer:
        """Hand over a mail; raises OSError where the connection is of no more use."""
        options = [f"size={len(mailed)}"] if self._smtp.has_extn("size") else []
        if needs_utf8(sender, recipient):
            if not self._smtp.has_extn("smtputf8"):
                return Answer(553, "the server takes no address outside ASCII", "RCPT")
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        if self._begun:
            self._within(deadline)
            self._smtp.rset()
        self._begun = True
        self._within(deadline)
        answer = self._answer(*self._smtp.mail(sender.addr_spec, options), "MAIL")
        if answer.code // 100 == TAKEN:
            self._within(deadline)
            answer = self._answer(*self._smtp.rcpt(recipient.addr_spec), "RCPT")
        if answer.code // 100 == TAKEN:
            self._within(deadline)
            try:
                answer = self._answer(*self._smtp.data(mailed), "DATA")
            except smtplib.SMTPDataError as error:
                answer = self._answer(error.smtp_code, error.smtp_error, "DATA")
        self.used_at = time.monotonic()
        if answer.code // 100 == TAKEN:
            self.mails += 1
            self._begun = False
        return answer

    def quit(self) -> None:
        """Take leave, where that takes no time."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._within(time.monotonic() + GOODBYE_S)
            self._smtp.quit()
        self.drop()

    def drop(self) -> None:
        """Close without a word; in a forked child, this leaves the parent's connection alone."""
        with contextlib.suppress(OSError):
            self._smtp.close()

    def _greet(self, deadline: float) -> None:
        route, smtp = self._route, self._smtp
        self._within(deadline)
        smtp.ehlo_or_helo_if_needed()
        if not route.tls:
            self._start_tls(deadline)
        if route.user:
            self._within(deadline)
            self._login()

    def _start_tls(self, deadline: float) -> None:
        route, smtp = self._route, self._smtp
        if not smtp.has_extn("starttls"):
            if route.user:
                raise SubscriberBroken(
                    f"{route.server} offers no STARTTLS: the login is not sent in the clear"
                )
            return
        self._within(deadline)
        try:
            smtp.starttls(context=ssl.create_default_context())
        except smtplib.SMTPResponseException as error:
            if route.user and error.smtp_code // 100 == REFUSED:
                said = said_by(route, error.smtp_code, error.smtp_error)
                raise SubscriberBroken(f"{route.server} refuses STARTTLS: {said}") from error
            raise
        self._within(deadline)
        smtp.ehlo()

    def _login(self) -> None:
        route, smtp = self._route, self._smtp
        if (route.user + route.password).isascii():
            try:
                smtp.login(route.user, route.password)
            except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
                raise
            except smtplib.SMTPException as error:
                raise SubscriberBroken(
                    f"{route.server} offers no way to log in that we know"
                ) from error
            return
        # The library encodes logins as ASCII, and its error would show the one at fault. RFC 4616.
        initial = _base64(f"\0{route.user}\0{route.password}")
        code, answer = smtp.docmd("AUTH", f"PLAIN {initial}")
        if code // 100 != TAKEN:
            raise smtplib.SMTPAuthenticationError(code, answer)

    def _within(self, deadline: float) -> None:
        """Let the next step take its time, but none beyond the deadline."""
        if self._smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("connection closed")
        self._smtp.sock.settimeout(_left(deadline))

    def _answer(self, code: int, said: bytes | str, at: str) -> Answer:
        if code == _CLOSING or code < 200:  # noqa: PLR2004 - the library's -1 is no answer at all
            raise smtplib.SMTPResponseException(code, said)
        return Answer(code, said_by(self._route, code, said), at)


def said_by(route: Route, code: int, answer: bytes | str) -> str:
    """What the server answered, on one line; only the code where a secret of ours is in it."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    password = route.password
    secrets = {password, _base64(password), _base64(f"\0{route.user}\0{password}")}
    if password and any(secret in text for secret in secrets):
        text = ""
    return f"{code} {clean(text)[:_MOST_SAID]}".strip()


def _left(deadline: float) -> float:
    """How long the next step may take, in seconds; raises TimeoutError where it may not begin."""
    left = min(TIMEOUT_S, deadline - time.monotonic())
    if left <= 0:
        raise TimeoutError("no time left")
    return left


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
