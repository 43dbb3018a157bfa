"""What the verbs print: tables and progress for people, one JSON object for machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from spikeloom.progress import Callback, Progress, above_bars, bar
from spikeloom.run import Point

WIDE = 10_000
"""Columns where no terminal says how many there are: nothing is cut that another program reads."""


def _console(*, stderr: bool = False) -> Console:
    """Return a console to which what users name themselves is no markup."""
    console = Console(stderr=stderr, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDE
    return console


class Output:
    """Where a verb prints: results to standard output, progress to standard error.

    With `json`, standard output is kept for the one object and everything else goes to standard
    error.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.errors = _console(stderr=True)
        self.console = self.errors if json else _console()
        # A notebook's cell looks like a terminal and keeps every frame of an animation.
        self.animated = (
            sys.stderr.isatty()
            and self.errors.is_interactive
            and "JPY_PARENT_PID" not in os.environ
        )

    def say(self, line: str) -> None:
        """Print a line of progress, above the bar where one is drawn."""
        with above_bars() if self.animated else nullcontext():
            self.errors.print(line, soft_wrap=True)

    def tell(self, line: str, style: str | None = None) -> None:
        """Print a line of the result."""
        self.console.print(line, soft_wrap=True, style=style)

    def table(self, rows: dict[str, object], title: str | None = None) -> None:
        """Print names and values."""
        table = Table(title=title, show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in rows.items():
            table.add_row(name, str(value))
        self.console.print(table)

    def listing(
        self,
        title: str,
        headings: tuple[str, ...],
        rows: list[list[str]],
        *,
        right: tuple[str, ...] = (),
        typed: tuple[str, ...] = (),
    ) -> None:
        """Print a table; columns that find no room are left out, those of what one types never."""
        table = Table(title=title, title_justify="left")
        widths = [max(map(len, column)) + 3 for column in zip(headings, *rows, strict=True)]
        room = self.console.width - 1
        room -= sum(w for heading, w in zip(headings, widths, strict=True) if heading in typed)
        shown = []
        for number, heading in enumerate(headings):
            if heading not in typed:
                if widths[number] > room:
                    continue
                room -= widths[number]
            shown.append(number)
            justify = "right" if heading in right else "left"
            table.add_column(heading, justify=justify, no_wrap=True, min_width=widths[number] - 3)
        for row in rows:
            table.add_row(*(row[number] for number in shown))
        self.console.print(table, crop=False)

    def result(self, values: dict[str, Any]) -> None:
        """Print the JSON object, where it was asked for; nothing comes after it."""
        if self.json:
            print(json.dumps(values), flush=True)

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show that something takes its time; gives the function that is told its stages."""
        if not self.animated:
            yield self.say
            return
        with self.errors.status(Text(what)) as status:
            yield lambda line: status.update(Text(f"{what}: {line}"))

    @contextmanager
    def progress(self) -> Iterator[Callback]:
        """Show how images go by: a bar on a terminal, a line per point of the curve elsewhere."""
        if not self.animated:
            yield _Lines(self.say)
            return
        with bar() as draw:
            yield draw


class _Lines:
    """Says every new point of the learning curve."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last: Point | None = None

    def __call__(self, progress: Progress) -> None:
        point = progress.point
        if point is None or point == self._last:
            return
        self._last = point
        rate, steps = progress.images_per_second, progress.mean_steps
        self._say(
            f"{progress.done:,} of {progress.total:,} images, "
            f"{f'{rate:,.0f} images/s' if rate else 'starting'}, "
            f"{f'{steps:.1f} steps each, ' if steps else ''}"
            f"held-out {percent(point.accuracy)} of {point.images:,}"
        )


def steps_of(mean: float, steps: int) -> str:
    """Write how many of a network's steps images ran."""
    return f"{mean:.1f} of {steps} steps on average"


def percent(accuracy: float | None) -> str:
    """Write an accuracy (0 to 1) as a reader does."""
    return "not measured" if accuracy is None else f"{100 * accuracy:.2f} %"
