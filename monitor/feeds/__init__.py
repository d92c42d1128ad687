"""Feeds: parsing them, when to poll them, and which of their entries are new. Pure.

`fingerprint` tells whether a feed's bytes need to be read at all. `document.read` turns them into
identified entries (`parse.parse` reads them), `entries` decides which are new or edited, and
`cadence.next_poll` when the feed is polled next. `hubs` finds the hubs that push a feed, and
`pushes` decides what is asked of them. `scheduler`, `web`, `store` and `cli` use this room.
"""
