"""Enqueues RQ jobs: the only room that does. It knows which jobs are owed, and who runs them.

`queues.Queues` adds jobs to the caller's transaction; `ledger` says what is owed, under way and
given up; `recovery` brings back what RQ lost. `scheduler`, `cli` and `workers` use it.
"""
