"""`spikeloom build`: the bitstream of a network for a board, and what it comes to."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikeloom.cli import options
from spikeloom.cli.output import Output
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load

if TYPE_CHECKING:  # Amaranth and the boards cost a second to import
    from spikeloom.boards.estimate import Report
    from spikeloom.boards.targets import Target

FOLDER = Path("build")
TABLE = Path("README.md")
MISSED = 1
"""Exit status where the design does not fit, misses its clock, or became slower."""


def build(
    board: Annotated[
        str | None,
        typer.Argument(metavar="BOARD", help="See 'spikeloom boards'.", show_default=False),
    ] = None,
    config: Annotated[
        str | None,
        options.optional_config(
            "A shipped configuration or the path of a .toml file.  "
            "\\[default: the board's own, see 'spikeloom boards']"
        ),
    ] = None,
    all_boards: Annotated[
        bool, typer.Option("--all", help="Every board with its own network; writes the table.")
    ] = False,
    lanes: options.Lanes = None,
    ports: options.Ports = None,
    draws: options.Draws = None,
    plan: options.Plan = None,
    clock: Annotated[
        float | None,
        options.optional("Clock of the core.  \\[default: the board's]", "MHZ", min=1, max=400),
    ] = None,
    seeds: Annotated[
        int | None,
        options.optional(
            "Try up to N placements where the clock is missed narrowly.  \\[default: 4]", min=1
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            help="Simulate the core with these lanes on real images, for cycles per image."
        ),
    ] = True,
    data: Annotated[
        str | None,
        options.optional(
            "Measure on these images.  \\[default: the MNIST digits, where they fit]", "mnist|DIR"
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Only say where the memories go, and with which lanes they fit."
        ),
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the bitstream.", file_okay=False)
    ] = FOLDER,
    table: Annotated[
        Path | None,
        options.optional(
            "Compare the clock with FILE's table, and add what it lacks; with --all, write it.  "
            "\\[default: none; README.md]",
            "FILE",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Build the bitstream of a network for a board.

    Amaranth, Yosys, nextpnr and the packer run, and what each made is kept and
    used again where nothing changed. A design that does not fit, misses its
    clock, or is more than 10 % slower than the table, ends with exit status 1.

    [bold]Examples[/bold]

    [cyan]spikeloom build icebreaker[/cyan]
    [cyan]spikeloom build ulx3s-85f mnist-784-256-10 --lanes 32,10 --clock 75[/cyan]
    """
    from spikeloom.boards import table as board_table
    from spikeloom.boards.targets import TARGETS, find

    output = Output(json=json)
    if all_boards == (board is not None):
        raise typer.BadParameter("name one board, or give --all", param_hint="BOARD")
    choices = {"lanes": lanes, "ports": ports, "draws": draws, "plan": plan or ()}
    if explain and board:
        _explain(output, find(board), config, choices)
        return
    built = partial(
        make, output, choices=choices, clock_mhz=clock, seeds=seeds, measure=measure, data=data
    )
    if all_boards and table is None:
        table = TABLE
    if table is not None:
        board_table.check(table)
    reports = []
    for target in [find(board)] if board else TARGETS.values():
        reports.append(built(target, config, out))
        show(output, reports[-1])
    slower = [] if table is None else board_table.update(table, reports, every=all_boards)
    for complaint in slower:
        output.tell(f"FAILED: {complaint}")
    if all_boards:
        output.say(f"the table of boards is in {table}")
    values = [report.values() for report in reports]
    output.result({"boards": values, "slower": slower} if all_boards else values[0])
    if slower or (board and not reports[0].built.good):
        raise typer.Exit(MISSED)


def make(
    output: Output,
    target: Target,
    config: str | None,
    folder: Path = FOLDER,
    choices: dict[str, Any] | None = None,
    **wanted: Any,
) -> Report:
    """Build one bitstream, showing what runs.

    choices : changes of the board's hardware. wanted : what else `spikeloom.build` takes.
    """
    from spikeloom import bitstreams

    network = load(config or target.config)
    with output.working(f"{target.name}: {network.name}") as log:
        return bitstreams.build(
            target,
            network,
            folder,
            hardware=target.hardware_for(network).changed(**(choices or {})),
            log=log,
            **wanted,
        )


def show(output: Output, report: Report) -> None:
    """Print the table of one build, and what is wrong with it."""
    built = report.built
    output.table(report.rows(), f"{built.target.name}: {built.config.name}")
    complaint = built.complaint()
    if complaint is not None:
        output.tell(f"FAILED: {complaint}")


def _explain(output: Output, target: Target, config: str | None, choices: dict[str, Any]) -> None:
    """Print where the memories of a network would go, and the lanes that there are."""
    from spikeloom.boards import planner

    network = load(config or target.config)
    hardware = target.hardware_for(network).changed(**choices)
    found = planner.plan(target, network, hardware)
    lanes = ",".join(str(layer.lanes) for layer in hardware.of(machine(network)))
    say = output.console.print
    say(f"{network.name} on {target.title} with {lanes} lanes", markup=False)
    for line in found.lines():
        say(f"  {line}", markup=False, soft_wrap=True)
    say("only memory is counted here: what logic a core takes is known once it is built")
    say("first layer's lanes, and the blocks that all memories take:")
    others = []
    with output.working("trying other lanes"):
        for other in planner.alternatives(target, network, hardware):
            used = {ram.name: blocks for ram, blocks, _ in other.kinds()}
            told = ", ".join(
                f"{blocks} of {there} {ram.name}" for ram, blocks, there in other.kinds()
            )
            say(f"  {other.hardware.lanes[0]}: {told}{'' if other.fits else ', too many'}")
            others.append({"lanes": other.hardware.lanes[0], "fits": other.fits, "blocks": used})
    output.result(
        {
            "board": target.name,
            "config": network.name,
            "fits": found.fits,
            "lines": found.lines(),
            "alternatives": others,
        }
    )
