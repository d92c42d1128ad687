"""Types for single values of the configuration: how each is written, and what it is read as."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from monitor.config.mail_addresses import mailbox, read_route, unsubscribe_url
from monitor.model import Limit

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
# A century: anything longer is a mistake, and may reach back before the first date.
_LONGEST = timedelta(days=36500)
_SIZE = re.compile(r"(\d{1,15}) ?([kKMG]?)B?", re.ASCII)
_SIZES = {"": 1, "k": 1000, "K": 1000, "M": 1000**2, "G": 1000**3}
_RATE = re.compile(r"([1-9]\d{0,5})/([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# One line without what terminals and mail headers would obey.
_TITLE = re.compile(
    r"(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,100}(?<!\s)"
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
MIN_SECRET_LENGTH = 8
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
# RFC 6265, section 4.1.1; browsers and sites use spaces and commas, too.
_COOKIE = re.compile(r"(?!;)[!-~](?:[ -:<-~]*[!-~])?(?<!;)")
# The characters that an HTTP header may hold; others make every request fail.
_HEADER = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")


# The type of errors about secrets.
SECRET = "secret"  # noqa: S105 - not one
# A setting that follows from the machine.
AUTO = "auto"
MAX_COUNT = 1000
MIN_TIMES, MAX_TIMES = 1.5, 1000
_LEAST_HISTORY, _MOST_HISTORY = timedelta(days=7), timedelta(days=365)


def expected(message: str) -> PydanticCustomError:
    """Returns an error that says what a value must be; the report adds what it is instead."""
    return PydanticCustomError("presswatch", message)


def expected_secret(message: str) -> PydanticCustomError:
    """Returns such an error for a value that the report must not show."""
    return PydanticCustomError(SECRET, message)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    written = _DURATION.fullmatch(str(value)) if isinstance(value, str) and value else None
    if not written:
        raise expected("must be a duration such as 20s, 15m, 6h or 1h30m")
    days, hours, minutes, seconds, millis = (int(part or 0) for part in written.groups())
    try:
        duration = timedelta(
            days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis
        )
    except OverflowError:
        duration = timedelta.max
    if duration > _LONGEST:
        raise expected(f"must be at most {_LONGEST.days}d")
    return duration


def written(value: timedelta) -> str:
    """Writes a duration as a file has it."""
    rest = value // timedelta(milliseconds=1)
    parts = []
    for unit, millis in (
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ):
        number, rest = divmod(rest, millis)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise expected("must be longer than zero")
    return value


def _spike_times(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not MIN_TIMES <= value <= MAX_TIMES:
        raise expected(f"must be a number from {MIN_TIMES} to {MAX_TIMES}, such as 3")
    return float(value)


def _spike_history(value: Any) -> timedelta:
    history = _duration(value)
    if not _LEAST_HISTORY <= history <= _MOST_HISTORY:
        raise expected("must be from 7d to 365d, since it must have every day of the week")
    return history


def _count_or_auto(value: Any) -> int | str:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_COUNT
    if value != AUTO and not is_count:
        raise expected(f"must be auto, or a whole number from 1 to {MAX_COUNT}")
    return value  # type: ignore[no-any-return]


def _interval_or_auto(value: Any) -> timedelta | str:
    return AUTO if value == AUTO else _positive(_duration(value))


def _size(value: Any) -> int:
    written = _SIZE.fullmatch(str(value))
    size = int(written[1]) * _SIZES[written[2]] if written else 0
    if not size or isinstance(value, bool | float):
        raise expected("must be a size such as 512kB or 10MB")
    return size


def _url(value: Any) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise expected("must be an address that starts with http:// or https://")
    if re.search(r"[\s\x00-\x1f]", value):
        raise expected("must not hold white space or control characters; write a space as %20")
    return str(value)


def _public_url(value: Any) -> str:
    """Reads the address under which others reach the pages; returns it without a final slash."""
    url = _url(value)
    parts = urlsplit(url)
    has_user = "@" in parts.netloc
    if parts.query or parts.fragment or has_user:
        refuse = expected_secret if has_user else expected
        raise refuse(
            "must be an address such as https://presswatch.example.org, without user, password, "
            "`?` and `#`"
        )
    return url.rstrip("/")


def _proxy(value: Any) -> str:
    """Reads the URL of a proxy; `none`, or an empty variable, is for no proxy."""
    if value in ("", "none"):
        return ""
    try:
        parts = urlsplit(value)
        valid = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
        valid = valid and parts.path in {"", "/"} and not re.search(r"[\s\x00-\x1f]", value)
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise expected_secret(
            "must be the address of an HTTP proxy, such as http://proxy.example.org:3128 or "
            "http://user:password@proxy.example.org:3128, or none"
        )
    return str(value)


def _database(value: Any) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme == "postgresql" and bool(parts.path.strip("/")) and parts.port != 0
    except (ValueError, AttributeError, TypeError):
        valid = False
    if not valid:
        raise expected(
            "must be an address such as postgresql://user:password@db.example.org/presswatch, "
            "with / ? # @ : and % in the password written as %2F %3F %23 %40 %3A and %25"
        )
    return str(value)


def host_and_port(written: str) -> tuple[str, int]:
    """Reads an address with a port, `127.0.0.1:8080` or `[::1]:8080`; raises ValueError."""
    parts = urlsplit(f"//{written}")
    if parts.netloc != written or parts.username or not parts.hostname or parts.port is None:
        raise ValueError('must be an address and a port, such as "127.0.0.1:8080" or "[::1]:8080"')
    return parts.hostname, parts.port


def is_loopback(host: str) -> bool:
    """Returns whether only this machine reaches a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _web_secret(value: Any) -> str:
    """Reads a password or token; empty, as an environment variable that is not set, for none."""
    if not isinstance(value, str) or 0 < len(value) < MIN_SECRET_LENGTH:
        raise expected_secret(f"must be text of at least {MIN_SECRET_LENGTH} characters, in quotes")
    return value


