"""How the paper's figures are drawn: in the report's style, as PNG and SVG on white."""

from __future__ import annotations

import io
from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloom.report.drawing import STYLE
from spikeloom.report.palette import BLUE, GREEN, MUTED, ORANGE, PURPLE

STYLE_HERE = STYLE | {
    "savefig.transparent": False,
    "svg.hashsalt": "spikeloom-paper",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the picture is the same anywhere
}

WIDTH = 9.0
"""Inches."""

NOTE_SIZE, NOTE_LINE = 7.5, 0.16
"""Points of the letters under a picture; inches that a line of them takes."""

SERIES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (PURPLE, "D", ":"))
"""Colour, marker and line of the first, second, ... series: told apart without colour too."""

PUBLISHED = {"color": MUTED, "linestyle": (0, (1, 1.5)), "linewidth": 1.2}
"""Line of a value that the paper gives."""


def render(draw: Callable[[Figure], None], height: float, note: str = "") -> dict[str, bytes]:
    """Draw a figure `height` inches high; return its files by suffix, `png` and `svg`.

    note : lines in small letters under it, for which it is made higher.
    """
    lines = len(note.splitlines())
    with matplotlib.rc_context(STYLE_HERE):
        figure = Figure(figsize=(WIDTH, height + NOTE_LINE * lines))
        draw(figure)
        if note:
            figure.supxlabel(note, x=0.005, ha="left", fontsize=NOTE_SIZE, color=MUTED)
        files = {}
        for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=suffix, metadata=metadata)
            files[suffix] = buffer.getvalue()
    return files


def series(number: int) -> dict[str, object]:
    """Return the style of line and marker of a series, counted from 0."""
    colour, marker, line = SERIES[number % len(SERIES)]
    return {"color": colour, "marker": marker, "linestyle": line, "markersize": 4, "linewidth": 1.4}


def band(axes: Axes, x: np.ndarray, mean: np.ndarray, deviation: np.ndarray, **style: str) -> None:
    """Fill one standard deviation to either side of a line."""
    axes.fill_between(x, mean - deviation, mean + deviation, alpha=0.18, linewidth=0, **style)


def plain_ticks(axes: Axes, x: list[int]) -> None:
    """Mark a logarithmic axis of x at these numbers, written out."""
    axes.set_xticks(x, [str(value) for value in x])
    axes.minorticks_off()


def legend(axes: Axes) -> None:
    """Name the series, where there are any."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
