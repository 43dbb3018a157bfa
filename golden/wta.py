"""Lateral inhibition of the output layer, in place of softmax (paper Eq. 2).

Kinds, with s(t) the raw output spikes, z(t) the spikes that count, and g the strength:

none         z = s.
lateral      z = s; in step t neuron j's current loses ``inhibition * (sum s(t-1) - s_j(t-1))``
             (weight units) before the kernel.
feedforward  a second IF stage, the paper's form: ``u_j += 256 s_j - inhibition * (sum s - s_j)``
             with the spikes of the same step (units of 1/256 spike).
recurrent    the same stage, inhibited by its own spikes of the step before:
             ``u_j += 256 s_j - inhibition * (sum z(t-1) - z_j(t-1))``.

A stage neuron: u = max(u, -1024); z = u >= 256; u -= 256 where it fired; u = min(u, 256). Sample
start: u = 128 and no spikes before. Counts, errors and the class use z.

softmax      in each step one spike counts, of the neuron whose membrane and noise sum to the most,
             the lowest index at a tie: ``argmax(v_j + ((gumbel[r_j] * gain(t)) >> 6))``. Training
             draws a word of stream `noise` per class and step; r_j are its low 8 bits. Inference
             draws nothing and has no noise. The largest of numbers that have independent standard
             Gumbel noise added is each one in proportion to its exponential (Gumbel 1954, the
             "Gumbel-max trick"), so the counts sample softmax(v / gain), and label - spike is the
             gradient of cross-entropy. gain(t) grows with the share of the input that has come:
             membranes do too.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.lfsr import advance
from spikeloom.golden.spec import wta as spec
from spikeloom.golden.spec.neuron import SPIKE
from spikeloom.golden.spec.wta import CEILING, FLOOR, NOISE_BITS, NOISE_ONE

NONE, LATERAL, FEEDFORWARD, RECURRENT, SOFTMAX = range(5)
KINDS = {
    "none": NONE,
    "lateral": LATERAL,
    "feedforward": FEEDFORWARD,
    "recurrent": RECURRENT,
    spec.SOFTMAX: SOFTMAX,
}

GUMBEL = np.array(spec.gumbel(), np.int32)


@compiled
def inhibit(kind: int, inhibition: int, before: np.ndarray, current: np.ndarray) -> None:
    """Take the lateral kind's inhibition from `current` (int32[n]); before : uint8[n], s(t-1)."""
    if kind == LATERAL:
        total = 0
        for j in range(before.size):
            total += before[j]
        for j in range(before.size):
            current[j] -= inhibition * (total - before[j])


@compiled
def compete(
    state: int, p: np.ndarray, noisy: int, gain: int, v: np.ndarray, spike: np.ndarray
) -> int:
    """Give the step's one spike to the neuron of the largest sum; return the stream's next state.

    state, p : of stream `noise`, which rests unless `noisy`; v : int32[n], the membranes;
    spike : uint8[n], overwritten.
    """
    best, winner = np.int64(0), -1
    for j in range(v.size):
        score = np.int64(v[j])
        if noisy:
            state = advance(state, p)
            score += (GUMBEL[state & ((1 << NOISE_BITS) - 1)] * gain) >> NOISE_ONE
        if winner < 0 or score > best:
            best, winner = score, j
        spike[j] = 0
    spike[winner] = 1
    return state


@compiled
def stage(kind: int, inhibition: int, raw: np.ndarray, before: np.ndarray, u: np.ndarray) -> None:
    """Turn this step's raw spikes into those that count, in place of last step's in `before`.

    raw, before : uint8[n]; u : int32[n], the second stage's membranes.
    """
    if kind in (NONE, LATERAL, SOFTMAX):
        for j in range(before.size):
            before[j] = raw[j]
        return
    total = 0
    for j in range(before.size):
        total += raw[j] if kind == FEEDFORWARD else before[j]
    for j in range(before.size):
        own = raw[j] if kind == FEEDFORWARD else before[j]
        x = max(u[j] + SPIKE * raw[j] - inhibition * (total - own), FLOOR)
        before[j] = x >= SPIKE
        if x >= SPIKE:
            x -= SPIKE
        u[j] = min(x, CEILING)
