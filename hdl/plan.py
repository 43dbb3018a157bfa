"""How a core is built: choices that cost or save hardware and change no result."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import Module
from amaranth.hdl import Fragment, Shape
from amaranth.lib.memory import Memory

from spikeloom.golden.spec.machine import LayerMachine

STYLES = ("auto", "block", "distributed", "logic", "huge")
"""What a memory may be made of; `huge` is the iCE40 UltraPlus' single-port RAM, `logic` is
flip-flops."""

NAME = "store"
"""The attribute of a memory that holds its name."""


@dataclass(frozen=True)
class Plan:
    """The hardware-only choices beside the configuration's lanes, ports and draws.

    Attributes
    ----------
    neurons : forward neurons per clock behind a crossbar; 0 for as many as it has lanes. What does
        not divide the lanes counts as the largest number below it that does.
    counters : the core counts spikes, error spikes and writes (else only samples and cycles).
    registered : weights and pixels go through a register behind their memory: a clock more, a
        shorter path.
    buffered : the core has buffers of its own for commands and replies: shorter paths to its pins.
    halves : the first crossbar's memory has two sets of address registers, for half of the lanes
        each: shorter wires.
    revives : a stream of random words that an upset or the host has put to 0 begins the next sample
        at its seed, as in golden; else RESET brings it back.
    drums : spikes that wait lie in memories where that is possible, not in flip-flops.
    styles : (name of a memory, one of `STYLES`) pairs; a name without its closing number stands for
        all of them; a memory that is not named is "auto".
    """

    neurons: int = 0
    counters: bool = True
    registered: bool = True
    buffered: bool = True
    halves: bool = False
    revives: bool = True
    drums: bool = False
    styles: tuple[tuple[str, str], ...] = ()

    def neurons_per_clock(self, layer: LayerMachine) -> int:
        """Return how many forward neurons of a layer are evaluated per clock."""
        most = min(self.neurons or layer.lanes, layer.lanes)
        return next(n for n in range(most, 0, -1) if layer.lanes % n == 0)

    def style(self, name: str) -> str:
        """Return what the memory called `name` is made of."""
        styles = dict(self.styles)
        return styles.get(name) or styles.get(name.rstrip("0123456789"), "auto")

    def memory(self, m: Module, name: str, shape: object, depth: int) -> Memory:
        """Add a memory to a module, without initial contents; `name` is unique in the core."""
        attributes = {NAME: name}
        style = self.style(name)
        if style != "auto":
            attributes["ram_style"] = style
        memory = Memory(shape=shape, depth=depth, init=[], attrs=attributes)
        m.submodules[name.replace(".", "_")] = memory
        return memory


DEFAULT = Plan()


@dataclass(frozen=True)
class StoredMemory:
    """One memory of a design: `depth` words of `width` bits, one write and one read port."""

    name: str
    width: int
    depth: int

    @property
    def bits(self) -> int:
        """Capacity in bits."""
        return self.width * self.depth


class _Inventory:
    """Stands in for a platform and writes down the memories that are asked of it."""

    def __init__(self) -> None:
        self.found: list[StoredMemory] = []

    def get_memory(self, memory: Memory) -> object:
        """Note a memory, and let Amaranth make it as always."""
        name, width = memory.attrs.get(NAME), Shape.cast(memory.shape).width
        if name is not None:
            self.found.append(StoredMemory(name, width, memory.depth))
        return memory.elaborate(None)


def memories(component: object) -> list[StoredMemory]:
    """Return the named memories of a component, found by elaborating it."""
    inventory = _Inventory()
    Fragment.get(component, inventory)
    return inventory.found
