"""Self-test of what learns: error spikes, their way back, writes; then all of it together.

Error spikes are seen by the weights that they write, one unit per coincidence, and by the core's
counters where it has them.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from spikeloom import datasets
from spikeloom.golden import initial
from spikeloom.golden.datasets import DataError
from spikeloom.golden.spec.learning import CERTAIN, Update
from spikeloom.golden.spec.machine import SPIKE, LayerMachine, Machine
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.streams import thinning_stream
from spikeloom.sim.selftest.forward import TRIES, Maker, search, walk
from spikeloom.sim.selftest.probe import Probe, Stimulus, observe, variant

ALWAYS = Update(0, CERTAIN)
DIGITS = 30
WORDS = 200
"""Thinning words from a stimulus' beginning among which one is looked for."""


def _watching(layers: list[int]) -> Maker:
    """Return a maker of stimuli in which the error spikes of `layers` write their crossbars."""

    def make(probe: Probe) -> Stimulus:
        given = walk(probe)
        weights = [_stepped(probe, layer, given) for layer in probe.machine.layers]
        for layer in layers:  # away from the rails, which are another check's
            most = 3 * probe.machine.layers[layer - 1].weight_max // 4
            weights[layer - 1] = np.clip(given.weights[layer - 1], -most, most)
        return probe.stimulus(
            given.images, weights, labels=given.labels, updates=dict.fromkeys(layers, ALWAYS)
        )

    return make


