"""`spikeloom sim-board`: a virtual board on a pseudo-terminal, to try the commands on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from spikeloom import outputs
from spikeloom.cli import options
from spikeloom.cli.output import Output
from spikeloom.golden.spec.network import load

PANEL = "A bad line"


def _chance(what: str) -> Any:
    return typer.Option(min=0, max=1, metavar="P", help=what, rich_help_panel=PANEL)


def sim_board(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="A board, see 'spikeloom boards'.")],
    config: Annotated[
        str | None,
        options.optional_config("The network that it holds.  \\[default: the board's own]"),
    ] = None,
    link: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Make PATH a symbolic link to the port, removed at the end."
        ),
    ] = None,
    flips: Annotated[float, _chance("Chance that a bit is inverted.")] = 0.0,
    drops: Annotated[float, _chance("Chance that a byte is lost.")] = 0.0,
    doubles: Annotated[float, _chance("Chance that a byte comes twice.")] = 0.0,
    stalls: Annotated[float, _chance("Chance that the line rests before a byte.")] = 0.0,
    bursts: Annotated[float, _chance("Chance that noise begins with a byte.")] = 0.0,
    seed: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Seed of the faults.", rich_help_panel=PANEL),
    ] = 0,
    json: options.Json = False,
) -> None:
    """Simulate a board, serial pins and all, on a pseudo-terminal.

    The board's whole design except its PLL is simulated clock by clock. Its
    serial pins are wired to a pseudo-terminal, whose path is printed: give
    it as --port. It runs until Ctrl-C. Its clock is simulated at a thousandth
    to a tenth of a real one's speed.

    [bold]Examples[/bold]

    [cyan]spikeloom sim-board icebreaker tiny --link /tmp/board[/cyan]
    [cyan]spikeloom selftest --port /tmp/board[/cyan]          (in another terminal)

    A line on which one bit of 10,000 is wrong:
    [cyan]spikeloom sim-board icebreaker tiny --flips 1e-4[/cyan]
    """
    # Amaranth and its boards cost a second to import, which no other verb should wait for.
    from spikeloom.boards.targets import find
    from spikeloom.sim.rtl.virtual_board import Faults, VirtualBoard

    output = Output(json=json)
    if link:
        outputs.folder(link.parent)
    target = find(board)
    network = load(config or target.config)
    hardware = target.hardware_for(network)
    faults = [Faults(seed + way, flips, drops, doubles, stalls, bursts) for way in range(2)]
    with output.working(f"Building {target.title}") as log:
        made = VirtualBoard.running(
            network,
            hardware,
            link=target.link,
            to_board=faults[0],
            to_host=faults[1],
            log=log,
        )
    with made, _linked(link, made.port) as port:
        output.tell(f"{target.title} with {network.name} on port {port}, until Ctrl-C")
        output.result({"board": target.name, "config": network.name, "port": port})
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            there, back = made.traffic()
        output.say(
            f"{there.bytes:,} bytes came, {back.bytes:,} went, {made.cycles:,} clock cycles; "
            f"{there.faults + back.faults:,} faults of the line"
        )


@contextmanager
def _linked(link: Path | None, port: str) -> Iterator[str]:
    """Make a symbolic link to a port, where one is wanted; gives the path to use."""
    if link is None:
        yield port
        return
    try:
        if link.is_symlink():  # left by a board that was killed
            link.unlink()
        link.symlink_to(port)
    except OSError as error:
        raise typer.BadParameter(
            f"cannot make {link}: {error.strerror}", param_hint="--link"
        ) from error
    try:
        yield str(link)
    finally:
        link.unlink(missing_ok=True)
