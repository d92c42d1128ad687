"""Feeds: parsing them, when to poll them, and which of their entries are new. Pure.

`document.read` turns a feed's bytes into identified entries (`parse.parse` reads them), `entries`
decides which are new or edited, and `cadence.next_poll` when the feed is polled next. `scheduler`
and `cli` use this room.
"""
