"""The golden network: composes the concepts into samples, exactly as the RTL must.

A sample of T steps, L crossbars, neuron layers 0 (input) .. L (output)::

    start   membranes, pools, flags, error spikes back to their start values; training draws
            dropout (layer 0 first); inference puts its input stream back to its seed
    step t  encode                         spikes of layer 0
            for l = 1 .. L                 thin (training), crossbar l forward with the errors of
                                           step t-1, forward neurons l; lateral WTA acts on the
                                           currents of layer L
            WTA stage of layer L           spikes that count
            training only, with the label train of step t:
            errors of layer L              current 256 * (label - counted spike)
            for l = L-1 .. 1               transposed crossbar l+1 with this step's errors of
                                           layer l+1, error neurons l
    end     class = most counted spikes, the lowest index at a tie; rate form: update

Training and inference run the same forward equations; inference draws no thinning, writes
nothing, and moves no training stream. The number of steps can be cut short for a sample (a
register of the core), which runs the first steps and nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from spikeloom.golden import crossbar, encoder, learning, neuron, wta
from spikeloom.golden.lfsr import advance, parameters, to_signed
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import SPIKE, Machine
from spikeloom.golden.spec.streams import INFERENCE, INPUT, LABEL, MASK64, streams

PRE, POSITIVE, NEGATIVE, ROWS = 0, 1, 2, 3
"""Rows of the activity array: spikes, positive and negative error spikes, crossbar rows written."""


class Constants(NamedTuple):
    """Integers of the machine as the compiled loops take them; index 0 of a layer axis is input."""

    sizes: np.ndarray  # int64[L+1]
    first: np.ndarray  # int64[L+2]: place of each layer's first neuron
    crossbars: np.ndarray  # int64[L+2]: place of each crossbar's first weight
    limits: np.ndarray  # int64[2, L+1, 4]: infer/train; theta, start, floor, ceiling
    weight_max: np.ndarray  # int64[L+1]
    error_theta: np.ndarray  # int64[L+1]
    dropout: np.ndarray  # int64[L+1]
    ramp: np.ndarray  # int64[2, T]: infer/train
    label: np.ndarray  # int64[T]
    lfsr: np.ndarray  # int64[streams, 6]
    error_max: int
    inhibition: int
    wta: int
    gate: int
    form: int
    kernel_shift: int
    error_kernel_shift: int
    reset_to_zero: bool
    separate: bool
    label_is_random: bool
    inference_seed: int


CURRENT, V, POOL, ERROR_CURRENT, M, M_N, ERROR_POOL, SPIKES, COLUMNS, PRE_SUM, ERROR_SUM = range(11)
FIRED, DROPPED, KEEP = range(3)
RAW, COUNTED = range(2)


class State(NamedTuple):
    """Arrays of a network; neurons of all layers 0..L lie side by side, N in all."""

    weights: np.ndarray  # int16, crossbars 1..L, each row-major
    streams: np.ndarray  # int64[streams]
    cells: np.ndarray  # int32[11, N]: CURRENT .. ERROR_SUM
    flags: np.ndarray  # uint8[3, N]: FIRED, DROPPED, KEEP
    error: np.ndarray  # int8[N]: error spikes of the last step
    pixels: np.ndarray  # int32[2, n_0]: index and value of the non-zero pixels
    output: np.ndarray  # uint8[2, n_L]: RAW, COUNTED spikes of the last step
    stage: np.ndarray  # int32[n_L]: membranes of the WTA stage


def constants(machine: Machine) -> Constants:
    """Pack a machine's integers for the compiled loops."""
    config, layers = machine.config, machine.layers

    def per_layer(values: list[int], first: int = 0) -> np.ndarray:
        return np.array([first, *values], dtype=np.int64)

    limits = np.zeros((2, config.depth + 1, 4), np.int64)
    for layer in layers:
        for row, m in enumerate((layer.infer, layer.train)):
            limits[row, layer.index] = (m.theta, m.start, m.floor, m.ceiling)
    every = streams(config)
    return Constants(
        sizes=np.array(config.sizes, np.int64),
        first=np.cumsum([0, *config.sizes]),
        crossbars=np.cumsum([0, 0, *(layer.n_pre * layer.n_post for layer in layers)]),
        limits=limits,
        weight_max=per_layer([layer.weight_max for layer in layers]),
        error_theta=per_layer([layer.error_threshold for layer in layers]),
        dropout=per_layer([layer.dropout for layer in layers], machine.input_dropout),
        ramp=np.array([machine.ramp_infer, machine.ramp_train], np.int64),
        label=np.array(machine.label, np.int64),
        lfsr=np.array([parameters(stream.lfsr) for stream in every]),
        error_max=layers[0].error_max,
        inhibition=layers[-1].inhibition,
        wta=wta.KINDS[config.wta.kind],
        gate=neuron.GATES[config.error.gate],
        form=learning.FORMS[config.learning.form],
        kernel_shift=config.neuron.kernel_shift,
        error_kernel_shift=config.error.kernel_shift,
        reset_to_zero=config.neuron.reset == "zero",
        separate=config.error.membranes == "separate",
        label_is_random=machine.label_is_random,
        inference_seed=to_signed(every[INFERENCE].seed(config.random.seed)),
    )


