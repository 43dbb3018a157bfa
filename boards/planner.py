"""Where a core's memories would go: blocks of each kind, before anything is synthesised.

Yosys decides by cost; its costs (of `brams.txt` and `lutrams.txt`) are repeated here, so that what
cannot fit is refused at once and by name. What does fit, nextpnr says.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from spikeloom.boards.devices import MUX_COST, SPRAM, BlockRam, Family, Fpga
from spikeloom.boards.steps import Log
from spikeloom.boards.targets import Target
from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import Hardware, HardwareError
from spikeloom.hdl.memories import StoredMemory, memories

LOGIC = "logic"
_ROWS = 16  # words of a LUT used as memory, which costs 4 for 4 bits
LANES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 18, 20, 24, 32, 36, 40, 48, 64)
"""Lanes of the first layer that are looked at."""


class PlanError(SpikeloomError, ValueError):
    """A network that cannot lie in a board's memory; says by how much, and what could."""


@dataclass(frozen=True)
class Placement:
    """Where one memory goes: `blocks` of `kind`, the name of a block RAM or `LOGIC`."""

    memory: StoredMemory
    kind: str
    blocks: int


@dataclass(frozen=True)
class MemoryPlan:
    """All memories of a core on a board."""

    target: Target
    config: NetworkConfig
    hardware: Hardware
    placements: tuple[Placement, ...]

    def kinds(self) -> Iterator[tuple[BlockRam, int, int]]:
        """Yield each kind of block RAM, blocks used and blocks there."""
        device = self.target.device
        for ram, there in ((device.bram, device.brams), (SPRAM, device.sprams)):
            if there:
                yield ram, sum(p.blocks for p in self.placements if p.kind == ram.name), there

    @property
    def fits(self) -> bool:
        """Whether there are blocks enough of every kind."""
        return all(used <= there for _, used, there in self.kinds())

    def lines(self) -> list[str]:
        """Say where each memory goes, the largest first, and what that comes to."""
        told = []
        for placement in sorted(self.placements, key=lambda p: -p.memory.bits):
            memory = placement.memory
            blocks = f"{placement.blocks} {placement.kind}" if placement.blocks else placement.kind
            told.append(
                f"{memory.name}: {memory.depth:,} x {memory.width} = {memory.bits:,} bits: {blocks}"
            )
        told += [
            f"{ram.name} in all: {used} of {there}{'' if used <= there else ', TOO MANY'}"
            for ram, used, there in self.kinds()
        ]
        return told


def _place(memory: StoredMemory, device: Fpga, style: str) -> Placement:
    """Choose as Yosys does: the cheapest of what the style allows."""
    if style == "huge" and device.sprams:
        return Placement(memory, SPRAM.name, SPRAM.blocks(memory.width, memory.depth))
    # iCE40 has no LUTs that are memory: flip-flops, one per bit
    rows = -(-memory.depth // _ROWS)
    logic = memory.width * (rows + MUX_COST * (rows - 1))
    if device.family is Family.ICE40:
        logic = memory.bits
    price = device.bram.price(memory.width, memory.depth)
    if style in ("distributed", "logic") or (style == "auto" and logic < price):
        return Placement(memory, LOGIC, 0)
    blocks = device.bram.blocks(memory.width, memory.depth)
    return Placement(memory, device.bram.name, blocks)


def plan(target: Target, config: NetworkConfig, hardware: Hardware) -> MemoryPlan:
    """Place every memory of the core, and the serial link's buffer.

    `HardwareError` where a memory is to be made of something, and is not there, or that is not.
    """
    found = memories(Core(config, hardware))
    _check_styles(target, config, hardware, [memory.name for memory in found])
    buffer = StoredMemory("link.buffer", 8, target.link_bytes)
    placements = tuple(
        _place(memory, target.device, hardware.style(memory.name)) for memory in (*found, buffer)
    )
    return MemoryPlan(target, config, hardware, placements)


def _check_styles(
    target: Target, config: NetworkConfig, hardware: Hardware, memories: list[str]
) -> None:
    """Refuse a style of no memory, or one that the device has not; the target's own are for all."""
    known = {name for memory in memories for name in (memory, memory.rstrip("0123456789"))}
    own = target.hardware_for(config).styles
    for name, style in hardware.styles:
        if (name, style) in own:
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, cutoff=0.5)
            hint = f" (is it {near[0]}?)" if near else ""
            raise HardwareError(
                f"{name}={style}: there is no memory of that name{hint}; there are "
                f"{', '.join(memories)}"
            )
        if style == "huge" and not target.device.sprams:
            raise HardwareError(
                f"{name}=huge: {target.device.title} has no single-port RAM; take block, "
                "distributed or logic"
            )


def with_lanes(hardware: Hardware, lanes: int) -> Hardware:
    """Return hardware choices with other lanes in the first layer."""
    return dataclasses.replace(hardware, lanes=(lanes, *(hardware.lanes[1:] or hardware.lanes)))


def alternatives(target: Target, config: NetworkConfig, hardware: Hardware) -> Iterator[MemoryPlan]:
    """Yield the plans of all `LANES` of the first layer."""
    for lanes in LANES:
        if lanes <= config.sizes[1]:
            yield plan(target, config, with_lanes(hardware, lanes))


def check(target: Target, config: NetworkConfig, hardware: Hardware, log: Log) -> MemoryPlan:
    """Return the plan; `PlanError` where it does not fit, with what would.

    `log` is told before what would fit is searched for, which takes half a minute.
    """
    found = plan(target, config, hardware)
    if found.fits:
        return found
    worst = max(found.placements, key=lambda p: p.memory.bits)
    told = []
    for ram, used, there in found.kinds():
        if used > there:
            told.append(
                f"{used} {ram.name} of {there} are needed, {used - there} too many: "
                f"{(used - there) * ram.bits:,} bits"
            )
    log("its memories do not fit; searching for what would")
    others = [p.hardware.lanes[0] for p in alternatives(target, config, hardware) if p.fits]
    if others:
        advice = f"with {_either(others)} lanes in the first layer its memories fit"
    else:
        size = _largest(target, config, hardware)
        advice = (
            f"with no number of lanes do its memories fit; {size} hidden neurons in place of "
            f"{config.sizes[1]} would"
            if size
            else "not even one hidden neuron would fit: take a smaller image"
        )
    raise PlanError(
        f"{config.name} is too big for {target.title}: {'; '.join(told)}. The largest memory is "
        f"{worst.memory.name}, {worst.memory.depth:,} words of {worst.memory.width} bits: "
        f"{worst.memory.bits:,} bits. {advice[0].upper()}{advice[1:]}; fewer weight bits help too"
    )


def _either(numbers: list[int]) -> str:
    return " or ".join(map(str, numbers))


def _largest(target: Target, config: NetworkConfig, hardware: Hardware) -> int:
    """Return the largest first hidden layer whose memories fit; 0 where none does."""

    def fits(size: int) -> bool:
        sizes = (config.sizes[0], size, *config.sizes[2:])
        return plan(target, dataclasses.replace(config, sizes=sizes), hardware).fits

    low, high = 0, config.sizes[1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
