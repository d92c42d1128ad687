"""Runs what happens by the clock: polls, releases of what is held, recovery, housekeeping.

`scheduler.serve` is the process; of several, one leads (`leadership`). `poll.Poller` polls one feed
and is used by `cli` as well.
"""
