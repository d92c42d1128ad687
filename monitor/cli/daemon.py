"""Commands that run the daemon: as a whole, or one process of it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from monitor.cli import options
from monitor.cli.options import examples
from monitor.runtime import composition, lifeline, logs

if TYPE_CHECKING:
    from monitor.cli.supervisor import Supervisor
    from monitor.runtime.composition import Runtime


@click.command(
    epilog=examples(
        "presswatch run", "presswatch run --config /etc/presswatch --data /var/lib/presswatch"
    )
)
@options.config
@options.data
@options.log_level
def run(config_directory: Path, data: Path, log_level: str) -> None:
    """Run everything in the foreground and print each alert, until Ctrl-C."""
    from monitor.cli.console import Console
    from monitor.cli.supervisor import Supervisor

    processes = Supervisor(_commands())
    with _daemon(config_directory, data, log_level, processes) as runtime:
        click.echo(
            f"presswatch: {len(runtime.config.feeds)} feeds and {len(runtime.config.watchlists)} "
            f"watchlists from {config_directory}, data in {data}; Ctrl-C stops\n"
            f"presswatch: pages at http://{runtime.config.settings.web.listen}/",
            err=True,
        )
        alerts = runtime.store.alerts
        # The console also shows alerts that are published before it starts.
        sys.exit(processes.run(Console(alerts, alerts.last_id())))


@click.command(epilog=examples("presswatch demo", "presswatch demo --log-level info"))
@options.log_level
def demo(log_level: str) -> None:
    """Watch a bundled newsroom, offline: alerts for its articles, none for its adverts."""
    import tempfile

    from monitor.cli.demonstration import DemoConsole
    from monitor.cli.supervisor import Supervisor
    from monitor.demo import configuration
    from monitor.demo.newsroom import LOOPBACK, free_port

    port = free_port()
    with tempfile.TemporaryDirectory(prefix="presswatch-demo-") as scratch:
        config_directory = Path(scratch) / "config"
        config_directory.mkdir()
        pages = f"{LOOPBACK}:{free_port()}"
        (config_directory / "demo.yaml").write_text(
            configuration(f"http://{LOOPBACK}:{port}", pages), encoding="utf-8"
        )
        # Log lines about each article would hide the alerts, unless the user asks for them.
        source = click.get_current_context().get_parameter_source("log_level")
        level = "warning" if source is ParameterSource.DEFAULT else log_level
        logs.configure(level)
        newsroom = shlex.join([sys.executable, "-m", "monitor.demo.newsroom", str(port)])
        processes = Supervisor(_commands() | {"newsroom": newsroom})
        data = Path(scratch) / "var"
        with _daemon(config_directory, data, level, processes) as runtime:
            click.echo(
                "presswatch: a newsroom of three outlets opens on loopback …\n"
                f"presswatch: pages at http://{pages}/\n",
                err=True,
            )
            sys.exit(processes.run(DemoConsole(runtime, data)))


@contextmanager
def _daemon(
    config_directory: Path, data: Path, log_level: str, processes: Supervisor
) -> Iterator[Runtime]:
    """Reads the configuration, and holds the data directory and a Redis.

    Passes all three to the processes by the environment.
    """
    from monitor.runtime import embedded

    # A broken configuration must leave nothing behind.
    config = composition.read(config_directory)
    data = data.resolve()
    with embedded.hold(data):
        os.environ |= {
            composition.CONFIG_VARIABLE: str(config_directory.resolve()),
            composition.DATA_VARIABLE: str(data),
            lifeline.ENVIRONMENT: str(embedded.lifeline_of(data)),
            logs.LEVEL_VARIABLE: log_level,
            logs.FORMAT_VARIABLE: logs.chosen_format(),
            # The Procfile calls `presswatch`, which must be the one of this environment.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONUNBUFFERED": "1",
        }
        if os.environ.get(composition.REDIS_VARIABLE):
            yield composition.Runtime(config_directory, config, composition.connect(data))
        else:
            with embedded.server(data, processes.fail):
                yield composition.Runtime(config_directory, config, composition.connect(data))


def _commands() -> dict[str, str]:
    """Returns the command line of each process in the Procfile."""
    from honcho.environ import parse_procfile

    procfile = parse_procfile(composition.bundled("Procfile").read_text(encoding="utf-8"))
    return dict(procfile.processes)


@click.command(epilog=examples("REDIS_URL=redis://redis.example.org:6379/0 presswatch scheduler"))
@options.config
@options.data
@options.log_level
def scheduler(config_directory: Path, data: Path, log_level: str) -> None:  # noqa: ARG001
    """Poll the feeds; if several schedulers share a Redis, one of them leads."""
    import asyncio

    from monitor.scheduler.scheduler import serve

    lifeline.stop_with_owner()
    asyncio.run(serve(composition.start_process(config_directory, data)))


@click.command(epilog=examples("REDIS_URL=redis://redis.example.org:6379/0 presswatch worker"))
@options.config
@options.data
@options.log_level
def worker(config_directory: Path, data: Path, log_level: str) -> None:  # noqa: ARG001
    """Fetch, clean and match articles, and deliver alerts; any number may run."""
    from workers.pool import serve

    lifeline.stop_with_owner()
    serve(composition.start_process(config_directory, data))


COMMANDS = (run, demo, scheduler, worker)
