"""Presswatch: what it knows and decides, in rooms that depend inward; docs/design.md draws them."""
