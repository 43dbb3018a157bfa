"""`spikeloom infer`: classify test images or pictures with trained weights."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from spikeloom import checkpoint as checkpoints
from spikeloom import datasets, outputs
from spikeloom.cli import options, pictures
from spikeloom.cli.output import Output, percent, steps_of
from spikeloom.golden.samples import checked_stop
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load
from spikeloom.network import Network
from spikeloom.training import Evaluation

VCD_STEPS = 4


def infer(
    config: options.Config,
    weights: Annotated[
        Path, typer.Option(metavar="FILE", help="A checkpoint that 'spikeloom train --save' wrote.")
    ],
    engine: options.Engine = "golden",
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
        options.optional(
            "Stop every sample after N steps.  \\[default: all, or 4 with --vcd]", min=1
        ),
    ] = None,
    margin: Annotated[
        int | None,
        options.optional(
            "End an image once its best class leads the second by N spikes; 0: never.  "
            "\\[default: the configuration's]",
            min=0,
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

    Fewer steps, of a network that can stop:
    [cyan]spikeloom infer mine.toml --weights run.npz --margin 3[/cyan]

    A waveform of the first steps:
    [cyan]spikeloom infer tiny --weights tiny.npz --engine rtl --test 1 --vcd tiny.vcd[/cyan]
    """
    output = Output(json=json)
    if vcd and engine != "rtl":
        raise typer.BadParameter("a waveform needs clocks: give --engine rtl", param_hint="--vcd")
    options.check_port(engine, port, baud)
    described = load(config)
    if steps and steps > described.steps:
        raise typer.BadParameter(
            f"{steps}: {described.name} has {described.steps} steps", param_hint="--steps"
        )
    stop = described.stop if margin is None else replace(described.stop, infer=margin)
    checked_stop(machine(described), stop)
    if vcd:
        outputs.file(vcd)
    own = pictures.read(image[:1] if vcd else image, described.image) if image else None
    images = own.images if own else datasets.load(data, described, test=test).test
    images = images[:1] if vcd else images
    kept = checkpoints.load(weights)
    kept.check_network(described)
    with output.working(f"Preparing the {engine} engine") as log:
        network = Network.load(
            kept, engine=engine, port=port, baud=baud, trace=bool(vcd), log=log, show=False
        )
    steps = steps or (min(VCD_STEPS, described.steps) if vcd else described.steps)
    with network:
        recording = network.engine.vcd(vcd) if vcd else nullcontext()
        with recording, output.progress() as progress:
            counts = network.counts(images, steps=steps, margin=margin, callback=progress)
        speed = network.engine.speed("infer")
    values: dict[str, Any] = {
        "engine": engine,
        "config": described.name,
        "weights": str(weights),
        "steps": steps,
        "margin": stop.infer,
        "steps_per_image": float(network.ran.mean()) if len(network.ran) else None,
        "board": speed and dataclasses.asdict(speed),
    }
    if own:
        values["images"] = own.values(counts, network.ran)
        own.show(output, counts, network.ran)
    else:
        found = Evaluation(counts, images.labels, network.ran)
        right = f"{found.right:,} of {len(images):,} test images"
        after = f", after {steps} of {described.steps} steps" * (steps < described.steps)
        if described.stop.used and found.mean_steps is not None:
            after = f", {steps_of(found.mean_steps, described.steps)}"
        output.tell(f"{percent(found.accuracy)} ({right}){after}")
        values |= {"data": data, "test_images": len(images), "test_accuracy": found.accuracy}
    if vcd:
        values["vcd"] = str(vcd)
        output.tell(f"waveform of {network.ran[0]} steps: {vcd}")
    if speed:
        output.table(speed.rows())
    output.result(values)
    if own and own.refused:
        raise typer.Exit(pictures.REFUSED)
