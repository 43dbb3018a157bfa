"""The cores that verbs drive beside golden: simulated, as the cells of a board, or on one."""

from __future__ import annotations

from typing import Any

from spikeloom.cli.output import Output
from spikeloom.engines.device import DeviceEngine, RtlEngine, refuse_rule
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import DEFAULT, Hardware


def simulated(output: Output, network: NetworkConfig, hardware: Hardware = DEFAULT) -> DeviceEngine:
    """Return the core in simulation, showing that it is built."""
    with output.working("Building the RTL") as log:
        return RtlEngine(machine(network), hardware, log=log)


def netlist(
    output: Output, network: NetworkConfig, board: str, choices: dict[str, Any]
) -> DeviceEngine:
    """Return the core as a board's cells, simulated; choices : changes of the board's hardware."""
    from spikeloom.boards.targets import find
    from spikeloom.sim.rtl.netlist import netlist_transport

    built = machine(network)
    refuse_rule(built)
    target = find(board)
    hardware = target.hardware_for(network).changed(**choices)
    with output.working(f"Building the netlist for {target.title}") as log:
        transport = netlist_transport(network, target.device, hardware, log=log)
    return DeviceEngine("netlist", built, transport)
