"""`spikeloom train`: train a network in any engine, test it, save it, report it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from spikeloom import checkpoint as checkpoints
from spikeloom import datasets, interrupt, outputs
from spikeloom.cli import options
from spikeloom.cli.options import EngineName
from spikeloom.cli.output import Output, percent
from spikeloom.cli.speed import board_rows, board_values
from spikeloom.golden.datasets import Dataset
from spikeloom.network import Network
from spikeloom.training import Evaluation


def train(
    config: options.Config,
    engine: options.Engine = EngineName.GOLDEN,
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
    network = options.load_config(config)
    if save:
        checkpoints.check_free(save, resume)
    if report:
        outputs.folder(report)
        import spikeloom.report.reporting  # noqa: F401  (of an extra: missed now, not at the end)
    images = datasets.load(
        data, network, train=train, test=test, held_out=held_out, validate=validate
    )
    past = checkpoints.load(resume) if resume else None
    if past:
        past.check_network(network)
        past.check_run(images.train, seed)
    made = {"engine": engine.value, "port": port, "baud": baud}
    with output.working(f"Preparing the {engine} engine") as log:
        body = (
            Network.load(past, log=log, **made)
            if past
            else Network(network, seed=seed, log=log, **made)
        )
    tested = None
    try:
        with output.training() as progress:
            body.fit(
                images.train,
                epochs=max(0, epochs - body.run.epoch),
                validation=images.held,
                callback=progress,
                save=save,
            )
        with output.counting("testing", len(images.test)) as tick:
            tested = body.evaluate(images.test, callback=tick)
    except KeyboardInterrupt:
        _tell_stopped(output, "stopped", body, epochs * len(images.train), save)
    except Exception:
        if save and save.exists():
            _tell_stopped(output, "failed", body, epochs * len(images.train), save)
        body.close()
        raise
    path = _report(report, body, images, tested) if report and tested else None
    _print(output, body, images, epochs, tested, data, validate, save, path)
    body.close()
    if tested is None:
        raise typer.Exit(interrupt.STATUS)


def _tell_stopped(
    output: Output, what: str, network: Network, total: int, save: Path | None
) -> None:
    kept = "not saved, for that give --save FILE"
    if save is not None:
        kept = f"saved to {save}, go on with --resume {save}"
    output.say(f"{what} after {network.run.presentations:,} of {total:,} images: {kept}")


def _report(folder: Path, network: Network, images: Dataset, tested: Evaluation) -> Path:
    # matplotlib costs a second to import, which runs without a report should not wait for.
    from spikeloom.report.reporting import write_report

    command = shlex.join(["spikeloom", *sys.argv[1:]])
    return write_report(folder, network, images.train, images.test, tested, command=command)


def _print(
    output: Output,
    network: Network,
    images: Dataset,
    epochs: int,
    tested: Evaluation | None,
    data: str,
    validate: bool,
    save: Path | None,
    report: Path | None,
) -> None:
    accuracy, run = tested.accuracy if tested else None, network.run
    rate = network.history.images_per_second
    tested_on = "held-out" if validate else "test"
    values: dict[str, Any] = {
        "engine": network.engine.name,
        "config": network.config.name,
        "config_digest": network.config.digest(),
        "seed": run.seed,
        "data": data,
        "train_images": len(images.train),
        "held_out_images": len(images.held),
        "test_images": len(tested.labels) if tested else 0,
        "tested_on": tested_on,
        "epochs": epochs,
        "presentations": run.presentations,
        "test_accuracy": accuracy,
        "images_per_second": rate,
        "curve": [
            {"presentations": p.presentations, "images": p.images, "accuracy": p.accuracy}
            for p in run.curve
        ],
        "interrupted": tested is None,
        "board": board_values(network.engine, "train"),
        "checkpoint": str(save) if save else None,
        "report": str(report) if report else None,
    }
    if tested is not None:
        right = f"{tested.right:,} of {len(tested.labels):,} {tested_on} images"
        rows: dict[str, object] = {
            "accuracy": f"{percent(accuracy)} ({right})",
            "trained": f"{run.presentations:,} images in all, {len(images.train):,} different",
            "speed": f"{rate:,.0f} images/s" if rate else "nothing was left to train",
            "seed": run.seed,
        }
        rows |= board_rows(network.engine, "train")
        rows |= {"checkpoint": save} if save else {}
        rows |= {"report": report} if report else {}
        output.table(rows, f"{values['config']}, {values['engine']}")
    output.result(values)
