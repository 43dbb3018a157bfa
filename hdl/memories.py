"""The memories of a core, listed without building anything."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Fragment, Shape
from amaranth.lib.memory import Memory

from spikeloom.hdl.hardware import NAME


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
