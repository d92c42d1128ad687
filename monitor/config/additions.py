"""Changes a file of the configuration: adds a feed, or replaces the query of a watchlist."""

from __future__ import annotations

import codecs
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from monitor.config import Config, load
from monitor.config.edit import has_feeds, with_feed, with_query
from monitor.config.source import files
from monitor.errors import ConfigError, PresswatchError
from monitor.model import Feed


@dataclass(frozen=True, slots=True)
class Addition:
    """A file of the configuration and its new content, beside what it was before."""

    file: Path
    content: bytes
    before: bytes = b""

    def write(self) -> Path:
        """Replaces the file at once, and returns it."""
        # The daemon may read the file at any moment, and must never read half of it.
        target = self.file.resolve()
        complete = target.with_name(f".{target.name}.new")
        try:
            complete.write_bytes(self.content)
            if target.exists():
                shutil.copymode(target, complete)
            complete.replace(target)
        except OSError as error:
            with suppress(OSError):
                complete.unlink()
            raise PresswatchError(f"{self.file} cannot be written: {error.strerror}") from error
        return self.file


def prepare_feed(
    directory: Path, feed: Feed, environ: Mapping[str, str], url: str | None = None
) -> Addition:
    """Finds the file to add a feed to, and its new content, which keeps comments and layout.

    `url` is the feed's address with its variables, as the file must write it, if it has any.
    Raises ConfigError if the configuration is broken or would be with this feed, and
    PresswatchError if it already has the feed or the feed cannot be written.
    """
    known = load(directory, environ)
    if feed.url in {present.url for present in known.feeds}:
        raise PresswatchError(f"{feed.public_url} is already a feed of this configuration")
    wanted = Counter((*known.feeds, replace(feed, name=feed.name or None)))
    errors: list[ConfigError] = []
    for file in _files_for_feeds(directory):
        before = file.read_bytes() if file.exists() else b""
        text = with_feed(before.decode("utf-8-sig"), feed, url)
        try:
            if Counter(load(directory, environ, instead={file: text}).feeds) == wanted:
                break
        except ConfigError as error:
            errors.append(error)
    else:
        message = f"{feed.public_url} cannot be written as a feed"
        raise errors[0] if errors else PresswatchError(message)
    return _addition(file, text, before)


def prepare_query(
    directory: Path, name: str, query: str, environ: Mapping[str, str], *, present: str
) -> Addition:
    """Finds the file with a watchlist's query, and its content with another query.

    Everything else in the file stays as it is. `present` is the query that the new one was compared
    with: if somebody has changed it since, nothing is prepared. Raises ConfigError if the
    configuration is broken or would be with this query, also by an example that the watchlist must
    or must not match, and PresswatchError if the query has changed, or cannot be replaced without
    changing something else.
    """
    known = load(directory, environ)
    queries = {each.name: each.query.split() for each in known.watchlists}
    if queries.get(name) != present.split():
        raise PresswatchError(
            f"the query of {name} was changed meanwhile; go back, and load the page again"
        )
    changed = (
        replace(each, query=query) if each.name == name else each for each in known.watchlists
    )
    wanted = _on_one_line(replace(known, watchlists=tuple(changed)))
    for file in files(directory):
        before = file.read_bytes()
        text = with_query(before.decode("utf-8-sig"), name, query)
        if text is None:
            continue
        changed_config = load(directory, environ, examples=True, instead={file: text})
        if _on_one_line(changed_config) == wanted:
            return _addition(file, text, before)
    raise PresswatchError(
        f"the query of {name} cannot be replaced by itself: it is shared by an alias, has a "
        "variable, or is a list of words; edit the file by hand"
    )


def _on_one_line(config: Config) -> Config:
    """Returns a configuration whose queries have one space where they had any white space."""
    watchlists = (replace(each, query=" ".join(each.query.split())) for each in config.watchlists)
    return replace(config, watchlists=tuple(watchlists))


def _addition(file: Path, text: str, before: bytes) -> Addition:
    byte_order_mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    return Addition(file, byte_order_mark + text.encode(), before)


def _files_for_feeds(directory: Path) -> Iterator[Path]:
    """Yields the files a feed may be added to: those that hold feeds, feeds.yaml, a new file."""
    yield from (file for file in files(directory) if has_feeds(file.read_text("utf-8-sig")))
    yield directory / "feeds.yaml"
    yield next(
        file
        for file in (directory / f"feeds-{number}.yaml" for number in count(2))
        if not file.exists()
    )
