"""How the command starts, whichever way it is called."""

import os
import pty
import subprocess
import sys
from importlib.metadata import version

import pytest
import structlog

from monitor.cli import console, main
from monitor.runtime import logs


@pytest.mark.parametrize("module", ["monitor", "monitor.cli"])
def test_running_the_package_is_the_command(module):
    def call(*arguments):
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert call("--help").stdout.startswith("Usage: presswatch [OPTIONS] COMMAND")
    unknown = call("nonsense")
    assert unknown.returncode == 2
    assert "No such command 'nonsense'" in unknown.stderr


def test_the_version_is_that_of_the_package(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["presswatch", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"presswatch, version {version('presswatch')}\n"


def on_a_terminal(directory, *arguments, **environ):
    """Runs the command on a terminal of its own, and returns what the terminal received."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if name != "NO_COLOR"} | environ,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    received = b""
    while True:
        try:
            chunk = os.read(controller, 4096)
        except OSError:  # Linux reports the end of a terminal as an input/output error.
            break
        if not chunk:
            break
        received += chunk
    os.close(controller)
    process.wait(60)
    return received


def test_no_color_is_obeyed_by_commands_on_a_terminal(tmp_path):
    (tmp_path / "page.txt").write_text("The Council met.\n\nEnvoys said little about it.")
    arguments = (tmp_path, "try", "council", "page.txt")
    assert b"\x1b[" in on_a_terminal(*arguments)
    assert b"\x1b[" in on_a_terminal(*arguments, NO_COLOR="")
    plain = on_a_terminal(*arguments, NO_COLOR="1")
    assert b"Council" in plain
    assert b"\x1b" not in plain


DOCUMENT = {
    "watchlist": "w",
    "priority": "high",
    "detected_at": "2026-11-23T09:00:00Z",
    "article": {"title": "Envoys meet", "url": "https://a.example/1", "published_at": None},
    "snippets": [{"text": "the Council met", "highlights": [[4, 11]]}],
}


@pytest.mark.parametrize("value", ["1", ""])
def test_no_color_is_obeyed_by_alerts_and_logs(value, monkeypatch, capsys):
    monkeypatch.setenv("NO_COLOR", value)
    monkeypatch.setenv(logs.FORMAT_VARIABLE, "pretty")
    logs.configure("info")
    console.show([DOCUMENT])
    structlog.stdlib.get_logger("ours").warning("feed failed", feed="Herald")
    structlog.reset_defaults()
    shown = capsys.readouterr()
    assert "Council" in shown.out
    assert "feed failed" in shown.err
    assert ("\x1b" in shown.out, "\x1b" in shown.err) == (not value, not value)
