"""Pictures of what was learned: the learning curve, the confusion matrix, the worst mistakes."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator

from spikeloom.report import palette
from spikeloom.report.drawing import WIDTH, Picture, bare, drawing, mosaic, picture
from spikeloom.report.findings import Findings
from spikeloom.run import Point, Run
from spikeloom.training import Evaluation

MAX_TICKS = 50
MAX_NUMBERED = 20
"""Classes up to which a count fits into a cell of the confusion matrix."""


def interval(correct: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of the accuracy behind `correct` right answers of `count`."""
    z = 1.959964
    share, spread = correct / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / count / 4)
    return middle - half, middle + half


def learning_curve(run: Findings) -> Picture:
    """Draw the learning curve of a run, and its test."""
    return draw_curve(run.trained, run.config.sizes[-1], run.tested)


def _curve(axes: Axes, curve: list[Point]) -> None:
    seen = [point.presentations for point in curve]
    low, high = zip(*(interval(p.right, p.images) for p in curve), strict=True)
    style = {"color": palette.BLUE, "alpha": 0.15, "lw": 0}
    axes.fill_between(seen, 100 * np.array(low), 100 * np.array(high), **style)
    accuracy = [100 * point.accuracy for point in curve]
    axes.plot(seen, accuracy, color=palette.BLUE, lw=1.6, marker="o", ms=3, label="held-out images")


def draw_curve(run: Run, classes: int, tested: Evaluation | None = None) -> Picture:
    """Draw accuracy against training images seen, whole and, where it got high, enlarged."""
    chance = 100 / classes
    finals = [100 * p.accuracy for p in run.curve[-1:]]
    final = None
    if tested is not None and tested.accuracy is not None:
        final = 100 * tested.accuracy
        finals.append(final)
    # The close-up starts at a round number that leaves the end of the curve in its upper part.
    edge = max((e for e in (50, 70, 80, 90, 95) if finals and e < min(finals) - 2), default=None)
    with drawing(3.6) as figure:
        panels = np.atleast_1d(figure.subplots(1, 1 if edge is None else 2))
        for axes in panels:
            if run.curve:
                _curve(axes, run.curve)
            for epoch in range(1, run.begun):
                axes.axvline(epoch * run.train_images, color=palette.MUTED, lw=0.6, ls=":")
            if final is not None:
                label = f"test: {final:.2f} % of {len(tested.labels):,}"
                style = {"marker": "D", "ms": 6, "ls": "none", "label": label}
                axes.plot(run.presentations, final, color=palette.ORANGE, **style)
            axes.grid(axis="y")
            axes.set_xlim(0, max(1, run.presentations) * 1.04)
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            axes.set(xlabel="training images seen", ylabel="accuracy (%)")
        panels[0].axhline(
            chance, color=palette.MUTED, ls="--", lw=1, label=f"chance: {chance:.3g} %"
        )
        panels[0].set_ylim(0, 100)
        panels[0].legend(loc="lower right", bbox_to_anchor=(1, 0.12))
        if edge is not None:
            panels[0].set_title("the whole scale")
            panels[1].set(ylim=(edge, 100), title=f"the same, {edge} to 100 %")
            panels[1].yaxis.set_major_locator(MaxNLocator(10, integer=True))
        end = f"{finals[0]:.2f} %" if run.curve else "not measured"
        alt = (
            f"Line chart of the accuracy over {run.presentations:,} training images; "
            f"held-out images: {end} at the end; chance is {chance:.3g} %."
        )
        caption = (
            "The blue band is the 95 % interval that the number of images tested at each point "
            "leaves."
            if run.curve
            else "The run kept no curve."
        )
        if final is not None:
            caption += (
                " The diamond is the final test, on other images: it need not lie on the curve."
            )
        if run.begun > 1:
            caption += " Dotted lines end an epoch."
        return picture(figure, "learning-curve", "Learning curve", alt, caption)


