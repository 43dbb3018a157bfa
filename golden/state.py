"""What the compiled loops work on: the machine's integers, and the arrays that change.

Neurons of all layers 0 (input) .. L (output) lie side by side in arrays of N places; `first` says
where each layer begins. Lists of a layer (spikes, columns with an error) count from its beginning.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikeloom.golden import learning, neuron, wta
from spikeloom.golden.lfsr import parameters, to_signed
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.streams import streams


class Constants(NamedTuple):
    """Integers of the machine as the compiled loops take them; index 0 of a layer axis is input."""

    sizes: np.ndarray  # int64[L+1]
    first: np.ndarray  # int64[L+2]: place of each layer's first neuron
    crossbars: np.ndarray  # int64[L+2]: place of each crossbar's first weight
    weight_max: np.ndarray  # int64[L+1]
    forward: np.ndarray  # int64[2, L+1, ...]: infer/train; `neuron.forward_parameters`
    error: np.ndarray  # int64[L+1, ...]: `neuron.error_parameters`
    dropout: np.ndarray  # int64[L+1]
    ramp: np.ndarray  # int64[2, T]: infer/train
    label: np.ndarray  # int64[T]
    lfsr: np.ndarray  # int64[streams, 7]
    seeds: np.ndarray  # int64[streams]
    noise_gain: np.ndarray  # int64[T]
    image: np.ndarray  # int64[2]: rows and columns
    feedback: np.ndarray  # int16: what errors come back through, where that is not the weights
    jitter: int
    inhibition: int
    wta: int
    rule: int
    label_is_random: bool


class State(NamedTuple):
    """Arrays of a network; N neurons of all layers side by side, n_L in the output layer."""

    weights: np.ndarray  # int16, crossbars 1..L, each row-major
    streams: np.ndarray  # int64[streams]
    current: np.ndarray  # int32[N]: this step's sum of rows, then what the kernel lets through
    v: np.ndarray  # int32[N]: forward membranes
    pool: np.ndarray  # int32[N]: forward kernels
    error_current: np.ndarray  # int32[N]: the same three of the error neurons, two membranes
    m: np.ndarray  # int32[N]
    m_n: np.ndarray  # int32[N]
    error_pool: np.ndarray  # int32[N]
    spikes: np.ndarray  # int32[N]: list per layer, the spikes of this step
    spike_count: np.ndarray  # int64[L+1]: length of that list
    errors: np.ndarray  # int32[N]: list per layer, the columns with an error spike
    error_count: np.ndarray  # int64[L+1]: length of that list
    waiting: np.ndarray  # uint8[L+1]: error charge would fire or flow without further current
    fires: np.ndarray  # uint8[N]: 1 for a spike of this step
    owes: np.ndarray  # uint8[N]: it has fired, and has not been charged for it
    error: np.ndarray  # int8[N]: error spikes of the last step that had any
    gate: np.ndarray  # uint8[N]: the error neuron's gate is open
    dropped: np.ndarray  # uint8[N]
    keep: np.ndarray  # uint8[N]: thinning, per spike in the list
    words: np.ndarray  # uint16[N]: scratch of random words
    pixels: np.ndarray  # int32[2, n_0]: index and value of the non-zero pixels
    counted: np.ndarray  # uint8[n_L]: output spikes of the last step that passed the WTA
    stage: np.ndarray  # int32[n_L]: membranes of the WTA stage
    pre_sum: np.ndarray  # int32[N]: spikes of the sample so far (rate form)
    error_sum: np.ndarray  # int32[N]: error spikes of the sample so far (rate form)


def constants(machine: Machine) -> Constants:
    """Pack a machine's integers for the compiled loops."""
    config, layers = machine.config, machine.layers

    def per_layer(values: list[int], first: int = 0) -> np.ndarray:
        return np.array([first, *values], dtype=np.int64)

    def rows(found: list[list[int]]) -> list[list[int]]:
        return [[0] * len(found[0]), *found]  # the input has no neurons

    forward = [
        rows([neuron.forward_parameters(machine, layer, train=train) for layer in layers])
        for train in (False, True)
    ]
    error = rows([neuron.error_parameters(machine, layer) for layer in layers])
    every = streams(config)
    return Constants(
        sizes=np.array(config.sizes, np.int64),
        first=np.cumsum([0, *config.sizes]),
        crossbars=np.cumsum([0, 0, *(layer.n_pre * layer.n_post for layer in layers)]),
        weight_max=per_layer([layer.weight_max for layer in layers]),
        forward=np.array(forward, np.int64),
        error=np.array(error, np.int64),
        dropout=per_layer([layer.dropout for layer in layers], machine.input_dropout),
        ramp=np.array([machine.ramp_infer, machine.ramp_train], np.int64),
        label=np.array(machine.label, np.int64),
        lfsr=np.array([parameters(stream.lfsr) for stream in every]),
        seeds=_seeds(config),
        noise_gain=np.array(machine.noise_gain, np.int64),
        image=np.array(config.image, np.int64),
        feedback=learning.feedback(machine),
        jitter=config.input.jitter,
        inhibition=layers[-1].inhibition,
        wta=wta.KINDS[config.wta.kind],
        rule=learning.RULES[machine.rule],
        label_is_random=machine.label_is_random,
    )


def _seeds(config: NetworkConfig) -> np.ndarray:
    seeds = [to_signed(stream.seed(config.random.seed)) for stream in streams(config)]
    return np.array(seeds, np.int64)


def state(machine: Machine) -> State:
    """Return fresh arrays: weights 0, streams at their seeds."""
    config = machine.config
    neurons, outputs = sum(config.sizes), config.sizes[-1]
    return State(
        weights=np.zeros(config.weight_count, np.int16),
        streams=_seeds(config),
        current=np.zeros(neurons, np.int32),
        v=np.zeros(neurons, np.int32),
        pool=np.zeros(neurons, np.int32),
        error_current=np.zeros(neurons, np.int32),
        m=np.zeros(neurons, np.int32),
        m_n=np.zeros(neurons, np.int32),
        error_pool=np.zeros(neurons, np.int32),
        spikes=np.zeros(neurons, np.int32),
        errors=np.zeros(neurons, np.int32),
        spike_count=np.zeros(config.depth + 1, np.int64),
        error_count=np.zeros(config.depth + 1, np.int64),
        waiting=np.zeros(config.depth + 1, np.uint8),
        fires=np.zeros(neurons, np.uint8),
        owes=np.zeros(neurons, np.uint8),
        error=np.zeros(neurons, np.int8),
        gate=np.zeros(neurons, np.uint8),
        dropped=np.zeros(neurons, np.uint8),
        keep=np.zeros(neurons, np.uint8),
        words=np.zeros(neurons, np.uint16),
        pixels=np.zeros((2, config.sizes[0]), np.int32),
        counted=np.zeros(outputs, np.uint8),
        stage=np.zeros(outputs, np.int32),
        pre_sum=np.zeros(neurons, np.int32),
        error_sum=np.zeros(neurons, np.int32),
    )
