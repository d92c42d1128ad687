"""Changes a file of the configuration: adds or removes feeds, adds a watchlist or a new query."""

from __future__ import annotations

import codecs
import fcntl
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from stat import S_IMODE
from tempfile import NamedTemporaryFile

from monitor.config import Config, load
from monitor.config.edit import has_list, with_feeds, with_query, with_watchlist, without_feed
from monitor.config.source import files
from monitor.config.variables import expand
from monitor.errors import ConfigError, PresswatchError
from monitor.model import Feed, Watchlist


@dataclass(frozen=True, slots=True)
class Change:
    """A file of the configuration and its new content, beside what it was before."""

    file: Path
    content: bytes
    before: bytes = b""

    def write(self) -> Path:
        """Replaces the file at once, and returns it.

        Raises PresswatchError if it cannot be written, or is no longer what it was before.
        """
        target = self.file.resolve()
        try:
            with _alone(target.parent):
                present = target.read_bytes() if target.exists() else b""
                if present != self.before:
                    raise PresswatchError(f"{self.file} was changed meanwhile; try again")
                _replace(target, self.content)
        except OSError as error:
            raise PresswatchError(f"{self.file} cannot be written: {error.strerror}") from error
        return self.file


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keeps other processes of Presswatch from changing a file of the directory meanwhile."""
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
        # A new name in a directory outlasts a power failure only if the directory is on the disk.
        os.fsync(held)
    finally:
        os.close(held)


def _replace(target: Path, content: bytes) -> None:
    """Replaces a file; the daemon, which may read it at any moment, never reads half of it."""
    with NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", suffix=".new", delete=False
    ) as complete:
        try:
            complete.write(content)
            complete.flush()
            _give_owner_and_mode(target, complete.fileno())
            os.fsync(complete.fileno())
            Path(complete.name).replace(target)
        except BaseException:
            Path(complete.name).unlink(missing_ok=True)
            raise


def _give_owner_and_mode(target: Path, descriptor: int) -> None:
    """Gives a new file the old one's owner and mode, or those that suit its directory."""
    stat = (target if target.exists() else target.parent).stat()
    # Only root may give a file away; a file that another owns then becomes ours, as with editors.
    with suppress(PermissionError):
        os.fchown(descriptor, stat.st_uid, stat.st_gid)
    # A temporary file is readable by its owner alone, and the daemon may run as somebody else.
    os.fchmod(descriptor, S_IMODE(stat.st_mode) & 0o666)


def prepare_feed(
    directory: Path, feed: Feed, environ: Mapping[str, str], url: str | None = None
) -> Change:
    """Finds the file to add a feed to, and its new content, which keeps comments and layout.

    `url` is the feed's address with its variables, as the file must write it, if it has any.
    Raises ConfigError if the configuration is broken or would be with this feed, and
    PresswatchError if it already has the feed or the feed cannot be written.
    """
    return prepare_feeds(directory, [(feed, url)], environ)


def prepare_feeds(
    directory: Path, additions: Sequence[tuple[Feed, str | None]], environ: Mapping[str, str]
) -> Change:
    """Finds the file to add feeds to, as `prepare_feed` does, and raises the same errors."""
    known = load(directory, environ)
    present = {feed.url for feed in known.feeds}
    for feed, _ in additions:
        if feed.url in present:
            raise PresswatchError(f"{feed.public_url} is already a feed of this configuration")
    named = (replace(feed, name=feed.name or None) for feed, _ in additions)
    wanted = Counter((*known.feeds, *named))
    errors: list[ConfigError] = []
    for file in _files_for(directory, "feeds"):
        before = file.read_bytes() if file.exists() else b""
        text = with_feeds(before.decode("utf-8-sig"), additions)
        try:
            if Counter(load(directory, environ, instead={file: text}).feeds) == wanted:
                return _change(file, text, before)
        except ConfigError as error:
            errors.append(error)
    message = f"{additions[0][0].public_url} cannot be written as a feed"
    raise errors[0] if errors else PresswatchError(message)


