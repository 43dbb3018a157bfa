"""The least number of weight accesses that a sample can cost: what RTL cycles are held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from spikeloom.golden.activity import NEGATIVE, POSITIVE, PRE, ROWS
from spikeloom.golden.spec.machine import ceil_div


class Accessed(Protocol):
    """A crossbar as it is built: its number, its size, columns per access, memory ports."""

    index: int
    n_pre: int
    n_post: int
    lanes: int
    ports: int


def floor_cycles(layers: Sequence[Accessed], activity: np.ndarray) -> np.ndarray:
    """Return the floor of each sample: int64[n], in clock cycles.

    Sum over crossbars of pre spikes * ceil(post / lanes), plus post error spikes *
    ceil(pre / lanes) except in the first crossbar, plus rows written * ceil(post / lanes) where
    the weight memory has one port. activity : int32[n, 5, L+1] from `Network.train`.
    """
    total = np.zeros(len(activity), np.int64)
    for layer in layers:
        words = ceil_div(layer.n_post, layer.lanes)
        total += activity[:, PRE, layer.index - 1].astype(np.int64) * words
        if layer.index > 1:
            errors = activity[:, POSITIVE, layer.index] + activity[:, NEGATIVE, layer.index]
            total += errors.astype(np.int64) * ceil_div(layer.n_pre, layer.lanes)
        if layer.ports == 1:
            total += activity[:, ROWS, layer.index].astype(np.int64) * words
    return total
