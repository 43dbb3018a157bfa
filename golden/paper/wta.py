"""Winner takes all by iterated lateral inhibition, in the place of softmax (Eq. 2)."""

from __future__ import annotations

from spikeloom.golden.paper.arrays import Array
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
