"""The composite neuron: its keys, what they may be, and the integers that follow from them.

A key is added here, in `golden.neuron` and in `hdl.neuron` or `hdl.error`; nothing else names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spikeloom.golden.spec.learning import SPIKE, fixed_feedback
from spikeloom.golden.spec.schema import ConfigError, choice, number

if TYPE_CHECKING:
    from spikeloom.golden.spec.network import NetworkConfig


@dataclass(frozen=True)
class NeuronConfig:
    """Forward neurons."""

    reset: str = choice("subtract", "zero", text="what a spike does to its membrane")
    kernel_shift: int = number(0, 8, 0, "currents arrive over 2**shift steps or so; 0: at once")
    floor: float = number(0, 64, 16.0, "how far below 0 a membrane goes, in thresholds")
    ceiling: float = number(0, 64, 1.0, "how much of a membrane is kept above 0, in thresholds")
    start: float = number(0, 1, 0.5, "membrane at the start of a sample, in thresholds")


@dataclass(frozen=True)
class ErrorConfig:
    """Error neurons, a positive and a negative one behind each forward neuron."""

    membranes: str = choice("shared", "separate", text="one signed membrane for both, or two")
    gate: str = choice(
        "hold", "discard", "open",
        text="before the neuron's first spike: charge waits, is lost, or fires",
    )  # fmt: skip
    kernel_shift: int = number(0, 8, 0, "as neuron.kernel_shift")
    bits: int = number(10, 30, 22, "signed width of the membranes, which saturate")
    cost: float = number(
        0, 1, 0.0, "what firing takes from a hidden neuron's error membrane, in error thresholds"
    )


@dataclass(frozen=True)
class NeuronKeys:
    """What a layer says of its neurons."""

    error_threshold: float = number(
        2**-10, 1024, 0.25,
        "of error neurons, in thresholds of the next layer; of the last layer, or with random "
        "feedback, in spikes",
    )  # fmt: skip
    leak: float = number(0, 0.5, 0.0, "share of a membrane lost per step; two shifts come near")
    drop: float = number(0, 64, 1.0, "what a spike takes with reset subtract, in thresholds")


@dataclass(frozen=True)
class Membrane:
    """Limits of a forward neuron in weight units; one set to train with, one to infer with."""

    theta: int
    start: int
    floor: int
    ceiling: int
    excess: int = 0
    """A spike takes theta + excess."""

    @property
    def drop(self) -> int:
        """What a spike takes."""
        return self.theta + self.excess


@dataclass(frozen=True)
class Leak:
    """A membrane v loses (v >> first) + sign * (v >> second) per step; first 0: nothing."""

    first: int = 0
    second: int = 0
    sign: int = 0

    @property
    def share(self) -> float:
        """What is lost, but for rounding."""
        return 2.0**-self.first + self.sign * 2.0**-self.second if self.first else 0.0

    def __bool__(self) -> bool:
        return self.first > 0


MOST_SHIFT = 15
NO_LEAK = Leak()


def leak_for(share: float) -> Leak:
    """Return the leak nearest to `share` (0 to 0.5): one shift, or two that are up to 15.

    Of equally near ones that of one shift, then the one that takes the second away: 0.1 becomes
    1/8 - 1/32.
    """
    if not share:
        return NO_LEAK
    shifts = range(1, MOST_SHIFT + 1)
    every = [Leak(first) for first in shifts] + [
        Leak(first, second, sign)
        for sign in (-1, 1)
        for first in shifts
        for second in range(first + 1, MOST_SHIFT + 1)
    ]
    return min(every, key=lambda leak: abs(leak.share - share))


@dataclass(frozen=True, kw_only=True)
class NeuronMachine:
    """Integers of a layer's neurons.

    Attributes
    ----------
    train, infer : membrane limits (they differ only behind a layer with dropout).
    error_threshold : of the error neurons; weight units of the next crossbar, or 1/256 spike.
    error_max : error membranes saturate at +-error_max.
    cost : activity cost, in the units of the threshold; 0 in the output layer.
    leak : of the forward neurons.
    """

    train: Membrane
    infer: Membrane
    error_threshold: int
    error_max: int
    cost: int
    leak: Leak = NO_LEAK


def _membrane(config: NeuronConfig, theta: float, reach: int, drop: float) -> Membrane:
    if reach:
        return Membrane(round(theta), 0, -round(theta * reach), round(theta * reach))
    return Membrane(
        round(theta),
        round(theta * config.start),
        -round(theta * config.floor),
        round(theta * config.ceiling),
        round(theta * drop) - round(theta),
    )


def derive(
    config: NetworkConfig, index: int, thetas: list[float], reach: int = 0
) -> dict[str, Any]:
    """Return the fields of `NeuronMachine` for layer `index` (from 1).

    thetas : threshold of every layer in the units of its weights. reach : of neurons that never
    fire by themselves, how far from 0 their membranes go, in thresholds.
    """
    layer, theta = config.layers[index - 1], thetas[index - 1]
    unit = SPIKE if index == config.depth else fixed_feedback(config) or thetas[index]
    threshold = round(layer.error_threshold * unit)
    error_max = (1 << (config.error.bits - 1)) - 1
    if not 1 <= threshold <= error_max:
        raise ConfigError(
            f"layer[{index}].error_threshold = {layer.error_threshold!r} is {threshold} units: it "
            f"must lie in 1..{error_max}, what error.bits = {config.error.bits} can hold"
        )
    silent = config.layers[index - 2].dropout if index > 1 else 0.0
    return {
        "train": _membrane(config.neuron, theta, reach, layer.drop),
        "infer": _membrane(config.neuron, theta / (1 - silent), reach, layer.drop),
        "error_threshold": threshold,
        "error_max": error_max,
        "cost": _cost(config, index, threshold),
        "leak": _leak(layer.leak, index),
    }


def _leak(share: float, index: int) -> Leak:
    if 0 < share < 2.0 ** -(MOST_SHIFT + 1):
        raise ConfigError(
            f"layer[{index}].leak = {share!r} is less than half of the smallest there is: take "
            f"{2.0**-MOST_SHIFT:.2g} or more, or 0"
        )
    return leak_for(share)


def _cost(config: NetworkConfig, index: int, threshold: int) -> int:
    """Return the activity cost of layer `index`, which must not round to nothing."""
    if index == config.depth or not config.error.cost:
        return 0
    cost = round(config.error.cost * threshold)
    if not cost:
        raise ConfigError(
            f"error.cost = {config.error.cost!r} is less than half a unit of layer {index}'s "
            f"error threshold of {threshold}: take {0.51 / threshold:.2g} or more, or 0"
        )
    return cost


def reached(
    config: NetworkConfig, layer: NeuronMachine, where: str, current: int, error_current: int
) -> dict[str, int]:
    """Return the largest numbers that a layer's neurons meet, by the keys that make them large.

    where : prefix of the layer's keys. current, error_current : the largest sums that come in.
    """
    limits = [
        abs(n) for m in (layer.train, layer.infer) for n in (m.floor, m.ceiling, m.theta, m.drop)
    ]
    return {
        f"{where}reach with neuron.floor and neuron.ceiling": current + max(limits),
        "neuron.kernel_shift": current << config.neuron.kernel_shift,
        "error.kernel_shift": error_current << config.error.kernel_shift,
        "error.bits": error_current + layer.error_max + layer.cost,
    }
