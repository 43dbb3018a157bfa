"""`spikeloom tune`: search for settings that learn well, judged on held-out images."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from spikeloom import outputs, tuning
from spikeloom.cli import options
from spikeloom.cli.output import Output
from spikeloom.golden.spec.document import short
from spikeloom.golden.spec.network import load
from spikeloom.tuning import Tuned

SHOWN = 10
"""Trials in the table."""


def tune(
    config: options.Config,
    folder: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Keeps a file per trial: the same command goes on with what is there.",
            file_okay=False,
        ),
    ],
    data: options.Data = "mnist",
    key: Annotated[
        list[str] | None,
        options.optional(
            "Draw this key, as in layer.1.update=1e-4:1e-3:log; may be repeated.  \\[default: "
            "ranges in which good networks were found]",
            "NAME=LOW:HIGH[:log]",
        ),
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Another value of a key, in all trials; may be repeated.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many train on the first rung.")
    ] = 27,
    rungs: Annotated[
        Any,
        typer.Option(
            metavar="N[,N...]",
            help="Epochs of each rung; the best third of its trials goes on to the next.",
            parser=options.numbers,
        ),
    ] = "2,4,10",
    train: options.Train = None,
    held_out: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Judge by the last N training images."),
    ] = tuning.HELD_OUT,
    price: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="POINTS",
            help="Percentage points of accuracy that each step of an image costs.",
        ),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Seed of the settings, and of every training.")
    ] = 1,
    workers: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Trials side by side, on Dask; 0: in this process alone."
        ),
    ] = 0,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Write the best network here.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Search for settings of a network that learn well.

    Random settings, trained in golden. All train for few epochs, the best
    third for more, and so on. They are judged on held-out training images:
    test images are never loaded. Stop with Ctrl-C; the same command goes on.

    [bold]Examples[/bold]

    [cyan]spikeloom tune mnist-784-128-10 --folder tuned --workers 2 --save mine.toml[/cyan]

    Two keys, a third one fixed:
    [cyan]spikeloom tune tiny --folder tuned --key error.cost=0.003:0.1:log
    --key input.rate=0.3:0.5 --set stop.train=8[/cyan]
    """
    output = Output(json=json)
    import spikeloom.report.mattered  # noqa: F401  (of an extra: missed now, not at the end)

    if save:
        outputs.file(save)
    try:
        found = tuning.tune(
            load(config),
            folder,
            keys=dict(map(_range, key or [])) or None,
            fixed=dict(map(_value, fix or [])),
            data=data,
            trials=trials,
            rungs=rungs,
            train=train,
            held_out=held_out,
            price=price,
            seed=seed,
            workers=workers,
            callback=output.say,
        )
    except KeyboardInterrupt:
        output.say(f"what was done is kept in {folder}: the same command goes on")
        raise
    if save:
        save.write_text(short(found.best), encoding="utf-8")
    drawn = folder / "mattered.svg"
    found.plot().save(drawn)
    mattered = found.mattered()
    _show(output, found, mattered)
    told = {"picture": str(drawn)} | ({"network": str(save)} if save else {})
    output.table(told)
    output.result(
        {
            "config": found.search.config.name,
            "best": found.trials[0].settings,
            "best_digest": found.best.digest(),
            "mattered": mattered,
            "trials": [dataclasses.asdict(trial) for trial in found.trials],
            **told,
        }
    )


def _show(output: Output, found: Tuned, mattered: dict[str, list[float]]) -> None:
    """Print the best trials, and what mattered."""
    keys = list(found.search.keys)
    figures = ("epochs", "held-out %", "steps trained", "inferred", "images/s")
    rows = [
        [
            str(trial.number),
            str(last.epochs),
            f"{100 * last.accuracy:.2f}",
            f"{last.train_steps:.1f}",
            f"{last.infer_steps:.1f}",
            f"{last.images_per_second:,.0f}",
            *(f"{trial.settings[key]:g}" for key in keys),
        ]
        for trial in found.trials[:SHOWN]
        for last in trial.rungs[-1:]
    ]
    headings = ("trial", *figures, *keys)
    output.listing(
        f"best of {len(found.trials)} trials, on held-out images",
        headings,
        rows,
        right=headings,
        typed=("trial", *figures[:2]),
    )
    rungs = found.search.names
    output.listing(
        "what mattered: rank correlation with the score",
        ("key", "drawn from", "to", "best", *rungs),
        [
            [
                key,
                f"{span.low:g}",
                f"{span.high:g}",
                f"{found.trials[0].settings[key]:g}",
                *(f"{r:+.2f}" for r in mattered[key]),
            ]
            for key, span in found.search.keys.items()
        ],
        right=("drawn from", "to", "best", *rungs),
        typed=("key", "best"),
    )


def _split(text: str, option: str, form: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise typer.BadParameter(f"{text!r}: give {form}", param_hint=option)
    return key, value


def _range(text: str) -> tuple[str, tuple[Any, ...]]:
    """Read the ends of a key's range, and whether it is logarithmic."""
    form = "NAME=LOW:HIGH or NAME=LOW:HIGH:log"
    key, value = _split(text, "--key", form)
    low, _, rest = value.partition(":")
    high, *log = rest.split(":")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = ()
    if not ends or log not in ([], ["log"]):
        raise typer.BadParameter(f"{text!r}: give {form}", param_hint="--key")
    return key, (*ends, *log)


def _value(text: str) -> tuple[str, Any]:
    """Read a value as TOML has it; what is no TOML is some text."""
    key, value = _split(text, "--set", "NAME=VALUE")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value
