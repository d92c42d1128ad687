"""Alerts: built from matches, with snippets as evidence. Pure.

`build.build` makes an alert's document, `once.judge` says whether a match deserves one, `digest`
gathers alerts into messages, and `timing` says when they may be sent. `plan` counts the alerts that
archived articles would have caused. `scheduler`, `archive`, `cli` and `workers` use this room.
"""
