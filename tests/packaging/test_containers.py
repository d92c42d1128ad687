"""The Dockerfile and compose.yaml are sound, as far as that can be known without an engine."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from monitor.cli import presswatch
from monitor.config import load
from monitor.errors import ConfigError

PROJECT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


def instructions():
    """Returns the instructions of the Dockerfile with their arguments, in order."""
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(" ", 1)) for line in lines]


def arguments(name):
    return [argument for instruction, argument in instructions() if instruction == name]


def copied():
    """Returns what the Dockerfile copies from the project."""
    own = [words for words in map(shlex.split, arguments("COPY")) if "--from=build" not in words]
    return [source for words in own for source in words[:-1]]


def composed():
    return yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))


def lint(*command):
    result = subprocess.run(
        [PROGRAMS / command[0], *command[1:]],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_hadolint_finds_nothing():
    """It also reads the shell of each RUN, by shellcheck."""
    lint("hadolint", "Dockerfile")


def test_compose_lint_finds_nothing_grave():
    lint("compose-lint", "check", "--fail-on", "high", "compose.yaml")


def test_what_is_copied_exists_and_is_not_ignored():
    rules = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert "*" in rules
    for source in copied():
        assert (PROJECT / source).exists(), source
        assert any(fnmatch.fnmatch(source.split("/")[0], rule) for rule in let_in), source


def test_what_is_copied_is_enough_to_build_the_wheel(tmp_path):
    for source in copied():
        target = tmp_path / source
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (PROJECT / source).is_dir() else shutil.copy
        copy(PROJECT / source, target)
    (step,) = re.findall(r"python -m (hatchling .+?) &&", " && ".join(arguments("RUN")))
    subprocess.run([sys.executable, "-m", *shlex.split(step)], cwd=tmp_path, check=True, timeout=60)
    assert list(tmp_path.glob("dist/*.whl"))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_image_installs_what_is_locked_and_only_wheels(lock, tmp_path):
    """pip takes the step's options, and finds a hash for everything."""
    steps = re.findall(r"pip (install [^&]+)", " && ".join(arguments("RUN")))
    (step,) = [step for step in steps if step.strip().endswith(f"-r {lock}")]
    entries = re.findall(
        r"^(\S+==\S+.*?)(?=^\S+==|\Z)", (PROJECT / lock).read_text(), re.MULTILINE | re.DOTALL
    )
    assert all("--hash=sha256:" in entry for entry in entries)
    # Installed already, so that pip asks no index.
    (installed,) = [entry for entry in entries if entry.startswith(("pluggy==", "click=="))]
    (tmp_path / lock).write_text(installed, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", *shlex.split(step), "--dry-run", "--no-index"]
    subprocess.run(pip, cwd=tmp_path, check=True, capture_output=True, timeout=60)


def test_the_image_runs_a_command_that_exists_as_an_ordinary_user():
    (entrypoint,), (command,) = arguments("ENTRYPOINT"), arguments("CMD")
    (health,) = arguments("HEALTHCHECK")
    assert json.loads(entrypoint) == ["presswatch"]
    assert json.loads(command)[0] in presswatch.commands
    program, *words = json.loads(health.partition(" CMD ")[2])
    assert program == "presswatch"
    assert words[0] in presswatch.commands
    assert int(arguments("USER")[-1]) > 0


def test_each_process_has_a_container():
    procfile = (PROJECT / "Procfile").read_text(encoding="utf-8")
    services = composed()["services"]
    for name, words in re.findall(r"^(\w+): presswatch (.+)$", procfile, re.MULTILINE):
        assert services[name]["command"] == words.split()
        assert isinstance(presswatch.commands[words.split()[0]], click.Command)


def test_every_container_is_restarted_and_has_a_health_check():
    services = composed()["services"]
    own = [name for name, service in services.items() if service["image"] == "presswatch"]
    assert len(own) == 4
    for name, service in services.items():
        assert service["restart"] == "unless-stopped"
        assert name in own or service["healthcheck"]


def test_redis_in_a_container_loses_and_evicts_nothing():
    command = " ".join(composed()["services"]["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_secrets_come_from_the_environment_and_are_asked_for():
    text = (PROJECT / "compose.yaml").read_text(encoding="utf-8")
    values = re.findall(r"^\s+\w*PASSWORD: (.+)$", text, re.MULTILINE)
    assert len(values) == 2
    assert all(re.fullmatch(r'"\$\{[A-Z_]+:\?.+\}"', value) for value in values)


@pytest.fixture
def mounted(tmp_path):
    """Lays the configuration out as compose.yaml mounts it."""
    for volume in composed()["services"]["web"]["volumes"]:
        source, target, mode = volume.split(":")
        assert mode == "ro"
        place = tmp_path / Path(target).relative_to("/etc/presswatch")
        copy = shutil.copytree if (PROJECT / source).is_dir() else shutil.copy
        copy(PROJECT / source, place)
    return tmp_path


def test_the_configuration_in_containers_has_the_archive_and_the_password(mounted):
    given = composed()["services"]["web"]["environment"]
    environment = {name: re.sub(r"\$\{\w+:\?[^}]*\}", "passwordxyz", given[name]) for name in given}
    settings = load(mounted, environment).settings
    assert settings.archive.url == "postgresql://presswatch:passwordxyz@postgres/presswatch"
    assert settings.web.password == "passwordxyz"
    (published,) = composed()["services"]["web"]["ports"]
    assert published.endswith(":" + settings.web.listen.rpartition(":")[2])


def test_without_a_password_the_configuration_in_containers_is_refused(mounted):
    with pytest.raises(ConfigError, match="PRESSWATCH_PASSWORD"):
        load(mounted, {"PRESSWATCH_ARCHIVE_URL": "postgresql://postgres/presswatch"})
