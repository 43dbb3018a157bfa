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

from spikeloom.golden.compiled import compiled


@compiled(inline="always")
def _row(weights: np.ndarray, row: int, n: int) -> np.ndarray:
    return weights[row * n : (row + 1) * n]


@compiled(inline="always")
def of(weights: np.ndarray, firsts: np.ndarray, layer: int) -> np.ndarray:
    """Return crossbar `layer` of all weights, a view; firsts : int64, where each begins."""
    return weights[firsts[layer] : firsts[layer + 1]]


@compiled
def forward(weights: np.ndarray, rows: np.ndarray, count: int, current: np.ndarray) -> None:
    """Sum `count` rows into `current`, four at a time.

    weights : int16[n_pre * n_post], row-major; rows : int32[>= count]; current : int32[n_post],
    overwritten.
    """
    n = current.size
    current[:] = 0
    whole = count - count % 4
    for k in range(0, whole, 4):
        a, b = _row(weights, rows[k], n), _row(weights, rows[k + 1], n)
        c, d = _row(weights, rows[k + 2], n), _row(weights, rows[k + 3], n)
        for j in range(n):
            current[j] += np.int32((a[j] + b[j]) + (c[j] + d[j]))
    for k in range(whole, count):
        a = _row(weights, rows[k], n)
        for j in range(n):
            current[j] += a[j]


@compiled
def write(
    weights: np.ndarray,
    rows: np.ndarray,
    count: int,
    keep: np.ndarray,
    signal: np.ndarray,
    columns: np.ndarray,
    active: int,
    shift: int,
    limit: int,
) -> int:
    """Write the coincidences of `count` rows once all were read; return how many rows it wrote.

    No row comes twice in a step, so reading all of them first is the same as row by row.
    weights : as in `forward`; keep : uint8[>= count], of the rows; signal : int8[n_post];
    columns : int32[>= active], the columns whose signal is not 0.
    """
    written = 0
    for k in range(count):
        if keep[k]:
            written += 1
            row = _row(weights, rows[k], signal.size)
            for c in range(active):
                j = columns[c]
                row[j] = min(max(row[j] + (np.int64(signal[j]) << shift), -limit), limit)
    return written


@compiled
def transposed(
    weights: np.ndarray, signal: np.ndarray, columns: np.ndarray, active: int, current: np.ndarray
) -> None:
    """Sum the columns of the error spikes, signed, into `current` (int32[n_pre], overwritten).

    weights, signal, columns, active : as in `write`.
    """
    current[:] = 0
    for c in range(active):
        j = columns[c]
        sign, column = np.int32(signal[j]), weights[j :: signal.size]
        for i in range(current.size):
            current[i] += np.int32(sign * column[i])
