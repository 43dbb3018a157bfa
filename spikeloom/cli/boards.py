"""`spikeloom boards`: the boards that there are bitstreams for, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikeloom.cli import options
from spikeloom.cli.output import Output

if TYPE_CHECKING:  # Amaranth and the boards cost a second to import
    from spikeloom.boards.targets import Target


def boards(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[BOARD]", help="Show all of this one.", show_default=False),
    ] = None,
    json: options.Json = False,
) -> None:
    """List the boards, or show one with its wiring."""
    from spikeloom.boards.targets import TARGETS, find

    output = Output(json=json)
    if name is None:
        _list(output, list(TARGETS.values()))
        return
    target = find(name)
    values = _values(target)
    output.table({key.replace("_", " "): _text(value) for key, value in values.items()}, name)
    output.result(values)


def _list(output: Output, targets: list[Target]) -> None:
    output.listing(
        "boards",
        ("name", "FPGA", "LUTs", "RAM kbit", "MHz", "network"),
        [
            [
                target.name,
                target.device.title,
                f"{target.device.luts:,}",
                f"{target.device.ram_bits // 1024:,}",
                f"{target.clock_hz / 1e6:g}",
                target.config,
            ]
            for target in targets
        ],
        right=("LUTs", "RAM kbit", "MHz"),
        typed=("name", "network"),
    )
    output.result({"boards": [_values(target) for target in targets]})


def _values(target: Target) -> dict[str, Any]:
    device, hardware = target.device, target.hardware
    return {
        "name": target.name,
        "title": target.title,
        "fpga": device.title,
        "family": str(device.family),
        "luts": device.luts,
        "brams": device.brams,
        "bram_bits": device.bram.bits,
        "sprams": device.sprams,
        "dsps": device.dsps,
        "board_clock_mhz": target.input_hz / 1e6,
        "core_clock_mhz": target.core_hz(target.clock_hz) / 1e6,
        "config": target.config,
        "lanes": list(hardware.lanes),
        "baud": target.baud,
        "loader": target.loader,
        "wiring": target.wiring,
        "measured_on_a_board": False,
    }


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "not yet"
    return f"{value:,}" if isinstance(value, int) else str(value)
