"""The family of errors whose message is all that a user needs."""

from __future__ import annotations


class SpikeloomError(Exception):
    """What was wrong, with the value, and what to do next; never shown as a traceback."""
