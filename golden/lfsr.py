"""Random words from a linear feedback shift register (`golden.spec.lfsr` has the convention).

A generator is seven int64 numbers in one row of an array; its state is another int64 (a 64-bit
state with its top bit set reads as negative; `& 0xFFFF...` of the host shows it unsigned).
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.spec.lfsr import WORD_BITS, Lfsr

TRIPLE = 3 * WORD_BITS


def parameters(lfsr: Lfsr) -> np.ndarray:
    """Return int64[7]: four taps less the chunk, the chunk, the state mask, words per leap.

    Generators with two taps repeat the second one twice more, which cancels out. A leap is the
    whole words that one XOR of states can do: three where no tap is below 48, else one.
    """
    taps = list(lfsr.taps) + [lfsr.taps[-1]] * (4 - len(lfsr.taps))
    mask = lfsr.mask if lfsr.degree < 64 else -1
    leap = 3 if min(lfsr.taps) >= TRIPLE else 1
    shifts = [tap - lfsr.chunk for tap in taps]
    return np.array([*shifts, lfsr.chunk, mask, leap], dtype=np.int64)


@compiled(inline="always")
def advance(state: int, p: np.ndarray) -> int:
    """Return the state one 16-bit word later; the word is the new state's low 16 bits.

    state : int64; p : int64[7] from `parameters`.
    """
    chunk = p[4]
    if chunk == WORD_BITS:
        new = (state >> p[0]) ^ (state >> p[1]) ^ (state >> p[2]) ^ (state >> p[3])
        return ((state << WORD_BITS) | (new & 0xFFFF)) & p[5]
    low = (1 << chunk) - 1
    for _ in range(WORD_BITS // chunk):
        new = ((state >> p[0]) ^ (state >> p[1]) ^ (state >> p[2]) ^ (state >> p[3])) & low
        state = ((state << chunk) | new) & p[5]
    return state


@compiled
def fill(state: int, p: np.ndarray, words: np.ndarray, count: int) -> int:
    """Draw the next `count` words into `words` (uint16); return the state after them.

    Where a leap is three words, 48 bits are shifted at once; the oldest word is the highest.
    """
    i = 0
    if p[6] == 3:
        a, b, c, d = p[0] - 32, p[1] - 32, p[2] - 32, p[3] - 32
        while i + 3 <= count:
            new = (state >> a) ^ (state >> b) ^ (state >> c) ^ (state >> d)
            state = (state << TRIPLE) | (new & ((1 << TRIPLE) - 1))
            words[i] = (new >> 32) & 0xFFFF
            words[i + 1] = (new >> 16) & 0xFFFF
            words[i + 2] = new & 0xFFFF
            i += 3
    while i < count:
        state = advance(state, p)
        words[i] = state & 0xFFFF
        i += 1
    return state


def to_signed(state: int) -> int:
    """Return a 64-bit state as the int64 that the compiled loops carry."""
    return state - (1 << 64) if state >> 63 else state
