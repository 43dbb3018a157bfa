"""A picture of what mattered in a search for settings: each key's values and what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spikeloom.report import palette
from spikeloom.report.drawing import WIDTH, Picture, drawing, picture

COLUMNS = 3
COLOURS = (palette.MUTED, palette.BLUE, palette.ORANGE, palette.GREEN, palette.PURPLE)
MARKERS = ".ovDs"


def draw_mattered(
    points: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]],
    logarithmic: set[str],
    names: Sequence[str],
    score: str,
) -> Picture:
    """Draw a panel for each key.

    points : by key and rung, the values and the scores of the trials that reached it.
    logarithmic : keys on such a scale. names : of the rungs. score : what it is, in words.
    """
    rows = -(-len(points) // COLUMNS)
    first, last = (next(iter(points.values()))[rung][1] for rung in (0, -1))
    top, middle = max(first.max(), last.max()), float(np.median(first))
    bottom = middle - (top - middle)
    with drawing(2.2 * rows + 0.4, WIDTH) as figure:
        panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
        for axes, (key, of_rungs) in zip(panels.flat, points.items(), strict=False):
            for number, (values, scores) in enumerate(of_rungs):
                look = number % len(COLOURS)
                style = {"color": COLOURS[look], "marker": MARKERS[look], "ms": 5, "ls": "none"}
                axes.plot(values, scores, label=names[number], **style)
            if key in logarithmic:
                axes.set_xscale("log")
            axes.set_title(key)
            axes.grid(axis="y")
        for axes in panels.flat[len(points) :]:
            axes.set_visible(False)
        if bottom < top:
            panels[0, 0].set_ylim(bottom, top + 0.1 * (top - bottom))
        for axes in panels[:, 0]:
            axes.set_ylabel(score)
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=5)
        alt = (
            f"{len(points)} scatter charts of {score} over the values of {', '.join(points)}, "
            f"{len(first)} trials; the best is {top:.2f}."
        )
        caption = (
            "Each mark is a trial; those of more epochs are of trials that went on. "
            f"{(first < bottom).sum()} of {len(first)} trials lie below the picture."
        )
        return picture(figure, "mattered", "What mattered", alt, caption)
