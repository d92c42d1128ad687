"""Mails as they are read back: exactly the expected headers, and text that stays text."""

import re
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerts.digest import Message
from monitor.config import mail_addresses
from monitor.model import Digest, Quiet, Subscriber
from monitor.untrusted import mail_line
from workers.deliveries.email import render as mail
from workers.deliveries.email.mime import compose, needs_utf8

NOW = datetime(2026, 11, 23, 9, 2, tzinfo=UTC)
SENDER = mail_addresses.mailbox("presswatch@herald.example")
ANNA = mail_addresses.mailbox("anna@herald.example")
HEADERS = [
    "Subject", "From", "To", "Date", "Message-ID", "In-Reply-To", "References", "List-Id",
    "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
]  # fmt: skip


def alert(name="a1", *, watchlist="nato-russia", story="s1", articles=1, sites=1, **given):
    article = {
        "id": name,
        "url": f"https://news.example/{name}",
        "title": "Ministers meet",
        "source": "Herald",
        "feed_url": "https://news.example/feed",
        "authors": ["Anna Meier"],
        "published_at": "2026-11-23T09:00:00Z",
        "language": "en",
    }
    return {
        "v": 1,
        "id": name,
        "watchlist": watchlist,
        "priority": given.pop("priority", "high"),
        "detected_at": "2026-11-23T09:01:00Z",
        "matches": [{"term": "NATO", "field": "body", "count": 1}],
        "snippets": given.pop("snippets", [{"text": "What NATO said", "highlights": [[5, 9]]}]),
        "story": {"id": story, "articles": articles, "sites": sites},
        **({"update": True} if given.pop("update", False) else {}),
        "article": article | given,
    }


def read(*alerts, key="k1", to=ANNA, sender=SENDER, unsubscribe=""):
    """Composes a mail, converts it to bytes, and parses it with defects as errors."""
    message = Message(key, alerts)
    composed = compose(
        message,
        mail.render_mail(message, unsubscribe=unsubscribe),
        sender=sender,
        recipient=to,
        now=NOW,
        unsubscribe=unsubscribe,
    )
    sent = composed.as_bytes()
    assert max(map(len, sent.split(b"\r\n"))) < 998
    assert b"\n" not in sent.replace(b"\r\n", b"")
    got = BytesParser(policy=policy.default.clone(raise_on_defect=True)).parsebytes(sent)
    for part in got.walk():
        assert not part.defects
        assert not [defect for value in part.values() for defect in value.defects]
    return got


def html(got):
    return got.get_body(("html",)).get_content()


def text(got):
    return got.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_a_mail_calls_a_watchlist_by_its_title():
    titled = alert() | {"watchlist_title": "Peace <talks>"}
    got = read(titled)
    assert got["Subject"] == "[Peace <talks>] Ministers meet"
    assert "Watchlist: Peace <talks>" in text(got)
    assert "Peace &lt;talks&gt;" in html(got)
    digest = read(titled, alert("a2", story="s2") | {"watchlist_title": "Peace <talks>"})
    assert digest["Subject"] == "2 alerts: Peace <talks> (2)"


def test_an_alert_has_the_headers_that_mail_programs_and_filters_use():
    got = read(alert())
    assert got.keys() == HEADERS
    assert got["Subject"] == "[nato-russia] Ministers meet"
    assert got["From"] == "Presswatch <presswatch@herald.example>"
    assert got["To"] == "anna@herald.example"
    assert got["Date"].datetime == NOW
    assert got["List-Id"] == "<nato-russia.presswatch.herald.example>"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["X-Auto-Response-Suppress"] == "All"
    assert [part.get_content_type() for part in got.iter_parts()] == ["text/plain", "text/html"]


def test_a_retry_has_the_same_message_id_and_another_recipient_has_another():
    first, again = read(alert()), read(alert())
    assert first["Message-ID"] == again["Message-ID"]
    assert re.fullmatch(r"<k1\.[0-9a-f]{12}@herald\.example>", first["Message-ID"])
    assert (
        read(alert(), to=mail_addresses.mailbox("bob@x.example"))["Message-ID"]
        != first["Message-ID"]
    )
    assert read(alert(), key="k2")["Message-ID"] != first["Message-ID"]
    assert "evil" not in read(alert(), key="k\r\nevil: 1")["Message-ID"]


