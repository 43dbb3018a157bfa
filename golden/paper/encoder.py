"""Pixels and labels to spike trains."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.paper.arrays import Array, Arrays, Random


def ramp(steps: int) -> np.ndarray:
    """Return the front-loading factor of each step, float64[T]: linear, falling, of mean 1.

    Step t stands for the time t + ½, so the ramp goes from 2 at time 0 to 0 at time T.
    """
    return 2 * (1 - (np.arange(steps) + 0.5) / steps)


def input_spikes(arrays: Arrays, random: Random, pixels: Array, steps: int, rate: float) -> Array:
    """Draw front-loaded Poisson trains of mean rate ``rate * pixel``, at most a spike a step.

    pixels : float32[batch, n], 0 to 1. Returns float32[T, batch, n]; a spike in step t has
    probability ``rate * pixel * ramp(t)``, which never passes 1 as `rate` is at most ½.
    """
    xp = arrays.xp
    chance = arrays.put((rate * ramp(steps)).astype(np.float32))
    drawn = random.uniform((steps, *pixels.shape))
    return xp.astype(drawn < chance[:, None, None] * pixels[None, :, :], xp.float32)


def label_train(
    arrays: Arrays, random: Random, kind: str, steps: int, rate: float, batch: int
) -> Array:
    """Return the train of the label's neuron, float32[T, batch, 1].

    ``front`` spreads ``rate * T`` spikes evenly under the falling ramp, ``constant`` evenly over
    the sample: spike k falls where the running sum of the rates passes k - ½. ``random-front``
    and ``random`` draw every sample's own.
    """
    shape = ramp(steps) if kind.endswith("front") else np.ones(steps)
    if kind.startswith("random"):
        drawn = random.host.random((steps, batch))
        train = drawn < rate * shape[:, None]
    else:
        passed = np.floor(np.cumsum(rate * shape) + 0.5 + 1e-9)
        train = np.repeat(np.diff(passed, prepend=0.0)[:, None], batch, axis=1)
    return arrays.put(train[:, :, None].astype(np.float32))


def keep_mask(arrays: Arrays, random: Random, dropout: float, batch: int, size: int) -> Array:
    """Draw which neurons of a layer take part in each sample: float32[batch, n] of 0 and 1."""
    xp = arrays.xp
    return xp.astype(random.uniform((batch, size)) >= dropout, xp.float32)
