"""Random words from a linear feedback shift register (`golden.spec.lfsr` has the convention).

A generator is four int64 numbers in one row of an array: its state is another int64 (a 64-bit
state with its top bit set reads as negative; `& 0xFFFF...` of the host shows it unsigned).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spikeloom.golden.spec.lfsr import WORD_BITS, Lfsr

PARAMETERS = 6


def parameters(lfsr: Lfsr) -> np.ndarray:
    """Return int64[6]: four taps less the chunk, the chunk, the state mask.

    Generators with two taps repeat the second one twice more, which cancels out.
    """
    taps = list(lfsr.taps) + [lfsr.taps[-1]] * (4 - len(lfsr.taps))
    mask = lfsr.mask if lfsr.degree < 64 else -1
    return np.array([*(tap - lfsr.chunk for tap in taps), lfsr.chunk, mask], dtype=np.int64)


@njit(cache=True, inline="always")
def advance(state: int, p: np.ndarray) -> int:
    """Return the state one 16-bit word later; the word is the new state's low 16 bits.

    state : int64; p : int64[6] from `parameters`.
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


@njit(cache=True)
def words(state: int, p: np.ndarray, count: int) -> tuple[int, np.ndarray]:
    """Return the state `count` words later, and the words: int64[count], each 0..65535."""
    out = np.empty(count, np.int64)
    for i in range(count):
        state = advance(state, p)
        out[i] = state & 0xFFFF
    return state, out


def to_signed(state: int) -> int:
    """Return a 64-bit state as the int64 that the compiled loops carry."""
    return state - (1 << 64) if state >> 63 else state