def test_alerts_of_a_watchlist_on_one_story_form_a_thread():
    first, second = read(alert("a1")), read(alert("a2"), key="k2")
    assert first["References"] == first["In-Reply-To"] == second["References"]
    assert read(alert(story="s2"))["References"] != first["References"]
    assert read(alert(watchlist="grain"))["References"] != first["References"]


def test_a_digest_names_watchlists_with_counts():
    got = read(*(alert(f"a{i}", story=f"s{i}") for i in range(3)), alert("b", watchlist="grain"))
    assert got["Subject"] == "4 alerts: nato-russia (3), grain (1)"
    assert got["List-Id"] == "<presswatch.herald.example>"
    assert "References" not in got
    assert "are shown" not in text(got) + html(got)


def test_a_digest_says_how_to_list_the_alerts_not_shown():
    got = read(*(alert(f"a{i}", story=f"s{i}") for i in range(37)))
    for part in (text(got), html(got)):
        assert "The best 30 are shown. All:" in part
        assert "presswatch alerts list --since 2026-11-23T09:01:00Z" in part
        assert "7 not shown" in part
    assert got["List-Id"] == "<nato-russia.presswatch.herald.example>"
    assert len(html(got)) < 102_000  # Gmail clips what is longer


def test_a_digest_gathers_a_story():
    others = [alert(f"a{i}", articles=9, sites=7, source=f"Outlet {i}") for i in range(9)]
    got = read(*others)
    assert html(got).count("<h3") == 1
    assert "8 more alerts:" in html(got)
    assert "9 articles on 7 sites" in html(got)
    assert "9 articles on 7 sites" in text(got)
    assert "8 more: Outlet 1, Outlet 2, Outlet 3, Outlet 4, Outlet 5 and 3 more" in text(got)


def test_text_and_html_both_contain_everything():
    got = read(alert(update=True, articles=4, sites=2, text_from="feed"))
    assert got["Subject"] == "[nato-russia] update: Ministers meet"
    words = re.sub(r"<[^>]+>", "", html(got))
    for part in (text(got), words):
        for fact in (
            "Ministers meet",
            "23 November 2026, 09:00 UTC",
            "By Anna Meier",
            "4 articles on 2 sites tell this story",
            "from the feed; the page could not be fetched",
            "high priority",
            "Matched: NATO",
        ):
            assert fact in part
    assert "updated" in words
    assert "UPDATED: Ministers meet\nhttps://news.example/a1\n" in text(got)
    assert "> What *NATO* said" in text(got)
    assert re.search(r"What <strong[^>]*>NATO</strong> said", html(got))
    assert 'datetime="2026-11-23T09:00:00Z">' in html(got)


def test_an_undated_article_shows_when_it_was_detected():
    assert "23 November 2026, 09:01 UTC" in text(read(alert(published_at=None)))


@pytest.mark.parametrize(
    ("language", "attributes"),
    [
        ("ar", 'lang="ar" dir="rtl"'),
        ("az-Arab", 'lang="az-Arab" dir="rtl"'),
        ("ks_Deva", 'lang="ks-Deva" dir="ltr"'),
        ("de", 'lang="de" dir="ltr"'),
        (None, ' dir="auto"'),
        ('en" onload="x', ' dir="auto"'),
    ],
)
def test_an_article_is_marked_with_its_language(language, attributes):
    assert attributes in html(read(alert(language=language)))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "//x.example", "", "https:x",
        'https://x.example/"onclick="x', "https://x.example/\u202egpj", "https://x.example/ b",
        "https://x.example/\r\nX: 1",
    ],
)  # fmt: skip
def test_only_web_addresses_become_links(url):
    got = read(alert(url=url))
    assert "href" not in html(got)
    assert "Ministers meet" in html(got)
    assert text(got).startswith("Ministers meet\n\nHerald")


def test_unsubscribing_is_offered_if_configured():
    got = read(alert(), unsubscribe="mailto:desk@herald.example?subject=no%20more")
    assert got["List-Unsubscribe"] == "<mailto:desk@herald.example?subject=no%20more>"
    assert 'href="mailto:desk@herald.example?subject=no%20more"' in html(got)
    assert "Unsubscribe: mailto:desk@herald.example" in text(got)


