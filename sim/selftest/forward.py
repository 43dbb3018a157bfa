"""Self-test of what runs forward: generators, encoder, sums of rows, neurons, inhibition.

What cannot be seen directly is seen by what it makes another draw: training draws one word of
stream `thinning{l}` per spike of layer l-1, so its state counts those spikes. Learning is held
still meanwhile by updates that never write.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from spikeloom.golden import neuron as golden
from spikeloom.golden.spec.learning import MAX_SHIFT
from spikeloom.golden.spec.machine import LayerMachine, Machine
from spikeloom.golden.spec.streams import INPUT, LABEL, drawn, dropout_stream, jitter_stream
from spikeloom.golden.spec.wta import SOFTMAX
from spikeloom.hdl.hardware import DEFAULT
from spikeloom.sim.selftest.probe import Probe, Stimulus, variant

Maker = Callable[[Probe], Stimulus]

TRIES = 100
"""Stimuli that are tried until one would show a fault."""

ROWS = 16
"""Rows that are summed in one step where the network allows it."""

COMPETITIONS = 8
"""Walks of which every step is compared where output neurons compete."""

FAR = 64
"""How many times as far off a limit is that might as well not be there."""

SUM_MAX = 1 << 30
"""More than any sum that makes a neuron fire."""

SEARCH = 1 << 18
"""Words that are drawn in search of a particular one: each of 65,536 comes four times."""


def winner(probe: Probe) -> None:
    """Show blank images: no counts but a neuron's own, and the lowest class of a tie."""
    blank = np.zeros((3, probe.machine.config.sizes[0]), np.uint8)
    probe.expect(probe.stimulus(blank, probe.zeros(), infer=True), "blank images", only=())
    probe.expect(probe.stimulus(blank, probe.zeros()), "blank images, trained", only=())


def lfsr(probe: Probe) -> None:
    """Draw one word, some words and many from the generators that need no spike to move."""
    machine = probe.machine
    pixels, draws = machine.config.sizes[0], DEFAULT.draws
    depth = machine.config.depth
    free = [INPUT, LABEL, dropout_stream(depth, 0)]
    if machine.config.input.jitter:
        free.append(jitter_stream(depth))
    moved = [n for n in free if n in drawn(machine)]
    for count in range(min(pixels, 2 * draws + 2) + 1):
        images = np.zeros((4, pixels), np.uint8)
        images[:, :count] = 1
        for _ in range(2):
            given = probe.stimulus(images, probe.zeros(), steps=1)
            probe.expect(given, f"{count} pixels in one step", only=moved)
    ones = [stream.lfsr.mask for stream in probe.streams]
    images = np.ones((8, pixels), np.uint8)
    given = probe.stimulus(images, probe.zeros(), states=ones)
    probe.expect(given, "all pixels in all steps", only=moved)


def encoder(probe: Probe) -> None:
    """Every pixel alone, thresholds to the last bit, ramps over whole samples."""
    pixels = probe.machine.config.sizes[0]
    for value in (255, 200, 128, 77, 10, 1):
        for given, name in _at_threshold(probe, value):
            probe.expect(given, f"a word {name} the product of pixel {value} and the ramp")
    alone = np.diag(np.full(pixels, 255, np.uint8))
    probe.expect(probe.stimulus(alone, probe.zeros(), steps=_few(probe, 2)), "every pixel alone")
    images = np.array([np.full(pixels, value, np.uint8) for value in (0, 1, 64, 255)])
    random = probe.rng.integers(256, size=(4, pixels), dtype=np.uint8)
    sparse = random * (probe.rng.random((4, pixels)) < 0.2)
    for name, shown in (("even", images), ("random", random), ("sparse", sparse)):
        probe.expect(probe.stimulus(shown, probe.zeros()), f"{name} images")


def _few(probe: Probe, steps: int) -> int:
    return min(steps, probe.machine.config.steps)


