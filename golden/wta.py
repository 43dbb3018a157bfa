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
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.spec.neuron import SPIKE
from spikeloom.golden.spec.wta import CEILING, FLOOR

NONE, LATERAL, FEEDFORWARD, RECURRENT = 0, 1, 2, 3
KINDS = {"none": NONE, "lateral": LATERAL, "feedforward": FEEDFORWARD, "recurrent": RECURRENT}


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
def stage(kind: int, inhibition: int, raw: np.ndarray, before: np.ndarray, u: np.ndarray) -> None:
    """Turn this step's raw spikes into those that count, in place of last step's in `before`.

    raw, before : uint8[n]; u : int32[n], the second stage's membranes.
    """
    if kind in (NONE, LATERAL):
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