def confusion(run: Findings) -> Picture:
    """Which class was taken for which, and the share of each class that was right."""
    classes, names = run.config.sizes[-1], run.class_names
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (run.tested.labels, run.tested.predicted), 1)
    totals = matrix.sum(axis=1)
    share = 100 * matrix / np.maximum(totals, 1)[:, None]
    numbered = classes <= MAX_NUMBERED
    ticks = range(0, classes, -(-classes // MAX_TICKS))
    with drawing(1.6 + min(7.0, (0.4 if numbered else 0.13) * classes)) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[2.2, 1], sharey=True)
        image = left.imshow(
            share,
            cmap=palette.one_sided(palette.IMAGE_BLUE),
            norm=PowerNorm(0.5, 0, 100),  # the root makes one mistake in a hundred visible
            interpolation="none",
            aspect="auto",
        )
        for true, guess in np.argwhere(matrix) if numbered else ():
            colour = "#ffffff" if share[true, guess] > 45 else palette.INK
            count = f"{matrix[true, guess]:,}"
            left.text(guess, true, count, ha="center", va="center", color=colour, fontsize=8)
        shown = [names[k] for k in ticks]
        left.set(xticks=ticks, yticks=ticks, xticklabels=shown, yticklabels=shown)
        left.tick_params(length=0, labelsize=9 if numbered else 7)
        left.set(xlabel="class that the network chose", ylabel="true class")
        left.set_title("test images" + (", counted" if numbered else ""))
        bar = figure.colorbar(
            image, ax=left, location="bottom", aspect=45, ticks=[0, 1, 5, 10, 20, 35, 50, 75, 100]
        )
        bar.set_label("share of the true class (%)")
        right.barh(range(classes), share.diagonal(), height=0.62, color=palette.BLUE)
        for k in range(classes):
            text = f"{share[k, k]:.1f}" if totals[k] else "none tested"
            right.text(share[k, k] + 1.5, k, text, va="center", fontsize=8 if numbered else 7)
        right.set(xlim=(0, 115), xticks=[0, 25, 50, 75, 100], xlabel="right (% of the class)")
        right.tick_params(axis="y", length=0, labelleft=True, labelsize=9 if numbered else 7)
        right.set_title("accuracy per class")
        worst = int(np.where(totals, share.diagonal(), 101).argmin())
        alt = (
            f"Confusion matrix of {classes} classes over {totals.sum():,} test images, "
            f"{run.tested.right:,} of them on the diagonal; the least accurate class is "
            f"{names[worst]} with {share[worst, worst]:.1f} %."
        )
        caption = _confusion_caption(matrix, names, run)
        return picture(figure, "confusion", "Confusion matrix", alt, caption)


def _confusion_caption(matrix: np.ndarray, names: tuple[str, ...], run: Findings) -> str:
    wrong = matrix * ~np.eye(len(matrix), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    pairs = [(k // len(matrix), k % len(matrix)) for k in order]
    frequent = [f"{names[a]} as {names[b]} ({wrong[a, b]:,})" for a, b in pairs if wrong[a, b]]
    most = f" Most often wrong: {', '.join(frequent)}." if frequent else ""
    best = run.tested.counts.max(axis=1, keepdims=True)
    ties = int(((run.tested.counts == best).sum(axis=1) > 1).sum())
    share = 100 * ties / len(run.tested.counts)
    return (
        f"Right answers lie on the diagonal.{most} In {ties:,} samples ({share:.1f} %) two or more "
        "classes had the most spikes; the lowest class is then the answer."
    )


def mistakes(run: Findings) -> Picture:
    """Draw the test images that were most clearly taken for another class."""
    height, width = run.config.image
    columns = min(8, len(run.mistakes))
    tiles = np.stack([m.image for m in run.mistakes])
    sheet, corners = mosaic(tiles, columns)
    wide = columns * WIDTH / 8
    with drawing(wide * sheet.shape[0] / sheet.shape[1], width=wide) as figure:
        axes = figure.subplots()
        axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="none")
        bare(axes)
        for mistake, (top, left) in zip(run.mistakes, corners, strict=True):
            true, guess = (run.class_names[c] for c in (mistake.label, mistake.predicted))
            name = f"{true} taken for {guess}"
            axes.text(left - 0.5, top - 0.7, name, va="bottom", fontsize=8)
        wrong = len(run.tested.labels) - run.tested.right
        alt = f"{len(tiles)} of the {wrong:,} wrongly classified test images."
        caption = (
            f"{len(tiles)} of {wrong:,} wrong test images ({height} × {width} pixels, as the "
            "network gets them), the clearest errors first: by how many more spikes the chosen "
            "class had than the true one."
        )
        return picture(figure, "mistakes", "Mistakes", alt, caption)
