"""Adds a feed to the configuration: chooses the file, and replaces it at once."""

from __future__ import annotations

import codecs
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from monitor.config import load
from monitor.config.edit import has_feeds, with_feed
from monitor.config.source import files
from monitor.errors import ConfigError, PresswatchError
from monitor.model import Feed


@dataclass(frozen=True, slots=True)
class Addition:
    """A file of the configuration and its content with one more feed."""

    file: Path
    content: bytes

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
    byte_order_mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    return Addition(file, byte_order_mark + text.encode())


def _files_for_feeds(directory: Path) -> Iterator[Path]:
    """Yields the files a feed may be added to: those that hold feeds, feeds.yaml, a new file."""
    yield from (file for file in files(directory) if has_feeds(file.read_text("utf-8-sig")))
    yield directory / "feeds.yaml"
    yield next(
        file
        for file in (directory / f"feeds-{number}.yaml" for number in count(2))
        if not file.exists()
    )
