"""Pictures of samples that end when they are sure: how many steps they run, and at what accuracy.

Only of networks that can stop.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from spikeloom.golden.activity import STEPS
from spikeloom.report import palette
from spikeloom.report.drawing import Picture, drawing, picture
from spikeloom.report.findings import Findings
from spikeloom.report.outcome import interval

COLUMNS = 64
"""Columns of a histogram at most; of more steps, several share one."""

ROOM = 0.019
"""Share of the picture's width that a margin's name takes."""


def _ended(margin: int, least: int, kind: str) -> str:
    """Say what ends a sample early."""
    if not margin:
        return f"{kind} has no margin: every image runs all its steps"
    after = f", after {least} steps at the earliest" if least > 1 else ""
    leads = "its label leads every other class" if kind == "training" else "the best class leads"
    return f"{kind} ends an image once {leads} by {margin} counted spikes{after}"


def histograms(run: Findings) -> Picture:
    """Draw how many steps samples ran: trained ones, and those tested."""
    stop, steps = run.config.stop, run.config.steps
    panels = [("training", stop.train, run.activity[:, STEPS, 0])]
    if len(run.tested.ran):
        panels.append(("inference", stop.infer, run.tested.ran))
    with drawing(2.6) as figure:
        row = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (kind, margin, ran) in zip(row, panels, strict=True):
            _histogram(axes, ran, steps)
            axes.set_title(f"{kind}: {'margin ' + str(margin) if margin else 'no margin'}")
        row[0].set_ylabel("images (%)")
        means = [f"{float(ran.mean()):.1f} in {kind}" for kind, _, ran in panels]
        alt = f"Histograms of the steps that images ran, of {steps}; on average {means[0]}"
        alt += f" and {means[1]}." if means[1:] else "."
        caption = "; ".join(_ended(margin, stop.least, kind) for kind, margin, _ in panels)
        caption = f"{caption[0].upper()}{caption[1:]}. Training: {run.activity_of}."
        if means[1:]:
            caption += f" Inference: {len(run.tested.ran):,} test images."
        return picture(figure, "steps", "Steps that images ran", alt, caption)


def _histogram(axes: Axes, ran: np.ndarray, steps: int) -> None:
    width = -(-steps // COLUMNS)
    edges = np.arange(0.5, steps + width + 0.5, width)
    share = 100 * np.histogram(ran, edges)[0] / len(ran)
    axes.bar(edges[:-1] + width / 2, share, width=0.85 * width, color=palette.BLUE)
    mean = float(ran.mean())
    axes.axvline(mean, color=palette.ORANGE, lw=1.4, ls="--", label=f"mean: {mean:.1f} of {steps}")
    axes.set(xlim=(0, edges[-1] + 0.5), ylim=(0, 1.18 * share.max()), xlabel="steps")
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    axes.legend(loc="upper right" if mean < 0.6 * steps else "upper left")


def accuracy(run: Findings) -> Picture:
    """Draw accuracy against the mean number of steps, one point for each margin tried."""
    tried, stop, steps = run.tried, run.config.stop, run.config.steps
    count = tried.images
    right, ran = np.array(tried.right), np.array(tried.steps)
    shares = 100 * right / count
    early = np.array(tried.margins) > 0
    chosen = tried.margins.index(stop.infer)
    with drawing(3.9) as figure:
        axes = figure.subplots()
        low, high = 100 * np.array([interval(k, count) for k in right]).T
        order = np.argsort(ran, kind="stable")
        axes.fill_between(ran[order], low[order], high[order], color=palette.BLUE, alpha=0.12, lw=0)
        axes.plot(ran[order], shares[order], color=palette.BLUE, lw=1.2)
        points = {"ls": "none", "clip_on": False}
        axes.plot(ran[early], shares[early], color=palette.BLUE, marker="o", ms=4.5, **points)
        whole = tried.margins.index(0)
        label = f"all {steps} steps: {shares[whole]:.2f} %"
        style = {"color": palette.GREEN, "marker": "s", "ms": 6, "label": label}
        axes.plot(ran[whole], shares[whole], **style, **points)
        axes.axhline(shares[whole], color=palette.GREEN, lw=0.8, ls=":")
        if stop.infer:
            label = (
                f"margin {stop.infer}, configured: {shares[chosen]:.2f} %, {ran[chosen]:.1f} steps"
            )
            style = {"color": palette.ORANGE, "marker": "D", "ms": 7, "label": label}
            axes.plot(ran[chosen], shares[chosen], **style, **points)
        _name_margins(axes, tried.margins, ran, shares)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_locator(FixedLocator([1 << k for k in range(13)]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(0.9 * ran.min(), 1.1 * steps)
        axes.set_ylim(top=min(100, high.max() + 0.2))
        axes.grid()
        axes.set(xlabel="steps per image (mean; logarithmic)", ylabel="accuracy (%)")
        axes.legend(loc="lower right")
        alt = (
            f"Line chart of the accuracy over the mean steps of {count:,} images at margins 1 to "
            f"{max(tried.margins)}; all {steps} steps: {shares[whole]:.2f} %."
        )
        least = f", after {stop.least} steps at the earliest" if stop.least > 1 else ""
        caption = (
            f"Measured on {tried.of} by the golden model. Numbers at the points are margins: an "
            "image ends once its best class leads the second by so many counted spikes"
            f"{least}. The band is the 95 % interval that the number of images leaves; all points "
            "are of the same images, so that differences between them are surer than it says."
        )
        return picture(figure, "accuracy-steps", "Accuracy against steps", alt, caption)


def _name_margins(
    axes: Axes, margins: tuple[int, ...], ran: np.ndarray, shares: np.ndarray
) -> None:
    """Write margins above their points, but for those without room beside the one before."""
    place, last = np.log(ran / ran.min()) / np.log(ran.max() / ran.min() + 1e-9), -1.0
    style = {"textcoords": "offset points", "ha": "center", "fontsize": 8}
    for margin, at, x, y in zip(margins, place, ran, shares, strict=True):
        if margin and at - last > ROOM:
            axes.annotate(str(margin), (x, y), (0, 8), **style)
            last = at
