"""`spikeloom configs`: the shipped networks, and what one of them comes to in integers."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer
from rich.table import Table

from spikeloom.cli import options
from spikeloom.cli.output import Output
from spikeloom.golden.spec.document import document
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig, load, shipped
from spikeloom.hdl.hardware import DEFAULT, BuiltLayer


def configs(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Show this one, or a .toml file, whole.", show_default=False
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """List the shipped configurations, or show one.

    Of one it shows every key with what it means, and the integers that follow from it.

    A copy of one is the best start for your own:
    [cyan]spikeloom configs tiny > mine.toml[/cyan]
    """
    output = Output(json=json)
    if name is None:
        _list(output)
    else:
        _show(output, load(name))


def _list(output: Output) -> None:
    found = [_summary(load(name)) for name in shipped()]
    output.listing(
        "shipped configurations",
        ("name", "image", "sizes", "T", "weights", "bits", "margins"),
        [
            [
                row["name"],
                _joined(row["image"], "x"),
                _joined(row["sizes"], "-"),
                str(row["steps"]),
                f"{row['weights']:,}",
                _joined(row["bits"], "/"),
                _joined(row["margins"], "/") if any(row["margins"]) else "",
            ]
            for row in found
        ],
        right=("T", "weights"),
        typed=("name",),
    )
    output.result({"configs": found})


def _joined(values: list[int], by: str) -> str:
    return by.join(map(str, values))


def _summary(config: NetworkConfig) -> dict[str, Any]:
    return {
        "name": config.name,
        "description": config.description,
        "image": list(config.image),
        "sizes": list(config.sizes),
        "steps": config.steps,
        "weights": config.weight_count,
        "bits": [layer.weight_bits for layer in config.layers],
        "margins": [config.stop.train, config.stop.infer],
        "rule": config.learning.rule,
        "digest": config.digest(),
    }


def _show(output: Output, config: NetworkConfig) -> None:
    derived = machine(config)
    if not output.json:
        # A whole file, so that it can be sent into another; the rest is beside the point.
        output.console.file.write(document(config))
        output.console.file.flush()
    table = Table(title=f"{config.name} in integers", title_justify="left")
    table.add_column("")
    for layer in derived.layers:
        table.add_column(f"layer {layer.index}", justify="right")
    layers = DEFAULT.of(derived)
    columns = [_integers(derived, layer) for layer in layers]
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns))
    output.errors.print(table)
    output.result(_summary(config) | {"layers": [dataclasses.asdict(layer) for layer in layers]})


def _integers(derived: Machine, layer: BuiltLayer) -> dict[str, str]:
    update = derived.updates(0)[layer.index - 1]
    return {
        "crossbar": f"{layer.n_pre} x {layer.n_post}",
        "weights": f"{layer.weight_bits} bits, -{layer.weight_max} to {layer.weight_max}",
        "threshold": str(layer.train.theta),
        "membrane": f"{layer.train.floor} to {layer.train.ceiling}, from {layer.train.start}",
        "error threshold": str(layer.error_threshold),
        "update, first epoch": f"{1 << update.shift} with {update.probability} of 65536",
        "current bits": str(layer.current_bits),
        "lanes, words per row": f"{layer.lanes}, {layer.words}",
        "memory ports": str(layer.ports),
    }
