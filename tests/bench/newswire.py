"""Publishes entries one by one, and measures how long after a feed was served each alert came."""

import time
from collections import defaultdict, deque

from entries import first_alerts
from loopback import Item

# A feed lists this many of its last entries.
LISTED = 20


class Newswire:
    """Publishes entries in feeds that are polled already, in turns, numbered from `first` on."""

    def __init__(self, site, daemon, paths, *, first=0):
        self._site = site
        self._daemon = daemon
        self._paths = paths
        self._first = first
        self._listed = defaultdict(lambda: deque(maxlen=LISTED))
        self._published = {}
        self._served = defaultdict(list)

    def publish(self, link, title="", summary=""):
        """Publishes an entry."""
        number = self._first + len(self._published)
        path = self._paths[number % len(self._paths)]
        self._listed[path].appendleft(Item(number, link, title or f"Report {number}", summary))
        self._published[number] = (time.time(), path)
        self._site.put_feed(path, self._listed[path])

    def publish_all(self, links, every_s):
        """Publishes entries at regular intervals."""
        began = time.monotonic()
        for number, link in enumerate(links):
            time.sleep(max(0.0, began + number * every_s - time.monotonic()))
            self.publish(link)

    def publish_in_turn(self, links, within_s):
        """Publishes each entry when the alert of the one before it has come."""
        for link in links:
            count = self._daemon.alert_count()
            self.publish(link)
            self._daemon.wait_for_alerts(count + 1, within_s, every_s=0.02)

    def latencies_s(self, within_s):
        """Returns, in order, the seconds from served to alert; None if it takes over `within_s`.

        An entry counts as served when a poll that began after its publication is answered.
        """
        deadline = time.monotonic() + within_s
        while True:
            alerts = first_alerts(self._site, self._daemon, self._published)
            served = self._served_at()
            if len(alerts) == len(self._published) or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return [
            alerts[number] - served[number] if number in alerts and number in served else None
            for number in self._published
        ]

    def _served_at(self):
        for request in self._site.requests():
            # Without news the answer is 304.
            if request.status == 200:
                self._served[request.path].append(request.at)
        times = {
            number: next((at for at in self._served[f"/{path}"] if at >= published), None)
            for number, (published, path) in self._published.items()
        }
        return {number: at for number, at in times.items() if at is not None}
