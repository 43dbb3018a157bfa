"""Pictures of the weights: what each first-layer neuron looks for, and how codes are spread."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.spec.machine import LayerMachine
from spikeloom.sim.report.drawing import (
    BLUE,
    INK,
    MUTED,
    ORANGE,
    Picture,
    bare,
    drawing,
    mosaic,
    to_svg,
    two_sided,
)
from spikeloom.sim.report.run import Run

MAX_TILES = 64
MAX_BINS = 128


def fields(run: Run) -> Picture:
    """Draw the weights of up to 64 first-layer neurons as images, the most changed first."""
    layer, weights = run.machine.layers[0], run.weights[0].T.astype(np.float64)
    theta, neurons = layer.train.theta, layer.n_post
    change = np.abs(weights - run.initial_weights[0].T).sum(axis=1)
    output = run.config.depth == 1
    order = np.arange(neurons) if output else np.argsort(-change, kind="stable")
    order = order[:MAX_TILES]
    tiles = weights[order].reshape(-1, *run.config.image) / theta
    # A few extreme weights must not pale all the others.
    limit = max(float(np.quantile(np.abs(tiles), 0.995)), 1 / theta)
    columns = min(8, len(order))
    rows = -(-len(order) // columns)
    height, width = run.config.image
    noun = "output" if output else "hidden"
    key = "fields"
    with drawing(max(1.8, 0.3 + 0.98 * rows * height / width)) as figure:
        axes = figure.subplots()
        image = axes.imshow(
            mosaic(tiles, columns),
            cmap=two_sided(BLUE, ORANGE),
            vmin=-limit,
            vmax=limit,
            interpolation="none",
        )
        bare(axes)
        for k, neuron in enumerate(order):
            name = run.class_names[neuron] if output else str(neuron)
            x, y = k % columns * (width + 2), k // columns * (height + 2)
            axes.text(x - 0.5, y - 0.5, name, va="top", fontsize=7, color=INK)
        bar = figure.colorbar(image, ax=axes, extend="both", shrink=min(1, 4 / rows + 0.2))
        bar.set_label("weight (thresholds); blue inhibits, orange excites")
        alt = (
            f"The weights of {len(order)} of {neurons} first-layer neurons as images of {height} "
            f"by {width} pixels, from {-limit:.3g} to {limit:.3g} thresholds."
        )
        svg = to_svg(figure, key, alt)
    which = "All" if len(order) == neurons else f"{len(order)} of {neurons}"
    sort = "by class" if output else "by how much training changed their weights, most first"
    caption = (
        f"{which} {noun} neurons of the first layer, sorted {sort}; each tile shows the weight "
        "from every pixel, its number is the neuron's. One colour scale for all: it ends at the "
        "99.5th percentile of their size."
    )
    return Picture(key, "First-layer weights", svg, alt, caption)


def at_rails(layer: LayerMachine, weights: np.ndarray) -> float:
    """Return the share (0 to 1) of weights that are as large as they can be, either sign."""
    return float((np.abs(weights.astype(np.int32)) == layer.weight_max).mean())


def histograms(run: Run) -> Picture:
    """Initial and trained weights of each crossbar, with the rails."""
    layers = run.machine.layers
    key = "histograms"
    with drawing(2.1 * len(layers) + 0.3) as figure:
        for layer, axes in zip(layers, figure.subplots(len(layers), 1, squeeze=False)[:, 0]):
            initial, trained = run.initial_weights[layer.index - 1], run.weights[layer.index - 1]
            # Whole codes per bin, centred on 0: a bin with one more would show a false peak.
            codes = -(-(2 * layer.weight_max + 1) // MAX_BINS) | 1
            half = -(-(layer.weight_max - codes // 2) // codes)
            edges = (np.arange(-half, half + 2) - 0.5) * codes
            theta = layer.train.theta
            centres = (edges[:-1] + edges[1:]) / 2 / theta
            for weights, name, style in (
                (trained, "trained", {"color": BLUE, "alpha": 0.55}),
                (initial, "initial", {"color": ORANGE, "fill": False, "lw": 1.4}),
            ):
                share = 100 * np.histogram(weights, edges)[0] / weights.size
                rails = 100 * at_rails(layer, weights)
                label = f"{name}: {rails:.2f} % at the rails"
                axes.stairs(share, edges / theta, baseline=1e-9, label=label, **style)
            floor = 50 / trained.size
            for side in (-1, 1):
                axes.axvline(side * layer.weight_max / theta, color=MUTED, ls="--", lw=1)
            axes.set_yscale("log")
            axes.set_ylim(floor, 200)
            axes.set_xlim(centres[0] * 1.08, centres[-1] * 1.08)
            axes.set(ylabel="weights per bin (%)", xlabel="weight (thresholds)")
            axes.set_title(
                f"crossbar {layer.index}: {layer.n_pre} x {layer.n_post}, {layer.weight_bits} bit, "
                f"threshold {theta:,} codes, bins of {codes} code{'s' * (codes > 1)}"
            )
            axes.legend(loc="lower center")
        alt = "Histograms of the weights of each crossbar, initial and trained: " + "; ".join(
            f"crossbar {layer.index} has {100 * at_rails(layer, w):.2f} % at the rails"
            for layer, w in zip(layers, run.weights, strict=True)
        )
        svg = to_svg(figure, key, alt + ".")
    caption = (
        "Dashed lines are the rails, the largest weights that fit. Many weights there mean that a "
        "wider format or a smaller threshold would be used. The scale is logarithmic; the lowest "
        "bar is one weight."
    )
    return Picture(key, "Weight histograms", svg, alt, caption)
