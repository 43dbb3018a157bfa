"""The core with its mutants, and programs of commands whose replies golden knows."""

from __future__ import annotations

import ctypes
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from amaranth.lib import wiring

from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import Hardware
from spikeloom.sim.rtl import verilate
from spikeloom.sim.rtl.transport import TransportError, VerilatedTransport
from spikeloom.sim.rtl.verilate import Log, Settings
from tests.campaigns.mutation.hdl.equivalence import Contract
from tests.campaigns.mutation.hdl.netlist import BITS, MODULE, SELECT
from tests.campaigns.mutation.hdl.subject import Runs
from tests.support.byte_program import Program, mismatch, random_program
from tests.support.configurations import LAYER, table

HERE = Path(__file__).parent

LENGTH = 10
"""Things that a program does."""

IDLE = 30_000
"""Clocks without a byte after which a core hangs; a sample takes fewer than a thousand."""

QUIET = 50
"""Clocks after the last reply in which a byte would be one too many."""

SETTINGS = Settings(
    verilator=(
        *("-O3", "--x-assign", "fast", "--x-initial", "0", "--noassert", "--timescale", "1ns/1ps"),
        *("--top-module", "top", "--output-split", "0", "-Wno-fatal", "-Wno-lint"),
    ),
    make=("OPT_FAST=-O0", "OPT_GLOBAL=-O0", "OPT_SLOW=-O0"),
)

# The mutant is asked for when the core is made: the ports are those that the harness drives.
TOP = f"""\
module top(input clk, input rst, input i__valid, output i__ready, input [7:0] i__payload,
  output o__valid, input o__ready, output [7:0] o__payload, output busy);
  import "DPI-C" function int unsigned mutant_selected();
  reg [{BITS - 1}:0] {SELECT};
  initial {SELECT} = mutant_selected();
  {MODULE} dut(.clk(clk), .rst(rst), .{SELECT}({SELECT}), .busy(busy),
    .i__valid(i__valid), .i__ready(i__ready), .i__payload(i__payload),
    .o__valid(o__valid), .o__ready(o__ready), .o__payload(o__payload));
endmodule
"""


_LAYER = {**LAYER, "weight_bits": 5, "error_threshold": 0.25}
_SMALL = {
    "image": [1, 3],
    "sizes": [3, 3, 2],
    "steps": 4,
    "random": {"seed": 1, **dict.fromkeys(("input", "thinning", "dropout", "label"), "lfsr16")},
    "input__rate": 0.8,
    "error__bits": 10,
}


def configurations() -> dict[str, NetworkConfig]:
    """Return networks of two layers: the plain one, and one with an option of each kind."""
    options = {
        "input__dropout": 0.2,
        "neuron__kernel_shift": 1,
        "neuron__reset": "zero",
        "error__membranes": "separate",
        "error__gate": "discard",
        "label__train": "random",
        "wta__kind": "recurrent",
        "wta__strength": 0.25,
    }
    every = {"core_plain": {}, "core_options": options}
    first = {"core_plain": {}, "core_options": {"dropout": 0.2}}
    return {
        name: from_dict(
            table(
                name=name,
                layer=[_LAYER | first[name], _LAYER | {"error_threshold": 0.5}],
                **_SMALL | changes,
            )
        )
        for name, changes in every.items()
    }


HARDWARE = {
    "core_plain": Hardware(lanes=(2,), draws=1),
    "core_options": Hardware(lanes=(3, 2), ports=(1, 2), draws=1),
}


def harness(work: Path) -> Path:
    """Write the core's own harness, and what selects a mutant, into a folder."""
    path = work / "mutants.cpp"
    path.write_text(verilate.HARNESS.read_text() + (HERE / "select.cpp").read_text())
    return path


@dataclass(frozen=True)
class CoreSubject:
    """A core; its programs train, infer, read and write, with and without back-pressure."""

    config: NetworkConfig
    hardware: Hardware
    block: str = "core"
    mutants: int = 120

    @property
    def name(self) -> str:
        """Name of the configuration."""
        return self.config.name

    def component(self) -> wiring.Component:
        """Return a new core."""
        return Core(self.config, self.hardware)

    def contract(self, component: wiring.Component) -> Contract | None:
        """Return None: any bytes may come, and every reply counts."""
        return None

    def runs(self, component: wiring.Component, verilog: str, log: Log | None = None) -> Runs:
        """Return what runs a program and compares every reply with the sound core's.

        The sound core's replies are compared with golden's, but for those that depend on clocks.
        """
        with tempfile.TemporaryDirectory(prefix="mutants-") as name:
            library = verilate.build(
                TOP + verilog, harness=harness(Path(name)), settings=SETTINGS, log=log
            )
        select = ctypes.CDLL(str(library)).core_select
        replies: dict[int, list[bytes]] = {}

        @cache
        def program(seed: int) -> Program:
            return random_program(machine(self.config), np.random.default_rng(seed), LENGTH)

        def run(mutant: int, seed: int) -> str | None:
            select(mutant)
            with VerilatedTransport(library, idle_limit=IDLE) as transport:
                select(0)
                if seed % 2:
                    transport.stalls(seed, 40, 60)
                noticed, found = talk(transport, program(seed), replies.get(seed))
            if not mutant and noticed is None:
                replies[seed] = found
            return noticed

        return run


def talk(
    transport: VerilatedTransport, program: Program, wanted: list[bytes] | None
) -> tuple[str | None, list[bytes]]:
    """Return the first difference of a program's replies, or None, and all replies.

    wanted : the replies; None: those that agree with the program's own.
    """
    found: list[bytes] = []
    try:
        for number, exchange in enumerate(program.exchanges):
            if number == len(program.exchanges) - 1:
                transport.run(QUIET)  # what comes unasked comes before the last reply
            found.append(transport.transfer(exchange.command, len(exchange.reply)))
            good = exchange.agrees(found[-1]) if wanted is None else found[-1] == wanted[number]
            if not good:
                return mismatch(number, exchange, found[-1])[:120], found
    except TransportError as error:
        return str(error)[:120], found
    return None, found
