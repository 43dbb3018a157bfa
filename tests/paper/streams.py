"""Pairs of random streams whose AND stands for a product: ideal, the machine's, and a bad one.

The machine's two streams are an input pixel of rate x and the thinning of its crossbar row at rate
y: what decides a weight's write beside the error spike. They are drawn by the model's own `encode`
and `thin`, word by word in the machine's order, one sample after the other.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.encoder import encode
from spikeloom.golden.lfsr import parameters, to_signed
from spikeloom.golden.rules import ssnn_bp
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.streams import Stream

IDEAL = "ideal"
"""Name of the randomness that is no shift register: NumPy's PCG64."""

CLOSE = "close seeds"
"""Name of what not to do: see `CloseStreams`."""

ONE = 1 << 16
"""Rates are compared with 16-bit words."""


class Pair(Protocol):
    """Two streams that go on from sample to sample."""

    def counts(self, x: np.ndarray, y: float, steps: int) -> np.ndarray:
        """Return coincidences of each rate in `x` with rate y in one sample: int64[len(x)]."""


def make(generator: str, seed: int) -> Pair:
    """Return the streams of a name: `IDEAL`, `CLOSE`, or the machine's from a catalogue name."""
    if generator == IDEAL:
        return IdealStreams(seed)
    return CloseStreams(seed) if generator == CLOSE else MachineStreams(generator, seed)


@compiled
def coincidences(
    states: np.ndarray,
    p: np.ndarray,
    chances: np.ndarray,
    index: np.ndarray,
    thinning: int,
    steps: int,
    words: np.ndarray,
    spikes: np.ndarray,
    keep: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Run one sample of the machine's two streams; add kept spikes per pixel to `counts`.

    states : int64[2] of input and thinning, moved on; p : int64[2, 7] from `lfsr.parameters`;
    chances, index : int32[n] of the pixels, of 65536; words : uint16[n], spikes : int32[n] and
    keep : uint8[n], scratch; counts : int64[n].
    """
    for _ in range(steps):
        states[0], count = encode(states[0], p[0], 1, index, chances, chances.size, words, spikes)
        states[1] = ssnn_bp.thin(states[1], p[1], thinning, count, words, keep)
        for k in range(count):
            counts[spikes[k]] += keep[k]


class MachineStreams:
    """The machine's input and thinning streams, at constant rates.

    Parameters
    ----------
    generator : a name of `golden.spec.lfsr.CATALOG`. seed : of the run that draws.
    """

    def __init__(self, generator: str, seed: int) -> None:
        lfsr = CATALOG[generator]
        streams = (Stream("input", lfsr), Stream("thinning1", lfsr))
        self._states = np.array([to_signed(s.seed(seed)) for s in streams], np.int64)
        self._p = np.stack([parameters(lfsr)] * 2)

    def counts(self, x: np.ndarray, y: float, steps: int) -> np.ndarray:
        """Return coincidences of each rate in `x` with rate y in one sample: int64[len(x)]."""
        n = len(x)
        counts, index = np.zeros(n, np.int64), np.arange(n, dtype=np.int32)
        chances = np.rint(x * ONE).astype(np.int32)
        scratch = np.empty(n, np.uint16), np.empty(n, np.int32), np.empty(n, np.uint8)
        coincidences(self._states, self._p, chances, index, round(y * ONE), steps, *scratch, counts)
        return counts


class IdealStreams:
    """Independent streams."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def counts(self, x: np.ndarray, y: float, steps: int) -> np.ndarray:
        """Return coincidences of each rate in `x` with rate y in one sample: int64[len(x)]."""
        words = self._random.integers(0, ONE, (2, steps, len(x)), np.uint16)
        both = (words[0] < np.rint(x * ONE)) & (words[1] < round(y * ONE))
        return both.sum(axis=0)


class CloseStreams:
    """What not to do: one 16-bit polynomial, neighbouring seeds, one shift for each number."""

    def __init__(self, seed: int) -> None:
        lfsr, state = CATALOG["lfsr16"], 1
        self._random = np.random.default_rng(seed)
        self._states = np.empty(lfsr.mask, np.int64)
        for i in range(lfsr.mask):
            self._states[i] = state
            state = lfsr.shift(state)
        self._place = np.empty(lfsr.mask + 1, np.int64)
        self._place[self._states] = np.arange(lfsr.mask)

    def counts(self, x: np.ndarray, y: float, steps: int) -> np.ndarray:
        """Return coincidences of each rate in `x` with rate y in one sample: int64[len(x)]."""
        seeds = self._random.integers(1, len(self._states), len(x))
        t = np.arange(steps)[:, None]
        first, second = (
            self._states[(self._place[seed] + t) % len(self._states)] for seed in (seeds, seeds + 1)
        )
        return ((first < np.rint(x * ONE)) & (second < round(y * ONE))).sum(axis=0)
