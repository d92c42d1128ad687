"""Log lines, ours and our libraries'."""

import json
import logging

import pytest
import structlog

from monitor import logs


@pytest.fixture
def logged(capsys, monkeypatch):
    """Log at a level, and give the lines."""
    monkeypatch.setattr(logs, "chosen_format", lambda: "json")
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def run(act, level="info"):
        logs.configure(level)
        act()
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield run
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_our_lines_and_those_of_libraries_come_in_one_form(logged):
    def act():
        with structlog.contextvars.bound_contextvars(entry="https://a.example/1"):
            structlog.stdlib.get_logger("ours").info("article read", characters=3)
            logging.getLogger("theirs").warning("read %d of %s", 1, "two")

    ours, theirs = logged(act)
    assert (ours["event"], ours["characters"], ours["logger"]) == ("article read", 3, "ours")
    assert (theirs["event"], theirs["level"]) == ("read 1 of two", "warning")
    assert ours["entry"] == theirs["entry"] == "https://a.example/1"


def test_libraries_tell_their_details_only_when_asked(logged):
    def act():
        logging.getLogger("apscheduler.executors").info("job OK")

    assert logged(act) == []
    assert [line["event"] for line in logged(act, "debug")] == ["job OK"]


def test_passwords_in_addresses_stay_out(logged):
    def act():
        structlog.stdlib.get_logger("x").info("failed", feed="https://me:hunter2@a.example/f?x=1")
        logging.getLogger("y").warning("to redis://:hunter2@localhost/0 and mail a@b.example")

    first, second = logged(act)
    assert first["feed"] == "https://a.example/f?x=1"
    assert second["event"] == "to redis://localhost/0 and mail a@b.example"


def test_a_traceback_is_told_without_the_values_of_variables(logged):
    def act():
        secret = "hunter2"
        try:
            int(secret.replace("hunter2", "x"))
        except ValueError:
            structlog.stdlib.get_logger("x").exception("failed")

    (line,) = logged(act)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "hunter2" not in json.dumps(line)
