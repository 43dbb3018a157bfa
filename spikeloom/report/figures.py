"""The report's figures, in the order in which it shows them."""

from __future__ import annotations

from spikeloom.report import activity, outcome, raster, weights
from spikeloom.report.drawing import Picture
from spikeloom.report.findings import Findings


def figures(run: Findings) -> list[Picture]:
    """Draw every figure that the run has something to show in."""
    tested, wrong = len(run.tested.labels) > 0, len(run.mistakes) > 0
    drawn = [
        outcome.learning_curve,
        *([outcome.confusion] if tested else []),
        *([outcome.mistakes] if wrong else []),
        weights.fields,
        weights.changes,
        raster.raster,
        weights.histograms,
        activity.spikes,
        activity.cycles,
    ]
    return [draw(run) for draw in drawn]
