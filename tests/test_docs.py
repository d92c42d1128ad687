"""The documentation names what exists, and everything that a user can meet."""

import ast
import importlib
import pkgutil
import re
from collections import defaultdict
from operator import itemgetter
from pathlib import Path

import click
import pytest
from fastapi import APIRouter

from monitor.cli import presswatch
from monitor.config import load
from monitor.runtime.composition import Runtime
from monitor.web import api, pages
from monitor.web.metrics import StateCollector

PROJECT = Path(__file__).parents[1]
PAGES = [
    *sorted((PROJECT / "docs").glob("*.md")),
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
SOURCES = [
    path for root in ("monitor", "workers") for path in sorted((PROJECT / root).rglob("*.py"))
]
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def text(path):
    return path.read_text(encoding="utf-8")


def prose(page):
    """Returns a page without its blocks of code, which hold samples and drawings."""
    return re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL)


def resolves(dotted):
    """Returns whether a dotted name is a module, or what a module or its class holds."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(value, name):
                return False
            value = getattr(value, name)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_are_named_exist(page):
    names = set(re.findall(r"\b(?:monitor|workers)(?:\.[A-Za-z_]\w*)+", text(page)))
    assert not {name for name in names if not resolves(name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    paths = set(
        re.findall(r"(?<![\w/.:-])(?:monitor|workers|tests|docs|config)/[\w./*-]*\w/?", prose(page))
    )
    missing = {path for path in paths if not list(PROJECT.glob(path.rstrip("/")))}
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_that_are_linked_exist(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text(page))
    assert all((page.parent / target).exists() for target in targets)


def addresses(package, prefix):
    """Yields the paths that can be read, of the routers in a package's modules."""
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for router in vars(module).values():
            if isinstance(router, APIRouter):
                yield from (
                    prefix + route.path for route in router.routes if "GET" in route.methods
                )


PATHS = sorted({*addresses(pages, ""), *addresses(api, "/api/v1")})


def test_every_page_and_address_of_the_api_is_documented():
    """With its parameters in capitals."""
    names = ("web", "web-watchlists", "metrics")
    documented = "".join(text(PROJECT / "docs" / f"{name}.md") for name in names)
    assert len(PATHS) > 30
    wanted = {re.sub(r"\{(?:\w+_)?(\w+)\}", lambda name: name[1].upper(), path) for path in PATHS}
    assert [path for path in sorted(wanted) if path not in documented] == []


WAY = re.compile(r"^\s*\d+\. `([\w/]+\.py)`: `([\w.]+)`", re.MULTILINE)
WAY_STEPS = WAY.findall(text(PROJECT / "docs" / "design.md"))


@pytest.mark.parametrize(("path", "function"), WAY_STEPS)
def test_each_step_of_an_entry_is_a_function(path, function):
    assert callable(attribute(path, function))


def attribute(path, dotted):
    value = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


def test_the_way_of_an_entry_was_read():
    assert len(WAY_STEPS) > 12


def constants(expression):
    """Returns the constants that an expression may be; fails for any other expression."""
    if isinstance(expression, ast.IfExp):
        return constants(expression.body) | constants(expression.orelse)
    assert isinstance(expression, ast.Constant), ast.unparse(expression)
    return {expression.value}


def log_methods(expression):
    """Returns the names of those methods of the module's logger that an expression names."""
    return {
        node.attr
        for node in ast.walk(expression)
        if isinstance(node, ast.Attribute)
        and node.attr in METHODS
        and (ast.unparse(node.value) == "log" or "get_logger" in ast.unparse(node.value))
    }


def logged(function):
    """Yields each call that logs in a function, with the names of its possible methods."""
    # A method that is chosen first: `level = log.info if … else log.debug`.
    chosen = [
        (node.lineno, ast.unparse(node.targets[0]), log_methods(node.value))
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and log_methods(node.value)
    ]
    for call in ast.walk(function):
        if isinstance(call, ast.Call):
            methods = log_methods(call.func)
            for line, name, possible in sorted(chosen, key=itemgetter(0)):
                if line < call.lineno and ast.unparse(call.func) == name:
                    methods = possible
            if methods:
                yield call, methods


