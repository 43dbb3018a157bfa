"""The report's numbers and tables: results at a glance, configuration, derived integers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from spikeloom.golden.activity import STEPS
from spikeloom.golden.spec.network import SECTIONS
from spikeloom.report.activity import layer_name, quantities
from spikeloom.report.findings import Findings
from spikeloom.report.outcome import interval


@dataclass(frozen=True)
class Headline:
    """One number at the top of the page; `tone` is "", "good" or "bad"."""

    value: str
    name: str
    note: str
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table: the first cell of a row names it; `numeric` columns are set to the right."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    numeric: bool = False


def plain(value: Any) -> str:
    """Return a configuration value as TOML would have it, without the quotes."""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def headlines(run: Findings) -> list[Headline]:
    """Return what a reader wants to know first."""
    shown = []
    if run.tested.accuracy is not None:
        n = len(run.tested.labels)
        low, high = interval(run.tested.right, n)
        note = f"{run.tested.right:,} of {n:,}; 95 % interval {100 * low:.2f} to {100 * high:.2f} %"
        shown.append(Headline(f"{100 * run.tested.accuracy:.2f} %", "test accuracy", note))
    trained, begun = run.trained, run.trained.begun
    epochs = f"{begun} epoch{'s' * (begun != 1)} of {trained.train_images:,} {run.data} images"
    shown.append(Headline(f"{trained.presentations:,}", "training images seen", epochs))
    if run.config.stop.used:
        shown += _steps(run)
    checked = run.verification
    if checked is not None:
        shown.append(
            Headline(
                "equal" if checked.equal else "NOT EQUAL",
                f"golden model and {run.engine}",
                f"{checked.compared_weights:,} weights and {checked.compared_samples:,} samples "
                "compared, bit for bit",
                "good" if checked.equal else "bad",
            )
        )
    floor = run.floor_per_image
    if run.cycles_per_image is None:
        shown.append(Headline(f"{floor:,.0f}", "cycles at least", "floor per training image"))
    else:
        note = f"floor {floor:,.0f}"
        if floor:
            note = f"{run.cycles_per_image / floor:.3f} times the floor of {floor:,.0f}"
        name = "cycles per training image"
        shown.append(Headline(f"{run.cycles_per_image:,.0f}", name, note))
    rate = run.images_per_second
    text = f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"
    shown.append(Headline(text, "images per second", f"while training, engine {run.engine}"))
    return shown


def _steps(run: Findings) -> list[Headline]:
    """Return how many steps images ran, on average."""
    stop, most = run.config.stop, run.config.steps
    means = {
        "training": (run.cost.total[STEPS, 0] / run.cost.samples, stop.train),
        "test": (run.tested.mean_steps, stop.infer),
    }
    return [
        Headline(f"{mean:.1f}", f"steps per {kind} image", f"of {most}, margin {margin or 'none'}")
        for kind, (mean, margin) in means.items()
        if mean
    ]


def costs(run: Findings) -> Table:
    """Return spikes and accesses per training sample as numbers."""
    steps, rows = float(run.activity[:, STEPS, 0].mean()), []
    for quantity in quantities(run):
        low, middle, high = quantity.percentiles
        mean = float(quantity.values.mean())
        words = "" if quantity.words is None else f"{mean * quantity.words:,.1f}"
        rows.append(
            (
                quantity.name,
                f"{middle:,.0f}",
                f"{low:,.0f}",
                f"{high:,.0f}",
                f"{mean:,.1f}",
                f"{mean / steps:,.3f}",
                words,
            )
        )
    columns = ("per training sample", "median", "5 %", "95 %", "mean", "mean per step")
    return Table("Spikes and accesses", (*columns, "words touched"), rows, numeric=True)


def configuration(run: Findings) -> list[Table]:
    """Return every key of the configuration, grouped as in its file."""
    config = run.config
    names = ("name", "description", "image", "sizes", "steps")
    tables = [
        Table("network", ("key", "value"), [(key, plain(getattr(config, key))) for key in names])
    ]
    for section in SECTIONS:
        values = dataclasses.asdict(getattr(config, section))
        tables.append(
            Table(section, ("key", "value"), [(key, plain(v)) for key, v in values.items()])
        )
    layers = [dataclasses.asdict(layer) for layer in config.layers]
    rows = [(key, *(plain(layer[key]) for layer in layers)) for key in layers[0]]
    columns = ("key", *(f"layer {i + 1}" for i in range(config.depth)))
    return [*tables, Table("layers", columns, rows)]


def derived(run: Findings) -> Table:
    """Return the integers that the configuration leads to, one column per crossbar."""
    layers, last = run.layers, max(0, run.trained.begun - 1)
    updates = {0: run.machine.updates(0), last: run.machine.updates(last)}
    rows: list[tuple[str, ...]] = []

    def add(name: str, *values: object) -> None:
        rows.append((name, *(f"{v:,}" if isinstance(v, int) else str(v) for v in values)))

    add("rows × columns", *(f"{layer.n_pre:,} × {layer.n_post:,}" for layer in layers))
    add("largest weight", *(layer.weight_max for layer in layers))
    for mode in ("train", "infer"):
        membranes = [getattr(layer, mode) for layer in layers]
        for key, name in (
            ("theta", "threshold"),
            ("start", "membrane at start"),
            ("floor", "membrane at least"),
            ("ceiling", "membrane at most"),
        ):
            add(f"{name}, {mode}", *(getattr(m, key) for m in membranes))
    units = [f"units of crossbar {layer.index + 1}" for layer in layers[:-1]] + ["/ 256 spikes"]
    for key, name in (
        ("error_threshold", "error threshold"),
        ("error_max", "error membrane within ±"),
    ):
        values = [getattr(layer, key) for layer in layers]
        add(name, *(f"{v:,} {unit}" for v, unit in zip(values, units, strict=True)))
    add("inhibition", *(layer.inhibition for layer in layers))
    add("dropout (of 65,536)", *(layer.dropout for layer in layers))
    for epoch, update in sorted(updates.items()):
        texts = [f"±{1 << u.shift} at {u.probability:,} / 65,536" for u in update]
        add(f"update, epoch {epoch + 1}", *texts)
    add("bits of a current", *(layer.current_bits for layer in layers))
    add("bits of an error current", *(layer.error_current_bits for layer in layers))
    add("lanes", *(layer.lanes for layer in layers))
    add("words per row", *(layer.words for layer in layers))
    add("rows per transposed access", *(layer.banks for layer in layers))
    names = [
        f"crossbar {layer.index} to {layer_name(layer.index, len(layers))}" for layer in layers
    ]
    return Table("Derived integers", ("weight units, unless named", *names), rows, numeric=True)


def provenance(run: Findings) -> Table:
    """Return where the run came from and what it ran with."""
    rows = [
        ("command", run.command),
        ("seed", str(run.seed)),
        ("configuration digest", run.config.digest()),
        *run.versions.items(),
    ]
    return Table("Repeat this run", ("", ""), rows)
