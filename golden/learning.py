"""The learning rule: what is done at each point of a training sample, for whichever rule it is.

`golden.rules` has the equations. Whoever runs a sample calls the functions here, and does not know
which rule there is; one that is added is added to them, to `golden.spec.learning` and to its
hardware.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikeloom.golden import crossbar
from spikeloom.golden.compiled import compiled
from spikeloom.golden.rules import random_feedback
from spikeloom.golden.rules.rate import rate_update
from spikeloom.golden.rules.ssnn_bp import thin
from spikeloom.golden.spec import learning as spec
from spikeloom.golden.spec import streams

if TYPE_CHECKING:
    from spikeloom.golden.spec.machine import Machine
    from spikeloom.golden.state import Constants, State

SSNN_BP, RATE, RANDOM_FEEDBACK = 0, 1, 2
RULES = {spec.SSNN_BP: SSNN_BP, spec.RATE: RATE, spec.RANDOM_FEEDBACK: RANDOM_FEEDBACK}
"""Numbers that the compiled loops know the rules by."""

thinning_stream = compiled(streams.thinning_stream, inline="always")


def feedback(machine: Machine) -> np.ndarray:
    """Return what a rule's errors come back through: int16, as `State.weights`; none of weights."""
    if machine.rule != spec.RANDOM_FEEDBACK:
        return np.empty(0, np.int16)
    first, *others = machine.layers
    unused = np.zeros(first.n_pre * first.n_post, np.int16)
    every = [random_feedback.signs(layer.n_pre, layer.n_post).ravel() for layer in others]
    return np.concatenate([unused, *every])


@compiled(inline="always")
def backward(c: Constants, s: State) -> np.ndarray:
    """Return the crossbars, side by side, that error spikes are sent back through."""
    return c.feedback if c.rule == RANDOM_FEEDBACK else s.weights


@compiled
def start(s: State) -> None:
    """Begin a sample."""
    s.pre_sum[:] = 0
    s.error_sum[:] = 0


@compiled(inline="always")
def after_reading(c: Constants, s: State, layer: int, update: np.ndarray) -> int:
    """Learn in a training step, once crossbar `layer` is read; return how many rows were written.

    update : int64[L+1, 2], shift and probability per crossbar.
    """
    below, here, above = c.first[layer - 1], c.first[layer], c.first[layer + 1]
    count, stream = s.spike_count[layer - 1], thinning_stream(layer)
    s.streams[stream] = thin(
        s.streams[stream], c.lfsr[stream], update[layer, 1], count, s.words, s.keep
    )
    if s.error_count[layer] == 0 or c.rule == RATE:
        return 0
    return crossbar.write(
        crossbar.of(s.weights, c.crossbars, layer),
        s.spikes[below:here],
        count,
        s.keep,
        s.error[here:above],
        s.errors[here:above],
        s.error_count[layer],
        update[layer, 0],
        c.weight_max[layer],
    )


@compiled(inline="always")
def after_step(c: Constants, s: State) -> None:
    """Learn at the end of a training step, once its error spikes are there."""
    if c.rule == RATE:
        _sum(c, s)


@compiled(inline="always")
def after_sample(c: Constants, s: State, steps: int, update: np.ndarray) -> None:
    """Learn at the end of a training sample of `steps` steps."""
    if c.rule == RATE:
        _rate_update(c, s, steps, update)


@compiled
def _sum(c: Constants, s: State) -> None:
    """Add a step's spikes and error spikes to the sums over the sample (rate form)."""
    for layer in range(c.sizes.size - 1):
        first = c.first[layer]
        for k in range(s.spike_count[layer]):
            s.pre_sum[first + s.spikes[first + k]] += 1
    for j in range(s.error.size):
        s.error_sum[j] += s.error[j]


@compiled
def _rate_update(c: Constants, s: State, steps: int, update: np.ndarray) -> None:
    """Write all crossbars at the end of a sample (rate form)."""
    for layer in range(1, c.sizes.size):
        stream = thinning_stream(layer)
        s.streams[stream] = rate_update(
            crossbar.of(s.weights, c.crossbars, layer),
            s.pre_sum[c.first[layer - 1] : c.first[layer]],
            s.error_sum[c.first[layer] : c.first[layer + 1]],
            s.streams[stream],
            c.lfsr[stream],
            update[layer, 0],
            update[layer, 1],
            steps,
            c.weight_max[layer],
        )