def _at_threshold(probe: Probe, value: int) -> Iterator[tuple[Stimulus, str]]:
    """Yield a pixel whose word equals its product with the ramp, and one with a word below."""
    machine = probe.machine
    product = value * machine.ramp_train[0]
    for word, name in ((product, "equal to"), (product - 1, "just below")):
        if 0 <= word <= 0xFFFF:
            states = probe.states()
            states[INPUT] = state_before(probe, INPUT, word)
            image = np.zeros(machine.config.sizes[0], np.uint8)
            image[probe.rng.integers(image.size)] = value
            yield probe.stimulus(image, probe.zeros(), states=states, steps=1), name


def state_before(probe: Probe, stream: int, word: int) -> int:
    """Return a state of a stream whose next word is `word`, or any where none was found."""
    first = probe.states()[stream]
    words, _ = probe.draw(stream, first, SEARCH)
    place = int(np.argmax(words == word))  # 0 where it is none of them
    return probe.draw(stream, first, place)[1]


def dropout(probe: Probe) -> None:
    """Which neurons are silent, by the spikes of those that are not."""
    machine = probe.machine
    streams = [n for n in drawn(machine) if probe.streams[n].name.startswith("dropout")]
    if not streams:
        probe.notes.append("this network drops nothing")
        return
    images = np.full((8, machine.config.sizes[0]), 255, np.uint8)
    full = [
        np.full((layer.n_pre, layer.n_post), layer.weight_max, np.int16) for layer in machine.layers
    ]
    for _ in range(4):
        probe.expect(probe.stimulus(images, full, steps=_few(probe, 4)), "all that is not dropped")


# Sums of rows: every column is brought to a sum that just fires or just does not


def crossbar(probe: Probe) -> None:
    """Sum rows of each crossbar, away from the threshold by one; every row has its turn."""
    for layer in _firing(probe.machine):
        for rows in _groups(probe, layer):
            for fired in _complements(probe, layer):
                given = aligned(probe, layer.index, rows, fired, margin=1)
                if given is None:
                    probe.notes.append(
                        f"layer {layer.index}: no single step can bring a neuron to fire; its sums "
                        "are looked at together with its neurons"
                    )
                    break
                probe.expect(given, f"crossbar {layer.index}")
            else:
                continue
            break


def _firing(machine: Machine) -> tuple[LayerMachine, ...]:
    """Return the layers that have a threshold: where output neurons compete, all but the last."""
    return machine.layers[:-1] if machine.config.wta.kind == SOFTMAX else machine.layers


def _groups(probe: Probe, layer: LayerMachine) -> list[np.ndarray]:
    """Return rows of a crossbar, each in one group at least; first layer: pixels."""
    order = probe.rng.permutation(layer.n_pre)
    size = min(layer.n_pre, max(ROWS, _rows_needed(layer)))
    return [order[np.arange(at, at + size) % layer.n_pre] for at in range(0, layer.n_pre, size)]


