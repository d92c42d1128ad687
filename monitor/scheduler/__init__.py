"""Does what depends on time: polls, retries, releases of held alerts, recovery, housekeeping.

`scheduler.serve` runs the process. Of several schedulers one leads (`leadership.has_leader` says
whether any does), and only that one polls feeds (`poll.Poller`), releases held alerts
(`outbox.Outbox`), recovers lost jobs and keeps house (`housekeeping.Housekeeping`). `monitor.cli`
starts the process, and polls single feeds itself with `poll.Poller`; no other room uses this one.
"""
