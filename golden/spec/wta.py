"""The output layer's competition: its keys, and the constants of the second stage's neurons."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spikeloom.golden.spec.neuron import SPIKE
from spikeloom.golden.spec.schema import choice, number

SOFTMAX = "softmax"

START, FLOOR, CEILING = SPIKE // 2, -4 * SPIKE, SPIKE
"""Membranes of the second stage: at a sample's start, at least, at most."""


@dataclass(frozen=True)
class WtaConfig:
    """Lateral inhibition of the output layer."""

    kind: str = choice(
        "none", "lateral", "feedforward", "recurrent", SOFTMAX,
        text="currents inhibited by last step's spikes, a second stage by this or last step's, or "
        "one spike a step",
    )  # fmt: skip
    strength: float = number(
        0,
        16,
        0.0,
        "what each other neuron's spike takes: thresholds (lateral), spikes; softmax: its noise, "
        "thresholds",
    )


NOISE_BITS = 8
"""Bits of a word that address the table of the softmax kind's noise."""
NOISE_ONE = 6
"""Bits after the point of the table's numbers."""
REACH = 256
"""How far from 0 membranes of the softmax kind go, in thresholds."""


def gumbel() -> tuple[int, ...]:
    """Return the table: a standard Gumbel number at the middle of each of 2**NOISE_BITS parts."""
    parts = 1 << NOISE_BITS
    return tuple(
        round(-math.log(-math.log((k + 0.5) / parts)) * (1 << NOISE_ONE)) for k in range(parts)
    )


def gains(strength: float, ramp: str, steps: int) -> tuple[int, ...]:
    """Return the noise's gain in each step: `strength` times the share of the ramp that has passed.

    Of a linear ramp u (2 - u) has passed after the share u of all steps, of a constant one u.
    """
    shares = [(t + 1) / steps for t in range(steps)]
    passed = shares if ramp == "constant" else [u * (2 - u) for u in shares]
    return tuple(round(strength * share) for share in passed)
