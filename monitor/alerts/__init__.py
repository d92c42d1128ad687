"""Alerts: built from matches, with snippets as evidence."""
