"""From a component to a netlist of simple gates that holds many mutants, one of them at a time."""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ValueLike
from amaranth.lib import wiring

from spikeloom import cache
from spikeloom.boards.tools import call
from spikeloom.errors import SpikeloomError
from spikeloom.sim.rtl import netlist
from spikeloom.sim.rtl.verilate import failure

MODULE = "block"
SELECT = "mutant"
"""Name of the module, and of its input that says which mutant is alive; 0: none."""

BITS = 12
"""Width of that input."""

SYNTHESIS = (
    "read_rtlil block.il",
    f"hierarchy -check -top {MODULE}",
    "proc",
    "flatten",
    "opt",
    "memory_collect",
    "opt_clean",
    "techmap",
    "opt",
    # A mutant of an output hides the starting value from the flip-flop: it has to be 0.
    "dfflegalize -cell $_DFF_P_ 0 -cell $_DFFE_PP_ 0 -cell $_SDFF_PP0_ 0 -cell $_SDFFE_PP0P_ 0",
    "opt_clean",
    "abc -g AND,OR,XOR,MUX",
    "opt_clean -purge",
)
"""RTL to gates of one or two inputs, multiplexers, flip-flops, and memories as they are."""

EVERY = 1_000_000
"""More mutants than a netlist has."""

# The clock is no logic of a block, and the resets of a memory's port are constants that say "none".
UNTOUCHED = ("C", "RD_CLK", "WR_CLK", "RD_ARST", "RD_SRST")

# One vector and what reads it would look like a loop to Verilator.
_VERILOG = ("splitnets", "rename -hide w:* x:* %d", "write_verilog -noattr block.v")
_OPTION = re.compile(r"-(\w+) (\S+)")


class NetlistError(SpikeloomError, RuntimeError):
    """Yosys gave no mutants."""


@dataclass(frozen=True)
class Mutant:
    """One change of one bit of one port of one cell, as Yosys' `mutate` puts it.

    Attributes
    ----------
    number : value of the input that brings it to life.
    mode : inv, const0, const1, cnot0 or cnot1. control : bit of the port that cnot depends on.
    cell, port, bit : where. wire : a name that the bit has in the source, or "".
    """

    number: int
    mode: str
    cell: str
    port: str
    bit: int
    wire: str = ""
    control: int | None = None

    @property
    def place(self) -> str:
        """The signal's name where it has one; else cell and port."""
        port = f"{self.port}[{self.bit}]"
        return f"{self.wire} ({port})" if self.wire else f"{self.cell} {port}"

    @property
    def command(self) -> str:
        """What puts it into the netlist."""
        control = "" if self.control is None else f" -ctrlbit {self.control}"
        return (
            f"mutate -ctrl {SELECT} {BITS} {self.number} -mode {self.mode} -module {MODULE} "
            f"-cell {self.cell} -port {self.port} -portbit {self.bit}{control}"
        )


@dataclass(frozen=True)
class Netlist:
    """A netlist with its mutants: as Verilog to simulate, as RTLIL to prove things about."""

    verilog: str
    rtlil: str
    cells: dict[str, int]
    mutants: tuple[Mutant, ...]


def ports(component: wiring.Component) -> list[tuple[str, wiring.Flow, ValueLike]]:
    """Return the ports of a component: name, direction, value; those of a stream one by one."""
    flat = component.signature.flatten(component)
    return [("__".join(map(str, path)), member.flow, value) for path, member, value in flat]


def parse(number: int, line: str) -> Mutant:
    """Return the mutant of a line that `mutate -list` wrote."""
    found = dict(_OPTION.findall(line))
    wire = found.get("wire", "").replace("\\", "")
    if "wirebit" in found:
        wire = f"{wire}[{found['wirebit']}]"
    control = int(found["ctrlbit"]) if "ctrlbit" in found else None
    place = (found["cell"], found["port"], int(found["portbit"]))
    return Mutant(number, found["mode"], *place, wire, control)


