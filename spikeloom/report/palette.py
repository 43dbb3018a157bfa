"""The colours of pictures, which follow the page's mode."""

from __future__ import annotations

from matplotlib.colors import Colormap, LinearSegmentedColormap

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


def one_sided(colour: str) -> Colormap:
    """Return a map from nothing (the page itself) to `colour`."""
    return LinearSegmentedColormap.from_list(colour, [f"{colour}00", f"{colour}ff"])


def two_sided(low: str, high: str) -> Colormap:
    """Return a map from `low` by way of nothing (the page itself) to `high`."""
    stops = [f"{low}ff", f"{low}00", f"{high}00", f"{high}ff"]
    return LinearSegmentedColormap.from_list(
        low + high, list(zip((0.0, 0.5, 0.5, 1.0), stops, strict=True))
    )
