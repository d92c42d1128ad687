"""The configuration as operators may see it: never a secret, from the environment or from a file."""

import pytest

from monitor.config.as_written import as_written


@pytest.fixture
def written(tmp_path):
    def read(text):
        (tmp_path / "a.yaml").write_text(text)
        return as_written(tmp_path)

    return read


def test_settings_are_shown_as_written_beside_the_defaults(written):
    settings = {each.name: each for each in written("settings: {poll: {every: 5m}}").settings}
    assert (settings["poll.every"].value, settings["poll.every"].is_default) == ("5m", False)
    assert (settings["poll.slowest"].value, settings["poll.slowest"].is_default) == ("30m", True)
    assert settings["web.listen"].value == "127.0.0.1:8080"
    assert settings["web.password"].value == "not set"
    assert settings["articles.max_size"].value == "10MB"


def test_variables_are_shown_by_their_names(written, monkeypatch):
    monkeypatch.setenv("AGENT", "from-the-environment")
    found = written(
        """
        settings: {user_agent: "Herald ${AGENT}", web: {password: "${PW:-default-pw}"}}
        definitions: {fish: "cod OR ${FISH:-herring}"}
        watchlists: [{name: w, query: "${QUERY} AND cod", subscribers: ["${WHO}"]}]
        subscribers:
          - {name: s, slack: {webhook_url: "${HOOK}"}}
          - {name: e, email: {to: ["${TO}"], smtp_url: "smtps://me:${PW}@mail.example:465"}}
        """
    )
    values = {each.name: each.value for each in found.settings}
    assert values["user_agent"] == "Herald ${AGENT}"
    assert values["web.password"] == "set, not shown"
    assert found.definitions == {"fish": "cod OR ${FISH}"}
    assert found.watchlists[0].query == "${QUERY} AND cod"
    assert found.watchlists[0].details == {"subscribers": "${WHO}"}
    assert found.subscribers[0].reached_at == "incoming webhook at ${HOOK}"
    assert found.subscribers[1].reached_at == "${TO} through mail.example"
    shown = repr(found)
    for secret in ("from-the-environment", "default-pw", "herring"):
        assert secret not in shown


def test_secrets_in_files_are_not_shown(written):
    shown = repr(
        written(
            """
            settings:
              web: {password: hunter2-pw, tokens: [hunter2-token]}
              archive: {url: "postgresql://me:hunter2@db.example/archive?password=hunter2"}
            subscribers:
              - {name: a, slack: {webhook_url: "https://hooks.slack.com/services/hunter2"}}
              - {name: b, slack: {token: xoxb-hunter2, channel: "#desk"}}
              - {name: c, email: {to: [a@b.example], smtp_url: "smtps://me:hunter2@mail.example"}}
              - {name: d, webhook: {url: "https://hook.example/hunter2?k=hunter2", secret: hunter2}}
              - {name: e, apprise: {url: "ntfy://hunter2/x"}}
              - {name: f, apprise: {url: "hunter2"}}
              - {name: g, webhook: {url: "hunter2"}}
            """
        )
    )
    assert "hunter2" not in shown
    for known in ("db.example", "hooks.slack.com", "#desk", "a@b.example", "hook.example", "ntfy"):
        assert known in shown


@pytest.mark.parametrize(
    "text",
    ["", "[", "feeds", "settings: 3", "settings: {web: x}", "watchlists: x", "watchlists: [x]",
     "subscribers: [{name: a, email: x}]", "subscribers: [{email: {to: {a: b}}}]", "definitions: [a]"],
)  # fmt: skip
def test_a_broken_file_is_no_fault_here(written, text):
    assert written(text).settings
