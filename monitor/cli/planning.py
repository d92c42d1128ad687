"""The command `plan`: what a changed configuration would have done with the archived coverage."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import options
from monitor.cli.options import examples
from monitor.errors import PresswatchError

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.model import Limit
    from monitor.watchlists.changes import DefinedWatchlists


class AlertRate(click.ParamType["Limit"]):
    """A number of alerts in a time, such as 50/d, as limits of subscribers are written."""

    name = "rate"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Limit:
        """Returns the rate; raises click.BadParameter."""
        from monitor.config.values import rate

        try:
            return rate(value)
        except ValueError:
            self.fail(f"{value!r} is not a rate; write for example 50/d or 5/h", param, ctx)


@click.command(
    epilog=examples(
        "presswatch plan --config new --against config --since 30d",
        "presswatch plan --fail-over 50/d --json",
    )
)
@options.config
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Compare with the configuration in this directory.  [default: with what was recorded]",
)
@click.option(
    "--since", type=options.Since(), default="30d", show_default=True,
    help="Look at the articles found since then.",
)  # fmt: skip
@click.option(
    "--fail-over", metavar="RATE", type=AlertRate(),
    help="Exit with 1 if a watchlist would alert more often than 50/d, 5/h … and than before.",
)  # fmt: skip
@click.option(
    "--samples", "most", type=click.IntRange(min=0), default=5, show_default=True,
    help="Show at most so many alerts gained, and lost, of each watchlist.",
)  # fmt: skip
@options.data
@options.as_json
@click.pass_context
def plan(
    context: click.Context,
    config_directory: Path,
    against: Path | None,
    since: datetime,
    fail_over: Limit | None,
    most: int,
    data: Path,
    as_json: bool,
) -> None:
    """Show which alerts a changed configuration would have added or lost.

    Both configurations are tried on the articles of the archive; the daemon need not run. Without
    --against, the configuration is compared with the alerts that the archive recorded. The exit
    code is 0 if nothing is over --fail-over, 1 if a watchlist is, and 2 for a broken configuration.
    """
    from monitor.archive.database import read_archive
    from monitor.archive.plan import Planner
    from monitor.archive.samples import Samples
    from monitor.cli.plan_output import PlanOutput
    from monitor.cli.searching import ProgressBar
    from monitor.runtime.composition import read

    config = read(config_directory)
    other = read(against) if against else None
    now = datetime.now(UTC)
    if since >= now:
        raise click.UsageError("--since must be in the past")
    engine = read_archive(config.settings.archive.url, data)
    after, before = _defined(config), _defined(other) if other else None
    planner = Planner(engine, after, before, since=since, until=now)
    with ProgressBar() as bar:
        for _ in planner.search:
            bar.draw(planner.search.examined, planner.search.candidates)
    result = planner.plan()
    if not result.period.articles:
        raise PresswatchError(
            f"the archive has no articles found since {since:%-d %B %Y, %H:%M} UTC, so nothing can "
            "be compared; give an earlier --since"
        )
    samples = [
        Samples(engine, each, before.definitions if before else {}, after.definitions)
        for each in result.changes
    ]
    output = PlanOutput(
        result,
        samples,
        against=against,
        limit=fail_over,
        most=most,
        query_secrets=(*config.query_secrets, *(other.query_secrets if other else ())),
    )
    if as_json:
        output.print_json()
    else:
        output.print_text()
    context.exit(int(bool(output.over)))


def _defined(config: Config) -> DefinedWatchlists:
    from monitor.watchlists.changes import DefinedWatchlists

    return DefinedWatchlists(config.watchlists, config.definitions)


COMMANDS = (plan,)
