"""What the verbs print: tables and progress for people, one JSON object for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from spikeloom import training as trainer

_WIDE = 1000
"""Columns that no table needs."""


class Output:
    """Where a verb prints: results to standard output, progress to standard error.

    With `json`, standard output is kept for the one object and everything else goes to standard
    error.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.errors = Console(stderr=True, highlight=False)
        self.console = self.errors if json else Console(highlight=False)

    def say(self, line: str) -> None:
        """Print a line of progress."""
        self.errors.print(line, markup=False, soft_wrap=True)

    def table(self, rows: dict[str, object], title: str | None = None) -> None:
        """Print names and values."""
        table = Table(title=title, show_header=False, title_justify="left")
        table.add_column(style="bold")
        table.add_column()
        for name, value in rows.items():
            table.add_row(name, escape(str(value)))
        self.console.print(table)

    def listing(self, table: Table) -> None:
        """Print a table of words that one may have to type: none is cut, long lines wrap."""
        console = self.console
        table.width = Measurement.get(
            console, console.options.update(max_width=_WIDE), table
        ).maximum
        console.print(table, soft_wrap=True)

    def result(self, values: dict[str, Any]) -> None:
        """Print the JSON object, where it was asked for; nothing comes after it."""
        if self.json:
            sys.stdout.write(json.dumps(values) + "\n")
            sys.stdout.flush()

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show that something takes its time; gives the function that is told its stages."""
        if not self.errors.is_terminal:
            yield self.say
            return
        with self.errors.status(what) as status:
            yield lambda line: status.update(f"{what}: {line}")

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show how many of `total` are done, on a terminal; gives the function that is told."""
        if not self.errors.is_terminal:
            yield lambda done: None
            return
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.errors, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda done: bar.update(task, completed=done)

    @contextmanager
    def training(self) -> Iterator[Callable[[trainer.Progress], None]]:
        """Show how training goes: a bar on a terminal, a line per point of the curve elsewhere."""
        if not self.errors.is_terminal:
            yield _Lines(self.say)
            return
        columns = (
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("[bold]{task.fields[accuracy]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.errors) as bar:
            yield _Bar(bar)


class _Lines:
    """Says every new point of the learning curve."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last: trainer.Point | None = None

    def __call__(self, progress: trainer.Progress) -> None:
        if progress.point is not None and progress.point != self._last:
            self._last = progress.point
            self._say(
                f"{progress.presentations:,} of {progress.total:,} images, {_rate(progress)}, "
                f"{_accuracy(progress)}"
            )


class _Bar:
    """Moves a progress bar."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def __call__(self, progress: trainer.Progress) -> None:
        fields = {
            "epoch": f"{min(progress.epoch + 1, progress.epochs)}/{progress.epochs}",
            "rate": _rate(progress),
            "accuracy": _accuracy(progress),
        }
        if self._task is None:
            self._task = self._bar.add_task("", total=progress.total, **fields)
        self._bar.update(self._task, completed=progress.presentations, **fields)


def _rate(progress: trainer.Progress) -> str:
    return (
        f"{progress.images_per_second:,.0f} images/s" if progress.images_per_second else "starting"
    )


def _accuracy(progress: trainer.Progress) -> str:
    if progress.point is None:
        return "nothing held out"
    return f"held-out {percent(progress.point.accuracy)} of {progress.point.images:,}"


def percent(accuracy: float | None) -> str:
    """Write an accuracy (0 to 1) as a reader does."""
    return "not measured" if accuracy is None else f"{100 * accuracy:.2f} %"