def state(machine: Machine) -> State:
    """Return fresh arrays: weights 0, streams at their seeds."""
    config = machine.config
    neurons = sum(config.sizes)
    seeds = [to_signed(stream.seed(config.random.seed)) for stream in streams(config)]
    return State(
        weights=np.zeros(config.weight_count, np.int16),
        streams=np.array(seeds, np.int64),
        cells=np.zeros((11, neurons), np.int32),
        flags=np.zeros((3, neurons), np.uint8),
        error=np.zeros(neurons, np.int8),
        pixels=np.zeros((2, config.sizes[0]), np.int32),
        output=np.zeros((2, config.sizes[-1]), np.uint8),
        stage=np.zeros(config.sizes[-1], np.int32),
    )


@njit(cache=True, inline="always")
def _crossbar(c: Constants, s: State, layer: int) -> np.ndarray:
    """Return crossbar `layer` as int16[n_pre, n_post], a view."""
    flat = s.weights[c.crossbars[layer] : c.crossbars[layer + 1]]
    return flat.reshape((c.sizes[layer - 1], c.sizes[layer]))


@njit(cache=True)
def _start(c: Constants, s: State, train: int, pixels: int) -> None:
    depth = c.sizes.size - 1
    s.cells[:] = 0
    s.flags[:] = 0
    s.error[:] = 0
    s.output[:] = 0
    s.stage[:] = wta.START
    for layer in range(1, depth + 1):
        s.cells[V, c.first[layer] : c.first[layer + 1]] = c.limits[train, layer, 1]
    for layer in range(depth):
        if train and c.dropout[layer]:
            stream = 3 + depth + layer
            s.streams[stream] = encoder.drop(
                s.streams[stream],
                c.lfsr[stream],
                c.dropout[layer],
                s.flags[DROPPED, c.first[layer] : c.first[layer + 1]],
                pixels if layer == 0 else c.sizes[layer],
            )
    if not train:
        s.streams[INFERENCE] = c.inference_seed


@njit(cache=True)
def _forward(
    c: Constants, s: State, layer: int, train: int, count: int, update: np.ndarray
) -> tuple[int, int]:
    """Run crossbar and forward neurons of `layer` for one step; return spikes and rows written."""
    below, here = c.first[layer - 1], c.first[layer]
    above = c.first[layer + 1]
    active = 0
    if train:
        stream = 2 + layer
        s.streams[stream] = learning.thin(
            s.streams[stream], c.lfsr[stream], update[layer, 1], count, s.flags[KEEP, below:here]
        )
        if c.form == learning.COINCIDENCE:
            active = learning.signals(s.error[here:above], s.cells[COLUMNS, here:above])
    current = s.cells[CURRENT, here:above]
    rows = crossbar.forward(
        _crossbar(c, s, layer),
        s.cells[SPIKES, below:here],
        count,
        s.flags[KEEP, below:here],
        s.cells[COLUMNS, here:above],
        s.error[here:above],
        active,
        update[layer, 0],
        c.weight_max[layer],
        current,
    )
    if layer == c.sizes.size - 1:
        wta.inhibit(c.wta, c.inhibition, s.output[COUNTED], current)
    fired = neuron.forward(
        current,
        s.cells[V, here:above],
        s.cells[POOL, here:above],
        s.flags[FIRED, here:above],
        s.flags[DROPPED, here:above],
        c.limits[train, layer],
        c.reset_to_zero,
        c.kernel_shift,
        s.cells[SPIKES, here:above],
    )
    return fired, rows


@njit(cache=True)
def _count_output(c: Constants, s: State, fired: int, counts: np.ndarray) -> int:
    """Run the WTA on the output spikes just listed; count and return those that pass it."""
    depth = c.sizes.size - 1
    raw = s.output[RAW]
    raw[:] = 0
    for k in range(fired):
        raw[s.cells[SPIKES, c.first[depth] + k]] = 1
    wta.stage(c.wta, c.inhibition, raw, s.output[COUNTED], s.stage)
    total = 0
    for j in range(counts.size):
        counts[j] += s.output[COUNTED, j]
        total += s.output[COUNTED, j]
    return total


