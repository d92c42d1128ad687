"""The HTTP API for programs, a module for each kind of thing; described by OpenAPI."""
