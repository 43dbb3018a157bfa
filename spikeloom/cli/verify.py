"""`spikeloom verify`: golden and RTL, or a board, in lockstep, compared bit for bit."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import Annotated, Literal

import typer

from spikeloom import datasets
from spikeloom.cli import cores, options
from spikeloom.cli.output import Output
from spikeloom.engines.engine import make_engine
from spikeloom.golden.spec.network import load
from spikeloom.hdl.hardware import DEFAULT
from spikeloom.sim.compare import lockstep

DIFFERENT = 1


def verify(
    config: options.Config,
    engine: Annotated[
        Literal["rtl", "board"],
        typer.Option(help="What golden is compared with: the simulated RTL, or a board."),
    ] = "rtl",
    port: options.Port = None,
    baud: options.Baud = None,
    netlist: Annotated[
        str | None,
        typer.Option(
            metavar="BOARD",
            help="Simulate the cells that Yosys makes for a board, with its lanes, in the RTL's "
            "place; memories and registers start at random.",
        ),
    ] = None,
    data: options.Data = "mnist",
    train: Annotated[
        int, typer.Option(min=1, metavar="N", help="Train both on the first N images.")
    ] = 200,
    test: Annotated[
        int, typer.Option(min=0, metavar="N", help="Infer the first N test images.")
    ] = 20,
    epochs: options.Epochs = 1,
    seed: options.Seed = None,
    lanes: options.Lanes = None,
    ports: options.Ports = None,
    draws: options.Draws = None,
    plan: options.Plan = None,
    json: options.Json = False,
) -> None:
    """Train golden and RTL, or a board, side by side and compare every bit.

    Compared are the spike counts of every image, the spikes and error spikes
    of every layer, the states of all random generators, and at the end every
    weight; of a board, the digest of all weights after every sample. At the
    first difference it stops with status 1 and says which sample, which step,
    which weight or neuron, and both values.

    [bold]Examples[/bold]

    A shipped network:
    [cyan]spikeloom verify mnist-784-128-10 --train 500[/cyan]

    A board:
    [cyan]spikeloom verify mnist-784-128-10 --engine board --port /dev/ttyUSB1[/cyan]

    What a bitstream is made of (building its simulator takes minutes):
    [cyan]spikeloom verify tiny --netlist hx8k --train 100[/cyan]

    Your own, with any sizes and any lanes:
    [cyan]spikeloom verify mine.toml --lanes 7,3 --seed 7[/cyan]
    """
    output = Output(json=json)
    options.check_port(engine, port, baud)
    if netlist is not None and engine != "rtl":
        raise typer.BadParameter(
            "a netlist is simulated: leave out --engine and --port", param_hint="--netlist"
        )
    network = load(config)
    digits = datasets.load(data, network, train=train, test=test, held_out=0, any_classes=True)
    seed = network.random.seed if seed is None else seed
    choices = {"lanes": lanes, "ports": ports, "draws": draws, "plan": plan or ()}
    hardware = DEFAULT.changed(**choices)
    if port is not None and hardware != DEFAULT:
        raise typer.BadParameter(
            "a board has the hardware of its bitstream: leave out --lanes, --ports, --draws, "
            "--plan, or give them to 'spikeloom build'",
            param_hint="--engine",
        )
    if netlist is not None:
        device = cores.netlist(output, network, netlist, choices)
    elif port is not None:
        device = make_engine("board", network, port=port, baud=baud)
    else:
        device = cores.simulated(output, network, hardware)
    with closing(device), output.progress() as progress:
        found = lockstep.verify(
            network, seed, digits, device, epochs=epochs, progress=progress, log=output.say
        )
    output.tell(f"{found} (seed {seed})")
    if speed := device.speed():
        output.table(speed.rows())
    output.result(
        {
            "equal": found.equal,
            "engine": engine,
            "netlist": netlist,
            "config": network.name,
            "seed": seed,
            "train_images": train,
            "test_images": test,
            "epochs": epochs,
            "compared_weights": found.compared_weights,
            "compared_images": found.compared_images,
            "difference": dataclasses.asdict(found.difference) if found.difference else None,
            "board": speed and dataclasses.asdict(speed),
        }
    )
    if not found.equal:
        raise typer.Exit(DIFFERENT)
