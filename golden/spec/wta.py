"""The output layer's competition: its keys, and the constants of the second stage's neurons."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.golden.spec.neuron import SPIKE
from spikeloom.golden.spec.schema import choice, number

START, FLOOR, CEILING = SPIKE // 2, -4 * SPIKE, SPIKE
"""Membranes of the second stage: at a sample's start, at least, at most."""


@dataclass(frozen=True)
class WtaConfig:
    """Lateral inhibition of the output layer."""

    kind: str = choice(
        "none", "lateral", "feedforward", "recurrent",
        text="currents inhibited by last step's spikes, or a second stage by this or last step's",
    )  # fmt: skip
    strength: float = number(
        0, 16, 0.0, "what each other neuron's spike takes: thresholds (lateral), spikes"
    )
