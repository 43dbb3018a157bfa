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
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from spikeloom import outputs

INK, MUTED, GRID, PAGE = "#1b1f24", "#5b6470", "#d5dae1", "#fdfdfe"
BLUE, ORANGE, GREEN, PURPLE = "#0067ad", "#c75000", "#007d5a", "#a34d86"
"""Okabe and Ito's colours, darkened to be read on white; lines also differ by more than colour."""

IMAGE_BLUE, IMAGE_ORANGE = "#1f78c1", "#d9620f"
"""Colours of pixels: these cannot follow the mode, so they stand out from black and white alike."""

VARIABLES = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAGE: "var(--page)",
    BLUE: "var(--blue)",
    ORANGE: "var(--orange)",
    GREEN: "var(--green)",
    PURPLE: "var(--purple)",
}
"""What a drawn colour becomes in the page: its style sheet has one value for each mode."""

WIDTH = 9.0
"""Width of a full figure in inches; the page shows it at about 100 pixels each."""

SIDES = (0.0, 0.5, 0.5, 1.0)

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


def to_svg(figure: Figure, key: str, alt: str) -> str:
    """Return the figure as an ``<svg>`` element whose identifiers start with `key`.

    Call it within `drawing`: the style counts while the file is written.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    body = text[text.index("<svg") :]
    head, body = body.split(">", 1)
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
    return f'<svg {box} style="{size}" role="img" aria-label="{label}">{body}'


def one_sided(colour: str) -> Colormap:
    """Return a map from nothing (the page itself) to `colour`."""
    return LinearSegmentedColormap.from_list(colour, [f"{colour}00", f"{colour}ff"])


def two_sided(low: str, high: str) -> Colormap:
    """Return a map from `low` by way of nothing (the page itself) to `high`."""
    stops = [f"{low}ff", f"{low}00", f"{high}00", f"{high}ff"]
    return LinearSegmentedColormap.from_list(low + high, list(zip(SIDES, stops, strict=True)))


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
