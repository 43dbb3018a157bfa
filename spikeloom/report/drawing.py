"""How pictures are drawn: vectors within the page, in colours that follow its mode."""

from __future__ import annotations

import html
import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spikeloom import outputs
from spikeloom.report.palette import GRID, INK, MUTED, PAGE, VARIABLES

WIDTH = 9.0
"""Width of a full figure in inches; the page shows it at about 100 pixels each."""

MAX_VECTORS = 12_000
"""Marks beyond which a picture of them is smaller as pixels."""

STYLE = {
    # The layout is DejaVu's, which comes with matplotlib; the others are hardly wider.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "hatch.color": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
    "savefig.dpi": 150,
    "path.simplify": False,  # would thin out spikes
    "svg.fonttype": "none",  # text stays text: it is found and read aloud
    "svg.hashsalt": "spikeloom",  # the same run gives the same file
}


@dataclass(frozen=True, repr=False)
class Picture:
    """One figure of the report; `svg` is an element, ready for the page.

    `alt` says what is drawn to those who cannot see it, `caption` what to look for.
    """

    key: str
    title: str
    svg: str
    alt: str
    caption: str

    def save(self, path: str | Path) -> None:
        """Write it as an SVG file, in colours for a white page."""
        xmlns = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        outputs.file(path).write_text(
            self._on_white().replace("<svg", f"<svg {xmlns}", 1), encoding="utf-8"
        )

    def _on_white(self) -> str:
        svg = self.svg
        for colour, variable in VARIABLES.items():
            svg = svg.replace(variable, colour)
        return svg

    def __repr__(self) -> str:
        return f"<Picture: {self.alt}>"

    def _repr_html_(self) -> str:
        return (
            f'<figure style="margin:0;max-width:60rem;background:{PAGE};color:{INK}">'
            f"{self._on_white()}"
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )


@contextmanager
def drawing(height: float, width: float = WIDTH) -> Iterator[Figure]:
    """Give an empty figure of `width` x `height` inches, drawn in the report's style."""
    with matplotlib.rc_context(STYLE):
        yield Figure(figsize=(width, height))


def picture(figure: Figure, key: str, title: str, alt: str, caption: str) -> Picture:
    """Return the figure as a `Picture`, in whose drawing all identifiers start with `key`.

    Call it within `drawing`: the style counts while the drawing is written.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    head, body = text[text.index("<svg") :].split(">", 1)
    percent = 100 * figure.get_figwidth() / WIDTH
    size = f"width:{percent:.0f}%;min-width:{0.4 * percent:.0f}rem"
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{key}-', body)
    body = re.sub(r'href="#', f'href="#{key}-', body)
    body = body.replace("url(#", f"url(#{key}-")
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, variable)
    # An SVG element has no alt attribute; a label and the role of an image do the same.
    (box,) = re.findall(r'viewBox="[^"]*"', head)
    label = html.escape(alt)
    svg = f'<svg {box} style="{size}" role="img" aria-label="{label}">{body}'
    return Picture(key, title, svg, alt, caption)


def mosaic(tiles: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay tiles [n, h, w] side by side, row by row, with room for a name above each.

    Returns the sheet, float[rows, cols] with NaN between tiles, and the upper left corner of each
    tile in it, int64[n, 2] as (row, column).
    """
    n, height, width = tiles.shape
    above, beside = math.ceil(0.18 * height), math.ceil(0.06 * width)
    place = np.stack(np.divmod(np.arange(n), columns), axis=1)
    corners = place * (height + above, width + beside) + (above, 0)
    sheet = np.full((-(-n // columns) * (height + above), columns * (width + beside)), np.nan)
    for tile, (top, left) in zip(tiles, corners, strict=True):
        sheet[top : top + height, left : left + width] = tile
    return sheet, corners


def marks(axes: Axes, x: np.ndarray, y: np.ndarray, length: float, **style: object) -> None:
    """Draw a short horizontal line, `length` long, at each point: all of them one path."""
    ends = np.stack([x - length / 2, x + length / 2, np.full(len(x), np.nan)], axis=1)
    axes.plot(
        ends.ravel(),
        np.repeat(y, 3),
        solid_capstyle="butt",
        rasterized=len(x) > MAX_VECTORS,
        **style,
    )


def bare(axes: Axes) -> None:
    """Take away the axes of a picture that has none."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
