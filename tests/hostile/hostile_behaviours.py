"""What hostile and broken servers answer when they are asked for a feed, and what must come of it.

Every feed that can be read at all has one entry about an aurora, and so one alert.
"""

import asyncio
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from hostile_server import Answer, Request, Reset

# Longer than any test polls for.
FOREVER_S = 600
DEEP = 100_000
MANY = 2_000


@dataclass(frozen=True)
class Behaviour:
    """A server's behaviour: the health of its feed, what operators are told, and its alerts.

    `health` is that after the last poll, or "read" for any but failing, or "any". `says` is a
    regular expression for the error or problem. `alerts` are the least and the most.
    """

    name: str
    answer: Answer
    health: str
    says: str = ""
    alerts: tuple[int, int] = (0, 0)

    @property
    def healths(self) -> set[str]:
        named = {"read": {"ok", "doubtful"}, "any": {"ok", "doubtful", "failing"}}
        return named.get(self.health, {self.health})


def answers(status: str, body: bytes | str = b"", **headers: str) -> Answer:
    """Answers in one piece."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body

    async def answer(_: Request):
        yield head(status, {"Content-Length": str(len(raw))} | headers) + raw

    return answer


def raw(*parts: bytes, pause_s: float = 0, end: str = "close") -> Answer:
    """Sends bytes as they are, and then closes, resets, or waits."""

    async def answer(_: Request):
        for part in parts:
            yield part
            await asyncio.sleep(pause_s)
        if end == "reset":
            raise Reset
        if end == "wait":
            await asyncio.sleep(FOREVER_S)

    return answer


def endless(start: bytes, part: bytes, pause_s: float = 0) -> Answer:
    async def answer(_: Request):
        yield start
        while True:
            yield part
            await asyncio.sleep(pause_s)

    return answer


def in_turn(*turns: Answer) -> Answer:
    """Answers each request in another way, and begins again after the last."""

    async def answer(request: Request):
        async for part in turns[request.number % len(turns)](request):
            yield part

    return answer


def numbered(body) -> Answer:
    """Answers with a feed that differs at every poll."""

    async def answer(request: Request):
        async for part in answers("200 OK", body(request.number))(request):
            yield part

    return answer


def head(status: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass")


def item(title: str, more: str = "", guid: str | None = None) -> str:
    name = guid or title
    return f"<item><title>{title}</title><guid isPermaLink='false'>{name}</guid>{more}</item>"


def rss(*items: str, before: str = "", title: str = "Herald") -> str:
    return f"{before}<rss version='2.0'><channel><title>{title}</title>{''.join(items)}</channel></rss>"


AURORA = item("An aurora over the fjord")
FEED = rss(AURORA, item("Rain expected"))
CYRILLIC = (
    "Правительство обсудит бюджет и новые налоги на следующей неделе, сообщили в пресс-службе. "
)


def feed(text: bytes | str, **headers: str) -> Answer:
    return answers("200 OK", text, **headers)


def redirect(status: int, location: str) -> Answer:
    return answers(f"{status} Moved", Location=location)


def redirect_once(status: int) -> Answer:
    """Redirects to a feed on the same server."""

    async def answer(request: Request):
        there = request.path.endswith("/there")
        found = feed(FEED) if there else redirect(status, request.path + "/there")
        async for part in found(request):
            yield part

    return answer


async def endless_redirects(request: Request):
    async for part in redirect(302, f"{request.path}/more")(request):
        yield part


def json_feed(*items: object, **more: object) -> str:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": list(items)} | more)


def sent(length: int, body: str) -> bytes:
    """Returns the beginning of an answer that promises `length` bytes more than it has."""
    data = body.encode()
    return head("200 OK", {"Content-Length": str(len(data) + length)}) + data


def chunked(*chunks: bytes) -> bytes:
    coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head("200 OK", {"Transfer-Encoding": "chunked"}) + coded


NOW = f"<pubDate>{format_datetime(datetime.now(UTC))}</pubDate>"
CUT = FEED[: FEED.index("Rain") + 2]
ONE = (1, 1)
PART = (0, 1)
HTML = "<!doctype html><html><head><title>Herald</title>{}</head><body><p>Welcome</p></body></html>"
GZIP = {"Content-Encoding": "gzip"}
BILLION_LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY a 'ha'>"
    + "".join(
        f"<!ENTITY {chr(number + 1)} '{f'&{chr(number)};' * 10}'>" for number in range(97, 107)
    )
    + "]>"
    + rss(item("An aurora &k;", guid="laugh"))
)
XXE = "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + rss(
    item("An aurora &x;", guid="xxe")
)
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\nfeed recovered"


def statuses() -> Iterable[Behaviour]:
    for status, reason, says in (
        (400, "Bad Request", "HTTP 400"),
        (401, "Unauthorized", "user name and a password"),
        (402, "Payment Required", "HTTP 402"),
        (403, "Forbidden", "refuses"),
        (404, "Not Found", "gone|moved"),
        (410, "Gone", "gone"),
        (429, "Too Many Requests", "too often"),
        (451, "Unavailable For Legal Reasons", "HTTP 451"),
        (500, "Internal Server Error", "server"),
        (502, "Bad Gateway", "server"),
        (503, "Service Unavailable", "server"),
        (599, "Whatever", "server"),
        (999, "Request denied", "HTTP 999"),
    ):
        yield Behaviour(f"status-{status}", answers(f"{status} {reason}", "no"), "failing", says)
    yield Behaviour(
        "retry-after-a-year",
        answers("503 Busy", Retry_After="31536000"),
        "failing",
        "server",
    )
    yield Behaviour(
        "retry-after-nonsense", answers("429 Busy", Retry_After="-1e99 soon"), "failing", "HTTP 429"
    )
    yield Behaviour("no-content", raw(b"HTTP/1.1 204 No Content\r\n\r\n"), "failing", "HTTP 204")
    yield Behaviour(
        "not-modified-at-first", raw(b"HTTP/1.1 304 Same\r\n\r\n"), "failing", "never read"
    )


def redirects() -> Iterable[Behaviour]:
    for status in (301, 302, 307, 308):
        yield Behaviour(f"moved-{status}", redirect_once(status), "ok", alerts=ONE)
    yield Behaviour("redirect-loop", redirect(302, "redirect-loop"), "failing", "redirects")
    yield Behaviour("redirects-without-end", endless_redirects, "failing", "redirects")
    yield Behaviour("redirect-nowhere", answers("302 Found"), "failing", "HTTP 302")
    for name, location, says in (
        ("file", "file:///etc/passwd", r"http\(s\)"),
        ("script", "javascript:alert(1)", r"http\(s\)"),
        ("metadata", "http://169.254.169.254/latest", "private|not public"),
        ("private", "http://10.0.0.1/", "private|not public"),
        ("mapped", "http://[::ffff:10.0.0.1]/", "private|not public"),
        ("number", "http://167772161/", "private|not public|resolve|valid"),
        ("broken", "http://[::1", "valid"),
        ("huge", "http://x/" + "y" * 60_000, "."),
    ):
        yield Behaviour(f"redirect-{name}", redirect(302, location), "failing", says)


def connections() -> Iterable[Behaviour]:
    for name, answer, says in (
        ("closes-at-once", raw(), "connection|closed|HTTP"),
        ("resets-at-once", raw(end="reset"), "connection|closed"),
        ("never-answers", raw(end="wait"), "within"),
        ("never-ends-its-headers", endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.01), "."),
        ("endless-header", endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"b" * 65_536), "HTTP"),
        ("speaks-ssh", raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "HTTP"),
        ("speaks-noise", raw(bytes(range(256)) * 8), "HTTP"),
        ("header-without-colon", raw(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), "HTTP"),
        (
            "two-lengths",
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\nx"),
            "HTTP",
        ),
        ("negative-length", raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx"), "HTTP"),
        ("drips", endless(head("200 OK", {}), b" ", 0.3), "within"),
        (
            "stops-after-headers",
            raw(head("200 OK", {"Content-Length": "99"}), end="wait"),
            "within",
        ),
        ("stops-in-the-middle", raw(sent(99, CUT), end="wait"), "within"),
        (
            "bad-chunk",
            raw(head("200 OK", {"Transfer-Encoding": "chunked"}) + b"zz\r\nab"),
            "broke off|HTTP",
        ),
        ("endless-body", endless(head("200 OK", {}), b"<item>" * 10_000), "larger"),
        ("promises-a-terabyte", raw(head("200 OK", {"Content-Length": "1099511627776"})), "larger"),
    ):
        yield Behaviour(name, answer, "failing", says)
    yield Behaviour("cut-in-the-middle", raw(sent(99, CUT)), "doubtful", "broke|breaks", ONE)
    yield Behaviour(
        "reset-in-the-middle",
        raw(sent(99, CUT), pause_s=0.2, end="reset"),
        "doubtful",
        "broke|breaks",
        ONE,
    )
    yield Behaviour(
        "cut-in-a-chunk",
        raw(chunked(CUT.encode()) + b"40\r\nhalf"),
        "doubtful",
        "broke|breaks",
        ONE,
    )
    yield Behaviour("no-last-chunk", raw(chunked(FEED.encode())), "doubtful", "broke|breaks", ONE)
    yield Behaviour("no-length", raw(head("200 OK", {}) + FEED.encode()), "ok", alerts=ONE)
    yield Behaviour("http-1.0", raw(b"HTTP/1.0 200 OK\r\n\r\n" + FEED.encode()), "ok", alerts=ONE)


def codings() -> Iterable[Behaviour]:
    zipped = gzip.compress(FEED.encode())
    yield Behaviour("gzip", feed(zipped, **GZIP), "ok", alerts=ONE)
    yield Behaviour(
        "gzip-bomb", feed(gzip.compress(b" " * 200_000_000, 9), **GZIP), "failing", "larger"
    )
    yield Behaviour("gzip-that-is-none", feed(FEED, **GZIP), "failing", "decoded|compress")
    yield Behaviour("gzip-cut", feed(zipped[:-12], **GZIP), "doubtful", "broke|breaks", ONE)
    yield Behaviour("gzip-not-declared", feed(zipped), "ok", alerts=ONE)
    yield Behaviour("coding-unknown", feed(FEED, Content_Encoding="br"), "failing")


def documents() -> Iterable[Behaviour]:
    """Bodies that are no feeds."""
    alternate = '<link rel="alternate" type="application/rss+xml" href="/rss.xml">'
    for name, body, says in (
        ("empty", b"", "empty"),
        ("blank", b" \r\n" * 100, "empty"),
        ("page", HTML.format(""), r"web page \(HTML\)"),
        ("page-that-names-a-feed", HTML.format(alternate), "subscribe to that: http://.*/rss.xml"),
        ("pdf", b"%PDF-1.7\n...", "PDF"),
        ("picture", b"\x89PNG\r\n\x1a\n" + bytes(99), "PNG"),
        ("noise", bytes(range(128, 256)) * 99, "binary|neither"),
        ("text", "Service temporarily unavailable", "neither XML nor JSON"),
        ("fault", "<soap:Envelope><soap:Fault>no</soap:Fault></soap:Envelope>", "soap:Envelope"),
        ("svg", "<svg xmlns='http://www.w3.org/2000/svg'><title>An aurora</title></svg>", "svg"),
        ("opml", "<opml><body><outline xmlUrl='http://x/'/></body></opml>", "opml"),
        ("json", '{"error": "no such user"}', "items"),
        ("json-list", "[1, 2, 3]", "items"),
        ("json-broken", "{nonsense", "JSON"),
        ("json-deep", "[" * DEEP, "JSON"),
        ("json-object-deep", '{"a":' * DEEP, "JSON"),
        ("xml-deep", "<a>" * DEEP, "<a>|deep"),
        ("angles", "<" * 1_000_000, "."),
        ("zeros", bytes(100_000), "empty"),
        ("parser's-despair", "<rss", "rss"),
        ("doctype-only", "<!DOCTYPE rss [<!ENTITY", "."),
    ):
        yield Behaviour(name, feed(body), "failing", says)


def doubtful() -> Iterable[Behaviour]:
    """Feeds with faults in them, that must be read all the same."""
    for name, body in (
        ("nested-deeply", rss(AURORA, item("x", f"<description>{'<b>' * DEEP}</description>"))),
        ("never-closed", rss(AURORA).removesuffix("</channel></rss>")),
        ("ill-formed", rss(AURORA, item("Tom & Jerry <3", "<b>"))),
        ("comment-not-closed", rss(AURORA) + "<!--"),
        ("cdata-not-closed", rss(AURORA, "<item><title><![CDATA[half")),
        ("xml-in-a-page", f"<html><body>{FEED}"),
    ):
        yield Behaviour(name, feed(body), "any", alerts=PART)
    yield Behaviour("laughs", feed(BILLION_LAUGHS), "any", alerts=PART)
    yield Behaviour("outside-entity", feed(XXE), "any", alerts=PART)
    beyond = item("An aurora &#1114112;&#x110000;&#xFFFFFFFFFF;&#0;&#xD800;", guid="beyond")
    yield Behaviour("characters-beyond-unicode", feed(rss(beyond)), "read", alerts=ONE)
    yield Behaviour("zeros-inside", feed(FEED.replace("fjord", "fj\0rd")), "read", alerts=ONE)
    yield Behaviour(
        "not-utf-8", feed(FEED.encode().replace(b"fjord", b"fj\xf8rd\xff")), "read", alerts=ONE
    )
    yield Behaviour(
        "charset-unknown", feed(FEED, Content_Type="text/xml; charset=klingon"), "read", alerts=ONE
    )
    yield Behaviour(
        "undeclared-utf-16",
        feed(f"<?xml version='1.0'?>{FEED}".encode("utf-16-le")),
        "read",
        alerts=ONE,
    )
    yield Behaviour(
        "undeclared-cp1251",
        feed(rss(item(f"{CYRILLIC} aurora")).encode("cp1251")),
        "read",
        alerts=ONE,
    )


def feeds() -> Iterable[Behaviour]:
    """Feeds that are valid, or nearly, and strange."""
    for name, body in (
        ("year-1", rss(item("An aurora", "<pubDate>Mon, 01 Jan 0001 00:00:00 GMT</pubDate>"))),
        ("year-9999", rss(item("An aurora", "<pubDate>Fri, 31 Dec 9999 23:59:59 GMT</pubDate>"))),
        ("year-99999", rss(item("An aurora", "<pubDate>99999-99-99T99:99:99Z</pubDate>"))),
        ("year-1-zone", rss(item("An aurora", "<pubDate>0001-01-01T00:00:00+14:00</pubDate>"))),
        ("year-9999-zone", rss(item("An aurora", "<pubDate>9999-12-31T23:59:59-12:00</pubDate>"))),
        (
            "one-guid-for-all",
            rss(item("An aurora", guid="1"), *(item(f"Rain {n}", guid="1") for n in range(9))),
        ),
        (
            "no-guids",
            rss("<item><title>An aurora</title></item>", "<item/>", "<item><title/></item>"),
        ),
        ("huge-title", rss(item("An aurora " + "x" * 2_000_000, guid="huge"))),
        ("script-link", rss(item("An aurora", "<link>javascript:alert(1)</link>"))),
        ("file-link", rss(item("An aurora", "<link>file:///etc/passwd</link>"))),
        ("metadata-link", rss(item("An aurora", "<link>http://169.254.169.254/latest</link>"))),
        ("broken-link", rss(item("An aurora", "<link>http://[::1</link>"))),
        (
            "many-attributes",
            rss(item("An aurora", "<x " + " ".join(f"a{n}=''" for n in range(20_000)) + "/>")),
        ),
        ("many-entries", rss(AURORA, *(item(f"Rain {n}") for n in range(MANY)))),
        ("ampersands", rss(AURORA, item("Rain", "&" * 500_000))),
        (
            "escapes",
            rss(item("An aurora &#27;[2J\x9b\u202e", guid="escapes"), title="\u202eH\x9b2J"),
        ),
        (
            "scripts",
            rss(
                item(
                    "An aurora", "<description>&lt;script&gt;alert(1)&lt;/script&gt;</description>"
                )
            ),
        ),
    ):
        yield Behaviour(name, feed(body), "read", alerts=ONE)
    wrong = {
        "id": {"a": 1},
        "url": ["x"],
        "title": 7,
        "authors": 3,
        "date_published": [],
        "tags": 0,
    }
    yield Behaviour(
        "json-wrong-types",
        feed(
            json_feed(
                wrong,
                None,
                5,
                {
                    "id": 1,
                    "title": "An aurora",
                    "content_html": {"a": 2},
                    "authors": "me",
                    "date_published": 1e300,
                },
                title=[1],
                language={},
            )
        ),
        "read",
        alerts=ONE,
    )
    yield Behaviour(
        "json-items-of-a-wrong-type",
        feed(json_feed().replace("[]", '{"a": 1}')),
        "failing",
        "items",
    )
    yield Behaviour(
        "json-cut",
        feed(json_feed({"id": "1", "title": "An aurora"}, {"id": "2"})[:-9]),
        "doubtful",
        "breaks off",
        ONE,
    )
    yield Behaviour(
        "new-names-at-every-poll",
        numbered(
            lambda n: rss(
                item(
                    "An aurora over the fjord",
                    f"<link>http://127.2.0.1:1/{n}</link>{NOW}",
                    guid=str(n),
                )
            )
        ),
        "read",
        alerts=ONE,
    )
    yield Behaviour(
        "new-guids-at-every-poll",
        numbered(
            lambda n: rss(
                item(
                    "An aurora over the fjord",
                    "<description>It was green.</description>",
                    guid=str(n),
                )
            )
        ),
        "read",
        alerts=ONE,
    )
    rain = [item(f"Rain {n}") for n in range(9)]
    yield Behaviour(
        "new-order-at-every-poll",
        numbered(lambda n: rss(*rain[n % 9 :], AURORA, *rain[: n % 9])),
        "ok",
        alerts=ONE,
    )
    yield Behaviour(
        "validators-of-noise",
        feed(FEED, ETag="\x7f\udcff" * 500, Last_Modified="\u202enow"),
        "ok",
        alerts=ONE,
    )
    yield Behaviour(
        "escapes-in-headers",
        feed(HTML.format(""), Content_Type=ESCAPES.replace("\r\n", "")),
        "failing",
        "web page|binary",
    )
    yield Behaviour("escapes-in-the-body", feed(ESCAPES), "failing", "neither|binary")
    yield Behaviour("comes-and-goes", in_turn(feed(FEED), answers("500 No")), "any", alerts=ONE)
    yield Behaviour(
        "turns-into-a-page",
        in_turn(feed(FEED), *[feed(HTML.format(""))] * 99),
        "failing",
        "web page",
        ONE,
    )
    yield Behaviour("turns-empty", in_turn(feed(FEED), *[feed(rss())] * 99), "read", alerts=ONE)


def sitemaps() -> Iterable[Behaviour]:
    index = "<sitemapindex>{}</sitemapindex>"
    one = "<sitemap><loc>{}</loc></sitemap>"
    for name, body in (
        ("sitemap-of-nothing", "<urlset></urlset>"),
        ("sitemap-of-files", "<urlset><url><loc>file:///etc/passwd</loc></url></urlset>"),
    ):
        yield Behaviour(name, feed(body), "any")
    for name, location in (
        ("index-of-itself", "index-of-itself"),
        ("index-of-private-addresses", "http://10.0.0.1/sitemap.xml"),
        ("index-of-files", "file:///etc/passwd"),
    ):
        yield Behaviour(name, feed(index.format(one.format(location) * 50)), "failing", ".")


BEHAVIOURS = [
    *statuses(),
    *redirects(),
    *connections(),
    *codings(),
    *documents(),
    *sitemaps(),
    *doubtful(),
    *feeds(),
]

# Names that no server knows (RFC 2606, section 2), and ports at which nobody listens.
DEAD_NAMES = tuple(f"http://gone-{number}.invalid/feed" for number in range(20))
