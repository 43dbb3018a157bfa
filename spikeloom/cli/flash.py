"""`spikeloom flash`: programs a board, building the bitstream first where it must."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikeloom.cli import options
from spikeloom.cli.build import MISSED, make, show
from spikeloom.cli.output import Output


def flash(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="See 'spikeloom boards'.")],
    config: Annotated[
        str | None,
        options.optional_config("As 'spikeloom build' takes it.  \\[default: the board's own]"),
    ] = None,
    bitstream: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Program this file, whatever it is.  \\[default: what 'spikeloom build' makes]",
            show_default=False,
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Write the board's flash memory: it starts with it from now."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Program a board through USB with openFPGALoader.

    The bitstream is built first, unless nothing has changed since it was.

    [bold]Example[/bold]

    [cyan]spikeloom flash icebreaker[/cyan]
    """
    from spikeloom.boards.loader import flash as program
    from spikeloom.boards.targets import find

    output = Output(json=json)
    target = find(board)
    name = None
    if bitstream is None:
        report = make(output, target, config, measure=False)
        if not report.built.good:
            show(output, report)
            raise typer.Exit(MISSED)
        bitstream, name = report.file, report.built.config.name
    with output.working(f"{target.name}: programming") as log:
        program(target, bitstream, log, keep=keep)
    output.tell(f"{target.title} holds {bitstream}")
    output.result({"board": target.name, "config": name, "bitstream": str(bitstream), "kept": keep})
