"""Forms that are submitted to hubs, which are strangers."""

import asyncio
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network

import pytest
from proxy import Proxy

from monitor.access import Access
from monitor.errors import BadStatus, FetchError, RefusedAddress
from monitor.http.client import HttpClient

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def submit():
    def submit(url, form, *, allow=LOOPBACK, **more):
        async def post():
            async with HttpClient(user_agent="tests", allow_private=allow) as http:
                await http.submit(url, form, timeout_s=2, **more)

        asyncio.run(post())

    return submit


@pytest.mark.parametrize("status", [307, 308])
def test_a_form_is_submitted_again_where_a_redirect_says_so(site, submit, status):
    site.pages["/moved"] = (status, {"Location": "/hub"}, b"")
    site.pages["/hub"] = (202, {}, b"")
    submit(f"{site.url}/moved", {"hub.topic": "ä&b"})
    (_, first), (headers, second) = site.received
    assert first == second == b"hub.topic=%C3%A4%26b"
    assert headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_form_is_not_submitted_where_a_redirect_would_lose_it(site, submit, status):
    site.pages["/moved"] = (status, {"Location": "/hub"}, b"")
    with pytest.raises(BadStatus):
        submit(f"{site.url}/moved", {})
    assert len(site.received) == 1


def test_a_form_goes_around_in_no_circle_and_to_no_private_address(site, submit):
    site.pages["/circle"] = (307, {"Location": "/circle"}, b"")
    with pytest.raises(FetchError, match="more than 5 redirects"):
        submit(f"{site.url}/circle", {})
    site.pages["/away"] = (307, {"Location": "http://10.0.0.1/hub"}, b"")
    with pytest.raises(RefusedAddress):
        submit(f"{site.url}/away", {})
    with pytest.raises(RefusedAddress):
        submit(f"{site.url}/hub", {}, allow=())
    with pytest.raises(RefusedAddress):
        submit("ftp://hub.example/", {})


def test_a_hub_that_hangs_is_given_up(site, submit):
    site.delays["/hub"] = 5
    with pytest.raises(FetchError, match="no answer within 2 s"):
        submit(f"{site.url}/hub", {})


def test_a_form_goes_through_the_proxy_of_the_feed_and_its_secrets_stay_at_home(site, submit):
    proxy = Proxy()
    try:
        site.pages["/hub"] = (202, {}, b"")
        access = Access("https://a.example/feed", (("X-Key", "k3y"),), "special", proxy.url)
        submit(f"{site.url}/hub", {"hub.mode": "subscribe"}, access=access)
    finally:
        proxy.close()
    assert proxy.asked == [f"POST {site.url}/hub"]
    ((headers, body),) = site.received
    assert body == b"hub.mode=subscribe"
    assert headers["user-agent"] == "special"
    assert "x-key" not in headers


@pytest.fixture
def secure_hub(tmp_path, monkeypatch):
    """Serves HTTPS with a certificate that is trusted, and redirects to where the test says."""
    subprocess.run(
        [
            *"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(),
            *"-keyout key.pem -out cert.pem -subj /CN=127.0.0.1".split(),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(307 if self.path == "/moved" else 202)
            self.send_header("Location", self.server.location)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.bodies, server.location = [], "/hub"
    server.url = f"https://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_secret_that_was_sent_over_tls_is_not_sent_without_it(site, submit, secure_hub):
    submit(f"{secure_hub.url}/moved", {"hub.secret": "s"})
    assert secure_hub.bodies == [b"hub.secret=s"] * 2
    secure_hub.location = f"{site.url}/hub"
    with pytest.raises(FetchError, match="a redirect from https to http"):
        submit(f"{secure_hub.url}/moved", {"hub.secret": "s"})
    assert site.received == []
