"""What samples did, counted: int[..., 4, L+1] by kind and layer, and the names that counters have.

A sample's spikes say the first kind of it; the rest is counted while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

PRE, POSITIVE, NEGATIVE, ROWS = 0, 1, 2, 3
"""Kinds: spikes, positive and negative error spikes, crossbar rows written."""

NAMES = {PRE: "spikes", POSITIVE: "positive", NEGATIVE: "negative"}
"""What a counter of a kind is called, before a point and its layer: "spikes.0"."""


def counters(activity: np.ndarray) -> dict[str, int]:
    """Return the sums over samples of int[n, 4, L+1] by the counters' names."""
    totals = activity.sum(axis=0, dtype=np.int64)
    return {
        f"{name}.{layer}": int(totals[kind, layer])
        for kind, name in NAMES.items()
        for layer in range(kind != PRE, totals.shape[1])
    }


def totals(counted: Mapping[str, int], depth: int) -> np.ndarray:
    """Return int64[4, depth + 1] of counters, as `counters` names them; no rows."""
    found = np.zeros((4, depth + 1), np.int64)
    for kind, name in NAMES.items():
        for layer in range(kind != PRE, depth + 1):
            found[kind, layer] = counted[f"{name}.{layer}"]
    return found


def of_spikes(spikes: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Return int64[4, L+1] of a sample inferred, from its spikes int8[T, neurons]."""
    found = np.zeros((4, len(sizes)), np.int64)
    parts = np.split(spikes, np.cumsum(sizes)[:-1], axis=1)
    found[PRE] = [part.sum(dtype=np.int64) for part in parts]
    return found
