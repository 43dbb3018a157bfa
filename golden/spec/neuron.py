"""The composite neuron: its keys, what they may be, and the integers that follow from them.

A key is added here, in `golden.neuron` and in `hdl.neuron` or `hdl.error`; nothing else names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spikeloom.golden.spec.schema import ConfigError, choice, number

if TYPE_CHECKING:
    from spikeloom.golden.spec.network import NetworkConfig

SPIKE = 256
"""One spike in the units of output error neurons and WTA stage neurons."""


@dataclass(frozen=True)
class NeuronConfig:
    """Forward neurons."""

    reset: str = choice("subtract", "zero", text="what a spike does to its membrane")
    leak: int = number(0, 15, 0, "each step takes v >> leak from a membrane v; 0: nothing")
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
        "of the error neurons, in thresholds of the next layer; of the last layer, in spikes",
    )  # fmt: skip


@dataclass(frozen=True)
class Membrane:
    """Limits of a forward neuron in weight units; one set to train with, one to infer with."""

    theta: int
    start: int
    floor: int
    ceiling: int


@dataclass(frozen=True, kw_only=True)
class NeuronMachine:
    """Integers of a layer's neurons.

    Attributes
    ----------
    train, infer : membrane limits (they differ only behind a layer with dropout).
    error_threshold : of the error neurons; weight units of the next crossbar, or 1/256 spike.
    error_max : error membranes saturate at +-error_max.
    cost : activity cost, in the units of the threshold; 0 in the output layer.
    """

    train: Membrane
    infer: Membrane
    error_threshold: int
    error_max: int
    cost: int


def _membrane(config: NeuronConfig, theta: float, reach: int) -> Membrane:
    if reach:
        return Membrane(round(theta), 0, -round(theta * reach), round(theta * reach))
    return Membrane(
        round(theta),
        round(theta * config.start),
        -round(theta * config.floor),
        round(theta * config.ceiling),
    )


def derive(
    config: NetworkConfig, index: int, thetas: list[float], reach: int = 0
) -> dict[str, Any]:
    """Return the fields of `NeuronMachine` for layer `index` (from 1).

    thetas : threshold of every layer in the units of its weights. reach : of neurons that never
    fire by themselves, how far from 0 their membranes go, in thresholds.
    """
    layer, theta = config.layers[index - 1], thetas[index - 1]
    unit = SPIKE if index == config.depth else thetas[index]
    threshold = round(layer.error_threshold * unit)
    error_max = (1 << (config.error.bits - 1)) - 1
    if not 1 <= threshold <= error_max:
        raise ConfigError(
            f"layer[{index}].error_threshold = {layer.error_threshold!r} is {threshold} units: it "
            f"must lie in 1..{error_max}, what error.bits = {config.error.bits} can hold"
        )
    silent = config.layers[index - 2].dropout if index > 1 else 0.0
    return {
        "train": _membrane(config.neuron, theta, reach),
        "infer": _membrane(config.neuron, theta / (1 - silent), reach),
        "error_threshold": threshold,
        "error_max": error_max,
        "cost": _cost(config, index, threshold),
    }


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
    limits = [abs(n) for m in (layer.train, layer.infer) for n in (m.floor, m.ceiling, m.theta)]
    return {
        f"{where}reach with neuron.floor and neuron.ceiling": current + max(limits),
        "neuron.kernel_shift": current << config.neuron.kernel_shift,
        "error.kernel_shift": error_current << config.error.kernel_shift,
        "error.bits": error_current + layer.error_max + layer.cost,
    }
