"""Sends messages by mail; `send.send` is the channel, `render` serves Apprise as well."""
