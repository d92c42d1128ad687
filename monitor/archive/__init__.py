"""Keeps articles, alerts, matches and deliveries in SQL: the only room that speaks it.

`database.open_archive` opens the archive for writing, and brings an older one up to date;
`database.read_archive` opens it for reading. `writer.Writer` writes records and forgets old ones;
`backup` copies an archive to a file and back. `search` finds articles by a query, `history` past
alerts, `plan` what other watchlists would have done, and `report` counts coverage.
"""
