"""A part of a text file that a command writes, between two marks."""

from __future__ import annotations


def put(text: str, begin: str, end: str, body: str) -> str:
    """Return `text` with `body` on lines of its own between its marks, both of which it has."""
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    return f"{before}{begin}\n{body}\n{end}{after}"
