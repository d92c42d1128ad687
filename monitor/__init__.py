"""Presswatch: what it knows and decides."""
