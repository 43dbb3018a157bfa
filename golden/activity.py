"""What samples did, counted: int[..., 5, L+1] by kind and layer, and the names that counters have.

A sample's spikes say the first kind of it; the rest is counted while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

PRE, POSITIVE, NEGATIVE, ROWS, STEPS = range(5)
"""Kinds: spikes, positive and negative error spikes, crossbar rows written; the steps that a sample
ran, which stand at layer 0."""
KINDS = 5

RAN = "ran"
"""The counter of steps that samples ran."""

NAMES = {PRE: "spikes", POSITIVE: "positive", NEGATIVE: "negative"}
"""What a counter of a kind is called, before a point and its layer: "spikes.0"."""


def counters(activity: np.ndarray) -> dict[str, int]:
    """Return the sums over samples of int[n, 5, L+1] by the counters' names."""
    totals = activity.sum(axis=0, dtype=np.int64)
    return {RAN: int(totals[STEPS, 0])} | {
        f"{name}.{layer}": int(totals[kind, layer])
        for kind, name in NAMES.items()
        for layer in range(kind != PRE, totals.shape[1])
    }


def totals(counted: Mapping[str, int], depth: int) -> np.ndarray:
    """Return int64[5, depth + 1] of counters, as `counters` names them; no rows."""
    found = np.zeros((KINDS, depth + 1), np.int64)
    for kind, name in NAMES.items():
        for layer in range(kind != PRE, depth + 1):
            found[kind, layer] = counted[f"{name}.{layer}"]
    found[STEPS, 0] = counted[RAN]
    return found
