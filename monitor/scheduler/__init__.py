"""Does what depends on time: polls, retries, releases of held alerts, recovery, housekeeping.

`scheduler.serve` runs the process. All schedulers poll feeds (`rounds.Rounds`, `poll.Poller`). One
of them leads (`leadership.Leadership`): it also subscribes to feeds at their hubs
(`hubs.HubRequests`) and reads what these push (`pushed.PushedDocuments`), releases held alerts
(`outbox.Outbox`), recovers lost jobs and keeps house (`housekeeping.Housekeeping`). `monitor.cli`
starts the process, and polls single feeds itself with `poll.Poller`; no other room uses this one.
"""
