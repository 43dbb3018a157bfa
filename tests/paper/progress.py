"""How far a sweep of `make paper` is, and how long it takes yet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from spikeloom.cli.output import Output

if TYPE_CHECKING:  # Dask costs seconds to import
    from tests.paper import sweep


@contextmanager
def sweeping(output: Output, name: str) -> Iterator[sweep.Show]:
    """Show how far a sweep is and how long it takes yet; a line per run where no terminal is."""
    if not output.errors.is_terminal:
        yield Lines(output, name)
        return
    columns = (
        TextColumn(name),
        BarColumn(),
        TextColumn("{task.fields[runs]}"),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with Progress(*columns, console=output.errors, speed_estimate_period=600) as bar:
        task = bar.add_task("", total=None, runs="")

        def show(progress: sweep.Progress) -> None:
            runs = f"{progress.finished} of {progress.count} runs"
            bar.update(task, total=progress.total, completed=progress.done, runs=runs)

        yield show


class Lines:
    """Says every run that has ended, and about how long the rest will take."""

    def __init__(self, output: Output, name: str) -> None:
        self._output, self._name = output, name
        self._started = time.monotonic()

    def __call__(self, progress: sweep.Progress) -> None:
        """Say the run that ended last, or how many there are before the first."""
        if progress.last is None:
            if progress.done == 0:
                self._output.say(f"{self._name}: {progress.count} runs to do")
            return
        taken = time.monotonic() - self._started
        left = taken * (progress.total - progress.done) / max(progress.done, 1e-9)
        self._output.say(
            f"{self._name}: {progress.finished} of {progress.count} runs, "
            f"about {_time(left)} left; ended: {progress.last.title}"
        )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
