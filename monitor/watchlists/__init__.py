"""Watchlists: text, queries, and the matcher that brings them together. Pure.

`query.parse` reads a query, `matcher.Matcher` finds all watchlists that match an article, and
`convert.convert` translates queries of other services. `changes.changes` compares the watchlists of
two configurations. `config`, `cli` and `workers` use this room.
"""
