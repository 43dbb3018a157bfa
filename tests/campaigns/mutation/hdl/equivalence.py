"""Whether a mutant that no bench noticed can be noticed at all: a proof, or a run that tells.

The sound block and the mutant side by side get the same inputs from power-up on; PDR of ABC
searches for a run in which what is looked at differs, or proves that there is none, however long.
Memories and registers start at 0, the reset comes whenever it likes.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from amaranth import Cat, ClockSignal, Instance, Module, ResetSignal, Signal, Value
from amaranth.back import rtlil
from amaranth.hdl import ValueLike
from amaranth.lib import wiring

from spikeloom.sim.rtl import netlist
from tests.campaigns.mutation.hdl.netlist import BITS, MODULE, SELECT, ports, ran

Pins = Mapping[str, ValueLike]
Contract = Callable[[Module, Pins], tuple[ValueLike, list[ValueLike]]]
"""From a module to add logic to, and a block's pins: what the caller keeps to in every clock, and
what may be looked at."""

_SIDES = """\
read_rtlil {0}.il
rename {1} {0}
cd {0}
connect -set {2} {3}'d{4}
setattr -unset init w:*
delete -input w:{2}
cd ..
"""
_SCRIPT = """\
read_rtlil both.il
hierarchy -check -top both
proc
flatten
# Before anything is simplified, or each side would choose for itself what is undefined.
setundef -zero -init
memory_map
setundef -undriven -zero
opt
techmap
opt
dfflegalize -cell $_DFF_P_ 0
setundef -zero -init
delete t:$scopeinfo
setundef -undriven -zero
aigmap
opt_clean
write_aiger -zinit both.aig
"""
SLACK = 4
"""How many times as long as the search all of ABC may take."""

_FRAME = re.compile(r"was asserted in frame (\d+)")


@dataclass(frozen=True)
class Verdict:
    """What the search ended with.

    Attributes
    ----------
    answer : "equivalent", "differs", or "open" where the time was over.
    clocks : of the run that tells; 0 where there is none.
    """

    answer: str
    clocks: int = 0


def anything(m: Module, pins: Pins, component: wiring.Component) -> tuple[ValueLike, list]:
    """Return the contract of a block whose inputs may be anything and whose outputs all count."""
    return 1, [pins[name] for name, flow, _ in ports(component) if flow is wiring.Out]


def both(component: wiring.Component, contract: Contract | None, *, registered: bool) -> Module:
    """Return the two sides with the output `bad`: a difference after none but legal clocks."""
    m = Module()
    every = [(name, flow, value.shape()) for name, flow, value in ports(component)]
    inputs = {n: Signal(shape, name=n) for n, flow, shape in every if flow is wiring.In}
    sides = []
    clock = {"i_clk": ClockSignal(), "i_rst": ResetSignal()} if registered else {}
    for side in ("sound", "faulty"):
        outputs = {
            n: Signal(shape, name=f"{side}_{n}") for n, flow, shape in every if flow is wiring.Out
        }
        pins = {f"i_{name}": value for name, value in inputs.items()}
        pins |= {f"o_{name}": value for name, value in outputs.items()}
        m.submodules[side] = Instance(side, **pins, **clock)
        sides.append(inputs | outputs)
    ask = contract or (lambda m, pins: anything(m, pins, component))
    (legal, seen), (_, other) = (ask(m, pins) for pins in sides)
    kept, bad = Signal(init=1, reset_less=True), Signal(name="bad")
    so_far = Signal()
    m.d.comb += so_far.eq(kept & legal)
    m.d.sync += kept.eq(so_far)
    pairs = zip(seen, other, strict=True)
    differ = Cat(Value.cast(one) != Value.cast(two) for one, two in pairs).any()
    m.d.comb += bad.eq(so_far & differ)
    m.ports = (*inputs.values(), bad)
    return m


def compare(
    component: wiring.Component,
    text: str,
    number: int,
    *,
    contract: Contract | None = None,
    seconds: int = 60,
) -> Verdict:
    """Search for a run that tells a mutant from the sound block.

    Parameters
    ----------
    component : tells the pins. text : the netlist of the mutants in RTLIL. number : the mutant.
    contract : what runs count; None: all of them. seconds : how long to search.

    Raises
    ------
    BuildError : Yosys or ABC refused what they were given.
    """
    module = both(component, contract, registered=" \\clk\n" in text)
    pins = [Value.cast(port) for port in module.ports]
    top = rtlil.convert(module, name="both", ports=pins, emit_src=False)
    yosys = netlist.native()
    with tempfile.TemporaryDirectory(prefix="equivalence-") as name:
        folder = Path(name)
        (folder / "both.il").write_text(top)
        script = ""
        for side, value in (("sound", 0), ("faulty", number)):
            (folder / f"{side}.il").write_text(text)
            script += _SIDES.format(side, MODULE, SELECT, BITS, value)
        (folder / "run.ys").write_text(script + _SCRIPT)
        ran((*yosys.command, "run.ys"), folder, [top, text, script])
        # Only what registers that correspond leave over is small enough for the search.
        reduced = "read_aiger both.aig; strash; scorr; dc2; scorr"

        def abc(commands: str, limit: float | None = None) -> str:
            command = (str(yosys.share.parent / "yosys-abc"), "-c", commands)
            return ran(command, folder, [top, commands], tool="ABC", seconds=limit)

        try:
            said = abc(f"{reduced}; pdr -T {seconds}", SLACK * seconds)
        except subprocess.TimeoutExpired:  # what comes before the search knows no limit of its own
            return Verdict("open")
        if "is combinational" in said:
            said = abc(f"{reduced}; sat -C 0")
    return judged(said)


def judged(said: str) -> Verdict:
    """Return the verdict of what ABC printed."""
    if "Property proved" in said or "UNSATISFIABLE" in said:
        return Verdict("equivalent")
    if found := _FRAME.search(said):
        return Verdict("differs", int(found[1]) + 1)
    if "SATISFIABLE" in said:
        return Verdict("differs", 1)
    return Verdict("open")
