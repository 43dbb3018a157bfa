"""`spikeloom infer`: classify test images or a picture with trained weights."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.markup import escape
from rich.table import Table

from spikeloom import checkpoint as checkpoints
from spikeloom import datasets
from spikeloom.cli import options
from spikeloom.cli.options import EngineName
from spikeloom.cli.output import Output, percent
from spikeloom.cli.speed import board_rows, board_values
from spikeloom.engines.device import RtlEngine
from spikeloom.engines.engine import Engine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.network import Network

VCD_STEPS = 4
MOST_COLUMNS = 12
"""A table shows the counts of all classes up to this number of them."""


def infer(
    config: options.Config,
    weights: Annotated[
        Path, typer.Option(metavar="FILE", help="A checkpoint that 'spikeloom train --save' wrote.")
    ],
    engine: options.Engine = EngineName.GOLDEN,
    port: options.Port = None,
    baud: options.Baud = None,
    data: options.Data = "mnist",
    test: options.Test = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PNG",
            help="Classify this picture instead of test images; it is turned to grey, inverted and "
            "scaled as needed. May be given several times.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Stop every sample after N steps.  \\[default: all, or 4 with --vcd]",
            show_default=False,
        ),
    ] = None,
    vcd: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Record a waveform of the first image; needs --engine rtl."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Classify test images or pictures of your own.

    [bold]Examples[/bold]

    Test accuracy in RTL of what golden has learned:
    [cyan]spikeloom infer mnist-784-128-10 --weights run.npz --engine rtl --test 1000[/cyan]

    Your own handwriting:
    [cyan]spikeloom infer mnist-784-128-10 --weights run.npz --image seven.png[/cyan]

    A waveform of the first steps:
    [cyan]spikeloom infer tiny --weights tiny.npz --engine rtl --test 1 --vcd tiny.vcd[/cyan]
    """
    output = Output(json=json)
    if vcd and engine is not EngineName.RTL:
        raise typer.BadParameter("a waveform needs clocks: give --engine rtl", param_hint="--vcd")
    options.check_port(engine, port, baud)
    network = options.load_config(config)
    if steps and steps > network.steps:
        raise typer.BadParameter(
            f"{steps}: {network.name} has {network.steps} steps", param_hint="--steps"
        )
    images, labels = _images(network, data, test, image)
    trained = checkpoints.load(weights)
    trained.check_network(network)
    with output.working(f"Preparing the {engine} engine") as log:
        body = Network.load(
            trained, engine=engine.value, trace=vcd is not None, log=log, port=port, baud=baud
        )
    steps = steps or (min(VCD_STEPS, network.steps) if vcd else network.steps)
    if vcd:
        images, labels = images[:1], labels[:1]
    with _recording(body.engine, vcd), output.counting("inferring", len(labels)) as tick:
        found = body.evaluate(images, labels, steps=steps, callback=tick)
    values: dict[str, Any] = {
        "engine": engine.value,
        "config": network.name,
        "weights": str(weights),
        "steps": steps,
    }
    if image:
        names = [str(path) for path in image]
        values["images"] = [
            {"image": name, "class": int(klass), "counts": counts.tolist()}
            for name, klass, counts in zip(names, found.predicted, found.counts, strict=False)
        ]
        _counts_table(output, names, found.counts)
    else:
        values |= {"data": data, "test_images": len(labels), "test_accuracy": found.accuracy}
        output.console.print(
            f"{percent(found.accuracy)} ({found.right:,} of {len(labels):,} test images)"
            + (f", after {steps} of {network.steps} steps" * (steps < network.steps))
        )
    if vcd:
        values["vcd"] = str(vcd)
        output.console.print(f"waveform of {steps} steps: {vcd}", soft_wrap=True)
    if board := board_rows(body.engine, "infer"):
        output.table(board)
    values["board"] = board_values(body.engine, "infer")
    body.close()
    output.result(values)


def _images(
    network: NetworkConfig, data: str, test: int | None, pictures: list[Path] | None
) -> tuple[np.ndarray, np.ndarray]:
    if pictures:
        # Only here: the library that reads pictures is of an extra.
        from spikeloom.golden.datasets.images import from_picture

        images = np.stack([from_picture(path, network.image) for path in pictures])
        return images, np.zeros(len(pictures), np.uint8)
    loaded = datasets.load(data, network, test=test)
    return loaded.test


def _recording(engine: Engine, vcd: Path | None) -> Any:
    return engine.vcd(vcd) if vcd and isinstance(engine, RtlEngine) else nullcontext()


def _counts_table(output: Output, names: list[str], counts: np.ndarray) -> None:
    table = Table(title="output spikes per class", title_justify="left")
    table.add_column("picture")
    every = counts.shape[1] <= MOST_COLUMNS
    for klass in range(counts.shape[1] if every else 0):
        table.add_column(str(klass), justify="right")
    if not every:
        table.add_column("most spikes, class: count")
    table.add_column("class", justify="right", style="bold")
    for name, row in zip(names, counts, strict=False):
        best = np.argsort(-row, kind="stable")[:3]
        cells = map(str, row) if every else [", ".join(f"{k}: {row[k]}" for k in best)]
        tie = " (a tie)" if (row == row.max()).sum() > 1 else ""
        table.add_row(escape(name), *cells, f"{row.argmax()}{tie}")
    output.console.print(table)
