"""Arguments and options that several verbs take, with their help, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def numbers(text: str) -> tuple[int, ...]:
    """Read numbers with commas between them."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise typer.BadParameter(f"{text!r}: give numbers from 1 on, such as 16,8")
    return found


def optional(what: str, metavar: str = "N", **more: Any) -> Any:
    """Return an option that may be left out; `what` says what its value is then."""
    return typer.Option(metavar=metavar, help=what, show_default=False, **more)


def optional_config(what: str) -> Any:
    """Return an argument for a configuration that may be left out; `what` says which it is then."""
    return typer.Argument(metavar="[CONFIG]", help=what, show_default=False)


Config = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="A shipped configuration (see 'spikeloom configs') or the path of a .toml file.",
        show_default=False,
    ),
]
Engine = Annotated[
    Literal["golden", "rtl", "board"],
    typer.Option(
        help="golden: the integer model, thousands of images a second. rtl: the hardware "
        "description, simulated clock by clock; the same bits, tens of images a second. board: an "
        "FPGA board on a serial port, see --port."
    ),
]
Port = Annotated[
    str | None,
    optional("Serial port of the board, such as /dev/ttyUSB1 or COM3; for --engine board.", "PORT"),
]
Baud = Annotated[
    int | None,
    optional("Bit rate of the serial port, up to 3000000.  \\[default: the board's own]", min=9600),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="mnist|DIR",
        help="The MNIST digits that come along, or a folder of IDX files in MNIST's layout.",
    ),
]
Train = Annotated[
    int | None,
    optional("Train on the first N images.  \\[default: all not held out]", min=1),
]
Test = Annotated[
    int | None,
    optional("Test on the first N images.  \\[default: all]", min=0),
]
HeldOut = Annotated[
    int | None,
    optional(
        "Keep the last N training images back; the learning curve is measured on them, in RTL "
        "on the first 250 of them.  "
        "\\[default: 1000, or what --train leaves]",
        min=0,
    ),
]
Epochs = Annotated[
    int, typer.Option(min=1, metavar="N", help="How often every image is trained on.")
]
Seed = Annotated[
    int | None,
    optional(
        "Seed of the run: initial weights, order and spikes.  \\[default: the configuration's]",
        min=0,
        max=2**63 - 1,
    ),
]
Lanes = Annotated[
    Any,
    optional(
        "Columns per clock of each layer.  \\[default: the board's, else by the image's size]",
        "N[,N...]",
        parser=numbers,
    ),
]
Ports = Annotated[
    Any,
    optional(
        "1 or 2 ports of each layer's weight memory.  \\[default: the board's, else 2]",
        "N[,N...]",
        parser=numbers,
    ),
]
Draws = Annotated[
    int | None,
    optional(
        "Random numbers per clock of the encoder.  \\[default: the board's, else 2]", min=1, max=8
    ),
]
Plan = Annotated[
    list[str] | None,
    optional(
        "Another hardware choice, such as neurons=4 or layer1.weights=huge; may be repeated.",
        "NAME=VALUE",
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object as the last line of standard output."),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Write an HTML report with pictures into this folder.", file_okay=False
    ),
]


def check_port(engine: str, port: str | None, baud: int | None) -> None:
    """Refuse a board without a port, and a port or its rate without a board."""
    if engine == "board" and port is None:
        raise typer.BadParameter(
            "a board needs its serial port: give --port PORT", param_hint="--engine"
        )
    for name, value in (("--port", port), ("--baud", baud)):
        if engine != "board" and value is not None:
            raise typer.BadParameter(
                f"engine {engine} has no port: give --engine board", param_hint=name
            )
