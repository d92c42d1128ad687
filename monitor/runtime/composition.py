"""The composition root: reads the configuration and connects to Redis for every process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import ConfigError, NotRunning, PresswatchError
from monitor.runtime import logs

if TYPE_CHECKING:
    from redis import Redis

    from monitor.archive.database import Archive
    from monitor.config import Config
    from monitor.jobs.queues import Queues
    from monitor.store import Store
    from monitor.watchlists.matcher import Matcher

CONFIG_VARIABLE = "PRESSWATCH_CONFIG"
DATA_VARIABLE = "PRESSWATCH_DATA"
REDIS_VARIABLE = "REDIS_URL"

SYSTEM_CONFIG = Path("/etc/presswatch")

SAFE_POLICY = "noeviction"
# Between two attempts to reach a Redis that has still to start.
REDIS_PAUSE_S = 1.0


def bundled(name: str) -> Path:
    """Returns a bundled file or directory: beside the package in a checkout, else inside it."""
    package = Path(__file__).parents[1]
    installed = package / "bundled" / name
    return installed if installed.exists() else package.parent / name


def is_bundled(path: Path) -> bool:
    """Returns whether a path is inside the installed package, which is never written to."""
    return path.resolve().is_relative_to((Path(__file__).parents[1] / "bundled").resolve())


def default_config() -> Path:
    """Returns the configuration's directory to use when none is named."""
    return users_config() or bundled("config")


def users_config() -> Path | None:
    """Returns the first of the usual configuration directories that exists.

    They are `./config`, `presswatch` in the user's configuration directory (XDG Base Directory
    Specification), and `/etc/presswatch`.
    """
    xdg = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not xdg.is_absolute():  # The specification has relative paths ignored.
        xdg = Path(os.path.expanduser("~/.config"))  # noqa: PTH111 - Path's raises without a home
    places = (Path("config"), xdg / "presswatch", SYSTEM_CONFIG)
    return next((place for place in places if place.is_dir()), None)


def connect(data: Path, environ: Mapping[str, str] = os.environ) -> Redis:
    """Connects to the Redis that REDIS_URL names, else to the one in the data directory.

    Raises NotRunning if there is neither or it does not answer, and PresswatchError if it refuses
    us or may evict keys.
    """
    from redis import AuthenticationError
    from redis import ConnectionError as RedisConnectionError
    from redis import TimeoutError as RedisTimeoutError
    from redis.exceptions import BusyLoadingError, NoPermissionError, RedisError

    from monitor.store.client import client, probe

    url, where = _redis_address(data, environ)
    try:
        with probe(url) as redis:
            # While Redis loads its data, it answers INFO, but hardly anything else.
            redis.ping()
            policy = redis.info("memory").get("maxmemory_policy", SAFE_POLICY)
    except ValueError as error:
        # redis-py's message quotes a part of the URL, which may hold a password.
        raise PresswatchError(
            f"{where} has an invalid address: write redis://HOST:PORT/0, rediss://… or unix://PATH"
        ) from error
    except (AuthenticationError, NoPermissionError) as error:
        raise PresswatchError(f"{where} refuses our user or password") from error
    except BusyLoadingError as error:
        raise NotRunning(f"{where} is still loading its data") from error
    except (RedisConnectionError, RedisTimeoutError) as error:
        # The message leaves out the URL, which may hold a password.
        raise NotRunning(f"{where} does not answer: {type(error).__name__}") from error
    except RedisError as error:
        raise PresswatchError(f"{where} refuses: {error}") from error
    if policy != SAFE_POLICY:
        raise PresswatchError(
            f"{where} may evict keys (maxmemory-policy {policy}), and alerts with them: "
            f"set maxmemory-policy to {SAFE_POLICY}"
        )
    return client(url)


def _redis_address(data: Path, environ: Mapping[str, str]) -> tuple[str, str]:
    """Returns the URL of the Redis to connect to, and what messages call it."""
    from monitor.runtime import embedded

    if url := environ.get(REDIS_VARIABLE):
        return url, f"the Redis at {REDIS_VARIABLE}"
    try:
        return embedded.url_file(data).read_text().strip(), f"the Redis in {data}"
    except FileNotFoundError:
        raise NotRunning(
            f"no presswatch is running in {data}: start one with `presswatch run`, name its "
            f"directory with --data, or set {REDIS_VARIABLE}"
        ) from None
    except OSError as error:
        raise PresswatchError(f"{data} cannot be read: {error.strerror}") from error