def _readable(read: Callable[[str], object]) -> BeforeValidator:
    """Returns a validator for text that `read` accepts; its ValueErrors become faults."""

    def check(value: Any) -> str:
        try:
            read(str(value))
        except ValueError as error:
            raise expected(str(error)) from None
        return str(value)

    return BeforeValidator(check)


def _secret(value: Any) -> str:
    """Checks a secret of Standard Webhooks: Base64 after `whsec_`, or any text."""
    if not isinstance(value, str) or not value:
        raise expected_secret("must be text; put it in quotes")
    if value.startswith("whsec_"):
        try:
            base64.b64decode(value.removeprefix("whsec_"), validate=True)
        except ValueError:
            raise expected_secret("must continue in Base64 after whsec_") from None
    return value


def rate(value: Any) -> Limit:
    """Returns a limit such as 10/h; raises ValueError for anything else."""
    if isinstance(value, Limit):
        return value
    written = _RATE.fullmatch(value) if isinstance(value, str) else None
    if not written:
        raise expected("must be a number of messages in a time, such as 10/h or 100/d")
    return Limit(int(written[1]), timedelta(**{_UNITS[written[2]]: 1}))


def _matching(pattern: re.Pattern[str], message: str) -> BeforeValidator:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise expected(message)
        return value

    return BeforeValidator(check)


def _matching_secret(pattern: re.Pattern[str], message: str) -> BeforeValidator:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise expected_secret(message)
        return value

    return BeforeValidator(check)


def _network(value: Any) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    example = "127.0.0.1/32 or 10.0.0.0/8"
    if isinstance(value, str):
        try:
            return ip_network(value)
        except ValueError:
            with suppress(ValueError):
                example = str(ip_network(value, strict=False))
    raise expected(f"must be a network such as {example}")


def _timezone(value: Any) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, TypeError, AttributeError, KeyError):
        # Unknown names raise KeyError; a part of a name, such as Europe, is a directory.
        raise expected("must be a time zone such as Europe/Brussels or UTC") from None
    return str(value)


