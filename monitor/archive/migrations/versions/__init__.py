"""The migrations, each a step from one revision to the next."""
