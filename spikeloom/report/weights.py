"""Pictures of the weights: what each first-layer neuron looks for, and how codes are spread."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from spikeloom.golden.spec.machine import LayerMachine
from spikeloom.report import palette
from spikeloom.report.drawing import WIDTH, Picture, bare, drawing, mosaic, picture
from spikeloom.report.findings import Findings

COLUMNS = 8
MAX_TILES = 64
BAR = 1.3
"""Inches that the colour bar of a sheet of tiles takes."""

MAX_BINS = 128


def fields(run: Findings) -> Picture:
    """Draw the weights of up to 64 first-layer neurons as images, the most changed first."""
    order, neurons = _shown(run), run.config.sizes[1]
    which = "All" if len(order) == neurons else f"{len(order)} of the"
    noun, sort, name = "hidden", "by how much training changed their weights, most first", "number"
    if run.config.depth == 1:
        noun, sort, name = "output", "by class", "class"
    caption = (
        f"{which} {neurons} {noun} neurons of the first layer, sorted {sort}; a tile shows the "
        f"weights from every pixel, under the neuron's {name}. Orange excites, blue inhibits. One "
        "colour scale for all: it ends at the 99.5th percentile of their size."
    )
    return _tiles(run, run.weights[0], "fields", "First-layer weights", "weight", caption)


def changes(run: Findings) -> Picture:
    """Draw what training added to the weights of the same neurons as `fields`."""
    changed = run.weights[0].astype(np.int32) - run.initial_weights[0]
    share = 100 * float((changed != 0).mean())
    caption = (
        "The same neurons: their weights less the random ones that they started from, so that "
        f"what was learned stands out. Training moved {share:.1f} % of this crossbar's weights."
    )
    return _tiles(run, changed, "changes", "First-layer weights, learned part", "change", caption)


def _shown(run: Findings) -> np.ndarray:
    """Return the indices of the first-layer neurons that are drawn, in order."""
    neurons = np.arange(run.config.sizes[1])
    if run.config.depth > 1:
        change = run.weights[0].astype(np.int32) - run.initial_weights[0]
        neurons = np.argsort(-np.abs(change).sum(axis=0), kind="stable")
    return neurons[:MAX_TILES]


def _tiles(
    run: Findings, weights: np.ndarray, key: str, title: str, what: str, caption: str
) -> Picture:
    order, theta = _shown(run), run.machine.layers[0].train.theta
    height, width = run.config.image
    tiles = weights.T[order].reshape(-1, height, width) / theta
    # A few extreme weights must not pale all the others.
    limit = max(float(np.quantile(np.abs(tiles), 0.995)), 1 / theta)
    columns = min(COLUMNS, len(order))
    sheet, corners = mosaic(tiles, columns)
    wide = (WIDTH - BAR) * columns / COLUMNS
    high = wide * sheet.shape[0] / sheet.shape[1]
    with drawing(max(high, 1.6), width=wide + BAR) as figure:
        axes = figure.subplots()
        image = axes.imshow(
            sheet,
            cmap=palette.two_sided(palette.IMAGE_BLUE, palette.IMAGE_ORANGE),
            vmin=-limit,
            vmax=limit,
            interpolation="none",
        )
        bare(axes)
        for neuron, (top, left) in zip(order, corners, strict=True):
            name = run.class_names[neuron] if run.config.depth == 1 else str(neuron)
            axes.text(left - 0.5, top - 0.7, name, va="bottom", fontsize=7, color=palette.INK)
        bar = figure.colorbar(image, ax=axes, extend="both", shrink=min(1.0, 3.5 / high))
        bar.set_label(f"{what} (thresholds)")
        alt = (
            f"{title} of {len(order)} neurons as images of {height} by {width} pixels, from "
            f"{-limit:.3g} to {limit:.3g} thresholds."
        )
        return picture(figure, key, title, alt, caption)


def at_rails(layer: LayerMachine, weights: np.ndarray) -> float:
    """Return the share (0 to 1) of weights that are as large as they can be, either sign."""
    return float((np.abs(weights.astype(np.int32)) == layer.weight_max).mean())


def histograms(run: Findings) -> Picture:
    """Draw how initial and trained weights of each crossbar are spread, with the rails."""
    layers = run.machine.layers
    with drawing(2.1 * len(layers) + 0.2) as figure:
        panels = figure.subplots(len(layers), 1, squeeze=False)[:, 0]
        for axes, layer, before, after in zip(
            panels, layers, run.initial_weights, run.weights, strict=True
        ):
            _histogram(axes, layer, before, after)
        alt = "Histograms of the weights of each crossbar, initial and trained: " + "; ".join(
            f"crossbar {layer.index} has {100 * at_rails(layer, w):.2f} % at the rails"
            for layer, w in zip(layers, run.weights, strict=True)
        )
        caption = (
            "Dashed lines are the rails, the largest weights that fit; many weights there mean "
            "that larger ones would be used if they could be had. The scale is logarithmic and "
            "begins at half a weight."
        )
        return picture(figure, "histograms", "Weight histograms", alt, caption)


def _histogram(axes: Axes, layer: LayerMachine, before: np.ndarray, after: np.ndarray) -> None:
    theta, largest = layer.train.theta, layer.weight_max
    # An odd number of whole codes per bin, one bin centred on 0: no bin holds more than others.
    bins = min(MAX_BINS, max(16, int(after.size**0.5)))  # few weights make few bins: less noise
    codes = -(-(2 * largest + 1) // bins) | 1
    half = -(-(largest - codes // 2) // codes)
    edges = (np.arange(-half, half + 2) - 0.5) * codes
    lowest = 50 / after.size
    highest = lowest
    for name, weights, style in (
        ("trained", after, {"color": palette.BLUE, "fill": True, "alpha": 0.4}),
        ("initial", before, {"color": palette.ORANGE, "lw": 1.2}),
    ):
        share = 100 * np.histogram(weights, edges)[0] / weights.size
        highest = max(highest, share.max())
        label = f"{name}: {100 * at_rails(layer, weights):.2f} % at the rails"
        axes.stairs(
            np.maximum(share, lowest / 9), edges / theta, baseline=lowest / 9, **style, label=label
        )
    for side in (-1, 1):
        axes.axvline(side * largest / theta, color=palette.MUTED, ls="--", lw=1)
    axes.set_yscale("log")
    axes.set_ylim(lowest, 2 * highest)
    axes.set_xlim(edges[0] * 1.03 / theta, edges[-1] * 1.03 / theta)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(ylabel="weights per bin (%)", xlabel="weight (thresholds)")
    axes.set_title(
        f"crossbar {layer.index}: {layer.n_pre:,} × {layer.n_post:,}, {layer.weight_bits} bit, "
        f"bins of {codes} code{'s' * (codes > 1)}"
    )
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, borderaxespad=0)
