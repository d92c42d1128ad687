"""Builds the mail that one recipient gets: headers and parts. Pure."""

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
from workers.deliveries.email.render import Content

# Content is sent in seven bits, which every server accepts. Headers are folded here, and not by the
# policy: that would decode what looks like an encoded word in a title, and encode long ids.
_POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DOT_ATOM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", re.ASCII)
# RFC 2047, section 2: a line with an encoded word has at most 76 characters. The library's lines
# come out up to two characters longer than its limit.
_LINE = 74
_MAX_WORD_LENGTH = 60


def compose(
    message: Message,
    content: Content,
    *,
    sender: Address,
    recipient: Address,
    now: datetime,
    unsubscribe: str = "",
) -> EmailMessage:
    """Builds one recipient's mail. Its Message-ID is the same when the message is retried.

    There is no Precedence header: RFC 3834 and Exchange's own header prevent automatic replies, and
    sendmail delays mail of precedence "bulk", while an alert is urgent.
    """
    mail = EmailMessage(_POLICY.clone(utf8=needs_utf8(sender, recipient)))
    domain = sender.domain
    headers = {
        "Subject": _unstructured(content.subject),
        "From": f"Presswatch <{sender.addr_spec}>",
        "To": recipient.addr_spec,
        "Date": format_datetime(now.astimezone(UTC)),
        "Message-ID": f"<{_id(message.key)}.{content_id(recipient.addr_spec)[:12]}@{domain}>",
    }
    watchlists = {alert["watchlist"] for alert in message.alerts}
    if not message.gathered:
        # No mail has this id: mail programs thread those that refer to the same one (RFC 5256,
        # REFERENCES).
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
    mail.set_content(content.text)
    mail.add_alternative(content.html, subtype="html")
    if content.attachment:
        attachment = content.attachment
        mail.add_attachment(attachment.html, subtype="html", filename=attachment.name)
    return mail


def needs_utf8(*addresses: Address) -> bool:
    """Returns whether these addresses need a server with SMTPUTF8 (RFC 6531)."""
    return not all(address.addr_spec.isascii() for address in addresses)


def _unstructured(text: str) -> str:
    """Returns clean text as the value of an unstructured header, folded (RFC 5322, RFC 2047)."""
    # "=?" is encoded, since mail programs would decode it; and so is a word longer than a line,
    # before which the library would begin a new line and so add a space.
    is_plain = (
        text.isascii()
        and "=?" not in text
        and max(map(len, text.split()), default=0) <= _MAX_WORD_LENGTH
    )
    charset = "us-ascii" if is_plain else "utf-8"
    header = Header(text, charset, maxlinelen=_LINE, header_name="Subject")
    return header.encode(linesep="\r\n")


def _id(key: str) -> str:
    return key if _SAFE_ID.fullmatch(key) else content_id(key)


def _list_domain(domain: str) -> str:
    """Returns the domain of a List-Id: "localhost" for an IP address (RFC 2919, section 3)."""
    return "localhost" if domain.startswith("[") else domain


def _list_label(watchlists: set[str]) -> str:
    """Returns the part of a List-Id (RFC 2919) that names the watchlist, if there is just one."""
    if len(watchlists) != 1:
        return ""
    (name,) = watchlists
    if not _DOT_ATOM.fullmatch(name):
        name = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-") or content_id(name)[:12]
    return f"{name[:64].rstrip('.')}."