def _rows_needed(layer: LayerMachine) -> int:
    return 2 * (abs(layer.train.theta - layer.train.start) // layer.weight_max + 1)


def _complements(probe: Probe, layer: LayerMachine) -> list[np.ndarray]:
    if layer is probe.machine.layers[-1] and probe.machine.config.wta.kind != "none":
        # one neuron alone inhibits nobody
        one = probe.rng.integers(layer.n_post)
        return [np.arange(layer.n_post) == one, np.zeros(layer.n_post, bool)]
    fired = probe.rng.random(layer.n_post) < 0.5
    return [fired, ~fired]


def least_sum(machine: Machine, layer: LayerMachine) -> int:
    """Return the smallest sum that makes a fresh neuron fire in its first step."""
    p = np.array(golden.forward_parameters(machine, layer, train=True), np.int64)

    def fires(current: int) -> bool:
        v, pool = np.zeros((2, 1), np.int32)
        dropped, spike = np.zeros((2, 1), np.uint8)
        golden.start(p, v, pool)
        golden.forward(p, np.array([current], np.int32), v, pool, dropped, spike)
        return bool(spike[0])

    return bisect.bisect_left(range(-SUM_MAX, SUM_MAX), True, key=fires) - SUM_MAX


def aligned(
    probe: Probe, target: int, rows: np.ndarray, fired: np.ndarray, margin: int
) -> Stimulus | None:
    """Return one step in which known neurons fire; None where their weights cannot do it.

    Layers before `target` are driven so that exactly the neurons of `rows` fire, its own so that
    those of `fired` (bool[n_post]) do, with sums `margin` away from the least that fires.
    Whatever is not meant to be read holds loud weights.
    """
    machine = probe.machine
    pixels = rows if target == 1 else probe.rng.permutation(machine.config.sizes[0])[: 4 * ROWS]
    states, active = _spiking(probe, np.sort(pixels))
    weights = probe.zeros()
    for layer in machine.layers[:target]:
        goal = fired
        if layer.index < target:
            goal = np.zeros(layer.n_post, bool)
            own = layer.index == target - 1
            goal[rows if own else probe.rng.permutation(layer.n_post)[: 4 * ROWS]] = True
        least = least_sum(machine, layer)
        apart = margin if layer.index == target else max(1, layer.weight_max // 2)
        sums = np.where(goal, least + apart, least - 1 - apart)
        made = _summing(probe, layer, active, sums)
        if made is None:
            return None
        weights[layer.index - 1] = made
        active = np.flatnonzero(goal)
    image = np.zeros(machine.config.sizes[0], np.uint8)
    image[pixels] = 255
    return probe.stimulus(image, weights, states=states, steps=1)


def _spiking(probe: Probe, pixels: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return states in which many of these pixels, all 255, spike at once, and which of them."""

    def tried() -> tuple[list[int], np.ndarray]:
        states = probe.states()
        words, _ = probe.draw(INPUT, states[INPUT], pixels.size)
        return states, pixels[words < 255 * probe.machine.ramp_train[0]]

    return max((tried() for _ in range(TRIES)), key=lambda found: found[1].size)


def _summing(
    probe: Probe, layer: LayerMachine, rows: np.ndarray, sums: np.ndarray
) -> np.ndarray | None:
    """Return weights whose `rows` sum to `sums` in each column; None where they cannot."""
    most = layer.weight_max
    weights = probe.rng.choice([-most, most], (layer.n_pre, layer.n_post))
    half = max(1, most // 2)
    weights[rows] = probe.rng.integers(-half, half, (rows.size, layer.n_post), endpoint=True)
    missing = sums - weights[rows].sum(axis=0)
    for row in rows:
        moved = np.clip(weights[row] + missing, -most, most)
        missing -= moved - weights[row]
        weights[row] = moved
    return None if missing.any() else weights.astype(np.int16)


# Neurons: stimuli that would show a particular fault


def walk(probe: Probe, samples: int = 3) -> Stimulus:
    """Return samples over all steps in which membranes walk at random."""
    machine = probe.machine
    weights = []
    for layer in machine.layers:
        scale = layer.weight_max * probe.rng.choice([1.0, 0.5, 0.2])
        signs = probe.rng.choice([-1, 1], (layer.n_pre, layer.n_post))
        drawn = np.rint(probe.rng.random((layer.n_pre, layer.n_post)) * scale)
        if probe.rng.random() < 0.5:
            drawn[:] = np.rint(scale)
        weights.append((signs * drawn).astype(np.int16))
    pixels = machine.config.sizes[0]
    density = probe.rng.choice([0.05, 0.2, 0.6])
    shown = probe.rng.random((samples, pixels)) < density
    shown[:, probe.rng.integers(pixels)] = True
    images = shown * probe.rng.integers(60, 256, size=(samples, pixels))
    return probe.stimulus(images, weights)


def _uninhibited(probe: Probe) -> Stimulus:
    """Return a walk in which at most one output neuron fires, where others would inhibit it.

    Where they compete, none of them gets any current.
    """
    given, kind = walk(probe), probe.machine.config.wta.kind
    if kind != "none":
        last = given.weights[-1]
        last[:, np.arange(last.shape[1]) != probe.rng.integers(last.shape[1])] = 0
        last[:] *= kind != SOFTMAX
    return given


def neuron(probe: Probe) -> None:
    """Look at the threshold to the last bit, and at what a wrong membrane would show."""
    machine = probe.machine
    for layer in _firing(machine):
        for rows in _groups(probe, layer)[:4]:
            for fired in _complements(probe, layer):
                given = aligned(probe, layer.index, rows, fired, margin=0)
                if given is not None:
                    probe.expect(given, f"threshold of layer {layer.index}")
    for layer in _firing(machine):
        where, limits = f"layer{layer.index}__train", layer.train
        # An update of a whole threshold must still be one that a step can make.
        beside = limits.theta + (1 if limits.theta < 1 << MAX_SHIFT else -1)
        for name, *others in (
            ("threshold", {"theta": beside}),
            ("start", {"start": limits.start - 1}),
            ("floor", {"floor": limits.floor - 1}, {"floor": FAR * limits.floor - FAR}),
            ("ceiling", {"ceiling": limits.ceiling + 1}, {"ceiling": FAR * limits.ceiling + FAR}),
        ):
            wrongs = [variant(machine, **{where: other}) for other in others]
            search(probe, f"{name} of layer {layer.index}", *wrongs, make=_uninhibited)
    for field in dataclasses.fields(machine.config.neuron):
        value = getattr(machine.config.neuron, field.name)
        others = [other for other in field.metadata.get("choices", ()) if other != value]
        if isinstance(value, int) and value:
            others = [value - 1]
        if others:  # the limits were looked at in each layer
            wrongs = [variant(machine, **{f"neuron__{field.name}": other}) for other in others]
            search(probe, field.name, *wrongs, make=_uninhibited)


def wta(probe: Probe) -> None:
    """Look at what another kind or strength of inhibition would show."""
    machine = probe.machine
    if machine.config.wta.kind == "none":
        probe.notes.append("this network has none")
        return
    if machine.config.wta.kind == SOFTMAX:
        _compete(probe)
        return
    last = machine.layers[-1]
    kinds = {"none", "lateral", "feedforward", "recurrent"} - {machine.config.wta.kind}
    for kind in sorted(kinds):
        search(probe, f"kind, not {kind}", variant(machine, wta__kind=kind))
    for name, strength in (("more", last.inhibition + 1), ("less", last.inhibition - 1)):
        if strength >= 0:
            wrong = variant(machine, **{f"layer{last.index}__inhibition": strength})
            search(probe, f"strength, no {name}", wrong)


def _compete(probe: Probe) -> None:
    """Look at sums and noise together: a spike in each step says which sum is the largest."""
    machine = probe.machine
    gain, steps = machine.noise_gain, machine.config.steps
    for name, wrong in (("noise", (0,) * steps), ("noise that grows", gain[-1:] * steps)):
        search(probe, name, variant(machine, noise_gain=wrong))
    for _ in range(COMPETITIONS):
        given = walk(probe)
        probe.expect(given, "competition with noise")
        probe.expect(dataclasses.replace(given, labels=None), "competition without noise")


def search(
    probe: Probe,
    what: str,
    *wrongs: Machine,
    make: Maker = walk,
    learning: Sequence[int] = (),
) -> None:
    """Run a stimulus by which a machine that is wrong would be found out; note where none is.

    wrongs : in order of preference, the one that is hardest to tell from the right one first.
    make : returns a stimulus at random. learning : see `Probe.expect`.
    """
    for wrong, _ in itertools.product(wrongs, range(TRIES)):
        given = make(probe)
        if probe.shows(given, wrong, learning=learning):
            probe.expect(given, what, learning=learning)
            return
    probe.notes.append(f"{what}: nothing that this network does in {TRIES} tries would show it")
