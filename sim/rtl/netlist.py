"""The netlist that Yosys makes of a core, simulated in the core's place.

What is Verilated here are the cells that a bitstream is made of: Yosys' own models of them, and
those of ``cells/`` where Yosys has none or promises more than silicon does. Memories start at
random, and so do the registers that no starting value is given for; a word that is read and written
in one clock comes out at random.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from spikeloom import cache
from spikeloom.boards import synthesis
from spikeloom.boards.devices import Family, Fpga
from spikeloom.boards.tools import call
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.sim.rtl.toolchain import ToolchainError
from spikeloom.sim.rtl.transport import IDLE_LIMIT, VerilatedTransport
from spikeloom.sim.rtl.verilate import Log, Settings, build, failure

CELLS = Path(__file__).parent / "cells"

STOCK: dict[Family, tuple[str, ...]] = {
    Family.ICE40: ("ice40/cells_sim.v",),
    Family.ECP5: ("lattice/ccu2c_sim.vh", "lattice/common_sim.vh"),
    Family.GOWIN: ("gowin/cells_sim.v",),
}
"""Yosys' models of a family, below its ``share``."""

OURS: dict[Family, tuple[str, ...]] = {
    Family.ICE40: ("ice40.v",),
    Family.ECP5: ("block_ram.v", "ecp5.v"),
    Family.GOWIN: ("block_ram.v", "gowin.v"),
}
"""Our models of a family, in `CELLS`; each takes the place of Yosys' one of the same name."""

# A netlist is one module of 10,000 and more cells. At -O2 the C++ compiler takes minutes longer.
SETTINGS = Settings(
    verilator=(
        *("-O3", "--x-assign", "unique", "--x-initial", "unique", "--noassert", "--no-timing"),
        *("--timescale", "1ns/1ps", "--top-module", "top", "--output-split", "20000"),
        *("-Wno-fatal", "-Wno-lint", "-Wno-MULTIDRIVEN", "-Wno-SPECIFYIGN"),
    ),
    make=("OPT_FAST=-O1", "OPT_GLOBAL=-O1", "OPT_SLOW=-O0"),
)

# A command that fails ends the process. Commands of Yosys' own hold paths without quotes: those of
# its models, which it takes from where it is imported, and of temporary files.
_NATIVE = """
import os, sys
os.environ["TMPDIR"] = os.getcwd()
from pyosys import libyosys
libyosys.run_pass("script " + sys.argv[1], libyosys.Design())
"""

# Verilator takes a vector whose bits depend on each other for a loop, and a loop costs it 30 times
# the time; the names that synthesis makes up are three quarters of the text.
_BITS = ("splitnets", "rename -hide w:* x:* %d")

_NAME = re.compile(r"^module\s+(\w+)", re.MULTILINE)
_TIMING = re.compile(r"^[ \t]*specify\b.*?\bendspecify\b[^\n]*\n", re.MULTILINE | re.DOTALL)
# What the stock models ask: no default for inputs left open, which Verilator does not know; no more
# models, of cells that only a person instantiates.
PROLOGUE = "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n`define NO_INCLUDES\n"


@dataclass(frozen=True)
class Yosys:
    """A Yosys to run.

    Attributes
    ----------
    command : takes the name of a script as one more argument. share : its folder of cell models.
    version : what a netlist of it is cached under.
    """

    command: tuple[str, ...]
    share: Path
    version: str


def native() -> Yosys:
    """Return the Yosys of the package ``pyosys``; `ToolchainError` if it is not installed."""
    found = importlib.util.find_spec("pyosys")
    if found is None or found.origin is None:
        raise ToolchainError(
            "the Python package 'pyosys', which makes netlists to simulate, is not installed: "
            f"{sys.executable} -m pip install pyosys==0.70"
        )
    share = Path(found.origin).parent / "share"
    return Yosys((sys.executable, "-c", _NATIVE), share, f"pyosys {metadata.version('pyosys')}")


def netlist_verilog(component: wiring.Component, device: Fpga, *, log: Log | None = None) -> str:
    """Return a component mapped to a device, with the models of its cells, as Verilog.

    Parameters
    ----------
    component : becomes module ``top``.
    device : whose cells; the synthesis script is that of `spikeloom.boards.synthesis`.
    log : called with one line of text where Yosys runs, which takes seconds to minutes; what it
        returned is kept and not made again.

    Raises
    ------
    BuildError : Yosys refused the design.
    ToolchainError : there is no Yosys.
    """
    yosys = native()
    design = rtlil.convert(component, name="top", emit_src=False)
    commands = (*synthesis.script("top.il", device, pads=False), *_BITS)

    def make() -> str:
        if log is not None:
            log(f"Yosys: a netlist for {device.title}")
        return run(yosys, design, commands)

    netlist = cache.text("netlist", [design, yosys.version, *commands], make)
    return PROLOGUE + models(device.family, yosys.share) + netlist


def netlist_transport(
    config: NetworkConfig,
    device: Fpga,
    hardware: Hardware = DEFAULT,
    *,
    power_up: int = 0,
    idle_limit: int = IDLE_LIMIT,
    log: Log | None = None,
) -> VerilatedTransport:
    """Return a transport to a core's netlist, which is built first unless it has been.

    It is a Verilated core as any other, some 30 times slower. Building takes minutes.

    Parameters
    ----------
    config, hardware : of the core. device : see `netlist_verilog`.
    power_up : seeds all that is undefined, see `spikeloom.sim.rtl.transport.VerilatedTransport`.
    idle_limit, log : see there and `netlist_verilog`.
    """
    verilog = netlist_verilog(Core(config, hardware), device, log=log)
    library = build(verilog, settings=SETTINGS, log=log)
    return VerilatedTransport(library, idle_limit=idle_limit, power_up=power_up)


def models(family: Family, share: Path) -> str:
    """Return the cell models of a family as Verilog text: Yosys' without those that we replace."""
    ours = "".join((CELLS / name).read_text() for name in OURS[family])
    stock = "".join((share / name).read_text() for name in STOCK[family])
    for name in _NAME.findall(ours):
        stock = re.sub(
            rf"^(?:\(\*[^\n]*\*\)\s*)*module {name}\b.*?^endmodule\b[^\n]*\n",
            "",
            stock,
            flags=re.MULTILINE | re.DOTALL,
        )
    return _TIMING.sub("", stock) + ours


def run(yosys: Yosys, design: str, commands: tuple[str, ...]) -> str:
    """Run commands on a design in RTLIL; return what is left of it as Verilog."""
    with cache.workplace() as work:
        package = yosys.share.parent
        (work / package.name).symlink_to(package)  # Python imports it from here
        (work / "top.il").write_text(design)
        # No source line and no clock: the same design gives the same text.
        (work / "run.ys").write_text("\n".join((*commands, "write_verilog -noattr top.v", "")))
        status, printed = call([*yosys.command, "run.ys"], work)
        if status:
            raise failure("Yosys", printed, [design, *commands])
        return (work / "top.v").read_text()
