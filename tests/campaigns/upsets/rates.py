"""What a network learns while upsets go on and on, and how it heals once they stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikeloom.boards.host.device import Device
from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.streams import streams
from tests.campaigns.upsets.chip import Bits, Chip
from tests.campaigns.upsets.golden import Golden
from tests.campaigns.upsets.kinds import LFSR, MEMBRANES, WEIGHTS, kind_of

RATES = (0.0, 0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Upsets per image, on the average."""
CHIP_RATES = (0.0, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""The same of the Verilated chip."""
STRONG = 30.0
"""The rate whose learning curve is drawn."""
POINTS = 10
"""Points of a learning curve."""
KINDS = (WEIGHTS, MEMBRANES, LFSR)
"""What is upset in the Verilated core."""
BATCH = 16
"""Images between which the chip's upsets are drawn."""


@dataclass(frozen=True)
class Learned:
    """One training with upsets.

    Attributes
    ----------
    body : "golden" or "chip". config : name of the network. kind : of the bits.
    rate : upsets per image. half : whether they stop after half of the images. seed : of all.
    flips : how many there were. curve : (images trained, accuracy on test images then).
    """

    body: str
    config: str
    kind: str
    rate: float
    half: bool
    seed: int
    flips: int
    curve: list[tuple[int, float]]

    @property
    def accuracy(self) -> float:
        """Accuracy at the end."""
        return self.curve[-1][1]


def golden(
    config: NetworkConfig, data: Dataset, rate: float, *, half: bool, seed: int, points: int = 1
) -> Learned:
    """Train golden with weights upset between any two images; points : of the curve."""
    network, rng = _start(config, seed), np.random.default_rng([seed, 1])
    images, labels = data.train.images, data.train.labels.astype(np.int64)
    count = len(images)
    hits = rng.poisson(rate, count)
    if half:
        hits[count // 2 :] = 0
    ends = {count * point // points for point in range(1, points + 1)}
    curve, trained = [], 0
    for end in sorted({*(np.flatnonzero(hits) + 1).tolist(), *ends}):
        network.train(images[trained:end], labels[trained:end])
        trained = end
        network.flip_some(rng, int(hits[end - 1]))
        if end in ends:
            curve.append((end, network.accuracy(data.test.images, data.test.labels)))
    return Learned("golden", config.name, WEIGHTS, rate, half, seed, int(hits.sum()), curve)


def chip(
    config: NetworkConfig, data: Dataset, rate: float, *, kind: str, seed: int, body: Chip
) -> Learned:
    """Train a chip with one kind of its bits upset at any clock; golden tells the accuracy."""
    body, rng = body.another(), np.random.default_rng([seed, 1])
    network = _start(config, seed)
    device = Device(body, network.machine)
    device.weights, device.stream_states = network.weights, network.stream_states
    device.set_updates(network.machine.updates(0))
    bits = Bits([place for place in body.places if kind_of(place) == kind])
    count = len(data.train.images)
    flips, clocks = 0, 0
    for first in range(0, count, BATCH):
        part = slice(first, min(first + BATCH, count))
        begin = body.cycles
        # the first batch tells how long one takes
        hits = int(rng.poisson(rate * (part.stop - first))) if clocks else 0
        for _ in range(hits):
            number = int(rng.integers(len(bits)))
            body.schedule(bits[number], begin + 1 + int(rng.integers(clocks)))
        device.train(data.train.images[part], data.train.labels[part])
        clocks, flips = body.cycles - begin, flips + hits
    body.calm()
    network.put(device.weights, device.stream_states)
    body.close()
    accuracy = network.accuracy(data.test.images, data.test.labels)
    return Learned("chip", config.name, kind, rate, False, seed, flips, [(count, accuracy)])


def golden_runs(
    config: NetworkConfig, data: Dataset, seeds: range, rates: tuple[float, ...] = RATES
) -> Iterator[Learned]:
    """Train at every rate, all the time and in the first half, and draw three learning curves."""
    for seed in seeds:
        for rate in rates:
            yield golden(config, data, rate, half=False, seed=seed)
            if rate:
                yield golden(config, data, rate, half=True, seed=seed)
        for rate, half in ((0.0, False), (STRONG, False), (STRONG, True)):
            yield golden(config, data, rate, half=half, seed=seed, points=POINTS)


def chip_runs(
    config: NetworkConfig, data: Dataset, body: Chip, seeds: range, rates: tuple[float, ...]
) -> Iterator[Learned]:
    """Train the chip at every rate, one kind of bits after the other."""
    for seed in seeds:
        for rate in rates:
            for kind in KINDS if rate else KINDS[:1]:
                yield chip(config, data, rate, kind=kind, seed=seed, body=body)


def _start(config: NetworkConfig, seed: int) -> Golden:
    network = Golden(machine(config))
    states = [stream.seed(seed) for stream in streams(config)]
    network.put(initial.weights(network.machine, seed), states)
    return network