def _stepped(probe: Probe, layer: LayerMachine, given: Stimulus) -> np.ndarray:
    """Return weights of few sizes, so that sums of columns often meet a threshold exactly."""
    if layer.index == 1:
        return given.weights[0]
    threshold = probe.machine.layers[layer.index - 2].error_threshold
    unit = max(1, threshold // int(probe.rng.integers(1, 5)))
    most = max(1, min(4, layer.weight_max // unit))
    weights = unit * probe.rng.integers(-most, most, (layer.n_pre, layer.n_post), endpoint=True)
    weights += probe.rng.integers(-1, 2, weights.shape) * (probe.rng.random(weights.shape) < 0.1)
    return np.clip(weights, -layer.weight_max, layer.weight_max).astype(np.int16)


def error(probe: Probe) -> None:
    """Look at the label train and at what other error neurons of the output would show."""
    machine = probe.machine
    last = machine.layers[-1]
    watch = _watching([last.index])
    if probe.counted:
        probe.expect(walk(probe), "error spikes, none written", learning=[last.index])
    probe.expect(watch(probe), "error spikes of the output", learning=[last.index])
    threshold = f"layer{last.index}__error_threshold"
    wrongs = {
        "label train": variant(machine, label=machine.label[1:] + machine.label[:1]),
        "no label train": variant(machine, label=(0,) * len(machine.label)),
        "threshold, higher": variant(machine, **{threshold: last.error_threshold + 1}),
        "threshold, lower": variant(machine, **{threshold: max(1, last.error_threshold - SPIKE)}),
    }
    if len(set(machine.label)) == 1:
        del wrongs["label train"]
    for name, wrong in wrongs.items():
        search(probe, f"output errors, {name}", wrong, make=watch, learning=[last.index])
    _kinds(probe, machine, watch, [last.index])


def _kinds(probe: Probe, machine: Machine, make: Maker, layers: list[int]) -> None:
    """Look at what other membranes and kernels of error neurons would show."""
    kind = "separate" if machine.config.error.membranes == "shared" else "shared"
    wrongs = {f"membranes, not {kind}": variant(machine, error__membranes=kind)}
    if shift := machine.config.error.kernel_shift:
        wrongs["kernel"] = variant(machine, error__kernel_shift=shift - 1)
    for name, wrong in wrongs.items():
        search(probe, f"errors, {name}", wrong, make=make, learning=layers)


def backward(probe: Probe) -> None:
    """Look at sums of columns by the error spikes that they make, and at the gates."""
    machine = probe.machine
    hidden, every = machine.layers[:-1], probe.layers
    if not hidden:
        probe.notes.append("this network has one crossbar")
        return
    watch = _watching([layer.index for layer in hidden])
    if probe.counted:
        for _ in range(4):
            probe.expect(walk(probe), "hidden error spikes, none written", learning=every)
    for _ in range(4):
        probe.expect(watch(probe), "hidden error spikes", learning=every)
    for layer in hidden:
        name = f"layer{layer.index}__error_threshold"
        for side in (1, -1):
            if layer.error_threshold + side:
                wrong = variant(machine, **{name: layer.error_threshold + side})
                what = f"error threshold of layer {layer.index}"
                search(probe, what, wrong, make=watch, learning=every)
        for cost in (0, layer.cost + 1) if layer.cost else ():
            wrong = variant(machine, **{f"layer{layer.index}__cost": cost})
            search(probe, f"cost of layer {layer.index}", wrong, make=watch, learning=every)
    for gate in sorted({"hold", "discard", "open"} - {machine.config.error.gate}):
        wrong = variant(machine, error__gate=gate)
        search(probe, f"gate, not {gate}", wrong, make=watch, learning=every)
    _kinds(probe, machine, watch, every)


def learning(probe: Probe) -> None:
    """Look at the step, at thinning, and at both rails."""
    machine = probe.machine
    half, every = Update(0, CERTAIN // 2), probe.layers
    for layer in machine.layers:
        large = Update(max(0, layer.weight_bits - 3), CERTAIN)
        double = Update(1, CERTAIN)
        for name, update in (("a step of 1", ALWAYS), ("a step of 2", double), ("thinning", half)):
            given = _with(probe, walk(probe), {layer.index: update})
            probe.expect(given, f"{name}, layer {layer.index}", learning=every)
        _at_chance(probe, layer)
        for _ in range(3):
            given = walk(probe)
            rails = layer.weight_max - probe.rng.integers(3, size=(layer.n_pre, layer.n_post))
            signs = probe.rng.choice([-1, 1], rails.shape)
            given.weights[layer.index - 1][:] = np.maximum(rails, 0) * signs
            for update in (ALWAYS, large):
                railed = _with(probe, given, {layer.index: update})
                probe.expect(railed, f"rails, layer {layer.index}", learning=every)
    updates = {layer.index: half for layer in machine.layers}
    for _ in range(3):
        given = _with(probe, walk(probe), updates)
        probe.expect(given, "all crossbars at once", learning=every)


def _at_chance(probe: Probe, layer: LayerMachine) -> None:
    """Give a probability that equals a word drawn where an error waits: it must not be kept."""
    stream = thinning_stream(layer.index)
    for _ in range(TRIES):
        given = walk(probe)
        words, _ = probe.draw(stream, given.states[stream], WORDS)
        chance = int(probe.rng.choice(words))
        kept, too = (_with(probe, given, {layer.index: Update(0, p)}) for p in (chance, chance + 1))
        pairs = zip(*(observe(probe.machine, s).weights for s in (kept, too)), strict=True)
        if any(not np.array_equal(a, b) for a, b in pairs):
            what = f"a word equal to the probability, layer {layer.index}"
            probe.expect(kept, what, learning=probe.layers)
            return
    probe.notes.append(f"no word equal to the probability met an error in layer {layer.index}")


def _with(probe: Probe, given: Stimulus, updates: dict[int, Update]) -> Stimulus:
    """Return a stimulus with other updates, by layer; no writes in those left out."""
    return dataclasses.replace(given, updates=probe.updates(updates))


def inference(probe: Probe) -> None:
    """Infer, and between samples that train; inference must leave no trace."""
    machine = probe.machine
    for _ in range(4):
        given = walk(probe)
        images = np.concatenate([given.images, given.images])
        found = probe.stimulus(images, given.weights, infer=True)
        probe.expect(found, "inferred samples")
        probe.expect_digest("after inferring, ")
    probe.expect(walk(probe), "trained samples after inferred ones")
    for layer in machine.layers:
        if layer.infer != layer.train:
            wrong = variant(machine, **{f"layer{layer.index}__infer": layer.train})
            search(probe, f"limits of layer {layer.index}", wrong, make=_inferring)
    if machine.ramp_infer != machine.ramp_train:
        search(probe, "ramp", variant(machine, ramp_infer=machine.ramp_train), make=_inferring)


def _inferring(probe: Probe) -> Stimulus:
    return dataclasses.replace(walk(probe), labels=None)


def stopping(probe: Probe) -> None:
    """Let samples end early, as soon as they are sure and not before, and find nothing left."""
    if not probe.machine.config.stop.used:
        probe.notes.append("this network runs all steps of every sample")
        return
    steps = probe.machine.config.steps
    margins = itertools.product((1, 2, max(1, steps // 4)), (1, max(1, steps // 3)), (False, True))
    for margin, least, infer in margins:
        stop, what = StopConfig(margin, margin, least), f"a margin of {margin} from step {least} on"
        for _ in range(TRIES):
            given = dataclasses.replace(walk(probe), stop=stop)
            if infer:
                given = dataclasses.replace(given, labels=None)
            ran = observe(probe.machine, given).outcomes[:, -1]
            if least <= ran.min() < steps:
                probe.expect(given, f"{what}, {'inferred' if infer else 'trained'}")
                break
        else:
            probe.notes.append(f"{what}: no sample that ended early in {TRIES} tries")
    probe.expect(walk(probe), "trained samples after some that ended early")


def training(probe: Probe) -> None:
    """Train on digits as a run begins, and compare every weight."""
    machine = probe.machine
    config = machine.config
    try:
        digits = datasets.mnist(config, train=DIGITS, test=0, held_out=0, any_classes=True)
        images, labels = digits.train
    except DataError:
        images = probe.rng.integers(256, size=(DIGITS, config.sizes[0]))
        labels = probe.rng.integers(config.sizes[-1], size=DIGITS)
    updates = dict(zip(itertools.count(1), machine.updates(0), strict=False))
    seed = config.random.seed
    states = [stream.seed(seed) for stream in probe.streams]
    weights = initial.weights(machine, seed)
    given = probe.stimulus(images, weights, labels=labels, states=states, updates=updates)
    probe.expect(given, f"{DIGITS} digits trained", learning=probe.layers)
