"""Describes the state of a running Presswatch, for `presswatch status`, the pages and metrics.

`feeds` says how each feed fares, `jobs` what a failed job was about, and `readiness` what keeps
Presswatch from working. Everything is read from Redis and the configuration. `monitor.cli` and
`monitor.web` use this room.
"""
