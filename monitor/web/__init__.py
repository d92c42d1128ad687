"""Shows everything in a browser, and serves the HTTP API: pages, live alerts, health.

`server.serve` runs it. `app.create` builds the application, and `access` decides who may use it,
but for the hubs that push feeds, which `callbacks` answers. What the pages show is read by
`monitor.archive`, `monitor.store` and `monitor.jobs`.
"""
