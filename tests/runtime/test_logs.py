"""Log lines, ours and our libraries'."""

import json
import logging
import sys

import pytest
import structlog

from monitor.runtime import logs


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


def test_our_lines_and_those_of_libraries_have_one_form(logged):
    def act():
        with structlog.contextvars.bound_contextvars(entry="https://a.example/1"):
            structlog.stdlib.get_logger("ours").info("article read", characters=3)
            logging.getLogger("theirs").warning("read %d of %s", 1, "two")

    ours, theirs = logged(act)
    assert (ours["event"], ours["characters"], ours["logger"]) == ("article read", 3, "ours")
    assert (theirs["event"], theirs["level"]) == ("read 1 of two", "warning")
    assert ours["entry"] == theirs["entry"] == "https://a.example/1"


def test_libraries_log_details_only_at_debug(logged):
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


def test_a_traceback_has_no_values_of_variables(logged):
    def act():
        secret = "hunter2"
        try:
            int(secret.replace("hunter2", "x"))
        except ValueError:
            structlog.stdlib.get_logger("x").exception("failed")

    (line,) = logged(act)
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert "hunter2" not in json.dumps(line)


HOSTILE = "a\x1b[31m\x9b31m\u2028b\u202ec\r\n2026-11-24T00:00:00Z [error    ] forged \udcff"


class Odd:
    def __repr__(self):
        return HOSTILE


def everything():
    log = structlog.stdlib.get_logger("ours")
    log.info(HOSTILE, url=HOSTILE, many=[HOSTILE, {HOSTILE: (HOSTILE,)}], odd=Odd())
    logging.getLogger("theirs").warning("read %s", HOSTILE)
    try:
        int(HOSTILE)
    except ValueError:
        log.exception("failed", error=HOSTILE)
        logging.getLogger("theirs").exception("failed too")


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_text_from_strangers_cannot_command_a_terminal_or_forge_a_line(
    form, capsys, monkeypatch, logged
):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(logs, "chosen_format", lambda: form)
    logs.configure("info")
    everything()
    written = capsys.readouterr().err
    assert {char for char in written if not char.isprintable()} == {"\n"}
    # Lines that begin at the margin are ours; those of a traceback are set in.
    lines = [line for line in written.split("\n") if line[:1].strip()]
    assert len(lines) == 4
    assert not [line for line in lines if line.startswith("2026-11-24T00:00:00Z")]
    assert "ValueError" in written


def test_json_keeps_what_it_escapes(logged):
    (line,) = logged(lambda: structlog.stdlib.get_logger("x").info("read", title="a\x9b\u2028b"))
    assert line["title"] == "a\x9b\u2028b"


def test_secrets_stay_out_of_values_lists_and_tracebacks(logged):
    logs.hide({"0123456789": "${KEY}"})

    def act():
        log = structlog.stdlib.get_logger("x")
        try:
            int("https://me:hunter2@a.example/?key=0123456789")
        except ValueError:
            log.exception("failed", urls=["https://me:hunter2@a.example/?key=0123456789"])

    (line,) = logged(act)
    assert line["urls"] == ["https://a.example/?key=${KEY}"]
    assert "'https://a.example/?key=${KEY}'" in line["exception"][0]["exc_value"]
    assert "hunter2" not in json.dumps(line)


def test_the_exception_that_ends_a_process_is_logged_like_others(logged, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def act():
        try:
            int("https://me:hunter2@a.example/")
        except ValueError:
            sys.excepthook(*sys.exc_info())

    (line,) = logged(act)
    assert (line["event"], line["level"]) == ("crashed", "critical")
    assert "hunter2" not in json.dumps(line)
