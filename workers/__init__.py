"""The workers: the processes that take jobs from RQ's queues, with a room for each kind of job."""
