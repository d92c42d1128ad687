"""Turns entries into alerts: what RQ runs for the queues "articles" and "bulk".

`read` fetches and cleans an entry's page, `publish` matches the article and publishes its alerts in
one transaction. `workers.jobs` calls it.
"""
