"""Puts a process together: configuration, Redis, store, jobs, logs.

`composition` is the root from which every process starts, `embedded` brings a Redis server along,
`lifeline` ends processes with their owner, and `logs` sets up the log. `cli`, `scheduler`, `demo`
and `workers` use it.
"""
