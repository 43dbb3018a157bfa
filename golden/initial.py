"""Initial weights and the order of samples, from a specified integer generator.

SplitMix64 by counter: every number depends on its own index only, so the arrays are made at once
and anybody can make them again. The host loads the weights; the core has no generator for them.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.streams import GAMMA, purpose_seed


def splitmix64(seed: int, count: int) -> np.ndarray:
    """Return outputs 0 .. count-1 of SplitMix64 started at `seed`: uint64[count]."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GAMMA)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def weights(machine: Machine, seed: int) -> list[np.ndarray]:
    """Return He-initialised weights, int16[n_pre, n_post] per crossbar.

    Weight k (row-major) sums the twelve 16-bit words of outputs 3k .. 3k+2; less their mean that
    is close to N(0, 65536**2). It is scaled to theta * init_gain * sqrt(2 / n_pre), rounded half
    up, and clipped to +-weight_max. All integer but one rounded factor.
    """
    result = []
    for layer, config in zip(machine.layers, machine.config.layers, strict=True):
        count = layer.n_pre * layer.n_post
        numbers = splitmix64(purpose_seed(seed, f"weights{layer.index}"), 3 * count)
        words = numbers.reshape(count, 3).view("<u2").astype(np.int64)
        normal = words.sum(axis=1) - 12 * 65535 // 2
        scale = round(layer.train.theta * config.init_gain * (2 / layer.n_pre) ** 0.5 * 65536)
        codes = (normal * scale + (1 << 31)) >> 32
        clipped = np.clip(codes, -layer.weight_max, layer.weight_max)
        result.append(clipped.astype(np.int16).reshape(layer.n_pre, layer.n_post))
    return result


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return the order of samples in an epoch: int64[count], sorted by SplitMix64 outputs."""
    keys = splitmix64(purpose_seed(seed, f"order{epoch}"), count)
    return np.argsort(keys, kind="stable")
