"""The settings of the float model in every figure and table: one place to tune, and to state.

What the paper gives is stated where `PaperConfig` has another default; the rest is its defaults,
which were found on training images held out for that.
"""

from __future__ import annotations

from typing import Any

from spikeloom.golden.paper import PaperConfig

PAPER_SIZES = (784, 1280, 10)
DROPOUT = (0.2, 0.3)
"""Input and hidden layer, as the paper has it."""

RATE_STEPS = 50
"""T of the rate form in the paper's Figures 7 and 8, and here in the tables."""


def model(sizes: tuple[int, ...], **changes: Any) -> PaperConfig:
    """Return the float model of a shape; `changes` are fields of `PaperConfig`."""
    hidden = len(sizes) - 2
    dropout = DROPOUT[:1] + DROPOUT[1:] * hidden
    return PaperConfig(**({"sizes": sizes, "steps": RATE_STEPS, "dropout": dropout} | changes))
