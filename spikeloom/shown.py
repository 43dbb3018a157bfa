"""What a notebook shows of results and descriptions: tables."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def html_table(title: str, rows: Iterable[tuple[object, ...]], head: tuple[str, ...] = ()) -> str:
    """Return a table as HTML; everything in it is escaped."""
    cells = ["".join(f"<th>{escape(name)}</th>" for name in head)] if head else []
    cells += ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><caption>{escape(title)}</caption>{body}</table>"
