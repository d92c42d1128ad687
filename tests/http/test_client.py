"""The HTTP client, with hostile servers."""

import asyncio
import contextlib
import gzip
import os
import signal
import socket
import threading
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import brotli
import pytest
import zstandard
from aiohttp.resolver import AsyncResolver
from rq.timeouts import JobTimeoutException

from monitor.errors import BadStatus, FetchError, RefusedAddress, TooLarge
from monitor.http.client import MAX_REDIRECTS, HttpClient, Response
from monitor.http.codings import inflater_for


def zipped(data):
    """Compresses to the same bytes each time, since they name tests."""
    return gzip.compress(data, mtime=0)


LOOPBACK = (ip_network("127.0.0.0/8"),)


def get(url, *, allow=LOOPBACK, timeout_s=5.0, max_bytes=1_000_000, **more):
    async def fetch():
        async with HttpClient(user_agent="test", allow_private=allow) as http:
            return await http.get(url, timeout_s=timeout_s, max_bytes=max_bytes, **more)

    return asyncio.run(fetch())


def get_raw(answer, *, hold=0.0, allow=LOOPBACK, **more):
    """Fetches from a server that sends these bytes, or the pieces one by one, and hangs up."""

    async def fetch():
        serving = []

        async def serve(reader, writer):
            serving.append(asyncio.current_task())
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await reader.readuntil(b"\r\n\r\n")
                for piece in answer if isinstance(answer, list) else [answer]:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(hold)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with server, HttpClient(user_agent="test", allow_private=allow) as http:
                limits = {"timeout_s": 5.0, "max_bytes": 100_000} | more
                return await http.get(f"http://127.0.0.1:{port}/", **limits)
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    return asyncio.run(fetch())


def test_a_response_has_its_content_type_and_charset(site):
    site.pages["/"] = (200, {"Content-Type": "Text/HTML; charset=ISO-8859-1", "X": "1"}, b"hello")
    response = get(f"{site.url}/#part", headers={"If-None-Match": '"1"'}, accept="text/html")
    assert (response.status, response.body) == (200, b"hello")
    assert (response.content_type, response.charset) == ("text/html", "iso-8859-1")
    assert response.headers["x"] == "1"
    _, sent = site.requests[0]
    assert (sent["user-agent"], sent["accept"], sent["if-none-match"]) == (
        "test",
        "text/html",
        '"1"',
    )


def test_redirects_are_followed_and_counted(site):
    site.pages["/a"] = (302, {"Location": "/b?x=1"}, b"")
    site.pages["/b?x=1"] = (301, {"Location": f"{site.url}/c"}, b"")
    site.pages["/c"] = (200, {}, b"here")
    assert get(f"{site.url}/a").url == f"{site.url}/c"
    site.pages["/loop"] = (302, {"Location": "/loop"}, b"")
    with pytest.raises(FetchError, match=f"more than {MAX_REDIRECTS} redirects") as raised:
        get(f"{site.url}/loop")
    assert not raised.value.retryable
    assert site.asked()["/loop"] == MAX_REDIRECTS + 1


