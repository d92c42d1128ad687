"""Who may see and change what, and what every answer forbids the browser."""

import pytest
import requests

from monitor.web.app import MAX_BODY_BYTES

PASSWORD = "correct horse"
LOCKED = f'password: "{PASSWORD}", tokens: ["a-token-that-reads"]'


def csrf_of(page: str) -> str:
    return page.partition('name="csrf" content="')[2].partition('"')[0]


@pytest.fixture
def locked(serve):
    return serve(LOCKED)


@pytest.fixture
def session():
    with requests.Session() as session:
        yield session


def log_in(session, url, password=PASSWORD, **fields):
    token = csrf_of(session.get(f"{url}/login").text)
    return session.post(
        f"{url}/login",
        data={"csrf": token, "password": password} | fields,
        allow_redirects=False,
    )


def test_a_page_asks_who_does_not_have_a_session_to_log_in(locked, session):
    answer = session.get(f"{locked.url}/alerts/abc?period=7d", allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=%2Falerts%2Fabc%3Fperiod%3D7d"
    assert session.get(f"{locked.url}/api/v1/alerts").status_code == 401
    assert session.post(f"{locked.url}/alerts/abc/marks").status_code == 401


def test_the_password_opens_all_pages_until_one_logs_out(locked, session):
    answer = log_in(session, locked.url, next="/?period=24h")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?period=24h")
    page = session.get(f"{locked.url}/", allow_redirects=False)
    assert page.status_code == 200
    assert session.get(f"{locked.url}/api/v1/alerts").status_code == 200
    session.post(f"{locked.url}/logout", data={"csrf": csrf_of(page.text)})
    assert session.get(f"{locked.url}/", allow_redirects=False).status_code == 303


def test_a_wrong_password_opens_nothing_and_many_are_not_tried(locked, session):
    for _ in range(10):
        assert log_in(session, locked.url, "wrong horse").status_code == 403
    assert log_in(session, locked.url).status_code == 429
    assert session.get(f"{locked.url}/", allow_redirects=False).status_code == 303


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_login_leads_to_no_other_site(locked, session, target):
    assert log_in(session, locked.url, next=target).headers["Location"] == "/"


def test_a_token_reads_the_api_and_nothing_else(locked):
    bearer = {"Authorization": "Bearer a-token-that-reads"}
    alerts = f"{locked.url}/api/v1/alerts"
    assert requests.get(alerts, headers=bearer).status_code == 200
    assert requests.get(f"{alerts}?token=a-token-that-reads").status_code == 200
    assert requests.get(alerts, headers={"Authorization": "Bearer guess"}).status_code == 401
    assert requests.get(f"{locked.url}/", headers=bearer).status_code == 403
    assert requests.post(f"{locked.url}/alerts/a/marks", headers=bearer).status_code == 403


def test_a_form_of_another_site_changes_nothing(served, newsroom, session):
    (alert,) = newsroom.publish("Envoys meet", "The NATO-Russia Council met.")
    token = csrf_of(session.get(f"{served.url}/").text)
    marks = f"{served.url}/alerts/{alert['id']}/marks"
    for forged in ({}, {"csrf": ""}, {"csrf": "guess"}):
        assert session.post(marks, data={"change": "star"} | forged).status_code == 403
    # With the token, but without the session that it belongs to.
    assert requests.post(marks, data={"change": "star", "csrf": token}).status_code == 403
    answer = session.post(marks, data={"change": "star", "csrf": token}, allow_redirects=False)
    assert answer.status_code == 303


def test_a_name_that_resolves_to_this_machine_is_not_served(served):
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        assert requests.get(served.url, headers={"Host": host}).status_code == 421
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080"):
        assert requests.get(served.url, headers={"Host": host}).status_code == 200


def test_every_answer_forbids_frames_and_foreign_scripts(served):
    for path in ("/", "/nothing", "/static/presswatch.css", "/api/v1/alerts"):
        headers = requests.get(f"{served.url}{path}").headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(serve):
    plain = requests.get(serve().url).headers["Set-Cookie"].lower()
    assert "httponly" in plain
    assert "samesite=lax" in plain
    assert "secure" not in plain
    behind = serve("proxies: [127.0.0.1/32]")
    secure = requests.get(behind.url, headers={"X-Forwarded-Proto": "https"})
    assert "secure" in secure.headers["Set-Cookie"].lower()


def test_only_a_named_proxy_says_who_the_visitor_is(serve):
    header = {"X-Remote-User": "ada"}
    trusted = serve("proxies: [127.0.0.1/32], user_header: X-Remote-User")
    page = requests.get(trusted.url, headers=header)
    assert page.status_code == 200
    assert "ada" in page.text
    assert requests.get(trusted.url, allow_redirects=False).status_code == 303
    other = serve("proxies: [192.0.2.0/24], user_header: X-Remote-User")
    assert requests.get(other.url, headers=header, allow_redirects=False).status_code == 303


def test_a_change_of_the_password_ends_all_sessions(locked, session):
    log_in(session, locked.url)
    file = locked.backend.runtime.config_directory / "settings.yaml"
    file.write_text(file.read_text().replace(PASSWORD, "another horse"))
    locked.backend.reload()
    assert session.get(locked.url, allow_redirects=False).status_code == 303
    assert log_in(session, locked.url).status_code == 403
    assert log_in(session, locked.url, "another horse").status_code == 303


def test_a_broken_change_leaves_the_password_and_is_shown(locked, session):
    log_in(session, locked.url)
    file = locked.backend.runtime.config_directory / "settings.yaml"
    file.write_text("settings: {web: {password: short}}")
    locked.backend.reload()
    page = session.get(locked.url, allow_redirects=False)
    assert page.status_code == 200
    assert "settings.yaml:1:" in page.text
    assert "short" not in page.text


@pytest.mark.parametrize("says_its_length", [True, False])
def test_a_large_request_is_refused(served, says_its_length):
    body = b"x" * (MAX_BODY_BYTES + 1)
    answer = requests.post(
        f"{served.url}/login",
        data=body if says_its_length else iter([body[:1000], body]),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
