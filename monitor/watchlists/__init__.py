"""Watchlists: text, queries, and the matcher that brings them together; pure throughout."""
