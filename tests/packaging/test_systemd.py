"""systemd accepts our units and finds them well hardened."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.cli import presswatch

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"
INSTANCES = {
    "presswatch.service": "presswatch.service",
    "presswatch@.service": "presswatch@worker.service",
}
# Out of 10, which is no protection at all; up to 2 systemd calls "OK".
MOST_EXPOSURE = 1.5

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def sections(name):
    """Returns the assignments of each section of a unit."""
    found = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            current = found.setdefault(heading[1], [])
        elif line and not line.startswith("#"):
            current.append(tuple(line.split("=", 1)))
    return found


def analyzed(arguments, unit):
    return subprocess.run(
        ["systemd-analyze", *arguments, unit],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )


@pytest.fixture
def installed(tmp_path):
    """Copies the units, for systemd looks whether their program exists."""
    program = tmp_path / "presswatch"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    for unit, instance in INSTANCES.items():
        text = (UNITS / unit).read_text(encoding="utf-8")
        text = text.replace("/opt/presswatch/bin/presswatch", str(program))
        for name in {unit, instance}:
            (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@needs_systemd
@pytest.mark.parametrize("instance", INSTANCES.values())
def test_units_are_valid(instance, installed):
    result = analyzed(["verify", "--man=no"], installed / instance)
    assert (result.returncode, result.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("instance", INSTANCES.values())
def test_units_are_hardened(instance, installed):
    result = analyzed(
        ["security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSURE * 10:.0f}"],
        installed / instance,
    )
    assert result.returncode == 0, result.stdout[-300:]


def test_the_template_is_as_hardened_as_the_whole():
    own = {"Type", "WatchdogSec", "TimeoutStartSec", "ExecStart"}
    whole, one = (
        [(key, value) for key, value in sections(name)["Service"] if key not in own]
        for name in INSTANCES
    )
    assert whole == one


def test_units_start_commands_that_exist():
    assert dict(sections("presswatch.service")["Service"])["ExecStart"].endswith(" run")
    head = (UNITS / "presswatch@.service").read_text(encoding="utf-8").splitlines()[0]
    instances = re.findall(r"@(\w+)", head)
    assert {"run", *instances} <= set(presswatch.commands)
    assert instances == ["scheduler", "worker", "archive", "web"]