@dataclass(frozen=True)
class Runtime:
    """The parts that the processes of one Presswatch share: configuration, Redis, store, queues."""

    config_directory: Path
    config: Config
    redis: Redis

    @cached_property
    def store(self) -> Store:
        """Returns the state that Presswatch keeps in Redis."""
        from monitor.store import Store

        settings = self.config.settings
        return Store(self.redis, settings.redis_prefix, settings.articles.keep)

    @cached_property
    def queues(self) -> Queues:
        """Returns the job queues."""
        from monitor.jobs.queues import Queues

        return Queues(self.redis, self.store.keys)

    def matcher(self) -> Matcher:
        """Compiles all watchlists."""
        from monitor.watchlists.matcher import Matcher

        return Matcher(self.config.watchlists, self.config.definitions)


def start(config: Path, data: Path) -> Runtime:
    """Reads the configuration and connects to Redis; raises as `read` and `connect` do."""
    return Runtime(config, read(config), connect(data))


def look(config: Path, data: Path) -> Runtime:
    """Connects to a running daemon to look at it, also while the configuration is broken.

    The daemon goes on with the last valid configuration then; what is valid now is close to it.
    Raises as `connect` does.
    """
    return Runtime(config, read_to_look(config), connect(data))


def read_to_look(directory: Path) -> Config:
    """Reads a configuration, or what is valid of it, and says on standard error which."""
    try:
        return read(directory)
    except ConfigError as error:
        from monitor.config import load_valid_part

        count = len(error.faults)
        sys.stderr.write(
            f"presswatch: the configuration has {count} fault{'s' * (count != 1)} (see `presswatch "
            "check`); a running daemon goes on with the last valid one\n"
        )
        config = load_valid_part(directory, os.environ)
        logs.hide(config.secrets)
        return config


def start_process(config: Path, data: Path) -> Runtime:
    """Does the same for a process that runs for long: waits for a Redis that does not answer yet.

    Machines and containers start their services in any order.
    """
    import structlog

    log = structlog.stdlib.get_logger(__name__)
    configuration = read(config)
    has_said = False
    while True:
        try:
            return Runtime(config, configuration, connect(data))
        except NotRunning as error:
            if not has_said:
                log.warning("redis awaited", error=str(error))
            has_said = True
            time.sleep(REDIS_PAUSE_S)


def archive(config: Path, data: Path) -> Archive:
    """Opens the archive for reading, whether the daemon runs or not.

    Raises as `monitor.archive.database.read_archive` does; a broken configuration is no hindrance.
    """
    from monitor.archive.database import read_archive

    return read_archive(read_to_look(config).settings.archive.url, data)


def read(directory: Path, *, running: Config | None = None) -> Config:
    """Reads a configuration and keeps its secrets out of the log; raises as `load` does."""
    from monitor.config import load

    config = load(directory, os.environ, running=running)
    logs.hide(config.secrets)
    return config


class ConfigWatch:
    """Notices that the configuration's files have changed."""

    def __init__(self, runtime: Runtime) -> None:
        self._directory = runtime.config_directory
        self._running = runtime.config
        self._fingerprint = self._current()

    def changed(self) -> Config | None:
        """Returns the new configuration if the files have changed since the last call, else None.

        Raises ConfigError, once for each change, if the new configuration is broken, changes a
        setting that is fixed while Presswatch runs, or has lost all feeds or all watchlists.
        """
        current = self._current()
        if current == self._fingerprint:
            return None
        self._fingerprint = current
        self._running = read(self._directory, running=self._running)
        return self._running

    def valid_change(self) -> Config | None:
        """Returns the same, but None if it is broken: the scheduler reports that."""
        try:
            return self.changed()
        except ConfigError:
            return None

    def _current(self) -> str:
        from monitor.config import fingerprint

        return fingerprint(self._directory)

    def forget(self) -> None:
        """Makes the next call of `changed` read the files, whether they have changed or not."""
        self._fingerprint = ""
