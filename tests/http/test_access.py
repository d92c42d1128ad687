"""As whom, and through which proxy, a site is asked."""

import asyncio
import base64
from ipaddress import ip_network

import pytest
from proxy import Proxy

from monitor.access import Access, secret_headers
from monitor.errors import BadStatus, FetchError, RefusedAddress, Unreachable
from monitor.http.client import HttpClient

LOOPBACK = (ip_network("127.0.0.0/8"),)
SECRETS = secret_headers({"X-Key": "k3y-value"}, {"a": "1", "b": "2"}, ("desk", "pä:ss"))


def get(url, *, allow=LOOPBACK, proxy="", timeout_s=5.0, **more):
    async def fetch():
        async with HttpClient(user_agent="usual", allow_private=allow, proxy=proxy) as http:
            return await http.get(url, timeout_s=timeout_s, max_bytes=1_000_000, **more)

    return asyncio.run(fetch())


@pytest.fixture
def proxy():
    running = Proxy()
    yield running
    running.close()


@pytest.fixture
def other_site(site):
    other = type(site)()
    yield other
    other.close()


def test_a_site_gets_the_headers_cookies_and_login_of_its_feed(site):
    site.pages["/feed"] = (200, {}, b"")
    get(f"{site.url}/feed", access=Access(f"{site.url}/feed", SECRETS, "special"))
    _, sent = site.requests[0]
    assert (sent["x-key"], sent["cookie"], sent["user-agent"]) == (
        "k3y-value",
        "a=1; b=2",
        "special",
    )
    login = base64.b64decode(sent["authorization"].removeprefix("Basic ")).decode()
    assert login == "desk:pä:ss"


def test_a_redirect_to_another_origin_gets_none_of_a_feeds_secrets(site, other_site):
    site.pages["/a"] = (302, {"Location": "/b"}, b"")
    site.pages["/b"] = (302, {"Location": f"{other_site.url}/c"}, b"")
    other_site.pages["/c"] = (302, {"Location": f"{site.url}/d"}, b"")
    site.pages["/d"] = (200, {}, b"")
    get(f"{site.url}/a", access=Access(f"{site.url}/a", SECRETS, "special"))
    assert [("x-key" in sent, "cookie" in sent) for _, sent in site.requests] == [(True, True)] * 3
    (_, sent), *_ = other_site.requests
    assert not {"x-key", "cookie", "authorization"} & sent.keys()
    assert sent["user-agent"] == "special"


def test_headers_of_a_feed_replace_ours_in_any_case(site):
    site.pages["/"] = (200, {}, b"")
    access = Access(site.url, secret_headers({"ACCEPT": "text/x"}, {}, None))
    get(f"{site.url}/", accept="text/html", access=access)
    assert site.requests[0][1]["accept"] == "text/x"


def test_a_link_with_a_login_of_its_own_keeps_it(site):
    site.pages["/"] = (200, {}, b"")
    url = site.url.replace("//", "//other:one@")
    get(f"{url}/", access=Access(f"{site.url}/", SECRETS))
    sent = site.requests[0][1]["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"other:one"


def test_no_secret_is_in_the_representation_or_in_an_error(site):
    access = Access(f"{site.url}/", SECRETS, proxy="http://me:proxypw@127.0.0.1:9")
    assert not any(secret in repr(access) for secret in ("k3y", "a=1", "Basic", "proxypw"))
    with pytest.raises(Unreachable, match="no connection to the proxy") as raised:
        get(f"{site.url}/", access=access)
    assert "proxypw" not in f"{raised.value} {raised.value.url}"


def test_requests_go_through_the_proxy_of_the_settings_or_of_the_feed(site, proxy):
    site.pages["/"] = (200, {}, b"here")
    assert get(f"{site.url}/", proxy=proxy.url).body == b"here"
    assert get(f"{site.url}/", access=Access(proxy=proxy.url)).body == b"here"
    assert proxy.asked == [f"GET {site.url}/"] * 2
    assert get(f"{site.url}/", proxy=proxy.url, access=Access(proxy="")).body == b"here"
    assert len(proxy.asked) == 2


def test_a_proxy_may_be_at_a_private_address(proxy):
    # Only the site must be public; this one resolves nowhere, so that the proxy decides.
    with pytest.raises(FetchError) as raised:
        get("http://site.invalid/", allow=(), proxy=proxy.url)
    assert not isinstance(raised.value, RefusedAddress)
    assert proxy.asked == ["GET http://site.invalid/"]


def test_names_that_only_the_proxy_knows_are_left_to_it(site, proxy):
    port = int(site.url.rpartition(":")[2])
    proxy.names["news.invalid"] = ("127.0.0.1", port)
    site.pages["/x?y=1"] = (200, {}, b"inside")
    assert get("http://news.invalid/x?y=1", allow=(), proxy=proxy.url).body == b"inside"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "10.1.2.3", "[::ffff:a01:203]"],
)
def test_a_private_address_is_refused_through_a_proxy_too(site, proxy, host):
    with pytest.raises(RefusedAddress):
        get(f"http://{host}:1/", allow=(), proxy=proxy.url)
    proxy.names["news.invalid"] = ("127.0.0.1", int(site.url.rpartition(":")[2]))
    site.pages["/"] = (302, {"Location": f"http://{host}:1/"}, b"")
    with pytest.raises(RefusedAddress):
        get("http://news.invalid/", allow=(), proxy=proxy.url)
    assert proxy.asked == ["GET http://news.invalid/"]


def test_a_proxy_gets_the_login_of_its_url(site):
    proxy = Proxy("me", "proxypw")
    try:
        site.pages["/"] = (200, {}, b"here")
        url = proxy.url.replace("//", "//me:proxypw@")
        assert get(f"{site.url}/", proxy=url).body == b"here"
        assert "proxy-authorization" not in site.requests[0][1]
        with pytest.raises(BadStatus, match="407"):
            get(f"{site.url}/", proxy=proxy.url)
        with pytest.raises(FetchError, match="the proxy answers HTTP 407"):
            get("https://127.0.0.1:1/", proxy=proxy.url)
    finally:
        proxy.close()


def test_https_goes_through_a_tunnel(site, proxy):
    with pytest.raises(FetchError, match="no TLS connection"):
        get(site.url.replace("http:", "https:") + "/", proxy=proxy.url)
    assert proxy.asked == [f"CONNECT {site.url.removeprefix('http://')}"]
