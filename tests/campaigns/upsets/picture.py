"""The picture of accuracy against the rate of upsets, and of how a network heals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.campaigns.upsets.rates import KINDS, STRONG, Learned
from tests.paper import drawing
from tests.paper.exhibit import Shown

Runs = list[Learned]
LEAST = 0.001
"""Where an axis of rates has its 0."""


def shown(runs: Runs, weight_bits: int) -> Shown:
    """Return the figure with its numbers; weight_bits : of the network that golden trained."""
    ours = [run for run in runs if run.body == "golden"]
    chips = [run for run in runs if run.body == "chip"]
    plain = [run for run in ours if len(run.curve) == 1]
    images = ours[0].curve[-1][0]
    caption = (
        f"{ours[0].config}: single-bit upsets of its {weight_bits:,} weight bits between images, "
        f"{images:,} images of MNIST, golden model (the RTL with the same upsets is equal bit for "
        "bit: test_upset_bits.py). 'First half only': upsets end after half of the images."
    )
    if control := _after_half(ours):
        caption += (
            f" Without upsets, half of the images bring {100 * np.mean(control):.2f} %: what is "
            "above that was kept, the rest was learned anew."
        )
    if chips:
        caption += (
            f" {chips[0].config}, Verilated: upsets at any clock of {chips[0].curve[-1][0]:,} "
            "images, one kind of bits at a time."
        )
    note = " ".join(_seeds(some) for some in (ours, chips) if some)
    rates = sorted({run.rate for run in runs})
    columns: list[tuple[str, Callable[[Learned], bool]]] = [
        ("weights, all the time", lambda r: r in plain and not r.half),
        ("weights, first half only", lambda r: r in plain and (r.half or not r.rate)),
        *(
            (f"chip: {kind}", lambda r, kind=kind: r in chips and (r.kind == kind or not r.rate))
            for kind in (KINDS if chips else ())
        ),
    ]
    rows = [
        (f"{rate:g}", *(_mean([r for r in runs if r.rate == rate and of(r)]) for _, of in columns))
        for rate in rates
    ]
    return Shown(
        title="Accuracy while single bits are upset",
        caption=f"{caption} {note}",
        headings=("upsets per image", *(name for name, _ in columns)),
        rows=rows,
        data=[
            {
                "body": run.body,
                "config": run.config,
                "kind": run.kind,
                "upsets_per_image": run.rate,
                "first_half_only": int(run.half),
                "seed": run.seed,
                "upsets": run.flips,
                "images": images_then,
                "accuracy": accuracy,
            }
            for run in runs
            for images_then, accuracy in run.curve
        ],
        draw=lambda figure: _draw(figure, plain, chips, [r for r in ours if len(r.curve) > 1]),
        height=4.0,
        note=note,
    )


def _after_half(runs: Runs) -> list[float]:
    """Return the accuracies that trainings without upsets have after half of the images."""
    return [
        accuracy
        for run in runs
        for images, accuracy in run.curve[:-1]
        if not run.rate and 2 * images == run.curve[-1][0]
    ]


def _seeds(runs: Runs) -> str:
    """Say over how many seeds points and bands are."""
    of = f"{runs[0].config}, {'Verilated' if runs[0].body == 'chip' else 'golden model'}"
    seeds = sorted({run.seed for run in runs})
    if len(seeds) == 1:
        return f"{of}: one seed ({seeds[0]}), so no bands."
    numbers = ", ".join(map(str, seeds))
    return f"{of}: means of n = {len(seeds)} seeds ({numbers}), bands: one standard deviation."


def _mean(runs: Runs) -> str:
    return f"{100 * np.mean([run.accuracy for run in runs]):.2f} %" if runs else ""


def _draw(figure: Figure, plain: Runs, chips: Runs, curves: Runs) -> None:
    panels = figure.subplots(1, 3 if chips else 2)
    axes = panels[0]
    axes.set_title(f"Weights upset ({plain[0].config})")
    _rates(axes, [r for r in plain if not r.half], "all the time", 1)
    _rates(axes, [r for r in plain if r.half or not r.rate], "first half only", 2)
    if control := _after_half(curves):
        name = "no upsets, half of the images"
        axes.axhline(100 * np.mean(control), label=name, **drawing.PUBLISHED)
    _label(axes)
    axes = panels[1]
    axes.set_title(f"The same, {STRONG:g} upsets per image")
    for number, (rate, half, name) in enumerate(
        (
            (0.0, False, "no upsets"),
            (STRONG, False, "all the time"),
            (STRONG, True, "first half only"),
        )
    ):
        found = [r.curve for r in curves if r.rate == rate and r.half == half]
        if found:
            points = np.array(found)  # runs, points, (images, accuracy)
            _line(axes, points[0, :, 0], points[:, :, 1], name, number)
    axes.axvline(curves[0].curve[-1][0] / 2, label="half of the images", **drawing.PUBLISHED)
    axes.set_xlim(left=0)
    axes.set_xlabel("images trained")
    _accuracies(axes)
    if chips:
        axes = panels[2]
        axes.set_title(f"Verilated chip ({chips[0].config})")
        for number, kind in enumerate(KINDS):
            _rates(axes, [r for r in chips if r.kind == kind or not r.rate], kind, number)
        _label(axes)


def _rates(axes: Axes, runs: Runs, name: str, number: int) -> None:
    rates = sorted({run.rate for run in runs})
    found = [[run.accuracy for run in runs if run.rate == rate] for rate in rates]
    _line(axes, np.maximum(rates, LEAST), np.array(found).T, name, number)


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, name: str, number: int) -> None:
    """Draw mean and band; y : accuracies by seed and point."""
    style = drawing.series(number)
    mean = 100 * y.mean(axis=0)
    axes.plot(x, mean, label=name, **style)
    if len(y) > 1:
        drawing.band(axes, x, mean, 100 * y.std(axis=0, ddof=1), color=style["color"])


def _label(axes: Axes) -> None:
    axes.set_xscale("log")
    ticks = [LEAST, 0.01, 0.1, 1, 10, 100, 1000]
    axes.set_xticks(ticks, ["0", *(f"{tick:g}" for tick in ticks[1:])])
    axes.minorticks_off()
    axes.set_xlabel("upsets per image")
    _accuracies(axes)


def _accuracies(axes: Axes) -> None:
    """Begin the axis at 0, and name the series above the lines, where there are none."""
    axes.set_ylim(bottom=0)
    axes.set_ylabel("accuracy on test images (%)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))
