"""Mail through real SMTP servers on loopback: TLS, logins, refusals, and kept connections."""

# ruff: noqa: N802 - aiosmtpd names its hooks after commands

import asyncio
import os
import socket
import ssl
import subprocess
import time
from email import message_from_bytes, policy
from multiprocessing import get_context
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from monitor.alerts.digest import Message
from monitor.config.mail_addresses import read_route
from monitor.errors import DeliveryError, SubscriberBroken
from monitor.model import Subscriber
from workers.deliveries.email import send as email
from workers.deliveries.email import smtp

PASSWORD = "s3cret/p@ss word"
ALERT = {
    "v": 1,
    "id": "a1",
    "watchlist": "nato-russia",
    "priority": "high",
    "detected_at": "2026-11-23T09:01:00Z",
    "article": {
        "id": "x1",
        "url": "https://news.example/1",
        "title": "Ministers meet",
        "source": "Herald",
        "feed_url": "https://news.example/feed",
        "authors": [],
        "published_at": None,
        "language": "en",
    },
    "matches": [{"term": "NATO", "field": "body", "count": 1}],
    "snippets": [{"text": "What NATO said", "highlights": [[5, 9]]}],
    "story": {"id": "s1", "articles": 1},
}
ANNA, BOB, CLEO = "anna@herald.example", "bob@herald.example", "cleo@herald.example"


class Post:
    """The server's handling of mail: tests set its answer to a recipient, and the delay."""

    def __init__(self):
        self.mails = []
        self.answers = {}
        self.delays = {}
        self.sessions = []
        self.senders = {}
        self.noops = 0
        self.goodbyes = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.sessions.append((session, server))
        return responses

    async def handle_NOOP(self, server, session, envelope, arg):
        self.noops += 1
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        self.goodbyes += 1
        return "221 bye"

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address in self.senders:
            return self.senders[address]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        await asyncio.sleep(self.delays.get(address, 0))
        answer = self.answers.get(address, "250 OK")
        if answer == "hang up":
            server.transport.close()
            return "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        answer = self.answers.get(("data", envelope.rcpt_tos[0]), "250 queued")
        if answer.startswith("250"):
            self.mails.append(envelope)
        return answer

    @property
    def to(self):
        return [envelope.rcpt_tos for envelope in self.mails]

    @property
    def connections(self):
        return len({session.peer for session, _ in self.sessions})

    def read(self, at=-1):
        return message_from_bytes(self.mails[at].original_content, policy=policy.default)


def authenticate(server, session, envelope, mechanism, data):
    good = (b"desk", PASSWORD.encode()), ("jürgen".encode(), "gehöim".encode())
    return AuthResult(success=(data.login, data.password) in good, handled=False)


class Server(Controller):
    """A mail server on any free port."""

    def __init__(self, post, *, implicit=None, **options):
        super().__init__(
            post,
            hostname="127.0.0.1",
            port=free_port(),
            ssl_context=implicit,
            enable_SMTPUTF8=options.pop("utf8", False),
            **options,
        )

    def url(self, user="", password="", *, scheme="smtp", host="127.0.0.1"):
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"{scheme}://{login}{host}:{self.port}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout key.pem"
        " -out cert.pem -subj /CN=tests -addext subjectAltName=IP:127.0.0.1".split(),
        cwd=directory,
        check=True,
        capture_output=True,
    )
    return directory


