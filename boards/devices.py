"""The FPGAs behind the targets: what a planner may count on; nextpnr has the last word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """FPGA families that the open tools build for."""

    ICE40 = "ice40"
    ECP5 = "ecp5"
    GOWIN = "gowin"


@dataclass(frozen=True)
class BlockRam:
    """One kind of memory block.

    Attributes
    ----------
    name : what its maker calls it.
    shapes : (words, bits) that one block can be with a write and a read port, widest last.
    ports : 1 where a block reads or writes but not both in one clock.
    """

    name: str
    shapes: tuple[tuple[int, int], ...]
    ports: int = 2

    @property
    def bits(self) -> int:
        """Capacity of one block in its largest shape."""
        return max(words * width for words, width in self.shapes)

    def blocks(self, width: int, depth: int) -> int:
        """Return the least number of blocks that hold `depth` words of `width` bits."""
        return min(-(-depth // words) * -(-width // bits) for words, bits in self.shapes)


EBR = BlockRam("EBR", ((2048, 2), (1024, 4), (512, 8), (256, 16)))
SPRAM = BlockRam("SPRAM", ((16384, 16),), ports=1)
DP16KD = BlockRam("DP16KD", ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)))
BSRAM = BlockRam("BSRAM", ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)))


@dataclass(frozen=True)
class Device:
    """One FPGA.

    Attributes
    ----------
    title : its maker's name for it.
    luts : four-input look-up tables.
    bram, brams : the kind of block RAM, and how many blocks there are.
    sprams : blocks of `SPRAM`.
    dsps : multipliers of 16x16 bits or more.
    """

    title: str
    family: Family
    luts: int
    bram: BlockRam
    brams: int
    sprams: int = 0
    dsps: int = 0

    @property
    def ram_bits(self) -> int:
        """Capacity of all its memory blocks."""
        return self.brams * self.bram.bits + self.sprams * SPRAM.bits


UP5K = Device("iCE40 UP5K", Family.ICE40, 5280, EBR, 30, sprams=4, dsps=8)
HX8K = Device("iCE40 HX8K", Family.ICE40, 7680, EBR, 32)
HX1K = Device("iCE40 HX1K", Family.ICE40, 1280, EBR, 16)
ECP5_25F = Device("ECP5-25F", Family.ECP5, 24288, DP16KD, 56, dsps=28)
ECP5_85F = Device("ECP5-85F", Family.ECP5, 83640, DP16KD, 208, dsps=156)
GW1NR_9 = Device("GW1NR-9", Family.GOWIN, 8640, BSRAM, 26, dsps=20)
GW2A_18 = Device("GW2A-18", Family.GOWIN, 20736, BSRAM, 46, dsps=48)
GW2AR_18 = Device("GW2AR-18", Family.GOWIN, 20736, BSRAM, 46, dsps=48)
