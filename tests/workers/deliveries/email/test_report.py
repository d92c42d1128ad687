"""Reports by mail: what a real server receives, and how their deliveries are made."""

# ruff: noqa: N802 - aiosmtpd names its hooks after commands

import socket
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller

from monitor.config import load
from monitor.jobs.outcome import Again, Done
from monitor.model import Alert, Delivery, ReportSchedule
from monitor.reports.figures import (
    Carrier,
    CoveredStory,
    Figures,
    NamedTally,
    Tally,
    WatchlistFigures,
)
from monitor.reports.letter import report_alert
from monitor.runtime.composition import Runtime
from workers.deliveries import attempt
from workers.deliveries.email import send as email
from workers.deliveries.email.report import MAX_SHOWN_BYTES

UNTIL = datetime(2026, 11, 23, 7, tzinfo=UTC)
WEEK = timedelta(days=7)
SCHEDULE = ReportSchedule("monday", "08:00", WEEK, "Europe/Brussels")
CONFIG = """
subscribers:
  - name: desk
    email: {{to: [anna@herald.example, bob@herald.example], smtp_url: "smtp://127.0.0.1:{port}",
      unsubscribe: "mailto:presswatch@herald.example"}}
    digest: {{at: "12:00"}}
    report: {{every: monday}}
"""


class Post:
    """Keeps the mails that a server accepts; `answer` is what it says to them."""

    def __init__(self):
        self.mails = []
        self.answer = "250 queued"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.mails.append(envelope)
        return self.answer


@pytest.fixture
def post():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    post = Post()
    server = Controller(post, hostname="127.0.0.1", port=port)
    server.start()
    yield post, port
    email._leave()
    server.stop(no_assert=True)


@pytest.fixture
def desk(post, redis, tmp_path):
    (tmp_path / "a.yaml").write_text(CONFIG.format(port=post[1]))
    return Runtime(tmp_path, load(tmp_path, {}), redis)


def figures(watchlists=1, stories=1, title="Ministers meet", url="https://herald.example/1"):
    carriers = tuple(Carrier("Herald" * 80, title, url, UNTIL - WEEK) for _ in range(12))
    snippets = ({"text": f"What {title} said", "highlights": [[0, 4]]},) * 2
    story = CoveredStory("s1", 12, 12, "en", carriers, snippets)
    each = tuple(
        WatchlistFigures(f"nato-{n}", Tally(12, 7), Tally(5, 5), 0, (1,) * 7, (1,) * 7, (story,) * stories)
        for n in range(watchlists)
    )  # fmt: skip
    one = Tally(12, 7)
    return Figures(
        UNTIL - WEEK, UNTIL, watchlists, one, one, one, one, one, 0, (1,) * 7, (1,) * 7, each,
        (NamedTally("Herald", one),), (NamedTally("en", one),), (), 0,
    )  # fmt: skip


def enqueue(runtime, report):
    alert = report_alert("desk", SCHEDULE, report, UNTIL)
    with runtime.redis.pipeline() as pipe:
        pipe.multi()
        runtime.store.alerts.keep(alert, pipe)
        runtime.queues.enqueue_delivery(
            Delivery("desk", (alert.id,), released=True, tried=True), pipe
        )
        pipe.execute()
    return alert


def work(runtime):
    return [
        attempt.deliver(runtime, job_id) for job_id in sorted(runtime.queues.all_owed("deliveries"))
    ]


def read(envelope):
    return message_from_bytes(envelope.original_content, policy=policy.default)


def test_each_recipient_gets_text_page_and_file(desk, post):
    alert = enqueue(desk, figures())
    assert work(desk) == [Done()]
    assert [envelope.rcpt_tos for envelope in post[0].mails] == [
        ["anna@herald.example"], ["bob@herald.example"],
    ]  # fmt: skip
    mail = read(post[0].mails[0])
    assert mail["Subject"] == (
        "Report of 16 November, 08:00 to 23 November 2026, 08:00: "
        "12 articles, 5 more than in the 7 days before"
    )
    assert mail["Message-ID"].startswith(f"<{alert.id}.")
    assert "Share of" not in mail.get_body(("plain",)).get_content()
    assert "Ministers meet" in mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    assert "12 articles" in page
    assert "mailto:presswatch@herald.example" in page
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == (
        "presswatch-report-2026-11-23.html", "text/html",
    )  # fmt: skip
    assert file.get_content().startswith("<!DOCTYPE html>")
    assert "Unsubscribe" not in file.get_content()
    # As the ledger of any alert has it.
    records = desk.store.unarchived.waiting()
    assert [b'"event":"delivered"' in record and alert.id.encode() in record for record in records] == [True]  # fmt: skip


def test_a_report_that_is_not_accepted_is_tried_again_with_the_same_id(desk, post):
    enqueue(desk, figures())
    post[0].answer = "451 not now"
    (again,) = work(desk)
    assert isinstance(again, Again)
    post[0].answer = "250 queued"
    assert work(desk) == [Done()]
    ids = [read(envelope)["Message-ID"] for envelope in post[0].mails]
    assert len(set(ids)) == 2
    enqueue(desk, figures())
    work(desk)
    assert [read(envelope)["Message-ID"] for envelope in post[0].mails[2:]] == ids


def test_a_report_joins_neither_a_digest_nor_what_is_held(desk, post):
    """The subscriber's digest is due at noon, and an alert is held for it."""
    document = {"v": 1, "id": "a1", "watchlist": "w", "priority": "high", "detected_at": UNTIL.isoformat(),
                "article": {"title": "Alone"}, "matches": [], "snippets": [],
                "story": {"id": "s", "articles": 1}}  # fmt: skip
    with desk.redis.pipeline() as pipe:
        pipe.multi()
        desk.store.alerts.keep(Alert("a1", "w", ("desk",), document), pipe)
        desk.queues.enqueue_delivery(Delivery("desk", ("a1",)), pipe)
        pipe.execute()
    enqueue(desk, figures())
    work(desk)
    assert len(post[0].mails) == 2
    assert desk.store.subscribers.held("desk") == 1
    assert not any("Alone" in envelope.original_content.decode() for envelope in post[0].mails)


def test_the_largest_report_is_shown_and_fits_into_a_mail(desk, post):
    long = {"title": "Ö" * 500, "url": f"https://herald.example/{'x' * 1900}"}
    enqueue(desk, figures(watchlists=20, stories=5, **long))
    assert work(desk) == [Done()]
    mail = read(post[0].mails[0])
    assert len(post[0].mails[0].original_content) < 10_000_000
    assert len(mail.get_body(("html",)).get_content().encode()) <= MAX_SHOWN_BYTES
    (file,) = mail.iter_attachments()
    assert file.get_content().count("</h3>") == 20


def test_figures_of_another_version_arrive_as_a_notice(desk, post):
    alert = enqueue(desk, figures())
    alert.document["report"]["figures"] = {"since": "unknown"}
    with desk.redis.pipeline() as pipe:
        desk.store.alerts.keep(alert, pipe)
        pipe.execute()
    assert work(desk) == [Done()]
    assert "12 articles, 5 more" in read(post[0].mails[0]).get_body(("plain",)).get_content()