def chosen(lines: Sequence[str], count: int) -> tuple[Mutant, ...]:
    """Return the first `count` mutants of a list that touch logic, numbered from 1."""
    if count >= 1 << BITS:
        raise ValueError(f"{count} mutants do not fit one netlist: ask for {(1 << BITS) - 1}")
    usable = [line for line in lines if parse(0, line).port not in UNTOUCHED]
    return tuple(parse(number, line) for number, line in enumerate(usable[:count], start=1))


def make(component: wiring.Component, count: int, seed: int) -> Netlist:
    """Return a component's netlist with `count` mutants, fewer where it is too small for them.

    Parameters
    ----------
    seed : of Yosys' choice, which spreads the mutants evenly over wires and cells.

    Raises
    ------
    NetlistError : there is nothing to mutate. BuildError : Yosys refused the design.
    """
    design = rtlil.convert(component, name=MODULE, emit_src=False)
    yosys = netlist.native()
    # Some of the list is left out, so it is longer.
    wanted = 2 * count + 50
    listing = f"mutate -list {wanted} -seed {seed} -o list.txt"
    cells = "tee -q -o cells.json stat -json"
    parts = [design, yosys.version, *SYNTHESIS, listing, *_VERILOG, *UNTOUCHED, str(count)]

    def run() -> str:
        with tempfile.TemporaryDirectory(prefix="mutants-") as name:
            folder = Path(name)
            (folder / "block.il").write_text(design)
            _run((*SYNTHESIS, cells, "write_rtlil gates.il"), folder, design)
            found = _cells((folder / "cells.json").read_text())
            # Asked for nearly all there are, Yosys never ends.
            few = sum(found.values()) < wanted
            command = listing.replace(f"{wanted}", f"{EVERY}") if few else listing
            _run(("read_rtlil gates.il", command), folder, design)
            lines = (folder / "list.txt").read_text().splitlines()
            if few:
                random.Random(seed).shuffle(lines)
            mutants = chosen(lines, count)
            insert = [mutant.command for mutant in mutants]
            insert += ["opt_clean", "write_rtlil mutated.il", *_VERILOG]
            _run(("read_rtlil gates.il", *insert), folder, design)
            return json.dumps(
                {
                    "lines": lines,
                    "verilog": (folder / "block.v").read_text(),
                    "rtlil": (folder / "mutated.il").read_text(),
                    "cells": found,
                }
            )

    made = json.loads(cache.text("mutants", parts, run))
    mutants = chosen(made["lines"], count)
    if not mutants:
        raise NetlistError("Yosys finds nothing to mutate: is the block more than wires?")
    return Netlist(made["verilog"], made["rtlil"], made["cells"], mutants)


def _cells(statistics: str) -> dict[str, int]:
    """Return how many cells of each kind there are."""
    return dict(json.loads(statistics)["design"]["num_cells_by_type"])


def kinds(mutants: Iterable[Mutant]) -> dict[str, int]:
    """Return how many mutants of each mode there are."""
    return dict(sorted(Counter(mutant.mode for mutant in mutants).items()))


def _run(commands: Iterable[str], folder: Path, design: str) -> None:
    """Run Yosys in a folder; `BuildError` where it ends with an error."""
    script = "\n".join((*commands, ""))
    (folder / "run.ys").write_text(script)
    ran([*netlist.native().command, "run.ys"], folder, [design, script])


def ran(
    command: Sequence[str],
    folder: Path,
    parts: Iterable[str],
    *,
    tool: str = "Yosys",
    seconds: float | None = None,
) -> str:
    """Run a program in a folder and return what it printed.

    parts : what it was given, see `sim.rtl.verilate.failure`. seconds : after which it is ended.

    Raises
    ------
    BuildError : it ended with an error. subprocess.TimeoutExpired : it was ended.
    """
    status, printed = call(command, folder, seconds=seconds)
    if status:
        raise failure(tool, printed, parts)
    return printed