def prepare_removal(directory: Path, feed: Feed, environ: Mapping[str, str]) -> Change:
    """Finds the file with a feed, and its content without it; everything else stays as it is.

    Raises ConfigError if the configuration is broken, or would be without the feed, as one is
    whose watchlists name it, and PresswatchError if the feed cannot be removed by itself.
    """
    known = load(directory, environ)
    wanted = Counter(each for each in known.feeds if each.url != feed.url)
    for file in files(directory):
        before = file.read_bytes()
        text = without_feed(
            before.decode("utf-8-sig"), lambda url: expand(url, environ).text == feed.url
        )
        if text is None:
            continue
        changed = load(directory, environ, instead={file: text})
        if Counter(changed.feeds) == wanted and replace(changed, feeds=known.feeds) == known:
            return _change(file, text, before)
    raise PresswatchError(
        f"{feed.public_url} cannot be removed by itself: an alias or a merged key shares it with "
        "others; edit the file by hand"
    )


def prepare_watchlist(directory: Path, watchlist: Watchlist, environ: Mapping[str, str]) -> Change:
    """Finds the file to add a watchlist to, and its new content, which keeps comments and layout.

    Its name, title, query and subscribers are written. Raises ConfigError if the configuration
    would be broken with it, and PresswatchError if it is broken already, or has the name already.
    """
    known = _valid(directory, environ)
    if watchlist.name in {present.name for present in known.watchlists}:
        raise PresswatchError(
            f"there is a watchlist {watchlist.name} already; choose another name, "
            "or change that one on its own bench"
        )
    errors: list[ConfigError] = []
    for file in _files_for(directory, "watchlists"):
        before = file.read_bytes() if file.exists() else b""
        text = with_watchlist(before.decode("utf-8-sig"), watchlist)
        try:
            changed = load(directory, environ, instead={file: text})
        except ConfigError as error:
            errors.append(error)
            continue
        added = [each for each in changed.watchlists if each not in known.watchlists]
        if added == [watchlist] and len(changed.watchlists) == len(known.watchlists) + 1:
            return _change(file, text, before)
    message = f"{watchlist.name} cannot be written as a watchlist"
    raise errors[0] if errors else PresswatchError(message)


def prepare_query(
    directory: Path, name: str, query: str, environ: Mapping[str, str], *, present: str
) -> Change:
    """Finds the file with a watchlist's query, and its content with another query.

    Everything else in the file stays as it is. `present` is the query that the new one was compared
    with: if somebody has changed it since, nothing is prepared. Raises ConfigError if the
    configuration would be broken with this query, also by an example that the watchlist must or
    must not match, and PresswatchError if it is broken already, the query has changed, or it cannot
    be replaced without changing something else.
    """
    known = _valid(directory, environ)
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
            return _change(file, text, before)
    raise PresswatchError(
        f"the query of {name} cannot be replaced by itself: it is shared by an alias, has a "
        "variable, or is a list of words; edit the file by hand"
    )


def _valid(directory: Path, environ: Mapping[str, str]) -> Config:
    try:
        return load(directory, environ)
    except ConfigError as error:
        raise PresswatchError(
            f"the configuration is broken already, and must be mended first: {error.faults[0]}"
        ) from error


def _on_one_line(config: Config) -> Config:
    """Returns a configuration whose queries have one space where they had any white space."""
    watchlists = (replace(each, query=" ".join(each.query.split())) for each in config.watchlists)
    return replace(config, watchlists=tuple(watchlists))


def _change(file: Path, text: str, before: bytes) -> Change:
    byte_order_mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    return Change(file, byte_order_mark + text.encode(), before)


def _files_for(directory: Path, key: str) -> Iterator[Path]:
    """Yields the files an entry may be added to: those that hold others, KEY.yaml, a new file."""
    yield from (file for file in files(directory) if has_list(file.read_text("utf-8-sig"), key))
    yield directory / f"{key}.yaml"
    yield next(
        file
        for file in (directory / f"{key}-{number}.yaml" for number in count(2))
        if not file.exists()
    )
