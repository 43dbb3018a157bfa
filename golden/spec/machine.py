"""The integers of the machine, derived once from a configuration for golden and RTL alike.

Units: weights, currents and forward membranes are counted in weight units, the code step of the
crossbar that feeds the neuron. Output error neurons and WTA stage neurons count in 1/256 spike.
Rounding is Python's (half to even) and happens here only.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.golden.spec import learning, neuron, wta
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.neuron import SPIKE, NeuronMachine
from spikeloom.golden.spec.schema import ConfigError

RAMP_ONE = 257
"""Ramp value of rate 1: pixel 255 times 257 is 65535, the largest 16-bit word."""


def clog2(value: int) -> int:
    """Return how many bits can count `value` things: 0 for 1."""
    return (value - 1).bit_length()


def ceil_div(value: int, divisor: int) -> int:
    """Return `value / divisor`, rounded up."""
    return -(-value // divisor)


@dataclass(frozen=True, kw_only=True)
class LayerMachine(NeuronMachine):
    """One crossbar (n_pre rows, n_post columns) and its composite neurons, as integers.

    Attributes
    ----------
    weight_max : weights stay in -weight_max .. +weight_max.
    dropout : a neuron is silent for a training sample if its 16-bit word is below this.
    inhibition : WTA strength; weight units (lateral, softmax) or 1/256 spike (two-stage kinds).
    feedback : what an error spike brings the layer below; 0: the weight that it meets.
    """

    index: int
    n_pre: int
    n_post: int
    weight_bits: int
    weight_max: int
    dropout: int
    inhibition: int
    feedback: int = 0

    @property
    def current_bits(self) -> int:
        """Signed width of the exact sum of a whole column (all rows at the largest weight)."""
        return (self.n_pre * self.weight_max).bit_length() + 1

    @property
    def error_current_bits(self) -> int:
        """Signed width of the largest current of an error neuron below."""
        return (self.n_post * (self.feedback or self.weight_max)).bit_length() + 1


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
    noise_gain: tuple[int, ...]

    @property
    def rule(self) -> str:
        """Name of the learning rule, as `golden.spec.learning` has it."""
        return self.config.learning.rule

    def updates(self, epoch: int) -> tuple[Update, ...]:
        """Return each layer's update in epoch `epoch` (from 0)."""
        thetas = [layer.train.theta for layer in self.layers]
        return learning.updates(self.config, thetas, epoch)


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


def _layer(config: NetworkConfig, index: int) -> LayerMachine:
    layer = config.layers[index - 1]
    thetas = [2 ** (c.weight_bits - 1) / c.reach for c in config.layers]
    learning.check(config, index, thetas[index - 1])
    output, kind = index == config.depth, config.wta.kind
    unit = thetas[index - 1] if kind in ("lateral", wta.SOFTMAX) else SPIKE
    return LayerMachine(
        index=index,
        n_pre=config.sizes[index - 1],
        n_post=config.sizes[index],
        weight_bits=layer.weight_bits,
        weight_max=(1 << (layer.weight_bits - 1)) - 1,
        dropout=round(layer.dropout * (1 << 16)),
        inhibition=round(config.wta.strength * unit) if output else 0,
        feedback=learning.fixed_feedback(config),
        **neuron.derive(config, index, thetas, wta.REACH if output and kind == wta.SOFTMAX else 0),
    )


def _check_width(config: NetworkConfig, layer: LayerMachine) -> None:
    """Refuse what the 32-bit numbers of the golden model could not hold."""
    # the second stage's inhibition counts spikes, but is small enough not to be told apart
    current = layer.n_pre * layer.weight_max
    if config.wta.kind != wta.SOFTMAX:
        current += layer.n_post * layer.inhibition
    error_current = layer.n_post * (layer.feedback or layer.weight_max)
    where = f"layer[{layer.index}]."
    reached = {
        "wta.strength": current,
        **neuron.reached(config, layer, where, current, error_current),
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
        noise_gain=wta.gains(layers[-1].inhibition, config.input.ramp, config.steps),
    )
