"""Winner takes all: by iterated lateral inhibition in the place of softmax (Eq. 2), or by lot."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.paper.arrays import Array, Arrays, Random
from spikeloom.golden.paper.encoder import ramp
from spikeloom.golden.paper.neuron import fire, potential


def inhibit(
    xp,
    spikes: Array,
    kernel: Array,
    *,
    inhibition: float,
    iterations: int,
    theta: float,
    reset: str,
) -> Array:
    """Apply ``s <- f_θ(ε * (s - W_inh s))`` to the output trains, `iterations` times (Eq. 2).

    W_inh is `inhibition` between two neurons and 0 on the diagonal. Every application runs over
    the whole sample before the next begins, so a neuron is inhibited by trains that went before:
    not causal. spikes : float32[T, batch, n], and so the answer.
    """
    for _ in range(iterations):
        others = xp.sum(spikes, axis=-1, keepdims=True) - spikes
        spikes = fire(xp, potential(xp, kernel, spikes - inhibition * others), theta, reset)
    return spikes


def gumbel(arrays: Arrays, random: Random, shape: tuple[int, ...], gain: float) -> Array:
    """Draw Gumbel's noise of a batch, float32[T, batch, n], for `compete`.

    `gain` holds at the sample's end; before, the share of it that has passed of the input's ramp.
    """
    xp = arrays.xp
    share = arrays.put((np.cumsum(ramp(shape[0])) / shape[0] * gain).astype(np.float32))
    drawn = xp.clip(random.uniform(shape), 1e-30, 1 - 2**-24)  # float32 ends before 1
    return -xp.log(-xp.log(drawn)) * share[:, None, None]


def compete(xp, membrane: Array) -> Array:
    """Return trains of one spike a step, of the neuron whose membrane, noise and all, is largest.

    With the noise of `gumbel` a step's spike samples softmax(membrane / gain): the label's train
    less these is the gradient of cross-entropy. membrane : float32[T, batch, n], and so the answer.
    """
    winner = xp.argmax(membrane, axis=-1, keepdims=True)
    return xp.astype(winner == xp.arange(membrane.shape[-1], device=winner.device), xp.float32)