def _times(value: Any) -> Any:
    """Reads times of day from a string with commas or from a list."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(
        isinstance(part, str) and _TIME.fullmatch(part) for part in parts
    ):
        raise expected('must be times of day such as "08:00" or "08:00,17:00"')
    return tuple(parts)


def _example(value: Any) -> Any:
    file = value.get("file") if isinstance(value, Mapping) and len(value) == 1 else value
    if not isinstance(file, str) or not file:
        raise expected("must be text, or a file as {file: NAME}")
    try:
        file.encode()
    except UnicodeEncodeError:
        raise expected("must be text in UTF-8") from None
    return value


_TEXT_SCHEMA = WithJsonSchema({"type": "string"})
Duration = Annotated[timedelta, BeforeValidator(_duration), _TEXT_SCHEMA]
Interval = Annotated[
    timedelta, BeforeValidator(lambda value: _positive(_duration(value))), _TEXT_SCHEMA
]
IntervalOrAuto = Annotated[timedelta | str, BeforeValidator(_interval_or_auto), _TEXT_SCHEMA]
SpikeTimes = Annotated[float, BeforeValidator(_spike_times), WithJsonSchema({"type": "number"})]
SpikeHistory = Annotated[timedelta, BeforeValidator(_spike_history), _TEXT_SCHEMA]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
CountOrAuto = Annotated[
    int | str, BeforeValidator(_count_or_auto), WithJsonSchema({"type": ["integer", "string"]})
]
Size = Annotated[int, BeforeValidator(_size), WithJsonSchema({"type": ["string", "integer"]})]
Url = Annotated[str, BeforeValidator(_url), _TEXT_SCHEMA]
PublicUrl = Annotated[str, BeforeValidator(_public_url), _TEXT_SCHEMA]
DatabaseUrl = Annotated[str, BeforeValidator(_database), _TEXT_SCHEMA]
Listen = Annotated[str, _readable(host_and_port), _TEXT_SCHEMA]
AccessSecret = Annotated[str, BeforeValidator(_web_secret), _TEXT_SCHEMA]
HeaderName = Annotated[
    str, _matching(_HEADER_NAME, "must be the name of a header, such as X-Remote-User")
]
SecretHeader = Annotated[
    str,
    _matching_secret(
        _HEADER, "must be printable ASCII without spaces at its ends, since it goes into a header"
    ),
]
CookieName = Annotated[str, _matching(_COOKIE_NAME, "must be the name of a cookie")]
Cookie = Annotated[
    str,
    _matching_secret(
        _COOKIE, "must be printable ASCII without `;` and spaces at its ends, as a browser shows it"
    ),
]
LoginUser = Annotated[
    str,
    _matching_secret(re.compile(r"[^:\x00-\x1f\x7f]+"), "must be a name without a colon"),
]
LoginPassword = Annotated[
    str, _matching_secret(re.compile(r"[^\x00-\x1f\x7f]+"), "must be text; put it in quotes")
]
Proxy = Annotated[str, BeforeValidator(_proxy), _TEXT_SCHEMA]
WebhookSecret = Annotated[str, BeforeValidator(_secret), _TEXT_SCHEMA]
SmtpUrl = Annotated[str, _readable(read_route), _TEXT_SCHEMA]
Mailbox = Annotated[str, _readable(mailbox), _TEXT_SCHEMA]
Unsubscribe = Annotated[str, _readable(unsubscribe_url), _TEXT_SCHEMA]
Rate = Annotated[Limit, BeforeValidator(rate), _TEXT_SCHEMA]
Zone = Annotated[str, BeforeValidator(_timezone), _TEXT_SCHEMA]
Times = Annotated[
    tuple[str, ...], BeforeValidator(_times), WithJsonSchema({"type": ["string", "array"]})
]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), _TEXT_SCHEMA]
TimeOfDay = Annotated[str, _matching(_TIME, 'must be a time of day such as "22:00"')]
Language = Annotated[str, _matching(_LANGUAGE, "must be a language code such as en or de")]
Name = Annotated[
    str,
    _matching(
        NAME,
        "must be a name of at most 64 letters, digits, dots, dashes and underscores, since it "
        "names a channel; what people read can be its `title`",
    ),
]
Title = Annotated[
    str, _matching(_TITLE, "must be a line of at most 100 characters, without spaces at its ends")
]
DefinitionName = Annotated[
    str, _matching(NAME, "must be a name of letters, digits, dots, dashes and underscores")
]
Header = Annotated[
    str,
    _matching(
        _HEADER, "must be printable ASCII without spaces at its ends, since it goes into a header"
    ),
]
Example = BeforeValidator(_example)
Text = Annotated[str, Field(min_length=1)]
