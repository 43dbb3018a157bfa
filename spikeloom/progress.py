"""Progress: what a callback is told, and the bar that a terminal or a notebook shows of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from spikeloom.run import Point

DELAY = 1.0
"""Seconds that work must have taken before a bar shows."""


@dataclass(frozen=True)
class Progress:
    """What a callback is told, some times a second and at every point of the learning curve.

    Attributes
    ----------
    stage : what is done to images.
    done, total : images presented, since the run began where it trains.
    images_per_second : of training; 0 before its first sample, and of inferring.
    epoch, epochs : the one that runs (from 0), and the one to stop before.
    point : the last of the learning curve, None where there is none.
    mean_steps : of the samples trained so far, where samples can stop; else 0.
    """

    stage: Literal["training", "inferring"]
    done: int
    total: int
    images_per_second: float = 0.0
    epoch: int = 0
    epochs: int = 0
    point: Point | None = None
    mean_steps: float = 0.0


Callback = Callable[[Progress], None]

_BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt}{postfix} [{elapsed}<{remaining}, {rate_fmt}]"
"""A narrow terminal cuts its end: accuracy comes before speed."""


def watched() -> bool:
    """Say whether somebody looks on: at a terminal or in a notebook."""
    return "ipykernel" in sys.modules or sys.stderr.isatty()


def say(line: str) -> None:
    """Tell the stage of something that takes a while, where somebody looks on."""
    if watched():
        print(line, file=sys.stderr)


@contextmanager
def above_bars() -> Iterator[None]:
    """Let a line be printed where bars are drawn: they move below it."""
    from tqdm import tqdm

    with tqdm.external_write_mode(file=sys.stderr):
        yield


@contextmanager
def bar(show: bool = True) -> Iterator[Callback]:
    """Give a callback that draws a bar of what takes longer than `DELAY`, where it is watched."""
    if not (show and watched()):
        yield lambda progress: None
        return
    from tqdm.auto import tqdm

    drawn = None

    def draw(progress: Progress) -> None:
        nonlocal drawn
        if drawn is None:  # not sooner: its first line would be drawn at once, of nothing
            drawn = tqdm(
                unit=" images",
                delay=DELAY,
                dynamic_ncols=True,
                bar_format=_BAR,
                total=progress.total,
                initial=progress.done,
            )
        words = progress.stage
        if progress.epochs:
            epoch = min(progress.epoch + 1, progress.epochs)
            words = f"epoch {epoch} of {progress.epochs}"
        drawn.set_description(words, refresh=False)
        if progress.point is not None:
            held = f"held-out {100 * progress.point.accuracy:.2f} %"
            if progress.mean_steps:
                held += f", {progress.mean_steps:.1f} steps"
            drawn.set_postfix_str(held, refresh=False)
        drawn.update(progress.done - drawn.n)

    try:
        yield draw
    finally:
        if drawn is not None:
            drawn.close()