@pytest.fixture(scope="module")
def listener():
    """Provides a socket that listens on every address and accepts nothing."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    with socket.create_server(("", 0), family=family, dualstack_ipv6=dual) as listening:
        listening.setblocking(False)
        yield listening


def assert_nobody_came(listener):
    with pytest.raises(BlockingIOError):
        listener.accept()


def redirect(target):
    return f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]:{port}/",
        "http://127.0.0.2:{port}/",
        "http://[::ffff:127.0.0.2]:{port}/",
        "//127.0.0.2:{port}/",
        "file:///etc/passwd",
        "//192.168.0.1/",
    ],
)
def test_a_redirect_to_a_private_address_is_refused_without_connecting(listener, target):
    there = target.format(port=listener.getsockname()[1])
    with pytest.raises(RefusedAddress):
        get_raw(redirect(there), allow=[ip_network("127.0.0.1/32")])
    assert_nobody_came(listener)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("localhost", RefusedAddress),
        ("LOCALHOST", RefusedAddress),
        ("127.0.0.1", RefusedAddress),
        ("127.1", FetchError),
        ("0x7f.1", FetchError),
        ("2130706433", FetchError),
        ("\u2460\u2461\u2466.0.0.1", RefusedAddress),
        ("[::1]", RefusedAddress),
        ("[::ffff:127.0.0.1]", RefusedAddress),
        ("0.0.0.0", RefusedAddress),
        ("[::]", RefusedAddress),
    ],
)
def test_no_spelling_of_a_private_host_is_connected_to(listener, host, kind):
    with pytest.raises(kind) as raised:
        get(f"http://{host}:{listener.getsockname()[1]}/", allow=())
    assert not raised.value.retryable
    assert_nobody_came(listener)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "garbage",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "javascript:x",
    ],
)
def test_a_url_that_is_not_http_is_refused(url):
    with pytest.raises(FetchError) as raised:
        get(url)
    assert not raised.value.retryable


def test_statuses_say_whether_a_retry_may_help(site):
    for status, retryable in ((404, False), (410, False), (429, True), (500, True), (503, True)):
        site.pages["/"] = (status, {}, b"")
        with pytest.raises(BadStatus) as raised:
            get(f"{site.url}/")
        assert (raised.value.status, raised.value.retryable) == (status, retryable)
    site.pages["/"] = (304, {}, b"")
    assert get(f"{site.url}/", ok=(200, 304)).status == 304


def test_retry_after_is_seconds_or_a_date(site):
    def asked(value):
        site.pages["/"] = (429, {"Retry-After": value}, b"")
        with pytest.raises(BadStatus) as raised:
            get(f"{site.url}/")
        return raised.value.retry_after_s

    assert asked("120") == 120
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert asked(in_an_hour) == pytest.approx(3600, abs=5)
    assert asked("Mon, 01 Jan 2001 00:00:00 GMT") == 0
    assert asked("soon") is None
    assert asked("Mon, 01 Jan 2026 00:00:00 +9999999999999") is None


def test_bodies_are_limited_by_their_claimed_and_their_actual_size(site):
    site.pages["/"] = (200, {}, b"x" * 1001)
    with pytest.raises(TooLarge):
        get(f"{site.url}/", max_bytes=1000)
    with pytest.raises(TooLarge):
        get_raw(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_001)
    assert len(get(f"{site.url}/", max_bytes=1001).body) == 1001


def repeated_bytes_in_zstd(blocks):
    """A frame of blocks that are four bytes long and expand to 128 kB: the densest there is."""
    block = (131072 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\0" + bytes([(23 - 10) << 3]) + block * blocks


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        ("gzip", zipped(bytes(50_000_000))),
        ("br", brotli.compress(bytes(50_000_000))),
        ("zstd", zstandard.compress(bytes(50_000_000))),
        ("zstd", repeated_bytes_in_zstd(20_000)),
    ],
    ids=["gzip", "br", "zstd", "zstd-densest"],
)
def test_a_compressed_body_is_limited_by_its_decompressed_size(site, coding, bomb):
    site.pages["/"] = (200, {"Content-Encoding": coding}, bomb)
    begun = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            get(f"{site.url}/", max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
    assert time.monotonic() - begun < 3
    site.pages["/"] = (200, {"Content-Encoding": "gzip"}, zipped(b"hello"))
    assert get(f"{site.url}/").body == b"hello"


def test_a_body_that_needs_a_large_window_is_refused_before_it_takes_the_memory(site):
    parameters = zstandard.ZstdCompressionParameters(window_log=25)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = compressor.compress(b"hello") + compressor.flush()
    site.pages["/"] = (200, {"Content-Encoding": "zstd"}, body)
    with pytest.raises(FetchError, match="cannot be decoded"):
        get(f"{site.url}/")


def test_servers_are_offered_exactly_the_codings_that_are_undone(site):
    site.pages["/"] = (200, {}, b"")
    get(f"{site.url}/")
    offered = site.requests[0][1]["accept-encoding"].split(", ")
    assert offered == ["gzip", "deflate", "br", "zstd"]
    assert all(inflater_for([coding]) for coding in offered)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", zipped(b"hello" * 99)[:-9]),
        (b"br", brotli.compress(b"hello" * 99)[:-1]),
        (b"zstd", zstandard.compress(b"hello" * 99)[:-1]),
        (b"br", b"no brotli"),
        (b"zstd", b"no zstd"),
        (b"zstd", zstandard.compress(b"") * 101),
    ],
)
def test_a_compressed_body_that_is_broken_is_an_error_that_a_retry_may_mend(coding, body):
    with pytest.raises(FetchError, match="broke off or cannot be decoded") as raised:
        get_raw(compressed(coding, body))
    assert raised.value.retryable


def compressed(coding, body):
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        coding,
        len(body),
        body,
    )


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", zipped(b"hello")),
        (b"X-GZip", zipped(b"hello")),
        (b"gzip", zipped(b"hel") + zipped(b"lo")),
        (b"gzip", zipped(b"hello") + bytes(100)),
        (b"deflate", zlib.compress(b"hello")),
        (b"deflate", zlib.compress(b"hello", wbits=-15)),
        (b"br", brotli.compress(b"hello")),
        (b"zstd", zstandard.compress(b"hello")),
        (b"zstd", zstandard.compress(b"hel") + zstandard.compress(b"lo") + bytes(100)),
        (b"utf-8", b"hello"),
        (b"identity, gzip", zipped(b"hello")),
    ],
)
def test_bodies_are_decompressed_as_servers_compress_them(coding, body):
    assert get_raw(compressed(coding, body)).body == b"hello"
    pieces = [bytes([byte]) for byte in compressed(coding, body)]
    assert get_raw(pieces).body == b"hello"


@pytest.mark.parametrize("coding", [b"dcz", b"compress", b"gzip, gzip", b"br, zstd"])
def test_a_coding_that_we_do_not_accept_is_an_error(coding):
    with pytest.raises(FetchError, match="coding") as raised:
        get_raw(compressed(coding, b"whatever"))
    assert not raised.value.retryable


def test_a_bad_status_is_reported_however_large_its_body_is(site):
    site.pages["/"] = (503, {}, b"x" * 200_000)
    with pytest.raises(BadStatus) as raised:
        get(f"{site.url}/", max_bytes=1000)
    assert raised.value.retryable


def test_stray_bytes_in_headers_become_valid_text():
    assert get_raw(b'HTTP/1.1 204 OK\r\nETag: "\xff"\r\n\r\n', ok=(204,)).headers["etag"].encode()


def test_a_redirect_with_stray_bytes_keeps_them(site):
    site.pages["/"] = (302, {"Location": "/caf\u00e9"}, b"")  # sent as Latin-1
    site.pages["/caf%E9"] = (200, {}, b"here")
    assert get(f"{site.url}/").body == b"here"


def test_a_password_is_passed_on_to_the_same_origin_only(site):
    url = site.url.replace("http://", "http://me:hunter2@")
    site.pages["/a"] = (302, {"Location": f"{site.url}/b"}, b"")
    site.pages["/b"] = (302, {"Location": site.url.replace("127.0.0.1", "127.0.0.2") + "/c"}, b"")
    site.pages["/other"] = (200, {}, b"")
    with contextlib.suppress(FetchError):
        get(f"{url}/a")
    assert [("authorization" in sent) for _, sent in site.requests] == [True, True]
    site.pages["/b"] = (
        302,
        {"Location": site.url.replace("127.0.0.1", "localhost") + "/other"},
        b"",
    )
    get(f"{url}/a")
    assert "authorization" not in site.requests[-1][1]


def test_the_time_limit_holds_for_a_body_that_arrives_byte_by_byte():
    drip = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 100]
    with pytest.raises(FetchError, match=r"no answer within 0\.5 s") as raised:
        get_raw(drip, hold=0.05, timeout_s=0.5)
    assert raised.value.retryable


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFF\r\ncut",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zipped(b"cut" * 999)[:-9],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zipped(b"x") * 2000,
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
    ],
    ids=[
        "cut",
        "cut chunk",
        "no gzip",
        "cut gzip",
        "many gzips",
        "nothing",
        "ssh",
        "huge header",
        "many headers",
    ],
)
def test_a_broken_response_is_a_retryable_fetch_error(answer):
    with pytest.raises(FetchError) as raised:
        get_raw(answer)
    assert raised.value.retryable


def test_a_refused_connection_is_retryable(site):
    site.close()
    with pytest.raises(FetchError, match="no connection") as raised:
        get(f"{site.url}/")
    assert raised.value.retryable


def test_errors_contain_no_password_of_the_url(site):
    url = site.url.replace("http://", "http://me:hunter2@")
    with pytest.raises(BadStatus) as raised:
        get(f"{url}/none")
    assert "hunter2" not in str(raised.value) + raised.value.url
    for broken in (
        "http://me:hunter2@[/",
        "ftp://me:hunter2@a.example/",
        "http://me:hunter2@10.0.0.1/",
    ):
        with pytest.raises(FetchError) as raised:
            get(broken)
        assert "hunter2" not in str(raised.value) + raised.value.url


def test_cookies_are_not_kept_and_the_environment_is_ignored(site, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("default login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    site.pages["/a"] = (302, {"Set-Cookie": "a=b", "Location": "/b"}, b"")
    site.pages["/b"] = (200, {}, b"")

    async def fetch_twice():
        async with HttpClient(user_agent="test", allow_private=LOOPBACK) as http:
            for _ in range(2):
                await http.get(f"{site.url}/a", timeout_s=5, max_bytes=1000)

    asyncio.run(fetch_twice())
    assert len(site.requests) == 4
    for _, sent in site.requests:
        assert "cookie" not in sent
        assert "authorization" not in sent


def test_post_returns_the_response_or_raises_and_follows_no_redirect(site):
    def post():
        async def send():
            async with HttpClient(user_agent="test", allow_private=LOOPBACK) as http:
                return await http.post(
                    f"{site.url}/hook", b"{}", headers={"X-Key": "1"}, timeout_s=5
                )

        return asyncio.run(send())

    assert post().status == 204
    assert site.received[0][0]["x-key"] == "1"
    site.pages["/hook"] = (200, {}, b"x" * 1_000_000)
    assert post().status == 200
    for status, headers in ((500, {}), (302, {"Location": "/other"}), (404, {})):
        site.pages["/hook"] = (status, headers, b"")
        with pytest.raises(BadStatus):
            post()
    assert site.requests == []


def test_the_time_limit_of_a_job_is_passed_on(monkeypatch):
    async def ring(*_, **__):
        raise JobTimeoutException

    monkeypatch.setattr(HttpClient, "_request", ring)
    with pytest.raises(JobTimeoutException):
        get("https://a.example/")


def test_the_time_limit_of_a_job_is_passed_on_whatever_it_interrupts():
    def ring(*_):
        raise JobTimeoutException

    former = signal.signal(signal.SIGUSR1, ring)
    alarm = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
    alarm.start()
    try:
        with pytest.raises(JobTimeoutException):
            get_raw([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 4], hold=0.5)
    finally:
        alarm.join()
        signal.signal(signal.SIGUSR1, former)


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ('Text/HTML; Charset="UTF-8"', "utf-8"),
        ("text/html", None),
        ("text/html; charset=\u00e9", None),
        ("text/html; charset*=utf-8''a; charset*0=b", None),
        (f"text/html; charset*{'9' * 5000}=x", None),
        ("text/html; x*=a; x*0=b; charset=utf-8", None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_the_charset_is_read_from_the_content_type(content_type, charset):
    response = Response("", 200, {"content-type": content_type}, b"")
    assert (response.content_type, response.charset) == ("text/html", charset)


def test_name_servers_that_do_not_answer_hold_up_nothing_else(site):
    site.pages["/"] = (200, {}, b"here")

    async def fetch():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            server = f"127.0.0.1:{silent.getsockname()[1]}"
            resolver = AsyncResolver(nameservers=[server])
            async with HttpClient(
                user_agent="test", allow_private=LOOPBACK, resolver=resolver
            ) as http:

                async def fails(number):
                    with pytest.raises(FetchError) as raised:
                        await http.get(f"http://h{number}.example/", timeout_s=2, max_bytes=1)
                    return str(raised.value)

                hanging = [asyncio.create_task(fails(number)) for number in range(60)]
                await asyncio.sleep(0.2)
                # Others get threads, and answers.
                await asyncio.wait_for(asyncio.to_thread(time.sleep, 0), 1)
                named = site.url.replace("127.0.0.1", "localhost")
                bodies = [
                    (await http.get(f"{url}/", timeout_s=1, max_bytes=10)).body
                    for url in (site.url, named)
                ]
                return bodies, set(await asyncio.gather(*hanging))

    bodies, errors = asyncio.run(fetch())
    assert bodies == [b"here", b"here"]
    assert errors == {"no answer within 2 s"}


def test_names_in_the_hosts_file_resolve_and_are_guarded(site):
    site.pages["/"] = (200, {}, b"here")
    named = site.url.replace("127.0.0.1", "localhost")
    assert get(f"{named}/").body == b"here"
    with pytest.raises(RefusedAddress, match="localhost leads to a private address"):
        get(f"{named}/", allow=())


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_names_resolve_to_ipv4_and_ipv6_addresses():
    async def fetch():
        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n6")
            await writer.drain()
            writer.close()

        try:
            server = await asyncio.start_server(serve, "::1", 0)
        except OSError:
            pytest.skip("no IPv6 here")
        port = server.sockets[0].getsockname()[1]
        async with (
            server,
            HttpClient(user_agent="test", allow_private=[ip_network("::1/128")]) as http,
        ):
            return await http.get(f"http://localhost:{port}/", timeout_s=5, max_bytes=10)

    assert asyncio.run(fetch()).body == b"6"


def test_clients_leave_no_threads_and_no_open_files(site):
    site.pages["/"] = (200, {}, b"here")
    named = site.url.replace("127.0.0.1", "localhost")

    def count():
        return [len(list(Path(f"/proc/self/{what}").iterdir())) for what in ("task", "fd")]

    get(f"{named}/")
    before = count()
    for _ in range(50):
        get(f"{named}/")
    deadline = time.monotonic() + 5
    while sum(after := count()) > sum(before) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sum(after) <= sum(before) + 6


def test_each_link_header_counts():
    answer = (
        b'HTTP/1.1 200 OK\r\nLink: <a>; rel="hub"\r\nlink: <b\xff>; rel="self"\r\n'
        b"Content-Length: 0\r\n\r\n"
    )
    assert get_raw(answer).headers["link"] == '<a>; rel="hub", <b\ufffd>; rel="self"'
