"""Turns entries into alerts: the work of readers and cleaners.

In a reader, `reader` runs the jobs of many entries at once, `process` decides when each page is
fetched, and again, `fetch` fetches it, and `cleaners` hands it to a cleaner. In a cleaner, `read`
cleans the page, and `publish` matches the article and publishes its alerts in one transaction.
`workers.pool` starts `cleaner`, and `workers.worker` a reader.
"""