@njit(cache=True)
def _backward(
    c: Constants, s: State, label: int, step: int, pending: np.ndarray, activity: np.ndarray
) -> None:
    """Run the error neurons of one step, from the output down; pending : uint8[L+1]."""
    depth = c.sizes.size - 1
    target = c.label[step]
    if c.label_is_random:
        s.streams[LABEL] = advance(s.streams[LABEL], c.lfsr[LABEL])
        target = np.int64((s.streams[LABEL] & 0xFFFF) < target)
    for j in range(c.sizes[depth]):
        wanted = target if j == label else 0
        s.cells[ERROR_CURRENT, c.first[depth] + j] = SPIKE * (wanted - s.output[COUNTED, j])
    for layer in range(depth, 0, -1):
        here, above = c.first[layer], c.first[layer + 1]
        if layer < depth:
            top = c.first[layer + 2]
            columns = s.cells[COLUMNS, above:top]
            active = learning.signals(s.error[above:top], columns)
            if active or pending[layer]:
                crossbar.transposed(
                    _crossbar(c, s, layer + 1),
                    columns,
                    s.error[above:top],
                    active,
                    s.cells[ERROR_CURRENT, here:above],
                )
            else:
                s.error[here:above] = 0
                continue
        pending[layer] = neuron.error(
            s.cells[ERROR_CURRENT, here:above],
            s.cells[M, here:above],
            s.cells[M_N, here:above],
            s.cells[ERROR_POOL, here:above],
            s.flags[FIRED, here:above],
            s.flags[DROPPED, here:above],
            c.error_theta[layer],
            c.error_max,
            neuron.OPEN if layer == depth else c.gate,
            c.separate,
            c.error_kernel_shift,
            s.error[here:above],
        )
        positive = negative = 0
        for e in s.error[here:above]:
            positive += e > 0
            negative += e < 0
        activity[POSITIVE, layer] += positive
        activity[NEGATIVE, layer] += negative


@njit(cache=True)
def _sum_spikes(c: Constants, s: State, count: int, layer: int) -> None:
    """Add the `count` listed spikes of `layer` to its sums over the sample (rate form)."""
    for k in range(count):
        s.cells[PRE_SUM, c.first[layer] + s.cells[SPIKES, c.first[layer] + k]] += 1


@njit(cache=True)
def _rate_update(c: Constants, s: State, steps: int, update: np.ndarray) -> None:
    for layer in range(1, c.sizes.size):
        stream = 2 + layer
        s.streams[stream] = learning.rate_update(
            _crossbar(c, s, layer),
            s.cells[PRE_SUM, c.first[layer - 1] : c.first[layer]],
            s.cells[ERROR_SUM, c.first[layer] : c.first[layer + 1]],
            s.streams[stream],
            c.lfsr[stream],
            update[layer, 0],
            update[layer, 1],
            steps,
            c.weight_max[layer],
        )


@njit(cache=True)
def run_sample(
    c: Constants,
    s: State,
    image: np.ndarray,
    label: int,
    train: int,
    steps: int,
    update: np.ndarray,
    counts: np.ndarray,
    activity: np.ndarray,
    raster: np.ndarray,
) -> None:
    """Run one sample.

    image : uint8[n_0]; update : int64[L+1, 2] shift and probability per crossbar;
    counts : int32[n_L] counted spikes per class; activity : int32[4, L+1] (PRE, POSITIVE,
    NEGATIVE, ROWS), both overwritten. raster : int8[2, T, N] or of size 0; spikes of all layers
    (row 0: counted spikes in the output layer) and error spikes (row 1) are marked in it.
    """
    depth = c.sizes.size - 1
    counts[:] = 0
    activity[:] = 0
    pixels = encoder.active_pixels(image, s.pixels[0], s.pixels[1])
    _start(c, s, train, pixels)
    pending = np.zeros(depth + 1, np.uint8)
    source = INPUT if train else INFERENCE
    rate_form = train and c.form == learning.RATE
    for t in range(steps):
        s.streams[source], count = encoder.encode(
            s.streams[source],
            c.lfsr[source],
            c.ramp[train, t],
            s.pixels[0],
            s.pixels[1],
            s.flags[DROPPED, : c.sizes[0]],
            pixels,
            s.cells[SPIKES, : c.sizes[0]],
        )
        for layer in range(1, depth + 1):
            activity[PRE, layer - 1] += count
            if rate_form:
                _sum_spikes(c, s, count, layer - 1)
            if raster.size:
                for k in range(count):
                    raster[0, t, c.first[layer - 1] + s.cells[SPIKES, c.first[layer - 1] + k]] = 1
            count, rows = _forward(c, s, layer, train, count, update)
            activity[ROWS, layer] += rows
        activity[PRE, depth] += _count_output(c, s, count, counts)
        if train:
            _backward(c, s, label, t, pending, activity)
        if rate_form:
            s.cells[ERROR_SUM] += s.error
        if raster.size:
            raster[0, t, c.first[depth] :] = s.output[COUNTED]
            raster[1, t] = s.error
    if rate_form:
        _rate_update(c, s, steps, update)


