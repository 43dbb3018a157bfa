"""Pictures of what a sample costs: its spikes, the rows they touch, cycles against the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.golden.activity import NEGATIVE, POSITIVE, PRE, ROWS
from spikeloom.golden.floor import floor_cycles
from spikeloom.report import palette
from spikeloom.report.drawing import Picture, drawing, picture
from spikeloom.report.findings import Findings


def layer_name(index: int, depth: int) -> str:
    """Return what neuron layer `index` of 0..depth is called."""
    if index == 0:
        return "input"
    if index == depth:
        return "output"
    return "hidden" if depth == 2 else f"hidden {index}"


@dataclass(frozen=True)
class Quantity:
    """Something counted in every sample: `values` int64[k], `words` accesses for each of them."""

    name: str
    kind: str
    values: np.ndarray
    words: int | None

    @property
    def percentiles(self) -> tuple[float, float, float]:
        """5th, 50th and 95th percentile over the samples."""
        low, middle, high = np.percentile(self.values, (5, 50, 95))
        return float(low), float(middle), float(high)


def quantities(run: Findings) -> list[Quantity]:
    """Return spikes and row accesses per training sample, layer by layer.

    `words` is what one row access costs in memory words; None for spikes that touch no row.
    """
    depth, activity = run.config.depth, run.activity.astype(np.int64)
    found = []
    for layer in range(depth + 1):
        name = layer_name(layer, depth)
        words = run.layers[layer].words if layer < depth else None
        found.append(Quantity(f"{name} spikes", "spikes", activity[:, PRE, layer], words))
    for layer in run.layers:
        name, i = layer_name(layer.index, depth), layer.index
        words = -(-layer.n_pre // layer.lanes) if i > 1 else None
        errors = activity[:, POSITIVE, i] + activity[:, NEGATIVE, i]
        found.append(Quantity(f"{name} error spikes", "errors", errors, words))
    for layer in run.layers:
        rows = activity[:, ROWS, layer.index]
        words = layer.words if layer.ports == 1 else 0
        found.append(Quantity(f"crossbar {layer.index} rows written", "writes", rows, words))
    return found


KINDS = {
    "spikes": (palette.BLUE, "o"),
    "errors": (palette.ORANGE, "^"),
    "writes": (palette.GREEN, "s"),
}


def spikes(run: Findings) -> Picture:
    """Draw spikes, error spikes and written rows per sample: median, 5th to 95th percentile."""
    found = quantities(run)
    with drawing(0.9 + 0.33 * len(found)) as figure:
        axes = figure.subplots()
        for row, quantity in enumerate(found):
            low, middle, high = quantity.percentiles
            colour, marker = KINDS[quantity.kind]
            axes.plot([low, high], [row, row], color=colour, lw=5, alpha=0.35)
            axes.plot([middle], [row], color=colour, marker=marker, ms=6)
            text = f"{middle:,.0f}  ({low:,.0f} to {high:,.0f})"
            axes.annotate(text, (high, row), (8, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(found)), [quantity.name for quantity in found])
        axes.set_xscale("symlog", linthresh=1)
        top = max(quantity.percentiles[2] for quantity in found)
        axes.set(ylim=(len(found) - 0.5, -0.5), xlim=(-0.1, max(10, top) * 8))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="x")
        axes.set_xlabel("per training sample (median; bar and brackets: 5 to 95 % of the samples)")
        alt = "Median counts per training sample: " + ", ".join(
            f"{quantity.name} {quantity.percentiles[1]:,.0f}" for quantity in found
        )
        caption = (
            f"Counted over {run.activity_of}. Each spike of a layer reads one row of the crossbar "
            "behind it; each error spike reads one column of the crossbar before it, except in the "
            "first; a row is written where a spike met an error."
        )
        return picture(figure, "spikes", "Spikes and row accesses", alt, caption)


def floor_parts(run: Findings) -> dict[str, float]:
    """Split the mean floor by cause, in cycles per training sample.

    The floor is linear in the activity, so each part is the floor of that activity alone.
    """
    causes = {
        "forward accesses": [PRE],
        "transposed accesses": [POSITIVE, NEGATIVE],
        "writes (one-port memories)": [ROWS],
    }
    parts = {}
    for name, rows in causes.items():
        alone = np.zeros_like(run.cost.total)[None]
        alone[0, rows] = run.cost.total[rows]
        parts[name] = float(floor_cycles(run.layers, alone)[0]) / run.cost.samples
    return parts


def cycles(run: Findings) -> Picture:
    """Draw the floor, split by cause, and the measured cycles."""
    parts, floor = floor_parts(run), run.floor_per_image
    measured = run.cycles_per_image
    with drawing(1.4 if measured is None else 1.9) as figure:
        axes = figure.subplots()
        left = 0.0
        styles = ((palette.BLUE, ""), (palette.ORANGE, "///"), (palette.GREEN, "..."))
        for (name, value), (colour, hatch) in zip(parts.items(), styles, strict=True):
            label = f"{name}: {value:,.0f}"
            style = {"color": colour, "alpha": 0.75, "hatch": hatch, "height": 0.6}
            axes.barh(0, value, left=left, label=label, **style)
            left += value
        beside = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(f"{floor:,.0f}", (left, 0), **beside)
        rows = ["floor"]
        if measured is not None:
            axes.barh(1, measured, color=palette.PURPLE, height=0.6)
            text = f"{measured:,.0f}"
            if floor:
                text += f" = {measured / floor:.3f} × floor"
            axes.annotate(text, (measured, 1), **beside)
            rows.append(f"measured\n({run.engine})")
        axes.set_yticks(range(len(rows)), rows)
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, 1.3 * max(left, measured or 0, 1)))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("clock cycles per training sample (mean)")
        figure.legend(loc="outside upper left", ncols=3)
        alt = f"Bars: the floor of {floor:,.0f} cycles per training sample"
        alt += "." if measured is None else f" and the measured {measured:,.0f} cycles."
        lanes = " and ".join(f"{x.lanes} (crossbar {x.index})" for x in run.layers)
        caption = (
            "The floor is the number of weight words that must be touched, one each cycle; the "
            f"lanes, weights in a word, are {lanes}. Counted over {run.cost.of}. "
        )
        if measured is None:
            caption += f"The {run.engine} engine has no clock, so there is no measured bar."
        else:
            caption += f"The measured bar is the mean of the {run.engine} engine over its training."
        return picture(figure, "cycles", "Cycles against the floor", alt, caption)
