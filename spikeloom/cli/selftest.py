"""`spikeloom selftest`: golden vectors replayed on a board, concept by concept."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from spikeloom.boards.host.device import Transport, identify
from spikeloom.cli import options
from spikeloom.cli.output import Output
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load, shipped
from spikeloom.golden.spec.schema import ConfigError

FAILED = 1
MARKS = {"passed": ("ok", "green"), "failed": ("FAILED", "red")}


def selftest(
    port: Annotated[
        str,
        typer.Option(
            metavar="PORT",
            help="Serial port of the board, such as /dev/ttyUSB1.",
            show_default=False,
        ),
    ],
    config: Annotated[
        str | None,
        options.optional_config(
            "The network that it should hold.  \\[default: whichever shipped one it holds]"
        ),
    ] = None,
    baud: options.Baud = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the stimuli.")] = 1,
    json: options.Json = False,
) -> None:
    """Find out which concept fails on a board.

    Golden vectors are replayed block by block, in an order in which each
    check needs only what the ones before it have proved: link, registers,
    weight memories, generators, encoder, sums, neurons, error neurons,
    learning, and a short training at the end. The first check that fails
    ends it with status 1. The weights on the board are lost.
    """
    # The simulator's parts cost a second to import, which no other verb should wait for.
    from spikeloom.boards.host.link import LinkTransport
    from spikeloom.sim.selftest.selftest import selftest as run

    output = Output(json=json)
    wanted = load(config) if config else None
    findings = []
    with LinkTransport.open(port, baud=baud) as link:
        network = wanted or _held(link)
        output.tell(f"{network.name} on {port} at {link.baud:,} baud")
        for found in run(link, machine(network), seed=seed):
            findings.append(found)
            word, style = MARKS.get(found.state, ("not run", None))
            output.tell(f"{word:8} {found.name}: {found.title}", style)
            for line in (found.detail, *found.notes):
                if line:
                    output.tell(f"         {line}")
    failed = [found.name for found in findings if found.state == "failed"]
    if not failed:
        output.tell(f"all {len(findings)} checks passed")
    output.result(
        {
            "config": network.name,
            "port": port,
            "baud": link.baud,
            "passed": not failed,
            "failed": failed[0] if failed else None,
            "checks": [dataclasses.asdict(found) for found in findings],
        }
    )
    if failed:
        raise typer.Exit(FAILED)


def _held(link: Transport) -> NetworkConfig:
    """Return the shipped network that a core holds."""
    digest = identify(link).digest
    for name in shipped():
        if (config := load(name)).digest() == digest:
            return config
    raise ConfigError(
        f"the board holds configuration {digest}, none of the shipped ones: name the file that it "
        "was built from, 'spikeloom selftest --port PORT mine.toml'"
    )
