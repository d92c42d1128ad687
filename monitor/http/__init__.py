"""Speaks HTTP: the only room that does. Everything that comes from the network is hostile.

`client.HttpClient` fetches and posts, with limits on size and time, and checks each address that it
connects to. Whoever needs a page, a feed or a webhook uses it: `scheduler`, `cli` and `workers`.
"""
