"""Says in words for operators why a poll failed, and what they can do about it. Pure."""

from __future__ import annotations

from monitor.errors import BadStatus, FetchError, error_kind

# What a status means for a feed (RFC 9110, section 15), and what to do.
_STATUSES = {
    204: "the server answers without a document; check the address in a browser",
    400: "the server does not understand the request; check the address for typing errors",
    401: "the server asks for a user name and a password; "
    "write the address as https://USER:PASSWORD@HOST/PATH",
    402: "the publisher wants to be paid for this feed; ask it for access",
    403: "the server refuses us; if a browser can open the address, the site blocks programs: "
    "ask the publisher, or try another `user_agent`",
    404: "nothing is at this address; look on the site for where its feed has moved",
    406: "the server has no form of this document that we accept; check the address",
    408: "the server waited in vain for our request; it is tried again",
    410: "the publisher says that the feed is gone for good, so it is polled no more; look for its "
    "successor, remove it, or poll it once by hand to start again",
    429: "the server says that we ask too often; if this goes on, set a longer `every`",
    451: "the server must not show this for legal reasons; remove the feed, or ask the publisher",
}
_OTHER_STATUSES = {
    2: "the server answers with something other than a document; check the address in a browser",
    3: "the server redirects, but names no address; see where a browser is led to, and use that",
    4: "the server refuses the request; check the address in a browser",
    5: "the server has a fault of its own; it is tried again, and if this goes on, "
    "only the publisher can help",
}
_UNKNOWN_STATUS = "this status is not part of HTTP; the site may be blocking programs"
# What to do about everything else, by the kind of the error.
_ADVICE = {
    "unreachable": "check the address for typing errors, and whether a browser can open it from "
    "this machine",
    "dns": "check the address for typing errors, and whether other names resolve on this machine",
    "tls": "see whether a browser can open the address without a warning, and tell the publisher",
    "refused_address": "correct the address, or if the server is yours, name its network in "
    "`settings.allow_private_addresses`",
    "too_large": "if the feed is meant to be so large, raise `settings.poll.max_size`",
    "wrong_content": "check the address in a browser",
    "timeout": "it is tried again; if the site is always so slow, raise `settings.poll.timeout`",
    "connection": "it is tried again; if this goes on, see whether a browser can open the address, "
    "and tell the publisher",
}


def reason(error: Exception) -> str:
    """Returns why a feed could not be fetched, and what to do; of another error, its message."""
    if isinstance(error, BadStatus):
        return f"HTTP {error.status}: {_of_status(error.status)}"
    if isinstance(error, FetchError) and (advice := _ADVICE.get(error_kind(error))):
        return f"{error}; {advice}"
    return str(error)


def _of_status(status: int) -> str:
    return _STATUSES.get(status) or _OTHER_STATUSES.get(status // 100, _UNKNOWN_STATUS)