@pytest.mark.parametrize("url", ["https://x/\r\nBcc: y", "javascript:x", "https://x/<>", "desk@x"])
def test_an_invalid_unsubscribe_address_is_refused(url):
    with pytest.raises(ValueError, match="must be an address that starts with"):
        mail_addresses.unsubscribe_url(url)


@pytest.mark.parametrize(
    "title",
    [
        "Ministers\r\nBcc: all@x.example",
        "Ministers\nBcc: all@x.example",
        "Ministers\u2028Bcc: all@x.example",
        "Ministers\x85Bcc: all@x.example",
        "Ministers\x00\r\n\r\nBcc: all@x.example",
    ],
)
def test_a_title_adds_no_header(title):
    got = read(alert(title=title))
    assert got.keys() == HEADERS
    assert got["Subject"] == "[nato-russia] Ministers Bcc: all@x.example"


def test_a_title_that_looks_encoded_is_kept():
    for title in ("=?utf-8?q?=0D=0ABcc=3A_x?=", "=?utf-8?b?DQpCY2M6IHg=?= done", "=?x?q??="):
        assert read(alert(title=title))["Subject"] == f"[nato-russia] {title}"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Müller trifft 北约 🤝", "Müller trifft 北约 🤝"),
        ("a\u202egpj.exe\u2066b", "agpj.exeb"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        (" \t ", "(no title)"),
        ("a  \u00a0 b\tc", "a b c"),
    ],
)
def test_titles_are_shown_verbatim_except_for_characters_that_readers_act_on(title, shown):
    got = read(alert(title=title))
    assert got["Subject"] == f"[nato-russia] {shown}"
    assert shown in html(got)


def test_long_subjects_are_cut_between_words_and_never_inside_a_grapheme():
    words = read(alert(title="ministers " * 99))["Subject"]
    assert words.endswith("ministers…")
    assert 180 <= len(words) <= 200
    families = read(alert(title="👩‍👩‍👧‍👧" * 99))["Subject"]
    assert len(families) <= 200
    assert set(families.removeprefix("[nato-russia] ").removesuffix("…").split("👩‍👩‍👧‍👧")) == {""}
    assert len(read(alert(title="e" + "\u0301" * 999))["Subject"]) <= 200
    assert len(read(alert(title="x" * 999))["Subject"]) == 200


@pytest.mark.parametrize(
    ("watchlist", "label"),
    [("a.b_c", "a.b_c."), ("a..b.", "a-b."), ("Ёж", ""), ("x" * 999, "x" * 64 + ".")],
)
def test_a_list_id_is_valid_for_any_watchlist(watchlist, label):
    value = read(alert(watchlist=watchlist))["List-Id"]
    assert re.fullmatch(r"<[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*>", value)
    assert value.startswith(f"<{label}")
    assert value.endswith("presswatch.herald.example>")


def test_markup_shows_as_text():
    hostile = "<script>alert(1)</script><img src=x onerror=y>\"'&amp;"
    got = read(
        alert(
            title=hostile,
            source=hostile,
            authors=[hostile],
            snippets=[{"text": hostile, "highlights": [[3, 20]]}],
        )
    )
    assert tags(html(got)).isdisjoint({"script", "img"})


def tags(source):
    found = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.add(tag)
    parser.feed(source)
    return found


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("anna@herald.example", "anna@herald.example"),
        (" anna+x@Herald.example ", "anna+x@herald.example"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("ännä@herald.example", "ännä@herald.example"),
        ("anna@[127.0.0.1]", "anna@[127.0.0.1]"),
        ("anna@localhost", "anna@localhost"),
        ("anna@mail.local", "anna@mail.local"),
    ],
)
def test_addresses_are_read(written, address):
    assert mail_addresses.mailbox(written).addr_spec == address


@pytest.mark.parametrize(
    "written",
    [
        "", "anna", "@x.example", "anna@", "Anna <anna@x.example>", "a@b@x.example", "a b@x.example",
        "anna@x.example\r\nBcc: b@x.example", "anna\n@x.example", "anna@x example", "a..b@x.example",
        "anna@x..example", "anna@x.example>", "an\u2028na@x.example", "anna@x.example/y", "anna@x:25",
        "anna@[300.1.1.1]", "anna@-x.example", f"anna@{'x' * 64}.example",
    ],
)  # fmt: skip
def test_invalid_addresses_are_refused(written):
    with pytest.raises(ValueError, match="must be an address such as"):
        mail_addresses.mailbox(written)


