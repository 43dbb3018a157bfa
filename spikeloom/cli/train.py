"""`spikeloom train`: train a network in any engine, test it, save it, report it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from spikeloom import checkpoint as checkpoints
from spikeloom import datasets, interrupt, outputs
from spikeloom.cli import options, trained
from spikeloom.cli.output import Output
from spikeloom.golden.spec.network import load
from spikeloom.network import Network


def train(
    config: options.Config,
    engine: options.Engine = "golden",
    port: options.Port = None,
    baud: options.Baud = None,
    data: options.Data = "mnist",
    train: options.Train = None,
    test: options.Test = None,
    held_out: options.HeldOut = None,
    validate: Annotated[
        bool,
        typer.Option(
            "--validate",
            help="Test on the held-out images instead, so that tuning never sees test images.",
        ),
    ] = False,
    epochs: options.Epochs = 1,
    seed: options.Seed = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a checkpoint every minute, before every epoch, at the end, and at Ctrl-C.",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Go on from a checkpoint, of any engine, up to --epochs in all; the result "
            "equals that of a run without a break, bit for bit.",
        ),
    ] = None,
    report: options.Report = None,
    json: options.Json = False,
) -> None:
    """Train a network and test it on images that it never saw.

    [bold]Examples[/bold]

    One epoch of all digits in the golden model, in seconds:
    [cyan]spikeloom train mnist-784-128-10[/cyan]

    A thousand digits in RTL, with a report:
    [cyan]spikeloom train mnist-196-32-10 --engine rtl --train 1000 --report out[/cyan]

    On a board:
    [cyan]spikeloom train mnist-784-128-10 --engine board --port /dev/ttyUSB1[/cyan]

    Stop with Ctrl-C, then go on:
    [cyan]spikeloom train mnist-784-128-10 --epochs 10 --save run.npz[/cyan]
    [cyan]spikeloom train mnist-784-128-10 --epochs 10 --save run.npz --resume run.npz[/cyan]
    """
    output = Output(json=json)
    options.check_port(engine, port, baud)
    described = load(config)
    if save:
        checkpoints.check_free(outputs.file(save), resume)
    if report:
        outputs.folder(report)
        import spikeloom.report  # noqa: F401  (of an extra: missed now, not at the end)
    images = datasets.load(
        data, described, train=train, test=test, held_out=held_out, validate=validate
    )
    past = checkpoints.load(resume) if resume else None
    if past:
        past.check_network(described)
        past.check_run(images.train, seed)
    with output.working(f"Preparing the {engine} engine") as log:
        made = {"engine": engine, "port": port, "baud": baud, "log": log, "show": False}
        network = Network.load(past, **made) if past else Network(described, seed=seed, **made)
    collapse, tested = trained.Collapse(described, output.say), None
    total = epochs * len(images.train)
    with network:
        try:
            with output.progress() as progress:
                network.fit(
                    images.train,
                    epochs=max(0, epochs - network.run.epoch),
                    validation=images.held,
                    callback=(progress, collapse),
                    save=save,
                )
            with output.progress() as progress:
                tested = network.evaluate(images.test, callback=progress)
        except KeyboardInterrupt:
            output.say(trained.broken_off("stopped", network, total, save))
        except Exception:
            if save and save.exists():
                output.say(trained.broken_off("failed", network, total, save))
            raise
        written = None
        if report and tested:
            command = shlex.join(["spikeloom", *sys.argv[1:]])
            written = network.report(
                report, train=images.train, test=images.test, tested=tested, command=command
            ).path
        tested_on = "held-out" if validate else "test"
        kept = {"checkpoint": save and str(save), "report": written and str(written)}
        if tested:
            rows = trained.rows(network, images, tested, tested_on)
            rows |= {name: path for name, path in kept.items() if path}
            output.table(rows, f"{described.name}, {engine}")
        told = {"data": data, "tested_on": tested_on, "epochs": epochs}
        told["warning"] = collapse.warning
        output.result(trained.values(network, images, tested) | told | kept)
    if tested is None:
        raise typer.Exit(interrupt.STATUS)
