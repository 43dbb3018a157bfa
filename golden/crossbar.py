"""The crossbar: rows added forward, columns read back, AND-coincidence writes in place.

Contract
--------
weights[i, j] connects pre-synaptic neuron i (row) to post-synaptic neuron j (column), and stays
in -max .. +max. Forward access of row i in step t, in ascending order of the spiking rows:

1. the row *as read* is added to the currents of all columns (exact sums, no saturation);
2. where the learning rule's signal of the row meets column j with d in {-1, 0, +1}, the weight
   becomes ``clip(weight + d * 2**shift, -max, +max)``. A row is met at most once per step.

Transposed access of column j for an error spike e: ``current_i += e * weights[i, j]`` for all
rows i, after all writes of the step.

The rule is a port: `keep` (uint8 per accessed row) and `signal` (int8 per column); the crossbar
writes keep AND signal and knows nothing else of learning.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def forward(
    weights: np.ndarray,
    rows: np.ndarray,
    count: int,
    keep: np.ndarray,
    columns: np.ndarray,
    signal: np.ndarray,
    active: int,
    shift: int,
    limit: int,
    current: np.ndarray,
) -> int:
    """Access `count` rows: sum them into `current`, write coincidences, return rows written.

    weights : int16[n_pre, n_post]; rows : int32[>= count] ascending; keep : uint8[>= count];
    columns : int32[>= active], the columns with a signal; signal : int8[n_post];
    current : int32[n_post], overwritten.
    """
    current[:] = 0
    written = 0
    step = 1 << shift
    for k in range(count):
        row = weights[rows[k]]
        for j in range(row.size):
            current[j] += row[j]
        if active and keep[k]:
            written += 1
            for c in range(active):
                j = columns[c]
                row[j] = min(max(row[j] + signal[j] * step, -limit), limit)
    return written


@njit(cache=True)
def transposed(
    weights: np.ndarray, columns: np.ndarray, signal: np.ndarray, active: int, current: np.ndarray
) -> None:
    """Sum the columns of the error spikes, signed, into `current` (int32[n_pre], overwritten)."""
    current[:] = 0
    for c in range(active):
        j = columns[c]
        sign = np.int32(signal[j])
        for i in range(current.size):
            current[i] += sign * weights[i, j]
