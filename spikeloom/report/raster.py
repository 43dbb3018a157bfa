"""Pictures of one sample, spike by spike."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.report import palette
from spikeloom.report.activity import layer_name
from spikeloom.report.drawing import MAX_VECTORS, Picture, bare, drawing, marks, picture
from spikeloom.report.findings import Findings, Raster

POSITIVE_MARK = {"color": palette.ORANGE, "marker": "^", "mec": palette.PAGE, "mew": 0.6}
NEGATIVE_MARK = {"color": palette.PURPLE, "marker": "v", "mec": palette.PAGE, "mew": 0.6}


MARKS = "one mark per spike; pixels are counted row by row."
ERRORS = (
    "Output errors say which class should have fired more or less; hidden errors are what came "
    "back through the transposed crossbar."
)


def raster(run: Findings) -> Picture:
    """Draw every spike and error spike of one training sample."""
    sample, names = run.sample, run.class_names
    caption = (
        f"Training image {sample.index:,} (class {names[sample.label]}), recorded while "
        f"the trained golden model trains on it once more: {MARKS} {ERRORS} The class with most "
        f"spikes is {names[_winner(sample, len(names))]}; that is no test, for the sample's own "
        "updates have a part in it."
    )
    return draw_raster(run.config, sample, names, caption)


def _winner(sample: Raster, classes: int) -> int:
    """Return the class with most spikes, the lowest at a tie."""
    return int(sample.spikes[:, -classes:].sum(axis=0).argmax())


def draw_raster(
    config: NetworkConfig, sample: Raster, names: tuple[str, ...] = (), caption: str | None = None
) -> Picture:
    """Draw every spike and error spike of one sample; classes are named by number if at all."""
    names = names or tuple(map(str, range(config.sizes[-1])))
    winner, steps = _winner(sample, len(names)), len(sample.spikes)
    if caption is None:
        what = f"Inferred: {MARKS}" if sample.label is None else f"Trained: {MARKS} {ERRORS}"
        caption = f"{what} The class with most spikes is {names[winner]}."
    title = "a sample" if sample.label is None else f"class {names[sample.label]}"
    first = np.cumsum([0, *config.sizes])
    depth = config.depth
    # Panels grow with their layer, but slowly: the output must be readable beside 784 inputs.
    heights = [0.85 + 0.11 * size**0.5 for size in config.sizes]
    with drawing(0.7 * len(heights) + 1.05 * sum(heights)) as figure:
        grid = figure.subplots(
            depth + 1, 2, width_ratios=[1, 5], height_ratios=heights[::-1], squeeze=False
        )
        for axes in grid[:, 0]:
            bare(axes)
        grid[depth, 0].imshow(sample.image, cmap="gray", vmin=0, vmax=255, interpolation="none")
        grid[depth, 0].set_title(title)
        _legend(grid[0, 0], errors=sample.label is not None)
        for layer, axes in zip(range(depth, -1, -1), grid[:, 1], strict=True):
            span = slice(first[layer], first[layer + 1])
            spikes, errors = sample.spikes[:, span], sample.errors[:, span]
            _spikes(axes, spikes, errors, 72 * heights[layer] / config.sizes[layer])
            name = layer_name(layer, depth)
            total = f"{name}: {int((spikes > 0).sum()):,} spikes"
            if layer and sample.label is not None:
                total += f", {int((errors > 0).sum())} + and {int((errors < 0).sum())} − errors"
            axes.set_title(total)
            edge = 0.5 + 0.02 * config.sizes[layer]  # marks of the outer neurons stay whole
            axes.set_xlim(-0.7, steps - 0.3)
            axes.set_ylim(config.sizes[layer] - 1 + edge, -edge)
            axes.set(ylabel="class" if layer == depth else "neuron")
            axes.tick_params(labelbottom=layer == 0)
        _classes(grid[0, 1], names, sample.label, winner, heights[-1])
        grid[depth, 1].set(xlabel="time step", ylabel="pixel")
        figure.align_ylabels(grid[:, 1])
        alt = (
            f"Spike raster of one sample ({title}) over {steps} steps: input, hidden, output and "
            "error spikes."
        )
        return picture(figure, "raster", "One sample, spike by spike", alt, caption)


def _spikes(axes: Axes, spikes: np.ndarray, errors: np.ndarray, pitch: float) -> None:
    """Draw one layer; pitch : points from one neuron to the next."""
    step, neuron = np.nonzero(spikes)
    marks(axes, step, neuron, 0.8, color=palette.BLUE, lw=min(3.5, max(0.8, 0.8 * pitch)))
    for sign, style in ((1, POSITIVE_MARK), (-1, NEGATIVE_MARK)):
        step, neuron = np.nonzero(errors == sign)
        ms = min(5.5, max(2.5, 340 / len(spikes)))
        axes.plot(step, neuron, ls="none", ms=ms, rasterized=len(step) > MAX_VECTORS / 4, **style)


def _legend(axes: Axes, *, errors: bool) -> None:
    handles = [
        Line2D([], [], color=palette.BLUE, lw=2, label="spike"),
        Line2D([], [], ls="none", label="error +: fire more", ms=5.5, **POSITIVE_MARK),
        Line2D([], [], ls="none", label="error −: fire less", ms=5.5, **NEGATIVE_MARK),
    ]
    axes.legend(
        handles=handles if errors else handles[:1],
        loc="upper left",
        fontsize=8,
        borderpad=0,
        handlelength=1.2,
    )


def _classes(
    axes: Axes, names: tuple[str, ...], label: int | None, winner: int, height: float
) -> None:
    """Name classes on the left of the output panel; on the right, the label and the winner."""
    classes = len(names)
    shown = range(0, classes, -(-classes // 12))
    axes.set_yticks(shown, [names[k] for k in shown])
    axes.tick_params(axis="y", labelsize=8)
    notes = [(winner, "most spikes")] if winner != label else []
    if label is not None:
        notes.append((label, "label" if notes else "label, most spikes"))
    # Two notes on neighbouring rows are moved apart until both can be read.
    gap = max(0.0, 0.15 * classes / height - abs(label - winner)) / 2 if len(notes) == 2 else 0.0
    for row, text in notes:
        shift = 0.0 if len(notes) == 1 else gap * (1 if row == max(label, winner) else -1)
        axes.annotate(
            f"{names[row]}: {text}",
            (1.0, row),
            xytext=(1.03, row + shift),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            arrowprops={"arrowstyle": "->", "color": palette.MUTED, "lw": 0.8},
            annotation_clip=False,
        )
