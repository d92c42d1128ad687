"""The wheel and the sdist carry everything, and what they install runs."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SHARED = "packaging/share"
# Below the prefix of the installation, where each program looks.
COMPLETIONS = {
    "bash": "bash-completion/completions/presswatch",
    "zsh": "zsh/site-functions/_presswatch",
    "fish": "fish/vendor_completions.d/presswatch.fish",
}


def run(*command, cwd, **environment):
    """Runs a program and returns its output; fails with it if the program fails."""
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def build(project, target, directory):
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", directory, cwd=project)
    (built,) = directory.iterdir()
    return built


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Copies what git knows of the project, with man pages made there."""
    copy = tmp_path_factory.mktemp("source")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=PROJECT)
    for name in listed.splitlines():
        if (PROJECT / name).is_file() and not name.startswith("tests/"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, copy / name)
    pages = f"{SHARED}/man/man1"
    run(sys.executable, "packaging/man_pages.py", pages, cwd=copy, PYTHONPATH=str(copy))
    for cache in list(copy.rglob("__pycache__")):
        shutil.rmtree(cache)
    return copy


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    return build(source, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Installs the wheel into a directory beside everything else, as its only copy there."""
    target = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    said = run(*pip, "--no-deps", "--no-index", "--target", target, wheel, cwd=target)
    assert not said
    return target


def files(directory):
    return {
        path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()
    }


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_a_wheel_holds_what_the_package_needs_and_nothing_else(source, wheel):
    needed = {f"{room}/{name}" for room in ("monitor", "workers") for name in files(source / room)}
    needed |= {f"monitor/bundled/config/{name}" for name in files(source / "config")}
    needed.add("monitor/bundled/Procfile")
    data = "-".join(wheel.name.split("-")[:2]) + ".data/data/share"
    needed |= {f"{data}/{name}" for name in files(source / SHARED)}
    assert names(wheel) == needed
    # Of each kind, so that the list above is not empty by a mistake.
    for name in (
        "monitor/web/templates/base.html",
        "monitor/web/static/vendor/htmx.LICENSE",
        "monitor/py.typed",
        f"{data}/man/man1/presswatch-feeds-add.1",
    ):
        assert name in needed
    assert any(name.endswith("model.json") for name in needed)


def test_an_sdist_gives_the_same_wheel(source, wheel, tmp_path):
    sdist = build(source, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert names(build(unpacked, "wheel", tmp_path / "again")) == names(wheel)


def test_an_installed_command_helps_writes_a_configuration_and_checks_it(installed, tmp_path):
    def presswatch(*words):
        program = installed / "bin" / "presswatch"
        return run(sys.executable, program, *words, cwd=tmp_path, PYTHONPATH=str(installed))

    assert "Watch the news" in presswatch("--help")
    assert "settings.yaml" in presswatch("init")
    assert "no fault" in presswatch("check")
    assert "Le Soir" in presswatch("feeds", "suggest", "--country", "BE")
    # The bundled configuration, which is used where there is no other.
    shutil.rmtree(tmp_path / "config")
    assert f"{installed}/monitor/bundled/config: " in presswatch("check")


def test_licences_of_what_others_made_are_installed(installed):
    (metadata,) = installed.glob("presswatch-*.dist-info")
    assert {path.name for path in metadata.rglob("*LICENSE")} >= {
        "LICENSE",
        "htmx.LICENSE",
        "uPlot.LICENSE",
        "fundus.LICENSE",
        "kite-public.LICENSE",
    }


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_completions_are_those_that_the_command_prints(shell, installed):
    printed = run(
        *(sys.executable, "-m", "monitor"), cwd=PROJECT, _PRESSWATCH_COMPLETE=f"{shell}_source"
    )
    assert (installed / "share" / COMPLETIONS[shell]).read_text(encoding="utf-8") == printed


def test_bash_completes_commands_and_options(installed):
    script = (
        f'source "{installed}/share/{COMPLETIONS["bash"]}" && '
        "COMP_WORDS=(presswatch feeds add --f) COMP_CWORD=3 && "
        '_presswatch_completion presswatch && echo "${COMPREPLY[@]}"'
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    assert run("bash", "-c", script, cwd=PROJECT, PATH=path) == "--force\n"


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_pages_are_well_formed_and_have_the_examples(installed):
    pages = sorted((installed / "share/man/man1").iterdir())
    said = run(
        *("man", "--warnings", "--encoding=UTF-8", "--local-file", *pages),
        cwd=installed,
        MANWIDTH="200",
        MANPAGER="cat",
    )
    assert ": warning: " not in said
    assert "presswatch init /etc/presswatch" in said
    assert len(pages) > 25
