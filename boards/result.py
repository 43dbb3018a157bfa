"""What a build came to: cells used and there, the clock reached, and what is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from spikeloom.boards.clock import MHZ
from spikeloom.boards.devices import Family

Utilisation = dict[str, tuple[int, int]]
"""Name of a kind of cell to how many are used and there, as nextpnr names and counts them."""

_LINE = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%\s*$")

# What one cell of a kind counts as, per family: (kind, numerator, denominator).
_LUTS = {
    Family.ICE40: (("ICESTORM_LC", 1, 1),),
    Family.ECP5: (("TRELLIS_COMB", 1, 1),),
    Family.GOWIN: (("LUT4", 1, 1), ("ALU", 1, 1), ("RAM16SDP4", 4, 1)),
}
_FFS = {
    Family.ICE40: (),
    Family.ECP5: (("TRELLIS_FF", 1, 1),),
    Family.GOWIN: (("DFF", 1, 1),),
}
_BRAMS = {Family.ICE40: "ICESTORM_RAM", Family.ECP5: "DP16KD", Family.GOWIN: "BSRAM"}
_DSPS = {
    Family.ICE40: (("ICESTORM_DSP", 1, 1),),
    Family.ECP5: (("MULT18X18D", 1, 1),),
    Family.GOWIN: (("MULT18X18", 1, 1), ("MULT9X9", 1, 2), ("MULT36X36", 4, 1)),
}


def utilisation_line(line: str) -> tuple[str, int, int] | None:
    """Read a line of the table that nextpnr prints before it places; None for any other line."""
    found = _LINE.match(line.rstrip())
    return (found[1], int(found[2]), int(found[3])) if found else None


@dataclass(frozen=True)
class Count:
    """How many of something are used, and how many there are."""

    used: int
    available: int

    @property
    def over(self) -> int:
        """How many are missing."""
        return max(0, self.used - self.available)

    def __str__(self) -> str:
        """Give both, and the share."""
        if not self.available:
            return f"{self.used:,}" if self.used else "none there"
        share = f"{100 * self.used / self.available:.0f} %"
        return f"{self.used:,} of {self.available:,} ({share})"


@dataclass(frozen=True)
class Resources:
    """Cells of a design, placed or about to be.

    Attributes
    ----------
    luts : iCE40: logic cells (a LUT, a flip-flop, or both); ECP5 and Gowin: LUTs, with those that
        adders and small memories take.
    ffs : flip-flops. brams : block RAMs. sprams : single-port RAMs of 256 kbit (iCE40 UltraPlus).
    dsps : multipliers of 16x16 or 18x18 bits.
    """

    luts: Count
    ffs: Count
    brams: Count
    sprams: Count
    dsps: Count

    def named(self) -> dict[str, Count]:
        """Return the counts under the names that a message uses."""
        return {
            "LUTs": self.luts,
            "flip-flops": self.ffs,
            "block RAMs": self.brams,
            "SPRAMs": self.sprams,
            "DSPs": self.dsps,
        }

    @property
    def fits(self) -> bool:
        """Whether there is enough of everything."""
        return not any(count.over for count in self.named().values())


def resources(family: Family, found: Utilisation, statistics: Path) -> Resources:
    """Sum nextpnr's kinds of cells; iCE40's flip-flops are those that Yosys counted."""

    def total(kinds: tuple[tuple[str, int, int], ...]) -> Count:
        used = sum(-(-found[k][0] * up // down) for k, up, down in kinds if k in found)
        there = found[kinds[0][0]][1] if kinds and kinds[0][0] in found else 0
        return Count(used, there)

    luts = total(_LUTS[family])
    ffs = total(_FFS[family])
    if family is Family.ICE40:
        cells = json.loads(statistics.read_text())["design"]["num_cells_by_type"]
        used = sum(count for name, count in cells.items() if name.startswith("SB_DFF"))
        ffs = Count(used, luts.available)
    return Resources(
        luts=luts,
        ffs=ffs,
        brams=Count(*found.get(_BRAMS[family], (0, 0))),
        sprams=Count(*found.get("ICESTORM_SPRAM", (0, 0))),
        dsps=total(_DSPS[family]),
    )


@dataclass(frozen=True)
class Timing:
    """The clocks of a routed design. `fmax_hz` is of the one that falls shortest, or is nearest."""

    fmax_hz: float
    asked_hz: float

    @property
    def met(self) -> bool:
        """Whether every clock is reached."""
        return self.fmax_hz >= self.asked_hz

    @property
    def missing(self) -> float:
        """By what part of the clock asked for it is missed; 0 where it is met."""
        return max(0.0, 1 - self.fmax_hz / self.asked_hz)


def timing(report: Path, asked_hz: float) -> Timing:
    """Read nextpnr's report; a constraint of its own counts where it has one."""
    found = json.loads(report.read_text())["fmax"]
    clocks = [(c["achieved"] * MHZ, max(c.get("constraint", 0) * MHZ, 0)) for c in found.values()]
    if not clocks:
        return Timing(0.0, asked_hz)
    achieved, wanted = min(clocks, key=lambda clock: clock[0] / (clock[1] or asked_hz))
    # nextpnr's constraint is the same clock in its own rounding
    return Timing(achieved, asked_hz if abs(wanted - asked_hz) < asked_hz / 1000 else wanted)


def utilisation(report: Path) -> Utilisation:
    """Read what nextpnr's report says of cells."""
    found = json.loads(report.read_text())["utilization"]
    return {name: (cell["used"], cell["available"]) for name, cell in found.items()}
