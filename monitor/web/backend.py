"""What the pages and the API read and change: configuration, Redis, archive."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, HTTPException, Request

from monitor.alerts.document import whole
from monitor.archive.database import open_archive, read_archive
from monitor.archive.history import find_alerts
from monitor.config.as_written import Written, as_written
from monitor.errors import ConfigError
from monitor.runtime.composition import ConfigWatch

if TYPE_CHECKING:
    from monitor.archive.database import Archive
    from monitor.model import Feed
    from monitor.runtime.composition import Runtime

# A changed configuration is noticed within this time.
LOOK_S = 2.0


class Backend:
    """Holds the connections of this process, and the configuration that is in use."""

    def __init__(self, runtime: Runtime, data: Path) -> None:
        self.runtime = runtime
        self.data = data
        # Why the configuration's files are not in use, if they are broken.
        self.config_error: ConfigError | None = None
        # The configuration as its author wrote it.
        self.written: Written = as_written(runtime.config_directory)
        self._watch = ConfigWatch(runtime)
        self._archive: Archive | None = None
        self._reader: Archive | None = None
        self._lock = threading.Lock()

    @property
    def archive(self) -> Archive:
        """Returns the archive, which is opened at the first call that succeeds.

        Raises ArchiveUnavailable and PresswatchError as `open_archive` does.
        """
        with self._lock:
            if self._archive is None:
                url = self.runtime.config.settings.archive.url
                self._archive = open_archive(url, self.data)
            return self._archive

    @property
    def reader(self) -> Archive:
        """Returns the archive for reading alone, which never keeps others from writing to a file.

        Raises ArchiveUnavailable and PresswatchError as `archive` does, which brings the tables up
        to date first.
        """
        self.archive  # noqa: B018
        with self._lock:
            if self._reader is None:
                url = self.runtime.config.settings.archive.url
                self._reader = read_archive(url, self.data)
            return self._reader

    def reload(self) -> None:
        """Takes a changed configuration into use, unless it is broken."""
        try:
            config = self._watch.changed()
        except ConfigError as error:
            self.config_error = error
            return
        if config is not None:
            self.config_error = None
            self.written = as_written(self.runtime.config_directory)
            self.runtime = replace(self.runtime, config=config)

    def keep_up(self, stop: threading.Event) -> None:
        """Looks for changes of the configuration until told to stop."""
        while not stop.wait(LOOK_S):
            self.reload()

    def close(self) -> None:
        """Closes the connections to the archive."""
        with self._lock:
            for engine in filter(None, (self._archive, self._reader)):
                engine.dispose()


def _backend(request: Request) -> Backend:
    backend: Backend = request.app.state.backend
    return backend


Served = Annotated[Backend, Depends(_backend)]


def known_alert(served: Backend, alert_id: str) -> dict[str, Any]:
    """Returns the document of an alert in the archive; raises HTTPException if there is none."""
    found = find_alerts(served.reader, alert_id, 1) if alert_id.isalnum() else []
    if not found or found[0]["id"] != alert_id:
        raise HTTPException(404, "There is no such alert in the archive.")
    return whole(found[0])


def known_feed(served: Backend, feed_id: str) -> Feed:
    """Returns a feed of the configuration; raises HTTPException if there is none."""
    for feed in served.runtime.config.feeds:
        if feed.id == feed_id:
            return feed
    raise HTTPException(404, "There is no such feed in the configuration.")
