"""`spikeloom train`: train a network in any engine, test it, save it, report it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from spikeloom import checkpoint as checkpoints
from spikeloom import data as network_data
from spikeloom import interrupt, outputs
from spikeloom.cli import options
from spikeloom.cli.options import EngineName
from spikeloom.cli.output import Output, percent
from spikeloom.cli.speed import board_rows, board_values
from spikeloom.engines.engine import make_engine
from spikeloom.golden.spec.machine import Machine
from spikeloom.training import Evaluation, Trainer, evaluate


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
    images = network_data.load(
        network, data, train=train, test=test, held_out=held_out, validate=validate
    )
    with output.working(f"Preparing the {engine} engine") as log:
        body = make_engine(engine, network, seed, log=log, port=port, baud=baud)
    past = checkpoints.load(resume, body.machine) if resume else None
    trainer = Trainer(body, images, epochs=epochs, seed=seed, resume=past)
    tested = None
    try:
        with output.training() as progress:
            trainer.run(progress, save)
        with output.counting("testing", len(images.test_labels)) as tick:
            tested = evaluate(body, images.test_images, images.test_labels, tick=tick)
    except KeyboardInterrupt:
        _tell_interrupted(output, trainer, save)
    except Exception:
        body.close()
        if engine is EngineName.BOARD and save and save.exists():
            _tell_left(output, save, body.machine)
        raise
    path = _report(report, trainer, tested) if report and tested else None
    _print(output, trainer, tested, data, validate, save, path)
    body.close()
    if tested is None:
        raise typer.Exit(interrupt.STATUS)


def _tell_interrupted(output: Output, trainer: Trainer, save: Path | None) -> None:
    where = f"{trainer.presentations:,} of {trainer.epochs * trainer.count:,} images"
    if save is None:
        kept = "not saved, for that give --save FILE"
    elif not trainer.whole:
        kept = f"stopped within a sample; {save} holds the start of this epoch"
    else:
        kept = f"saved to {save}, go on with --resume {save}"
    output.say(f"stopped after {where}: {kept}")


def _tell_left(output: Output, save: Path, machine: Machine) -> None:
    """Say how much of a run that has failed its last checkpoint holds."""
    left = checkpoints.load(save, machine)
    done = left.epoch * left.train_images + left.position
    output.say(
        f"{save} holds the run after {done:,} images (it is written every minute): go on with "
        f"--resume {save}"
    )


def _report(folder: Path, trainer: Trainer, tested: Evaluation) -> Path:
    # matplotlib costs a second to import, which runs without a report should not wait for.
    from spikeloom.report.reporting import write_report

    command = shlex.join(["spikeloom", *sys.argv[1:]])
    return write_report(folder, trainer, tested, command=command)


def _print(
    output: Output,
    trainer: Trainer,
    tested: Evaluation | None,
    data: str,
    validate: bool,
    save: Path | None,
    report: Path | None,
) -> None:
    accuracy = tested.accuracy if tested else None
    tested_on = "held-out" if validate else "test"
    values: dict[str, Any] = {
        "engine": trainer.engine.name,
        "config": trainer.engine.machine.config.name,
        "config_digest": trainer.engine.machine.config.digest(),
        "seed": trainer.seed,
        "data": data,
        "train_images": trainer.count,
        "held_out_images": len(trainer.data.held_images),
        "test_images": len(tested.labels) if tested else 0,
        "tested_on": tested_on,
        "epochs": trainer.epochs,
        "presentations": trainer.presentations,
        "test_accuracy": accuracy,
        "images_per_second": trainer.images_per_second,
        "curve": [
            {"presentations": p.presentations, "images": p.images, "accuracy": p.accuracy}
            for p in trainer.curve
        ],
        "interrupted": tested is None,
        "board": board_values(trainer.engine, "train"),
        "checkpoint": str(save) if save else None,
        "report": str(report) if report else None,
    }
    if tested is not None:
        right = f"{tested.right:,} of {len(tested.labels):,} {tested_on} images"
        rows: dict[str, object] = {
            "accuracy": f"{percent(accuracy)} ({right})",
            "trained": f"{trainer.presentations:,} images in all, {trainer.count:,} different",
            "speed": f"{trainer.images_per_second:,.0f} images/s"
            if trainer.images_per_second
            else "nothing was left to train",
            "seed": trainer.seed,
        }
        rows |= board_rows(trainer.engine, "train")
        rows |= {"checkpoint": save} if save else {}
        rows |= {"report": report} if report else {}
        output.table(rows, f"{values['config']}, {values['engine']}")
    output.result(values)