@njit(cache=True, nogil=True)
def run_batch(
    c: Constants,
    s: State,
    images: np.ndarray,
    labels: np.ndarray,
    train: int,
    steps: int,
    update: np.ndarray,
    counts: np.ndarray,
    activity: np.ndarray,
) -> None:
    """Run samples in order; images : uint8[n, n_0], labels : int64[n], results per sample."""
    nothing = np.zeros((0, 0, 0), np.int8)
    for k in range(images.shape[0]):
        run_sample(
            c, s, images[k], labels[k], train, steps, update, counts[k], activity[k], nothing
        )


class Network:
    """A golden network that trains and infers, sample by sample, bit for bit as the RTL does.

    Parameters
    ----------
    machine : what `golden.spec.machine.machine(config)` derived.

    Weights start at 0 (`golden.initial` has the initial ones), streams at the run's seeds, and
    updates at those of the first epoch.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._constants = constants(machine)
        self._state = state(machine)
        self.steps = machine.config.steps
        self.set_updates(machine.updates(0))

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        rows = [(0, 0), *((u.shift, u.probability) for u in updates)]
        self._update = np.array(rows, dtype=np.int64)

    @property
    def weights(self) -> list[np.ndarray]:
        """Copies of the weights: int16[n_pre, n_post] per crossbar."""
        return [self._view(layer).copy() for layer in range(1, self.machine.config.depth + 1)]

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        for layer, given in zip(self.machine.layers, weights, strict=True):
            mine = self._view(layer.index)
            largest = np.abs(given.astype(np.int32)).max()
            if mine.shape != given.shape or largest > layer.weight_max:
                raise ValueError(
                    f"weights of shape {given.shape} within +-{largest} do not fit crossbar "
                    f"{layer.index}: it is {mine.shape} within +-{layer.weight_max}"
                )
            mine[:] = given

    def _view(self, layer: int) -> np.ndarray:
        sizes, first = self.machine.config.sizes, self._constants.crossbars
        flat = self._state.weights[first[layer] : first[layer + 1]]
        return flat.reshape(sizes[layer - 1], sizes[layer])

    @property
    def stream_states(self) -> list[int]:
        """States of all streams, in the order of `golden.spec.streams.streams`."""
        return [int(value) & MASK64 for value in self._state.streams]

    @stream_states.setter
    def stream_states(self, states: list[int]) -> None:
        self._state.streams[:] = [to_signed(value) for value in states]

    def train(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Train on samples in order; see `_run` for shapes."""
        return self._run(images, labels, 1)

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes: int32[n, classes]; the class is the argmax."""
        return self._run(images, np.zeros(len(images), np.int64), 0)[0]

    def _run(
        self, images: np.ndarray, labels: np.ndarray, train: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return counts int32[n, classes] and activity int32[n, 4, L+1] (`run_sample`)."""
        n, sizes = len(images), self.machine.config.sizes
        flat = np.ascontiguousarray(images, dtype=np.uint8).reshape(n, sizes[0])
        counts = np.empty((n, sizes[-1]), np.int32)
        activity = np.empty((n, 4, len(sizes)), np.int32)
        run_batch(
            self._constants,
            self._state,
            flat,
            np.ascontiguousarray(labels, dtype=np.int64),
            train,
            self.steps,
            self._update,
            counts,
            activity,
        )
        return counts, activity

    def raster(self, image: np.ndarray, label: int, train: int) -> tuple[np.ndarray, np.ndarray]:
        """Run one sample and record it: spikes and errors, int8[T, sum of sizes] each.

        With `train` it is a training sample like any other: it learns and moves the streams.
        """
        sizes = self.machine.config.sizes
        raster = np.zeros((2, self.steps, sum(sizes)), np.int8)
        run_sample(
            self._constants,
            self._state,
            np.ascontiguousarray(image, dtype=np.uint8).reshape(-1),
            label,
            train,
            self.steps,
            self._update,
            np.empty(sizes[-1], np.int32),
            np.empty((4, len(sizes)), np.int32),
            raster,
        )
        return raster[0], raster[1]
