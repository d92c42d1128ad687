"""Feeds: parsing them, when to poll them, and which of their entries are new. Pure."""
