"""Feeds: what they say, when they are polled, what in them is new."""
