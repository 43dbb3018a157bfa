"""RTL whose memories promise no more than silicon's, to show that a core asks for no more."""

from __future__ import annotations

import re

from amaranth.back import rtlil
from amaranth.lib import wiring

from spikeloom import cache
from spikeloom.boards import synthesis
from spikeloom.sim.rtl import netlist

# What Yosys writes for a read port that may answer anything: the bits in a collision, and the
# random bits to put there, which are all the same ones unless they are drawn.
_COLLISION = re.compile(r"^( +_\d+_ <= )\d+'h(?:x+);$", re.MULTILINE)
_MEMORY = re.compile(r"^ +reg (\[\d+:\d+\]) (\\\S+ |\w+) ?\[(\d+):0\];\n", re.MULTILINE)
_COMMANDS = ("read_rtlil top.il", "hierarchy -check -top top", *synthesis.UNDEFINED, "opt_clean")


def undefined_verilog(component: wiring.Component) -> str:
    """Return a component as Verilog RTL, as `spikeloom.sim.rtl.verilate.to_verilog`.

    But for the memories' contents at power-up and for a word that is read and written in one clock:
    both are random.
    """
    yosys = netlist.native()
    design = rtlil.convert(component, name="top", emit_src=False)

    def make() -> str:
        return _at_random(netlist.run(yosys, design, _COMMANDS))

    return cache.text("undefined", [design, yosys.version, *_COMMANDS], make)


def _at_random(verilog: str) -> str:
    """Draw what a memory of RTL answers in a collision, and what it starts at."""
    bits = "{8{$urandom, $urandom, $urandom, $urandom}}"
    verilog = _COLLISION.sub(rf"\1{bits};", verilog)

    def filled(match: re.Match[str]) -> str:
        name, last = match[2], match[3]
        loop = f"integer at; for (at = 0; at <= {last}; at = at + 1) {name}[at] = {bits};"
        return f"{match[0]}  initial begin : fill_{match.start()} {loop} end\n"

    return _MEMORY.sub(filled, verilog)
