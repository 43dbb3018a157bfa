"""The least number of weight accesses that a sample can cost: what RTL cycles are held against."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.network import NEGATIVE, POSITIVE, PRE, ROWS
from spikeloom.golden.spec.machine import Machine


def floor_cycles(machine: Machine, activity: np.ndarray) -> np.ndarray:
    """Return the floor of each sample: int64[n], in clock cycles.

    Sum over crossbars of pre spikes * ceil(post / lanes), plus post error spikes *
    ceil(pre / lanes) except in the first crossbar, plus rows written * ceil(post / lanes) where
    the weight memory has one port. activity : int32[n, 4, L+1] from `Network.train`.
    """
    total = np.zeros(len(activity), np.int64)
    for layer in machine.layers:
        total += activity[:, PRE, layer.index - 1].astype(np.int64) * layer.words
        if layer.index > 1:
            errors = activity[:, POSITIVE, layer.index] + activity[:, NEGATIVE, layer.index]
            total += errors.astype(np.int64) * -(-layer.n_pre // layer.lanes)
        if layer.ports == 1:
            total += activity[:, ROWS, layer.index].astype(np.int64) * layer.words
    return total
