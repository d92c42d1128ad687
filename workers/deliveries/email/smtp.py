"""A connection to a mail server, and the server's answers."""

from __future__ import annotations

import base64
import contextlib
import smtplib
import ssl
import time
from dataclasses import dataclass
from email.headerregistry import Address

from monitor.config.mail_addresses import Route
from monitor.errors import SubscriberBroken
from monitor.untrusted import mail_line
from workers.deliveries.channel import TIMEOUT_S
from workers.deliveries.email.mime import needs_utf8

# Making a new connection is faster than waiting longer for the answer to a NOOP.
PROBE_S = 5.0
# RFC 5321, section 4.5.3.2.7: servers wait at least five minutes for the next command.
IDLE_S = 240.0
GOODBYE_S = 1.0
# Some servers hang up after a certain number of messages.
MAX_MAILS = 100
_MAX_ANSWER = 300

# First digits of answers (RFC 5321, section 4.2.1).
TAKEN, LATER, REFUSED = 2, 4, 5
_CLOSING = 421


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer to one recipient's mail: taken (2xx), not now (4xx), or refused (5xx)."""

    code: int
    text: str
    step: str


class Connection:
    """A connection to a mail server, open and logged in."""

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
        """Returns whether it was unused for so long that the server may have closed it."""
        return time.monotonic() - self.used_at > IDLE_S

    def answers(self, since: float, deadline: float) -> bool:
        """Returns whether the connection still works; does not ask if it was used after `since`."""
        if self.mails >= MAX_MAILS or self.idle:
            return False
        if self.used_at >= since:
            return True
        try:
            self._within(min(deadline, time.monotonic() + PROBE_S))
            return self._smtp.noop()[0] == 250  # noqa: PLR2004
        except (OSError, smtplib.SMTPException):
            return False

    def post(self, sender: Address, recipient: Address, mailed: bytes, deadline: float) -> Answer:
        """Hands over a mail; raises OSError if the connection can no longer be used."""
        options = [f"size={len(mailed)}"] if self._smtp.has_extn("size") else []
        if needs_utf8(sender, recipient):
            if not self._smtp.has_extn("smtputf8"):
                return Answer(553, "the server does not accept addresses outside ASCII", "RCPT")
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
        """Says goodbye if that takes no time, and closes the connection."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._within(time.monotonic() + GOODBYE_S)
            self._smtp.quit()
        self.drop()

    def drop(self) -> None:
        """Closes without a word; in a forked child, this leaves the parent's connection alone."""
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
                    f"{route.server} offers no STARTTLS, and the login is not sent unencrypted"
                )
            return
        self._within(deadline)
        try:
            smtp.starttls(context=ssl.create_default_context())
        except smtplib.SMTPResponseException as error:
            if route.user and error.smtp_code // 100 == REFUSED:
                text = answer_text(route, error.smtp_code, error.smtp_error)
                raise SubscriberBroken(f"{route.server} refuses STARTTLS: {text}") from error
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
                    f"{route.server} offers no supported way to log in"
                ) from error
            return
        # The library encodes logins as ASCII, and its error would show the login. RFC 4616.
        initial = _base64(f"\0{route.user}\0{route.password}")
        code, answer = smtp.docmd("AUTH", f"PLAIN {initial}")
        if code // 100 != TAKEN:
            raise smtplib.SMTPAuthenticationError(code, answer)

    def _within(self, deadline: float) -> None:
        """Limits the next step to the time that is left before the deadline."""
        if self._smtp.sock is None:
            raise smtplib.SMTPServerDisconnected("connection closed")
        self._smtp.sock.settimeout(_left(deadline))

    def _answer(self, code: int, text: bytes | str, step: str) -> Answer:
        if code == _CLOSING or code < 200:  # noqa: PLR2004 - the library's -1 is no answer
            raise smtplib.SMTPResponseException(code, text)
        return Answer(code, answer_text(self._route, code, text), step)


def answer_text(route: Route, code: int, answer: bytes | str) -> str:
    """Returns the server's answer on one line; only the code if its text contains our login."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    password = route.password
    secrets = {password, _base64(password), _base64(f"\0{route.user}\0{password}")}
    if password and any(secret in text for secret in secrets):
        text = ""
    return f"{code} {mail_line(text)[:_MAX_ANSWER]}".strip()


def _left(deadline: float) -> float:
    """Returns how many seconds the next step may take; raises TimeoutError if none are left."""
    left = min(TIMEOUT_S, deadline - time.monotonic())
    if left <= 0:
        raise TimeoutError("no time left")
    return left


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