def events():
    """Returns each event that is logged, with its levels."""
    found = defaultdict(set)
    for path in SOURCES:
        for function in ast.walk(ast.parse(text(path))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for call, methods in logged(function):
                levels = {"error" if name == "exception" else name for name in methods}
                *level, event = call.args
                if levels == {"log"}:
                    levels = {
                        ast.unparse(argument).rpartition(".")[2].lower() for argument in level
                    }
                else:
                    assert not level, f"{path}:{call.lineno}: bind values by name"
                for name in constants(event):
                    found[name] |= levels
    return found


EVENT_ROW = re.compile(r"^\| `([^`]+)` \| (\w+(?:, \w+)*) \| (.+?) \| (.*?) \|$", re.MULTILINE)


def test_every_log_event_is_listed_with_its_levels_and_meaning():
    section = text(PROJECT / "docs" / "operating.md").partition("### Events\n")[2]
    rows = EVENT_ROW.findall(section.partition("\n## ")[0])
    assert len(rows) == section.partition("\n## ")[0].count("\n| `")
    listed = {event: set(levels.split(", ")) for event, levels, *_ in rows}
    assert len(listed) == len(rows)
    assert listed == events()


def test_every_module_names_its_logger_log():
    """The events above would miss those of a logger under another name."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.Assign) and "get_logger(" in ast.unparse(node.value):
                assert [ast.unparse(target) for target in node.targets] == ["log"], path


def commands(group, *names):
    """Yields each command that does something, by its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name), command


COMMANDS = dict(commands(presswatch))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_documented(words):
    section = text(PROJECT / "docs" / "operating.md").partition("## Commands\n")[2]
    rows = [row for row in section.partition("\n## ")[0].splitlines() if row.startswith("| `")]
    command = " ".join(words)
    (row,) = [row for row in rows if re.match(rf"\| `{command}[ `]", row)]
    options = {
        option
        for parameter in COMMANDS[words].params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    common = {"--config", "--data", "--log-level", "--help", "-h"}
    named = set(re.findall(r"--[a-z-]+", row))
    assert named == options - common


def test_every_command_that_is_named_exists():
    named = set()
    for page in PAGES:
        named |= set(re.findall(r"`presswatch ([a-z]+)(?: ([a-z]+))?", text(page)))
    for first, second in named:
        command = presswatch.commands.get(first)
        assert command, first
        if second and isinstance(command, click.Group):
            assert second in command.commands, f"{first} {second}"


def test_every_variable_of_the_environment_is_documented():
    used = set()
    for path in SOURCES:
        used |= set(re.findall(r"\"(PRESSWATCH_[A-Z_]+|REDIS_URL|NO_COLOR)\"", text(path)))
    # For the processes of `presswatch run` alone.
    used.discard("PRESSWATCH_LIFELINE")
    assert used
    operating = text(PROJECT / "docs" / "operating.md")
    assert not {name for name in used if f"`{name}`" not in operating}


METRIC_ROW = re.compile(r"^\| `(presswatch_\w+)(?:\{([^}]*)\})?` \| (\w+) \|", re.MULTILINE)


@pytest.fixture
def families(redis, configure):
    """All metrics, by the name under which Prometheus has them."""
    directory = configure("subscribers: [{name: desk, webhook: {url: 'https://a.example'}}]")
    runtime = Runtime(directory, load(directory, {}), redis)
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: family
        for family in StateCollector(runtime).collect()
    }


def test_every_metric_is_documented_with_its_kind(families):
    rows = METRIC_ROW.findall(text(PROJECT / "docs" / "metrics.md"))
    assert {name: kind for name, _, kind in rows} == {
        name: family.type for name, family in families.items()
    }
    for name, labels, _ in rows:
        given = {label for sample in families[name].samples for label in sample.labels} - {"le"}
        assert not given or set(labels.split(", ")) == given, name


@pytest.mark.parametrize("file", ["grafana.json", "alerts.rules.yml"])
def test_dashboard_and_rules_use_metrics_that_exist(families, file):
    used = set(re.findall(r"\bpresswatch_\w+", text(PROJECT / "docs" / file)))
    assert used
    assert {name.removesuffix("_bucket") for name in used} <= families.keys()