@pytest.fixture
def tls(certificate, monkeypatch):
    """Returns a server's TLS context, with a certificate that the client trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def serve(post):
    running = []

    def start(**options):
        server = Server(post, **options)
        server.start()
        running.append(server)
        return server

    yield start
    email._leave()
    for server in running:
        server.stop(no_assert=True)


@pytest.fixture
def plain(serve):
    return serve()


def send(smtp_url, *to, left=(), alert=ALERT, key="k1", **options):
    subscriber = Subscriber("desk", "email", {"to": to or (ANNA,), "smtp_url": smtp_url, **options})
    return email.send(None, subscriber, Message(key, (alert,), to=left))


def test_each_recipient_has_a_mail_of_its_own_over_one_connection(plain, post):
    receipt = send(plain.url(), ANNA, BOB, ANNA, sender="alerts@herald.example")
    assert receipt == email.Receipt("250 queued")
    assert post.to == [[ANNA], [BOB]]
    assert [post.read(at)["To"] for at in (0, 1)] == [ANNA, BOB]
    assert post.read()["From"] == "Presswatch <alerts@herald.example>"
    assert post.mails[0].mail_from == "alerts@herald.example"
    assert b"bob" not in post.mails[0].original_content
    assert post.connections == 1


def test_only_the_remaining_recipients_are_written_to(plain, post):
    send(plain.url(), ANNA, BOB, left=(BOB,))
    assert post.to == [[BOB]]


def test_the_connection_is_kept_for_the_next_delivery(plain, post):
    send(plain.url())
    send(plain.url(), key="k2")
    assert post.connections == 1
    assert post.noops == 1
    assert post.read(0)["Message-ID"] != post.read(1)["Message-ID"]


def test_a_kept_connection_that_was_dropped_is_opened_again(plain, post, eventually):
    send(plain.url())
    _, server = post.sessions[0]
    plain.loop.call_soon_threadsafe(server.transport.close)
    time.sleep(0.05)
    send(plain.url())
    assert len(post.mails) == 2
    assert post.connections == 2


def test_a_connection_is_replaced_after_many_mails_or_a_long_idle_time(plain, post, monkeypatch):
    monkeypatch.setattr(smtp, "MAX_MAILS", 2)
    send(plain.url(), ANNA, BOB, CLEO)
    assert len(post.mails) == 3
    assert post.connections == 2
    monkeypatch.setattr(smtp, "IDLE_S", 0)
    send(plain.url())
    assert post.connections == 3


def test_a_forked_child_leaves_its_parents_connection_alone(plain, post, monkeypatch):
    send(plain.url())
    parent = os.getpid()
    (kept,) = email._kept.values()
    descriptor = kept._smtp.sock.fileno()
    aside = os.dup(descriptor)  # as the parent has it still
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    send(plain.url())
    assert post.connections == 2
    assert [owner for owner, _ in email._kept] == [parent + 1]
    with socket.socket(fileno=aside) as parents:
        parents.settimeout(5)
        parents.sendall(b"NOOP\r\n")
        assert parents.recv(99).startswith(b"250")
    email._leave()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_worker_says_goodbye_when_it_ends(plain, post, eventually):
    send(plain.url())
    worker = get_context("fork").Process(target=send, args=(plain.url(),))
    worker.start()
    worker.join(10)
    assert worker.exitcode == 0
    eventually(lambda: post.goodbyes, 1, within=5)
    send(plain.url())
    assert len(post.mails) == 3
    assert post.connections == 2


@pytest.mark.parametrize(("user", "password"), [("desk", PASSWORD), ("jürgen", "gehöim")])
def test_a_login_is_sent_over_starttls(serve, tls, post, user, password):
    server = serve(
        tls_context=tls,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
    )
    send(server.url(user, password))
    assert post.to == [[ANNA]]
    session, _ = post.sessions[-1]
    assert session.ssl
    assert session.authenticated


def test_starttls_is_also_used_without_a_login(serve, tls, post):
    send(serve(tls_context=tls).url())
    assert post.sessions[-1][0].ssl


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_smtps_is_tls_from_the_start(serve, tls, post):
    server = serve(
        implicit=tls, authenticator=authenticate, auth_required=True, auth_require_tls=False
    )
    send(server.url("desk", PASSWORD, scheme="smtps"))
    assert post.sessions[-1][0].authenticated
    assert post.to == [[ANNA]]


@pytest.mark.parametrize("implicit", [True, False])
def test_an_invalid_certificate_is_refused(serve, tls, monkeypatch, post, implicit):
    server = serve(implicit=tls) if implicit else serve(tls_context=tls)
    scheme = "smtps" if implicit else "smtp"
    with pytest.raises(SubscriberBroken, match="certificate of localhost"):
        send(server.url(scheme=scheme, host="localhost"))
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(SubscriberBroken, match="self-signed certificate"):
        send(server.url(scheme=scheme))
    assert not post.mails
    assert not email._kept


def test_a_refused_login_needs_an_operator(serve, tls):
    server = serve(tls_context=tls, require_starttls=True, authenticator=authenticate)
    with pytest.raises(SubscriberBroken, match="refuses the login: 535") as caught:
        send(server.url("desk", "wr0ng/pass"))
    assert "wr0ng" not in str(caught.value)
    assert "smtp:" not in str(caught.value)


def test_a_login_that_fails_temporarily_is_retried(serve, tls):
    def later(*_):
        return AuthResult(success=False, handled=False, message="454 4.7.0 try wr0ng/pass again")

    server = serve(tls_context=tls, require_starttls=True, authenticator=later)
    with pytest.raises(DeliveryError, match=r"refuses the login: 454$") as caught:
        send(server.url("desk", "wr0ng/pass"))
    assert caught.value.retryable


def test_a_login_is_never_sent_unencrypted(plain):
    with pytest.raises(SubscriberBroken, match="no STARTTLS"):
        send(plain.url("desk", PASSWORD))


def test_a_server_without_logins_needs_an_operator(serve, tls):
    with pytest.raises(SubscriberBroken, match="no supported way to log in"):
        send(serve(tls_context=tls, auth_exclude_mechanism=["LOGIN", "PLAIN"]).url("desk", "x"))


def test_a_server_that_requires_a_login_needs_an_operator(serve, tls):
    server = serve(tls_context=tls, authenticator=authenticate, auth_required=True)
    with pytest.raises(SubscriberBroken, match=r"accepts no mail from .*: 530"):
        send(server.url())


def test_temporary_and_permanent_refusals_of_recipients_are_distinguished(plain, post):
    post.answers = {ANNA: "451 try again", BOB: "550 no such user", "d@x.example": "250 OK"}
    post.answers["data", "e@x.example"] = "552 too large"
    post.answers["data", "f@x.example"] = "452 no room"
    to = (ANNA, BOB, CLEO, "d@x.example", "e@x.example", "f@x.example")
    receipt = send(plain.url(), *to)
    assert receipt.answer == "250 queued"
    assert receipt.later == {ANNA: "451 try again", "f@x.example": "452 no room"}
    assert receipt.refused == {
        BOB: "550 no such user",
        "e@x.example": "552 too large",
    }
    assert post.to == [[CLEO], ["d@x.example"]]
    assert post.connections == 1


@pytest.mark.parametrize(
    ("answers", "retryable"),
    [
        ({ANNA: "451 try again", BOB: "550 no such user"}, True),
        ({ANNA: "554 never", BOB: "550 no such user"}, False),
    ],
)
def test_if_nobody_accepts_the_mail_the_error_names_each_answer(plain, post, answers, retryable):
    post.answers = answers
    with pytest.raises(DeliveryError) as caught:
        send(plain.url(), ANNA, BOB)
    assert caught.value.retryable is retryable
    assert not isinstance(caught.value, SubscriberBroken)
    for recipient, answer in answers.items():
        assert f"{recipient}: {answer}" in str(caught.value)


@pytest.mark.parametrize("how", ["421 closing", "hang up"])
def test_recipients_not_reached_before_the_connection_broke_are_tried_later(plain, post, how):
    post.answers = {BOB: how}
    receipt = send(plain.url(), ANNA, BOB, CLEO)
    assert post.to == [[ANNA]]
    assert set(receipt.later) == {BOB, CLEO}
    assert not email._kept
    with pytest.raises(DeliveryError) as caught:
        send(plain.url(), BOB)
    assert caught.value.retryable
    post.answers = {}
    send(plain.url(), BOB)
    assert post.to == [[ANNA], [BOB]]


def test_a_broken_connection_hides_no_earlier_answer(plain, post):
    post.answers = {ANNA: "550 no such user", BOB: "421 closing"}
    with pytest.raises(DeliveryError) as caught:
        send(plain.url(), ANNA, BOB)
    assert caught.value.retryable
    assert f"{ANNA}: 550 no such user" in str(caught.value)
    assert f"{BOB}: {plain.hostname}:{plain.port}: 421 closing" in str(caught.value)


def test_an_invalid_host_name_needs_an_operator():
    with pytest.raises(SubscriberBroken, match="the host name is not valid"):
        send(f"smtp://{'x' * 99}.example", sender="desk@herald.example")


def test_a_refused_sender_needs_an_operator(plain, post):
    post.senders = {"a@x.example": "553 not yours", "b@x.example": "451 not now"}
    with pytest.raises(SubscriberBroken, match=r"accepts no mail from a@x\.example: 553 not yours"):
        send(plain.url(), sender="a@x.example")
    with pytest.raises(DeliveryError, match="451 not now") as caught:
        send(plain.url(), sender="b@x.example")
    assert caught.value.retryable


def test_a_server_that_is_down_is_retried():
    with pytest.raises(DeliveryError, match="Connection refused") as caught:
        send(f"smtp://desk:s3cret@127.0.0.1:{free_port()}")
    assert caught.value.retryable
    assert "s3cret" not in str(caught.value)


def test_a_slow_server_is_retried(plain, post, monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT_S", 0.2)
    post.delays = {ANNA: 1}
    with pytest.raises(DeliveryError, match="timed out") as caught:
        send(plain.url())
    assert caught.value.retryable


def test_recipients_not_reached_in_time_are_tried_later(plain, post, monkeypatch):
    monkeypatch.setattr(email, "BUDGET_S", 0.4)
    post.delays = {BOB: 1}
    receipt = send(plain.url(), ANNA, BOB, CLEO)
    assert set(receipt.later) == {BOB, CLEO}


def test_a_silent_server_is_retried(monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with pytest.raises(DeliveryError, match="timed out") as caught:
            send(f"smtp://127.0.0.1:{mute.getsockname()[1]}")
        assert caught.value.retryable


def test_a_delivery_that_is_cut_short_leaves_no_connection(plain, monkeypatch):
    send(plain.url())

    class JobTimeout(Exception):
        pass

    def late(*_):
        raise JobTimeout

    monkeypatch.setattr(smtp.Connection, "post", late)
    with pytest.raises(JobTimeout):
        send(plain.url())
    assert not email._kept


def test_addresses_outside_ascii_need_a_server_that_supports_them(serve, post):
    wide = "ännä@herald.example"
    with pytest.raises(DeliveryError, match="outside ASCII") as caught:
        send(serve().url(), wide)
    assert not caught.value.retryable
    send(serve(utf8=True).url(), wide, ANNA)
    assert post.to == [[wide], [ANNA]]
    assert "SMTPUTF8" in post.mails[0].mail_options
    assert "SMTPUTF8" not in post.mails[1].mail_options


@pytest.mark.parametrize(
    ("written", "host", "port", "tls"),
    [
        ("smtp://mail.x.example", "mail.x.example", 587, False),
        ("smtps://mail.x.example", "mail.x.example", 465, True),
        ("smtp://mail.x.example:25", "mail.x.example", 25, False),
        ("smtp://u%40x:p%3Aw%2F@[::1]:2525", "::1", 2525, False),
    ],
)
def test_an_smtp_url_is_read(written, host, port, tls):
    route = read_route(written)
    assert (route.host, route.port, route.tls) == (host, port, tls)
    if "@" in written:
        assert (route.user, route.password) == ("u@x", "p:w/")
        assert "p:w" not in repr(route)


@pytest.mark.parametrize(
    "written",
    [
        "http://u:p4ss@x", "smtp://u:p4ss@x:99999", "smtp:", "p4ss", "smtp://u:1/p4ss@x",
        "smtp://u:1?p4ss@x", "smtp://u:1#p4ss@x", "smtp://u:p4ss/@x",
    ],
)  # fmt: skip
def test_an_invalid_smtp_url_is_refused_without_quoting_it(written):
    with pytest.raises(ValueError, match="must be an address such as smtp://") as caught:
        read_route(written)
    assert "p4ss" not in str(caught.value)
    assert caught.value.__cause__ is None
