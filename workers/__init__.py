"""The workers: the processes that take jobs from RQ's queues, with a room for each kind of job.

`pool.serve` runs them, and `jobs` holds the function that RQ may call. Only `monitor.cli` uses this
package; it uses all of `monitor`.
"""
