"""`make upsets`: single bits of a simulated chip are inverted while it learns."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikeloom import datasets, interrupt, outputs
from spikeloom.cli import options
from spikeloom.cli.output import Output
from spikeloom.golden.spec.network import NetworkConfig, load
from tests.campaigns import provenance

if TYPE_CHECKING:  # Amaranth and matplotlib cost a second each to import
    from tests.campaigns.upsets.chip import Chip
    from tests.campaigns.upsets.outcome import Run
    from tests.campaigns.upsets.rates import Learned
    from tests.campaigns.upsets.table import Campaigned
    from tests.paper.exhibit import Shown

STUCK = 1
QUICK_FLIPS, QUICK_IMAGES = 120, 1000
MANY = 5000
"""Images from which on a training is done with two seeds."""
CHIP_PART = 6
"""The Verilated chip is trained on a sixth of the images."""


def upsets(
    config: Annotated[
        str,
        typer.Argument(metavar="[CONFIG]", help="The network that is upset, as for other verbs."),
    ] = "tiny",
    flips: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Flips, shared among the kinds of state; 0: none."),
    ] = 2400,
    images: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Images of each training of the curves; 0: no curves."
        ),
    ] = 10_000,
    curves: Annotated[
        str, typer.Option(metavar="CONFIG", help="The network of the curves in golden.")
    ] = "mnist-196-32-10",
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Seed of bits, clocks and trainings.")
    ] = 1,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of tables and picture; the published ones are made with results/upsets.",
            file_okay=False,
        ),
    ] = Path("out/upsets"),
    quick: Annotated[
        bool,
        typer.Option("--quick", help=f"At most {QUICK_FLIPS} flips, {QUICK_IMAGES} images."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Invert single bits of a chip's state while it learns, and tell what comes of it.

    Any bit of a Verilated chip, core and serial link, is inverted at a random
    clock of training: weights, membranes, random generators, state machines,
    counters and all the rest. Told is whether the flip was masked, learned
    away, gave a wrong result, was detected, or made the chip hang, and what it
    took to clear it. Ends with status 1 if a flip was not cleared by a reset
    command, neither the core's nor the link's.

    Then trainings with ever more upsets per image, and with upsets in the
    first half only: how accuracy falls, and how it comes back.

    [bold]Examples[/bold]

    [cyan]make upsets UPSETS=--quick[/cyan]
    [cyan]make upsets UPSETS="tiny --flips 2400"[/cyan]
    [cyan]make upsets UPSETS="mnist-196-32-10 --flips 300 --images 0"[/cyan]
    """
    if not flips and not images:
        raise typer.BadParameter(
            "0, and --images 0 too, leave nothing to do; give one of them more than 0, or leave "
            "it out for its default",
            param_hint="--flips",
        )
    output = Output(json=json)
    if quick:
        flips, images = min(flips, QUICK_FLIPS), min(images, QUICK_IMAGES)
    outputs.folder(out)
    network, drawn = load(config), load(curves)
    chip = _chip(output, network)
    values: dict[str, Any] = {}
    found, made_by = None, _made_by()  # of what runs, whatever is changed meanwhile
    if flips:
        with interrupt.Stop() as stop:
            found, stopped = _campaign(output, network, chip, flips, seed, quick, stop)
            output.console.print(found.text(), markup=False, soft_wrap=True)
            values = found.values(made_by)
            for path in found.write(out, made_by):
                output.say(f"wrote {path}")
        if stopped:
            output.result(values)
            raise typer.Exit(interrupt.STATUS)
    if images:
        values["curves"] = _curves(output, network, drawn, chip, images, seed, out)
    output.result(values)
    if found is not None and found.stuck:
        raise typer.Exit(STUCK)


def _chip(output: Output, network: NetworkConfig) -> Chip:
    from tests.campaigns.upsets.chip import Chip

    with output.working("Building the chip") as log:
        return Chip.of(network, log)


def _campaign(
    output: Output,
    network: NetworkConfig,
    chip: Chip,
    flips: int,
    seed: int,
    quick: bool,
    stop: interrupt.Stop,
) -> tuple[Campaigned, bool]:
    """Return what came of the flips, and whether they were stopped."""
    from tests.campaigns.upsets.campaign import Campaign
    from tests.campaigns.upsets.task import QUICK, SIZE, Task

    data = datasets.mnist(network)
    with output.working("Training without upsets") as say:
        say("what is usual comes first")
        campaign = Campaign(chip, Task(network, data, seed, QUICK if quick else SIZE), seed)
        stop.check()
    runs: list[Run] = []
    stopped = False
    with output.working(f"{flips:,} flips") as say:
        say("they begin")
        try:
            for run in campaign.flips(flips):
                runs.append(run)
                if output.animated:
                    say(f"{len(runs):,} done")
                stop.check()
        except KeyboardInterrupt:
            if not runs:
                raise
            stopped = True
            output.say(f"stopped after {len(runs)} flips: the table is of these")
    return campaign.done(runs), stopped


def _curves(
    output: Output,
    network: NetworkConfig,
    drawn: NetworkConfig,
    chip: Chip,
    images: int,
    seed: int,
    out: Path,
) -> list[dict[str, object]]:
    """Train at all rates; write the picture and its numbers, return them."""
    from tests.campaigns.upsets import picture, rates, table
    from tests.paper.exhibit import write

    about = _made_by() | {"seed": seed, "images": images, "chip": network.name}
    few = images < MANY
    test = 1000 if few else 2000
    seeds = range(seed, seed + (1 if few else 2))
    runs: list[Learned] = []

    def show() -> Shown:
        layers = zip(drawn.sizes, drawn.sizes[1:], drawn.layers, strict=False)
        shown = picture.shown(runs, sum(a * b * layer.weight_bits for a, b, layer in layers))
        text = {"rates.json": dumps(about | {"rows": shown.data}, indent=2) + "\n"}
        for path in (*write(shown, "rates", out), *table.write(out, text)):
            output.say(f"wrote {path}")
        return shown

    data = datasets.mnist(drawn, train=images, test=test)
    for run in rates.golden_runs(drawn, data, seeds):
        runs.append(run)
        output.say(_line(run))
    show()  # what comes now takes longer
    data = datasets.mnist(network, train=max(1, images // CHIP_PART), test=test)
    for run in rates.chip_runs(network, data, chip, seeds[:1], rates.CHIP_RATES):
        runs.append(run)
        output.say(_line(run))
    shown = show()
    output.console.print(shown.text(), markup=False, soft_wrap=True)
    return [dict(row) for row in shown.data]


def _line(run: Learned) -> str:
    when = "first half" if run.half else "all the time"
    return f"{run.body}, {run.kind}, {run.rate:g} per image, {when}: {100 * run.accuracy:.2f} %"


def _made_by() -> dict[str, Any]:
    """Return the command, the commit, the day and the versions."""
    from tests.paper.store import made_by

    return made_by() | provenance.stamp(provenance.make("upsets", sys.argv[2:]))
