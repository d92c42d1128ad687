"""Enqueues RQ jobs, and knows which jobs are owed and who runs them: the only room that enqueues.

`queues.Queues` adds jobs to the caller's transaction and, through `ledger.Ledger`, records which
are owed and given up; its `recover` enqueues again what RQ lost (`recovery`). `runner` shows which
process runs which job, and `lines` holds the jobs that wait for their host. `liveness` tells which
workers are alive, `limits` how long jobs may take, and `own_jobs` which jobs workers accept.
`monitor.scheduler`, `monitor.overview`, `monitor.web`, `monitor.cli` and `workers` use this room.
"""
