"""Puts a process together: configuration, Redis, store, jobs, logs.

`composition` is the root from which every process starts, `embedded` runs a Redis server,
`lifeline` ends processes with their owner, and `logs` sets up the log. The rooms `cli`,
`scheduler` and `demo`, and `workers`, use it.
"""
