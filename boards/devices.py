"""The FPGAs behind the targets: what a planner may count on; nextpnr has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """FPGA families that the open tools build for."""

    ICE40 = "ice40"
    ECP5 = "ecp5"
    GOWIN = "gowin"


MUX_COST = 0.5
"""What Yosys reckons for a bit of a word that has one more block behind it to choose from."""


@dataclass(frozen=True)
class BlockRam:
    """One kind of memory block.

    Attributes
    ----------
    name : what its maker calls it.
    shapes : (words, bits) that one block can be with a write and a read port.
    cost : what Yosys reckons for one, in its `brams.txt`; a flip-flop costs 1.
    byte : bits that can be written alone: columns so narrow that several fit a block side by side
        share one.
    """

    name: str
    shapes: tuple[tuple[int, int], ...]
    cost: int
    byte: int

    @property
    def bits(self) -> int:
        """Capacity of one block in its largest shape."""
        return max(words * width for words, width in self.shapes)

    def _options(self, width: int, depth: int) -> Iterator[tuple[float, int]]:
        for words, bits in self.shapes:
            rows = -(-depth // words)
            columns, narrow = divmod(width, bits)
            blocks = rows * columns
            if narrow:
                lanes = -(-narrow // self.byte)
                blocks += -(-rows // max(1, bits // self.byte // lanes))
            yield blocks * self.cost + MUX_COST * (rows - 1) * width, blocks

    def price(self, width: int, depth: int) -> float:
        """Return what Yosys reckons for `depth` words of `width` bits."""
        return min(self._options(width, depth))[0]

    def blocks(self, width: int, depth: int) -> int:
        """Return how many blocks Yosys takes for `depth` words of `width` bits."""
        return min(self._options(width, depth))[1]


_DP = ((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36))
EBR = BlockRam("EBR", ((2048, 2), (1024, 4), (512, 8), (256, 16)), cost=64, byte=1)
SPRAM = BlockRam("SPRAM", ((16384, 16),), cost=2048, byte=4)  # a write or a read per clock
DP16KD = BlockRam("DP16KD", _DP, cost=128, byte=9)
BSRAM = BlockRam("BSRAM", _DP, cost=128, byte=9)


@dataclass(frozen=True)
class Fpga:
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


UP5K = Fpga("iCE40 UP5K", Family.ICE40, 5280, EBR, 30, sprams=4, dsps=8)
HX8K = Fpga("iCE40 HX8K", Family.ICE40, 7680, EBR, 32)
HX1K = Fpga("iCE40 HX1K", Family.ICE40, 1280, EBR, 16)
ECP5_25F = Fpga("ECP5-25F", Family.ECP5, 24288, DP16KD, 56, dsps=28)
ECP5_85F = Fpga("ECP5-85F", Family.ECP5, 83640, DP16KD, 208, dsps=156)
GW1NR_9 = Fpga("GW1NR-9", Family.GOWIN, 8640, BSRAM, 26, dsps=20)
GW2A_18 = Fpga("GW2A-18", Family.GOWIN, 20736, BSRAM, 46, dsps=48)
GW2AR_18 = Fpga("GW2AR-18", Family.GOWIN, 20736, BSRAM, 46, dsps=48)
