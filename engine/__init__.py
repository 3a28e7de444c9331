"""Tollhouse's program: calls go in as files, answers come out; it knows nothing of HTTP or HTML."""

__version__ = "0.1.0"
