"""Linear feedback shift registers: the catalogue, and the one definition of a shift.

Convention (Fibonacci, shift left)::

    state bits     n-1 ............ 1 0     bit 0 is the newest
    one shift      new = XOR of state[t-1] for every tap t;  state = (state << 1 | new) mod 2**n
    one word       16 shifts; the word is state[15:0] afterwards (its bit 15 was shifted in first)

Taps (n, a, b, c) stand for the polynomial x^n + x^a + x^b + x^c + 1. Each is primitive, so every
non-zero seed walks the full period of 2**n - 1 states (`tests/unit/golden/test_lfsr.py` proves
it from the factors of 2**n - 1, and walks the 16-bit one).
"""

from __future__ import annotations

from dataclasses import dataclass

WORD_BITS = 16


@dataclass(frozen=True)
class Lfsr:
    """One maximal-length generator: a name and its taps, the degree first."""

    name: str
    taps: tuple[int, ...]

    @property
    def degree(self) -> int:
        """Number of state bits."""
        return self.taps[0]

    @property
    def mask(self) -> int:
        """All state bits set."""
        return (1 << self.degree) - 1

    @property
    def chunk(self) -> int:
        """Shifts that one XOR of whole words can do: a power of two, no tap is below it."""
        chunk = WORD_BITS
        while chunk > min(self.taps):
            chunk //= 2
        return chunk

    def shift(self, state: int, count: int = 1) -> int:
        """Return `state` after `count` single shifts; the definition, bit by bit."""
        for _ in range(count):
            new = 0
            for tap in self.taps:
                new ^= state >> (tap - 1) & 1
            state = (state << 1 | new) & self.mask
        return state


CATALOG = {
    lfsr.name: lfsr
    for lfsr in (
        Lfsr("lfsr16", (16, 15, 13, 4)),
        Lfsr("lfsr24", (24, 23, 22, 17)),
        Lfsr("lfsr31", (31, 28)),
        Lfsr("lfsr32", (32, 30, 26, 25)),
        Lfsr("lfsr48", (48, 47, 21, 20)),
        Lfsr("lfsr64", (64, 63, 61, 60)),
    )
}
