"""Tables in a README, each between two marks that say which command writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from spikeloom.boards.marks import put, text_of
from tests.paper.errors import PaperError
from tests.paper.exhibit import Shown


def begin(name: str) -> str:
    """Return the mark before the table of a figure or table."""
    command = f'make paper FIG="{name} --no-run --readme docs/paper.md"'
    return f"<!-- paper: {name}, written by `{command}` -->"


def end(name: str) -> str:
    """Return the mark behind it."""
    return f"<!-- paper: {name}, end -->"


def places(path: Path) -> list[str]:
    """Return the names of the tables that a file has a place for.

    Raises `PaperError` where the file cannot be read, or has none.
    """
    text = text_of(path, "--readme", PaperError)
    names = re.findall(r"<!-- paper: (\w+), end -->", text)
    found = [name for name in names if begin(name) in text.split(end(name), 1)[0]]
    if not found:
        raise PaperError(
            f"{path} has no place for a table: put the lines {begin('table1')!r} and "
            f"{end('table1')!r} into it"
        )
    return found


def write(path: Path, shown: Mapping[str, Shown]) -> list[str]:
    """Put tables between their marks in a file; return the names of those that have a place."""
    written = [name for name in places(path) if name in shown]
    text = path.read_text()
    for name in written:
        table = f"{shown[name].text()}\n\n{shown[name].caption}"
        text = put(text, begin(name), end(name), table)
    path.write_text(text)
    return written
