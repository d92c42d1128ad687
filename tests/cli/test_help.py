"""The help of every command ends with examples, and they are true."""

import shlex

import click
import pytest
from click.testing import CliRunner

from monitor.cli import presswatch
from monitor.watchlists.query import parse

MOST_EXAMPLES = 3


def commands(command, *words):
    """Yields each command that can be run, by its words."""
    if not isinstance(command, click.Group) or command.invoke_without_command or not words:
        yield words, command
    if isinstance(command, click.Group):
        for name, subcommand in command.commands.items():
            yield from commands(subcommand, *words, name)


COMMANDS = dict(commands(presswatch))


def examples(command):
    _, heading, *lines = (command.epilog or "\b\n").splitlines()
    assert heading == ("Example:" if len(lines) == 1 else "Examples:")
    return [line.removeprefix("  ") for line in lines]


def arguments(line):
    """Returns the words after `presswatch` that the shell would hand over."""
    words = shlex.split(line.partition(" < ")[0])
    return words[words.index("presswatch") + 1 :]


def parsed(line):
    """Returns the command that a command line means, by its words, and its parameters."""
    context, rest, words = presswatch.make_context("presswatch", arguments(line)), None, ()
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest:
            break
        name, command, rest = context.command.resolve_command(context, rest)
        words += (name,)
        context = command.make_context(name, rest, parent=context)
    return words, context.params


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "presswatch")
def test_help_ends_with_examples_that_the_command_understands(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # What the examples name has to exist.
    for name in ("archive.db", "subscriptions.opml", "urls"):
        (tmp_path / name).touch()
    (tmp_path / "config").mkdir()
    monkeypatch.setattr("monitor.runtime.logs.configure", lambda *_: None)
    lines = examples(COMMANDS[words])
    assert 1 <= len(lines) <= MOST_EXAMPLES
    for line in lines:
        meant, parameters = parsed(line)
        assert meant[: len(words)] == words
        if "query" in parameters and "dialect" not in parameters:
            parse(parameters["query"])


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "presswatch")
def test_examples_are_printed_as_they_are(words):
    printed = CliRunner().invoke(presswatch, [*words, "--help"], terminal_width=60).output
    for line in examples(COMMANDS[words]):
        assert f"\n    {line}\n" in printed


@pytest.mark.parametrize(
    "words", [("init",), ("watchlists", "convert")], ids=lambda words: " ".join(words)
)
def test_examples_that_need_no_daemon_succeed(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in examples(COMMANDS[words]):
        # Nothing is written outside the test's directory.
        given = [word.replace("/etc/", "etc/") for word in arguments(line)]
        result = CliRunner().invoke(presswatch, given, input='"NATO" AND "Russia"\n')
        assert result.exit_code == 0, result.output
        assert result.output
