"""Speaks HTTP: the only room that does. Everything that comes from the network is hostile.

`client.HttpClient` fetches and posts, with limits on size and time; `guard` checks each address
before it is connected to. `scheduler`, `cli` and `workers` use it for pages, feeds, hubs
and webhooks.
"""
