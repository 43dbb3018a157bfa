"""One sample: composes the concepts in time, exactly as the RTL must.

A sample of T steps, L crossbars, neuron layers 0 (input) .. L (output)::

    start   membranes, pools, flags, error spikes back to their start values; a stream at 0, which
            no LFSR leaves, back to its seed; training draws jitter, and dropout (layer 0 first);
            inference draws its input from its own stream's seed on
    step t  encode                         spikes of layer 0
            for l = 1 .. L                 thin (training), crossbar l forward with the errors of
                                           step t-1, forward neurons l; lateral WTA acts on the
                                           currents of layer L
            WTA of layer L                 spikes that count
            training only, with the label train of step t:
            errors of layer L              current 256 * (label - counted spike)
            for l = L-1 .. 1               transposed crossbar l+1 with this step's errors of
                                           layer l+1, error neurons l
            after the last of T steps, or once sure (`golden.stopping`): end
    end     class = most counted spikes, the lowest index at a tie; rate form: update

Training and inference run the same forward equations; inference draws no thinning, writes
nothing, and moves no stream. The number of steps, and the margins that stop, can be set for a
sample (registers of the core): it runs the first steps and nothing else.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden import crossbar, encoder, learning, neuron, stopping, wta
from spikeloom.golden.activity import NEGATIVE, POSITIVE, PRE, ROWS, STEPS
from spikeloom.golden.compiled import compiled
from spikeloom.golden.lfsr import advance
from spikeloom.golden.spec import streams
from spikeloom.golden.spec.machine import SPIKE
from spikeloom.golden.spec.streams import INFERENCE, INPUT, LABEL
from spikeloom.golden.spec.wta import START
from spikeloom.golden.state import Constants, State

dropout_stream = compiled(streams.dropout_stream, inline="always")
jitter_stream = compiled(streams.jitter_stream, inline="always")
noise_stream = compiled(streams.noise_stream, inline="always")


@compiled
def _start(c: Constants, s: State, train: int, pixels: int) -> None:
    """Put back everything that a sample starts from; draw jitter and dropout."""
    depth = c.sizes.size - 1
    learning.start(s)
    s.error_count[:] = 0
    s.error[:] = 0
    s.waiting[:] = 0
    s.dropped[:] = 0
    s.owes[:] = 0
    s.counted[:] = 0
    s.stage[:] = START
    for stream in range(s.streams.size):
        if s.streams[stream] == 0:
            s.streams[stream] = c.seeds[stream]
    if train:
        if c.jitter:
            _shift(c, s, jitter_stream(depth), pixels)
        for layer in range(depth):
            if c.dropout[layer]:
                stream = dropout_stream(depth, layer)
                s.streams[stream] = encoder.drop(
                    s.streams[stream],
                    c.lfsr[stream],
                    c.dropout[layer],
                    s.words,
                    s.dropped[c.first[layer] : c.first[layer + 1]],
                    pixels if layer == 0 else c.sizes[layer],
                )
        for k in range(pixels):
            if s.dropped[k]:
                s.pixels[1, k] = 0
    for layer in range(1, depth + 1):
        here, above = c.first[layer], c.first[layer + 1]
        neuron.start(c.forward[train, layer], s.v[here:above], s.pool[here:above])
        neuron.start_errors(
            c.error[layer],
            s.m[here:above],
            s.m_n[here:above],
            s.error_pool[here:above],
            s.dropped[here:above],
            s.gate[here:above],
        )


@compiled
def _shift(c: Constants, s: State, stream: int, pixels: int) -> None:
    """Shift the image as jitter has it."""
    s.streams[stream] = advance(s.streams[stream], c.lfsr[stream])
    down = encoder.offset(s.streams[stream] & 0xFFFF, c.jitter)
    s.streams[stream] = advance(s.streams[stream], c.lfsr[stream])
    right = encoder.offset(s.streams[stream] & 0xFFFF, c.jitter)
    encoder.shift(s.pixels[0], s.pixels[1], pixels, c.image, down, right)


@compiled(inline="always")
def _forward(c: Constants, s: State, layer: int, train: int, t: int, update: np.ndarray) -> int:
    """Run crossbar and forward neurons of `layer` for step `t`; return the rows written."""
    below, here, above = c.first[layer - 1], c.first[layer], c.first[layer + 1]
    weights, current = crossbar.of(s.weights, c.crossbars, layer), s.current[here:above]
    crossbar.forward(weights, s.spikes[below:here], s.spike_count[layer - 1], current)
    written = 0
    if train:
        written = learning.after_reading(c, s, layer, update)
    if layer == c.sizes.size - 1:
        wta.inhibit(c.wta, c.inhibition, s.counted, current)
    p, fires = c.forward[train, layer], s.fires[here:above]
    v, pool = s.v[here:above], s.pool[here:above]
    if t:
        neuron.lose(p, v)
    if c.wta == wta.SOFTMAX and layer == c.sizes.size - 1:
        neuron.integrate(p, current, v, pool)
        stream, gain = noise_stream(layer, c.jitter), c.noise_gain[t]
        drawn = wta.compete(s.streams[stream], c.lfsr[stream], train, gain, v, fires)
        s.streams[stream] = drawn
    else:
        neuron.forward(p, current, v, pool, s.dropped[here:above], fires)
    s.spike_count[layer] = neuron.listed(fires, s.spikes[here:above])
    return written


@compiled(inline="always")
def _backward(c: Constants, s: State, layer: int, activity: np.ndarray) -> None:
    """Run the error neurons of `layer` for one step; those of the output have their currents.

    This step's spikes open gates, and cost. Where no error comes from above and none waits,
    nothing can change and nothing is computed.
    """
    here, above = c.first[layer], c.first[layer + 1]
    p, current, error = c.error[layer], s.error_current[here:above], s.error[here:above]
    m, m_n, gate = s.m[here:above], s.m_n[here:above], s.gate[here:above]
    owes, cost = s.owes[here:above], 0
    if layer < c.sizes.size - 1:
        spikes, count = s.spikes[here:above], s.spike_count[layer]
        s.waiting[layer] |= neuron.open_gates(p, spikes, count, m, m_n, gate)
        if p[neuron.COST]:
            for k in range(count):
                owes[spikes[k]] = 1
        if s.error_count[layer + 1]:
            cost = p[neuron.COST]
        elif s.waiting[layer] == 0:
            if s.error_count[layer]:
                s.error_count[layer] = 0
                error[:] = 0
            return
        top = c.first[layer + 2]
        crossbar.transposed(
            crossbar.of(learning.backward(c, s), c.crossbars, layer + 1),
            s.error[above:top],
            s.errors[above:top],
            s.error_count[layer + 1],
            current,
        )
    pool = s.error_pool[here:above]
    s.waiting[layer] = neuron.error(p, current, m, m_n, pool, gate, cost, owes, error)
    if cost:
        owes[:] = 0
    errors = s.errors[here:above]
    s.error_count[layer] = neuron.listed(error, errors)
    for k in range(s.error_count[layer]):
        activity[POSITIVE if error[errors[k]] > 0 else NEGATIVE, layer] += 1


@compiled
def _record(c: Constants, s: State, spikes: np.ndarray, errors: np.ndarray) -> None:
    """Mark this step's spikes and error spikes in a raster's rows, int8[N] each."""
    depth = c.sizes.size - 1
    for layer in range(depth):
        for k in range(s.spike_count[layer]):
            spikes[c.first[layer] + s.spikes[c.first[layer] + k]] = 1
    for j in range(c.sizes[depth]):
        spikes[c.first[depth] + j] = s.counted[j]
    for j in range(errors.size):
        errors[j] = s.error[j]


@compiled
def run_sample(
    c: Constants,
    s: State,
    image: np.ndarray,
    label: int,
    train: int,
    steps: int,
    margins: np.ndarray,
    update: np.ndarray,
    counts: np.ndarray,
    activity: np.ndarray,
    raster: np.ndarray,
) -> None:
    """Run one sample.

    image : uint8[n_0]; margins : int64[3], see `golden.stopping`; update : int64[L+1, 2] shift and
    probability per crossbar; counts : int32[n_L] counted spikes per class; activity : int32[5, L+1]
    (`golden.activity`), both overwritten. raster : int8[2, T, N] or of size 0; spikes of all layers
    (row 0: counted spikes in the output layer) and error spikes (row 1) are marked in it.
    """
    depth = c.sizes.size - 1
    output = c.first[depth]
    counts[:] = 0
    activity[:] = 0
    pixels = encoder.active_pixels(image, s.pixels[0], s.pixels[1])
    _start(c, s, train, pixels)
    source = INPUT if train else INFERENCE
    index, value, generator = s.pixels[0], s.pixels[1], c.lfsr[source]
    drawn = s.streams[source]
    margin, least = margins[train], margins[stopping.LEAST]
    ran = 0
    for t in range(steps):
        drawn, s.spike_count[0] = encoder.encode(
            drawn, generator, c.ramp[train, t], index, value, pixels, s.words, s.spikes
        )
        for layer in range(1, depth + 1):
            activity[ROWS, layer] += _forward(c, s, layer, train, t, update)
        wta.stage(c.wta, c.inhibition, s.fires[output:], s.counted, s.stage)
        for layer in range(depth):
            activity[PRE, layer] += s.spike_count[layer]
        for j in range(counts.size):
            counts[j] += s.counted[j]
            activity[PRE, depth] += s.counted[j]
        if train:
            target = c.label[t]
            if c.label_is_random:
                s.streams[LABEL] = advance(s.streams[LABEL], c.lfsr[LABEL])
                target = np.int64((s.streams[LABEL] & 0xFFFF) < target)
            for j in range(counts.size):
                wanted = target if j == label else 0
                s.error_current[output + j] = SPIKE * (wanted - s.counted[j])
            for layer in range(depth, 0, -1):
                _backward(c, s, layer, activity)
            learning.after_step(c, s)
        if raster.size:
            _record(c, s, raster[0, t], raster[1, t])
        ran = t + 1
        if margin and ran >= least and stopping.lead(counts, label if train else -1) >= margin:
            break
    activity[STEPS, 0] = ran
    if train:
        s.streams[INPUT] = drawn
        learning.after_sample(c, s, ran, update)


@compiled(nogil=True)
def run_given(
    c: Constants, s: State, spikes: np.ndarray, update: np.ndarray, counts: np.ndarray
) -> None:
    """Infer samples whose input spikes are given, in all their steps; no stream moves.

    spikes : uint8[T, n, n_0], not 0 for a spike; counts : int32[n, n_L], overwritten.
    """
    depth = c.sizes.size - 1
    counts[:] = 0
    for k in range(spikes.shape[1]):
        _start(c, s, 0, 0)
        for t in range(spikes.shape[0]):
            s.spike_count[0] = neuron.listed(spikes[t, k], s.spikes)
            for layer in range(1, depth + 1):
                _forward(c, s, layer, 0, t, update)
            wta.stage(c.wta, c.inhibition, s.fires[c.first[depth] :], s.counted, s.stage)
            for j in range(s.counted.size):
                counts[k, j] += s.counted[j]


@compiled(nogil=True)
def run_batch(
    c: Constants,
    s: State,
    images: np.ndarray,
    labels: np.ndarray,
    train: int,
    steps: int,
    margins: np.ndarray,
    update: np.ndarray,
    counts: np.ndarray,
    activity: np.ndarray,
    raster: np.ndarray,
) -> None:
    """Run samples in order; images : uint8[n, n_0], labels : int64[n], results per sample."""
    for k in range(images.shape[0]):
        run_sample(
            c,
            s,
            images[k],
            labels[k],
            train,
            steps,
            margins,
            update,
            counts[k],
            activity[k],
            raster,
        )