def test_the_default_sender_is_derived_from_the_server():
    for host, sender in (
        ("mail.example.org", "presswatch@mail.example.org"),
        ("127.0.0.1", "presswatch@[127.0.0.1]"),
        ("::1", "presswatch@[IPv6:::1]"),
        ("mail_relay", "presswatch@mail_relay"),
    ):
        address = mail_addresses.default_sender(host)
        assert address.addr_spec == sender
        assert read(alert(), sender=address)["From"] == f"Presswatch <{sender}>"


def test_only_addresses_outside_ascii_need_utf8():
    plain, wide = ANNA, mail_addresses.mailbox("ännä@herald.example")
    assert needs_utf8(SENDER, wide)
    assert not needs_utf8(SENDER, plain)
    message = Message("k1", (alert(title="Müller"),))
    content = mail.render_mail(message)
    sent = compose(message, content, sender=SENDER, recipient=wide, now=NOW).as_bytes()
    assert "To: ännä@herald.example\r\n".encode() in sent
    assert compose(message, content, sender=SENDER, recipient=plain, now=NOW).as_bytes().isascii()


TAGS = tags(html(read(alert(articles=2, text_from="feed"))))

# Mostly text that has broken mail before, which random Unicode would rarely contain.
wild = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            "\r\n \n \r \x00 \x0b \x85 \u2028 \u202e =?utf-8?q?=0D=0A?= =?utf-8?b?Cg==?= ?= =? = : Bcc:"
            " \ud800 \udcff < > & \" ' , ; ( ) [ ] @ {{x}} {%x%} ü 北 🤝 e\u0301 \u200f".split(" ")
        ),
        st.just(" "),
    ),
    max_size=30,
).map("".join)


@settings(max_examples=50, deadline=None)
@given(
    title=wild, source=wild, watchlist=wild, author=wild, term=wild, snippet=wild, data=st.data()
)
def test_any_text_gives_the_expected_headers(title, source, watchlist, author, term, snippet, data):
    span = st.integers(0, len(snippet))
    cuts = sorted(data.draw(st.tuples(span, span)))
    made = alert(
        title=title,
        source=source,
        watchlist=watchlist,
        authors=[author],
        snippets=[{"text": snippet, "highlights": [cuts]}],
    )
    made["matches"][0]["term"] = term
    got = read(made)
    assert got.keys() == HEADERS
    meant = f"[{mail_line(watchlist)}] {mail_line(title) or '(no title)'}"
    subject = got["Subject"]
    if len(meant) <= mail.MAX_SUBJECT:
        assert subject == meant
    else:
        assert len(subject) <= mail.MAX_SUBJECT
        assert meant.startswith(subject.removesuffix("…"))
    assert re.fullmatch(r"<([A-Za-z0-9_-]+\.)+presswatch\.herald\.example>", got["List-Id"])
    assert tags(html(got)) <= TAGS
    digest = read(made, alert("b", watchlist="other", story="s2"))
    assert digest["Subject"].startswith("2 alerts: ")
    assert "References" not in digest


@settings(max_examples=100)
@given(wild)
def test_cleaning_gives_one_line_and_is_idempotent(anything):
    cleaned = mail_line(anything)
    assert mail_line(cleaned) == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert cleaned.encode().decode() == cleaned


def test_times_are_those_of_the_subscribers_zone():
    in_brussels = Subscriber(
        "a", "email", {}, digest=Digest(("08:00",), timezone="Europe/Brussels")
    )
    quiet = Subscriber("a", "email", {}, quiet=Quiet("22:00", "07:00", "Asia/Tokyo"))
    message = Message("k1", (alert(),))
    for subscriber, time in (
        (in_brussels, "23 November 2026, 10:00 CET"),
        (quiet, "23 November 2026, 18:00 JST"),
        (Subscriber("a", "email", {}), "23 November 2026, 09:00 UTC"),
    ):
        content = mail.render_mail(message, zone=ZoneInfo(subscriber.timezone))
        assert time in content.text
        assert time in content.html
