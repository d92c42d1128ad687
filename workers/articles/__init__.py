"""Turns entries into alerts: what RQ runs for the queues "articles" and "bulk".

`process` decides when an entry's page is read, and again; `read` fetches and cleans it; `publish`
matches the article and publishes its alerts in one transaction. `workers.jobs` calls `process`.
"""
