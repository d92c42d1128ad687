"""How the command starts, whichever way it is called."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from monitor.cli import main


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
