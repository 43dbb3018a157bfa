"""The integers of the machine, derived once from a configuration for golden and RTL alike.

Units: weights, currents and forward membranes are counted in weight units, the code step of the
crossbar that feeds the neuron. Output error neurons and WTA stage neurons count in 1/256 spike.
Rounding is Python's (half to even) and happens here only.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.golden.spec.learning import MAX_SHIFT, Update, update_for
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.schema import ConfigError

RAMP_ONE = 257
"""Ramp value of rate 1: pixel 255 times 257 is 65535, the largest 16-bit word."""

SPIKE = 256
"""One spike in the units of output error neurons and WTA stage neurons."""


def clog2(value: int) -> int:
    """Return how many bits can count `value` things: 0 for 1."""
    return (value - 1).bit_length()


def ceil_div(value: int, divisor: int) -> int:
    """Return `value / divisor`, rounded up."""
    return -(-value // divisor)


@dataclass(frozen=True)
class Membrane:
    """Limits of a forward neuron in weight units; one set to train with, one to infer with."""

    theta: int
    start: int
    floor: int
    ceiling: int


@dataclass(frozen=True)
class LayerMachine:
    """One crossbar (n_pre rows, n_post columns) and its composite neurons, as integers.

    Attributes
    ----------
    weight_max : weights stay in -weight_max .. +weight_max.
    train, infer : membrane limits (they differ only behind a layer with dropout).
    error_threshold : of the error neurons; weight units of the next crossbar, or 1/256 spike.
    error_max : error membranes saturate at +-error_max.
    dropout : a neuron is silent for a training sample if its 16-bit word is below this.
    inhibition : WTA strength; weight units (lateral) or 1/256 spike (two-stage kinds).
    """

    index: int
    n_pre: int
    n_post: int
    weight_bits: int
    weight_max: int
    train: Membrane
    infer: Membrane
    error_threshold: int
    error_max: int
    dropout: int
    inhibition: int

    @property
    def current_bits(self) -> int:
        """Signed width of the exact sum of a whole column (all rows at the largest weight)."""
        return (self.n_pre * self.weight_max).bit_length() + 1

    @property
    def error_current_bits(self) -> int:
        """Signed width of the exact sum of a whole row: the current of an error neuron below."""
        return (self.n_post * self.weight_max).bit_length() + 1


@dataclass(frozen=True)
class Machine:
    """All integers of one network, beside the configuration that they come from."""

    config: NetworkConfig
    layers: tuple[LayerMachine, ...]
    ramp_train: tuple[int, ...]
    ramp_infer: tuple[int, ...]
    label: tuple[int, ...]
    label_is_random: bool
    input_dropout: int

    def updates(self, epoch: int) -> tuple[Update, ...]:
        """Return each layer's update in epoch `epoch` (from 0).

        The mean is multiplied by `learning.decay` once for each epoch from number
        `learning.decay_from` on (numbers from 1).
        """
        learning = self.config.learning
        factor = learning.decay ** max(0, epoch + 2 - learning.decay_from)
        return tuple(
            update_for(config.update * layer.train.theta * factor)
            for config, layer in zip(self.config.layers, self.layers, strict=True)
        )


def _ramp(config: NetworkConfig, scale: float) -> tuple[int, ...]:
    steps, rate = config.steps, config.input.rate * scale
    if config.input.ramp == "constant":
        shape = [1.0] * steps
    else:
        shape = [2 * (1 - (t + 0.5) / steps) for t in range(steps)]
    return tuple(min(RAMP_ONE, round(rate * s * RAMP_ONE)) for s in shape)


def _label(config: NetworkConfig) -> tuple[int, ...]:
    """Per step the label train: 0/1 spikes, or 16-bit thresholds where it is random."""
    steps, label = config.steps, config.label
    front = label.train in ("front", "random-front")
    rates = [label.rate * (2 * (1 - (t + 0.5) / steps) if front else 1) for t in range(steps)]
    chances = [min(1 << 16, round(rate * (1 << 16))) for rate in rates]
    if label.train in ("random", "random-front"):
        return tuple(chances)
    spikes, phase = [], 0
    for chance in chances:
        phase += chance
        spikes.append(phase >> 16)
        phase &= 0xFFFF
    return tuple(spikes)


def _membrane(config: NetworkConfig, theta: float) -> Membrane:
    neuron = config.neuron
    return Membrane(
        round(theta),
        round(theta * neuron.start),
        -round(theta * neuron.floor),
        round(theta * neuron.ceiling),
    )


def _layer(config: NetworkConfig, index: int) -> LayerMachine:
    layer = config.layers[index - 1]
    last = index == config.depth
    thetas = [2 ** (c.weight_bits - 1) / c.reach for c in config.layers]
    theta = thetas[index - 1]
    pre_dropout = config.layers[index - 2].dropout if index > 1 else 0.0
    unit = SPIKE if last else thetas[index]
    threshold = round(layer.error_threshold * unit)
    error_max = (1 << (config.error.bits - 1)) - 1
    where = f"layer[{index}]."
    if not 1 <= threshold <= error_max:
        raise ConfigError(
            f"{where}error_threshold = {layer.error_threshold!r} is {threshold} units: it must lie "
            f"in 1..{error_max}, what error.bits = {config.error.bits} can hold"
        )
    if layer.update * theta > 1 << MAX_SHIFT:
        raise ConfigError(
            f"{where}update = {layer.update!r} is {layer.update * theta:g} weight units: "
            f"at most {1 << MAX_SHIFT} are allowed"
        )
    lateral = config.wta.kind == "lateral"
    return LayerMachine(
        index=index,
        n_pre=config.sizes[index - 1],
        n_post=config.sizes[index],
        weight_bits=layer.weight_bits,
        weight_max=(1 << (layer.weight_bits - 1)) - 1,
        train=_membrane(config, theta),
        infer=_membrane(config, theta / (1 - pre_dropout)),
        error_threshold=threshold,
        error_max=error_max,
        dropout=round(layer.dropout * (1 << 16)),
        inhibition=round(config.wta.strength * (theta if lateral else SPIKE)) if last else 0,
    )


def _check_width(config: NetworkConfig, layer: LayerMachine) -> None:
    """Refuse what the 32-bit numbers of the golden model could not hold."""
    # the second stage's inhibition counts spikes, but is small enough not to be told apart
    current = layer.n_pre * layer.weight_max + layer.n_post * layer.inhibition
    error_current = layer.n_post * layer.weight_max
    limits = [abs(limit) for m in (layer.train, layer.infer) for limit in (m.floor, m.ceiling)]
    reached = {
        "wta.strength": current,
        f"layer[{layer.index}].reach with neuron.floor and neuron.ceiling": current
        + max(*limits, layer.train.theta, layer.infer.theta),
        "neuron.kernel_shift": current << config.neuron.kernel_shift,
        "error.kernel_shift": error_current << config.error.kernel_shift,
    }
    for keys, value in reached.items():
        if value >= 1 << 31:
            raise ConfigError(
                f"{keys}: layer {layer.index} could reach {value} weight units, the model's 32-bit "
                f"numbers end at {(1 << 31) - 1}: choose smaller ones, or fewer weight bits"
            )


def machine(config: NetworkConfig) -> Machine:
    """Derive every integer of `config`; raises `ConfigError` where two keys cannot go together."""
    if config.layers[-1].dropout:
        raise ConfigError(
            f"layer[{config.depth}].dropout = {config.layers[-1].dropout!r}: "
            "output neurons are never dropped, set it to 0.0"
        )
    layers = tuple(_layer(config, index) for index in range(1, config.depth + 1))
    for layer in layers:
        _check_width(config, layer)
    return Machine(
        config=config,
        layers=layers,
        ramp_train=_ramp(config, 1.0),
        ramp_infer=_ramp(config, 1.0 - config.input.dropout),
        label=_label(config),
        label_is_random=config.label.train in ("random", "random-front"),
        input_dropout=round(config.input.dropout * (1 << 16)),
    )
