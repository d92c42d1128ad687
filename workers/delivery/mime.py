"""From what a mail says to the mail that one recipient gets: headers and parts. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from monitor.alerts.digest import Message
from monitor.model import content_id
from workers.delivery.mail import Content

# Content goes out in seven bits, which every server takes. Headers are folded here and not again:
# the library reads what looks like an encoded word in a title as one, and encodes long ids.
_POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DOT_ATOM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", re.ASCII)
# RFC 2047, section 2: a line with an encoded word has at most 76 characters. The library's lines
# come out up to two characters longer than its limit.
_LINE = 74
_LONGEST_WORD = 60


def compose(
    message: Message,
    said: Content,
    *,
    sender: Address,
    recipient: Address,
    now: datetime,
    unsubscribe: str = "",
) -> EmailMessage:
    """One recipient's mail. Its Message-ID is the same whenever the same message is tried again.

    There is no Precedence header: RFC 3834 and Exchange's own header keep automatic answers away,
    and sendmail puts mail of precedence "bulk" last, where an alert is in a hurry.
    """
    mail = EmailMessage(_POLICY.clone(utf8=needs_utf8(sender, recipient)))
    domain = sender.domain
    headers = {
        "Subject": _unstructured(said.subject),
        "From": f"Presswatch <{sender.addr_spec}>",
        "To": recipient.addr_spec,
        "Date": format_datetime(now.astimezone(UTC)),
        "Message-ID": f"<{_id(message.key)}.{content_id(recipient.addr_spec)[:12]}@{domain}>",
    }
    watchlists = {alert["watchlist"] for alert in message.alerts}
    if not message.gathered:
        # No mail has this id: readers put together what names the same one (RFC 5256, REFERENCES).
        (alert,) = message.alerts
        thread = f"<story.{content_id(alert['watchlist'], alert['story']['id'])}@{domain}>"
        headers |= {"In-Reply-To": thread, "References": thread}
    headers |= {
        "List-Id": f"<{_list_label(watchlists)}presswatch.{_list_domain(domain)}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834, section 5
        "X-Auto-Response-Suppress": "All",
    }
    if unsubscribe:
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
    for name, value in headers.items():
        mail.set_raw(name, value)
    mail.set_content(said.text)
    mail.add_alternative(said.html, subtype="html")
    return mail


def needs_utf8(*addresses: Address) -> bool:
    """Whether a server must know SMTPUTF8 (RFC 6531) for these addresses."""
    return not all(address.addr_spec.isascii() for address in addresses)


def _unstructured(text: str) -> str:
    """Returns clean text as the value of an unstructured header, folded (RFC 5322, RFC 2047)."""
    # What a reader would take for an encoded word is encoded, and so is a word that exceeds a
    # line: the library would begin a new line before it, which adds a space.
    is_plain = (
        text.isascii()
        and "=?" not in text
        and max(map(len, text.split()), default=0) <= _LONGEST_WORD
    )
    charset = "us-ascii" if is_plain else "utf-8"
    header = Header(text, charset, maxlinelen=_LINE, header_name="Subject")
    return header.encode(linesep="\r\n")


def _id(key: str) -> str:
    return key if _SAFE_ID.fullmatch(key) else content_id(key)


def _list_domain(domain: str) -> str:
    """RFC 2919, section 3: who has no domain says "localhost"."""
    return "localhost" if domain.startswith("[") else domain


def _list_label(watchlists: set[str]) -> str:
    """The part of a List-Id (RFC 2919) that names the watchlist, if it is one."""
    if len(watchlists) != 1:
        return ""
    (name,) = watchlists
    if not _DOT_ATOM.fullmatch(name):
        name = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or content_id(name)[:12]
    return f"{name[:64].rstrip('.')}."
