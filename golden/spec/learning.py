"""The learning rule: its keys, and how large a weight update is.

A key is added here, in `golden.learning` and in the rule's hardware; nothing else names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spikeloom.golden.spec.schema import ConfigError, choice, number

if TYPE_CHECKING:
    from spikeloom.golden.spec.network import NetworkConfig

SSNN_BP, RATE, RANDOM_FEEDBACK = "ssnn-bp", "rate", "random-feedback"
"""Names of the rules; `golden.rules` has a file of each."""
GOLDEN_ONLY = (RATE,)
"""Rules that no hardware has."""

SPIKE = 256
"""One spike in the units of output error neurons and WTA stage neurons."""
CERTAIN = 1 << 16
MAX_SHIFT = 15


@dataclass(frozen=True)
class LearningConfig:
    """The rule, and the decay of its updates."""

    rule: str = choice(
        SSNN_BP, RATE, RANDOM_FEEDBACK,
        text="the paper's at every step (Eq. 10) or after a sample (Eq. 9), or with fixed feedback",
    )  # fmt: skip
    decay: float = number(0, 1, 0.6, "what each epoch multiplies all updates by")
    decay_from: int = number(2, 10000, 3, "the first epoch that does, counted from 1")


@dataclass(frozen=True)
class LearningKeys:
    """What a layer says of its learning."""

    update: float = number(0, 1, 0.0003, "mean weight change per coincidence, in thresholds")


@dataclass(frozen=True)
class Update:
    """One layer's update: a power-of-two step, thinned by a probability in 1/65536.

    Each kept coincidence writes +-2**shift, kept if word < probability. `probability` is in 1/65536
    (65536 = always); the thinning word has 16 bits.
    """

    shift: int
    probability: int

    @property
    def mean(self) -> float:
        """Expected weight change per coincidence, in weight units."""
        return (1 << self.shift) * self.probability / CERTAIN


def update_for(mean: float) -> Update:
    """Return the update with mean change `mean` (weight units per coincidence).

    For a mean of 1 or more the step is the next power of two and the probability makes up the
    rest; below 1 the step is 1. The probability is rounded to the nearest 1/65536.
    """
    if not 0 <= mean <= 1 << MAX_SHIFT:
        raise ValueError(f"mean update {mean!r} is outside 0..{1 << MAX_SHIFT} weight units")
    shift = 0
    while 1 << shift < mean:
        shift += 1
    return Update(shift, round(mean / (1 << shift) * CERTAIN))


def fixed_feedback(config: NetworkConfig) -> int:
    """Return what an error spike brings the layer below, where that is no weight; else 0.

    Error thresholds of hidden layers count it, or thresholds of the layer above.
    """
    return SPIKE if config.learning.rule == RANDOM_FEEDBACK else 0


def check(config: NetworkConfig, index: int, theta: float) -> None:
    """Refuse an update of layer `index` (from 1) that no step can hold."""
    update = config.layers[index - 1].update
    if update * theta > 1 << MAX_SHIFT:
        raise ConfigError(
            f"layer[{index}].update = {update!r} is {update * theta:g} weight units: "
            f"at most {1 << MAX_SHIFT} are allowed"
        )


def updates(config: NetworkConfig, thetas: list[int], epoch: int) -> tuple[Update, ...]:
    """Return each layer's update in epoch `epoch` (from 0); `thetas` in weight units.

    The mean is multiplied by `learning.decay` once for each epoch from number
    `learning.decay_from` on (numbers from 1).
    """
    learning = config.learning
    factor = learning.decay ** max(0, epoch + 2 - learning.decay_from)
    return tuple(
        update_for(layer.update * theta * factor)
        for layer, theta in zip(config.layers, thetas, strict=True)
    )
