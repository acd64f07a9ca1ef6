"""Explore and tend container registries, in a terminal UI and on the command line."""

__version__ = "0.1.0"
