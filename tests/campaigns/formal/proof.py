"""One proof: a claim about a block, the fault that must break it, the case that must be reached.

A harness is a module around the block that drives it with anything and states the claim. What it
needs to know of a memory it reads through a port of its own (`Watching`), so that a claim holds
for whatever the memory held before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

from amaranth import Module, Signal, Value
from amaranth.hdl import Assert, Assume, Cover, Fragment, ResetSignal, ShapeLike, ValueLike
from amaranth.lib import wiring
from amaranth.lib.memory import Memory, ReadPort
from amaranth.lib.wiring import In

from spikeloom.hdl.hardware import Hardware
from tests.campaigns.mutation.planted import Mutant, of


@dataclass(frozen=True)
class Proof:
    """A claim and how it is proved.

    Attributes
    ----------
    block, case, claim : what is proved, of what; the first two name the proof.
    harness : makes the harness from the block's module, the sound one or a faulty one.
    module : the sound module. mutant : the fault, in that module.
    depth : clocks from power-up within which nothing may break the claim, the fault must, and
        every `Cover` must be reached.
    induction : longest induction, in clocks; 0 for none: the claim holds within `depth` only.
    """

    block: str
    case: str
    claim: str
    harness: Callable[[ModuleType], Harness]
    module: ModuleType
    mutant: Mutant
    depth: int
    induction: int = 0

    @property
    def name(self) -> str:
        """What selects this proof on the command line."""
        return f"{self.block}.{self.case}"

    @property
    def method(self) -> str:
        """Name of the method, for the table."""
        return "induction" if self.induction else "bounded"


def faults(block: str) -> dict[str, Mutant]:
    """Return the faults of a block's bench, each by what it says of itself."""
    return {mutant.why: mutant for mutant in of(block)}


@dataclass(frozen=True)
class Watching(Hardware):
    """Hardware whose memories have one more port, through which a harness looks.

    Attributes
    ----------
    seen : ports by the memory's name; filled when the block is elaborated.
    """

    seen: dict[str, ReadPort] = field(default_factory=dict, compare=False)

    def memory(self, m: Module, name: str, shape: object, depth: int) -> Memory:
        """Add a memory and the port that watches it."""
        memory = super().memory(m, name, shape, depth)
        self.seen[name] = memory.read_port(domain="comb")
        return memory


class Harness:
    """A module around a block: whatever it does not drive itself may be anything in every clock.

    There is no reset: power-up is the start. The clock is a port that Amaranth adds; a domain that
    the harness made itself would have none, and everything would hold of a block that stands still.

    Attributes
    ----------
    m : to add logic, `Assert`, `Assume` and `Cover` to. block : the block, a submodule of it.
    started : high from the second clock on. ports : the signals that may be anything.
    inside : registers of the block that are looked at, by the name of the port that shows them.
    """

    def __init__(self, block: wiring.Component) -> None:
        self.m, self.block = Module(), block
        # now, so that the ports of `Watching` are there
        self.m.submodules.block = Fragment.get(block, None)
        self.ports: list[Value] = [
            Value.cast(value)
            for _, member, value in block.signature.flatten(block)
            if member.flow is In
        ]
        self.inside: dict[str, str] = {}
        self.started = Signal()
        self.m.d.sync += self.started.eq(1)
        self.m.d.comb += Assume(~ResetSignal())

    def free(self, shape: ShapeLike, name: str) -> Signal:
        """Return a signal that may be anything in every clock."""
        signal = Signal(shape, name=name)
        self.ports.append(signal)
        return signal

    def fixed(self, shape: ShapeLike, name: str) -> Signal:
        """Return a signal that may be anything but is the same in every clock."""
        signal = self.free(shape, name)
        self.given(~self.started | (signal == self.before(signal)))
        return signal

    def register(self, name: str, shape: ShapeLike) -> Signal:
        """Return a signal that shows the block's register `name`, which must have that shape."""
        signal = self.free(shape, f"inside_{name}")
        self.inside[signal.name] = name
        return signal

    def before(self, value: ValueLike, clocks: int = 1) -> Value:
        """Return what `value` was some clocks ago."""
        past = Value.cast(value)
        for _ in range(clocks):
            now, past = past, Signal(past.shape(), name="before")
            self.m.d.sync += past.eq(now)
        return past

    def always(self, value: ValueLike, where: ValueLike = 1) -> None:
        """Claim that `value` is high in every clock with `where`."""
        with self.m.If(where):
            self.m.d.comb += Assert(value)

    def given(self, value: ValueLike) -> None:
        """Suppose that `value` is high in every clock: the caller's part of the contract."""
        self.m.d.comb += Assume(value)

    def reach(self, value: ValueLike) -> None:
        """Ask for a course of events in which `value` is high."""
        self.m.d.comb += Cover(value)
