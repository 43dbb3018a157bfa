"""The core's clock: the dividers of a PLL, found from two frequencies and the data sheets' ranges.

Sources of the ranges: Lattice FPGA-TN-02052 and the iCE40 LP/HX and UltraPlus data sheets (FPGA-DS
02029, 02008); Lattice FPGA-DS-02012 (ECP5, table of sysCLOCK timing); Gowin DS117 (GW1NR), DS226
(GW2AR) and DS102 (GW2A).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from spikeloom.boards.devices import Family
from spikeloom.errors import SpikeloomError

TOLERANCE = Fraction(1, 50)
"""How far, relative to the wanted frequency, the nearest one that a PLL makes may lie."""


class ClockError(SpikeloomError, ValueError):
    """No legal setting of the board's PLL makes the clock that was asked for."""


@dataclass(frozen=True)
class Limits:
    """Legal ranges of a PLL, in Hz, both ends included; dividers that it can be set to."""

    title: str
    input: tuple[int, int]
    detector: tuple[int, int]
    oscillator: tuple[int, int]
    output: tuple[int, int]
    reference: tuple[int, ...]
    feedback: tuple[int, ...]
    post: tuple[int, ...]
    feedback_after_post: bool


@dataclass(frozen=True)
class Pll:
    """A legal setting: out = in * feedback / reference, / post where post is outside the loop.

    Attributes
    ----------
    input_hz : exact input frequency. reference, feedback, post : the three dividers.
    """

    limits: Limits
    input_hz: int
    reference: int
    feedback: int
    post: int

    @property
    def detector_hz(self) -> Fraction:
        """Frequency that the phase detector compares at."""
        return Fraction(self.input_hz, self.reference)

    @property
    def output_hz(self) -> Fraction:
        """Frequency of the output."""
        inside = self.detector_hz * self.feedback
        return inside if self.limits.feedback_after_post else inside / self.post

    @property
    def oscillator_hz(self) -> Fraction:
        """Frequency of the oscillator within."""
        return self.output_hz * self.post

    @property
    def legal(self) -> bool:
        """Whether every frequency lies in its range."""
        limits = self.limits
        return all(
            low <= value <= high
            for value, (low, high) in (
                (self.input_hz, limits.input),
                (self.detector_hz, limits.detector),
                (self.oscillator_hz, limits.oscillator),
                (self.output_hz, limits.output),
            )
        )


MHZ = 1_000_000

ICE40 = Limits(
    title="SB_PLL40",
    input=(10 * MHZ, 133 * MHZ),
    detector=(10 * MHZ, 133 * MHZ),
    oscillator=(533 * MHZ, 1066 * MHZ),
    output=(16 * MHZ, 275 * MHZ),
    reference=tuple(range(1, 17)),
    feedback=tuple(range(1, 129)),
    post=tuple(1 << q for q in range(1, 7)),
    feedback_after_post=False,
)
ECP5 = Limits(
    title="EHXPLLL",
    input=(8 * MHZ, 400 * MHZ),
    detector=(3_125_000, 400 * MHZ),
    oscillator=(400 * MHZ, 800 * MHZ),
    output=(3_125_000, 400 * MHZ),
    reference=tuple(range(1, 129)),
    feedback=tuple(range(1, 81)),
    post=tuple(range(1, 129)),
    feedback_after_post=True,
)
_GOWIN = {
    "reference": tuple(range(1, 65)),
    "feedback": tuple(range(1, 65)),
    "post": (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128),
    "feedback_after_post": True,
}
GW1N = Limits(
    title="rPLL of GW1N",
    input=(3 * MHZ, 400 * MHZ),
    detector=(3 * MHZ, 400 * MHZ),
    oscillator=(400 * MHZ, 1200 * MHZ),
    output=(3_125_000, 600 * MHZ),
    **_GOWIN,
)
GW2A = Limits(
    title="rPLL of GW2A",
    input=(3 * MHZ, 500 * MHZ),
    detector=(3 * MHZ, 500 * MHZ),
    oscillator=(500 * MHZ, 1250 * MHZ),
    output=(3_906_250, 625 * MHZ),
    **_GOWIN,
)


def limits_for(family: Family, device: str) -> Limits:
    """Return the ranges of the PLL in a device (Gowin's two series differ)."""
    if family is Family.GOWIN:
        return GW1N if device.startswith("GW1N") else GW2A
    return {Family.ICE40: ICE40, Family.ECP5: ECP5}[family]


def _settings(limits: Limits, input_hz: int, wanted: int) -> Iterator[Pll]:
    """Yield the legal settings near `wanted`: per divider pair the nearest feedback from below."""
    for reference, post in itertools.product(limits.reference, limits.post):
        scale = 1 if limits.feedback_after_post else post
        nearest = round(Fraction(wanted * reference * scale, input_hz))
        for feedback in (nearest - 1, nearest, nearest + 1):
            if feedback in limits.feedback:
                pll = Pll(limits, input_hz, reference, feedback, post)
                if pll.legal:
                    yield pll


def solve(limits: Limits, input_hz: int, wanted_hz: int) -> Pll:
    """Return the legal setting nearest to `wanted_hz`, the fastest phase detector among equals.

    `ClockError` where the nearest one is more than `TOLERANCE` away, or none is legal.
    """

    def rank(pll: Pll) -> tuple[Fraction, Fraction, int]:
        return abs(pll.output_hz - wanted_hz), -pll.detector_hz, pll.post

    found = min(_settings(limits, input_hz, wanted_hz), key=rank, default=None)
    if found is None or abs(found.output_hz / wanted_hz - 1) > TOLERANCE:
        low, high = (edge / MHZ for edge in limits.output)
        near = "" if found is None else f", {float(found.output_hz) / MHZ:g} MHz is the nearest"
        raise ClockError(
            f"no setting of the {limits.title} makes {wanted_hz / MHZ:g} MHz out of "
            f"{input_hz / MHZ:g} MHz{near}: it makes {low:g} to {high:g} MHz; ask for another clock"
        )
    return found
