"""Commands that take feeds from other programs, and give them to others: import and export."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from monitor.cli import options
from monitor.cli.adding import own_config
from monitor.cli.options import examples
from monitor.errors import FeedError, PresswatchError
from monitor.hiding import without_userinfo
from monitor.runtime import composition
from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.model import Feed

NOT_POLLED = (
    "none of them was polled yet: `presswatch check --online` polls each feed once, and "
    "`presswatch status` shows which fail"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A feed that is to be added, as somebody else describes it."""

    url: str
    title: str
    tags: tuple[str, ...]
    problem: str = ""


def new_feeds(
    wanted: Iterable[Wanted], present: Iterable[Feed]
) -> Iterator[tuple[Wanted, Feed | None, str]]:
    """Yields each with the feed to add, or with None and why there is nothing to add.

    A name that another feed has is left out: names are unique, and a feed has a title of its own.
    """
    from monitor.model import Feed

    known = {feed.url for feed in present}
    names = {feed.name for feed in present}
    for each in wanted:
        url = _web_address(each.url)
        problem = each.problem or _fault(url, each.tags)
        if problem or url in known:
            yield each, None, problem
            continue
        name = each.title if each.title not in names and each.title else None
        known.add(url)
        names.add(name)
        yield each, Feed(url, name, each.tags), ""


def _web_address(url: str) -> str:
    """Returns the address that `feed:` means (`feed://a.example`, `feed:https://a.example`)."""
    if not url.lower().startswith("feed:"):
        return url
    rest = url[len("feed:") :]
    return f"http:{rest}" if rest.startswith("//") else rest


def _fault(url: str, tags: tuple[str, ...]) -> str:
    from pydantic import ValidationError

    from monitor.config.schema import FeedEntry

    try:
        FeedEntry(url=url, tags=tags)
    except ValidationError as error:
        fault = error.errors()[0]
        return f"its {fault['loc'][0]} {fault['msg']}"
    return ""


@click.command(
    name="import",
    epilog=examples(
        "presswatch feeds import subscriptions.opml --dry-run",
        "presswatch feeds import urls --tag newsboat",
    ),
)
@click.argument("file", type=click.File("rb", lazy=True))
@click.option("--tag", "tags", multiple=True, help="A tag for all; may be given several times.")
@click.option("--dry-run", is_flag=True, help="Say what would be added, and change nothing.")
@options.config
@click.pass_context
def import_feeds(
    context: click.Context,
    file: IO[bytes],
    tags: tuple[str, ...],
    dry_run: bool,
    config_directory: Path,
) -> None:
    """Add the feeds of an OPML file, or of newsboat's urls; folders become tags.

    Miniflux, FreshRSS, Feedly, Inoreader and most others export OPML. Feeds that the configuration
    has are left as they are. Nothing is polled.
    """
    from monitor.feeds.opml import MAX_BYTES, read_subscriptions

    try:
        subscriptions = read_subscriptions(file.read(MAX_BYTES + 1))
    except FeedError as error:
        raise PresswatchError(f"{file.name} was not imported: {printable(str(error))}") from error
    wanted = [
        Wanted(each.url, each.title, tuple(dict.fromkeys((*each.tags, *tags))), each.problem)
        for each in subscriptions
    ]
    add_all(context, wanted, config_directory, dry_run=dry_run)


def add_all(
    context: click.Context,
    wanted: Iterable[Wanted],
    directory: Path,
    *,
    dry_run: bool,
    were_polled: bool = False,
) -> None:
    """Adds feeds to the configuration and says so; exits with 1 if none of them can be added."""
    from monitor.config import load
    from monitor.config.additions import prepare_feeds

    own_config(context, directory)
    config = load(directory, os.environ)
    feeds: list[Feed] = []
    present = skipped = 0
    for each, feed, problem in new_feeds(wanted, config.feeds):
        if feed:
            feeds.append(feed)
            if dry_run:
                described = (feed.public_url, feed.name or "", ",".join(feed.tags))
                click.echo("  ".join(map(printable, filter(None, described))))
        elif problem:
            skipped += 1
            click.echo(printable(f"skipped {without_userinfo(each.url)}: {problem}"), err=True)
        else:
            present += 1
    counts = f"{present} were there already, {skipped} were skipped"
    if dry_run:
        click.echo(f"{_counted(feeds)} would be added; {counts}")
    elif feeds:
        target = prepare_feeds(directory, [(feed, None) for feed in feeds], os.environ).write()
        click.echo(f"{_counted(feeds)} added to {target}; {counts}")
        if not were_polled:
            click.echo(NOT_POLLED)
    else:
        click.echo(f"no feed added; {counts}")
    if skipped and not feeds and not present:
        context.exit(1)


def _counted(feeds: list[Feed]) -> str:
    return f"{len(feeds)} feed{'' if len(feeds) == 1 else 's'}"


@click.command(epilog=examples("presswatch feeds export", "presswatch feeds export --with-secrets"))
@click.option(
    "--with-secrets",
    is_flag=True,
    help="Write passwords and the values of variables such as ${KEY} into the addresses.",
)
@options.config
def export(config_directory: Path, with_secrets: bool) -> None:
    """Print the feeds as OPML, which other programs import; the first tag becomes a folder."""
    from monitor.feeds.opml import write_opml

    feeds = composition.read(config_directory).feeds
    written = [(feed, feed.url if with_secrets else feed.public_url) for feed in feeds]
    click.echo(write_opml(written, now=datetime.now(UTC)), nl=False)
    hidden = sum(feed.url != url for feed, url in written)
    if hidden:
        click.echo(
            f"{hidden} address{'' if hidden == 1 else 'es'} without the secrets they need; "
            "--with-secrets writes them",
            err=True,
        )
