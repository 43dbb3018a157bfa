"""The small network that upsets are tried on: its data, its chip, compiled once, and golden."""

from __future__ import annotations

import functools

import numpy as np

from spikeloom.boards.host.device import Device
from spikeloom.golden.datasets import Dataset, Part
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.golden.spec.streams import streams
from tests.campaigns.upsets.chip import Bits, Chip
from tests.campaigns.upsets.golden import Golden
from tests.support.configurations import table

CONFIG = from_dict(table())
MACHINE = machine(CONFIG)
LIMIT = 50_000


def digits(rng: np.random.Generator, count: int) -> Dataset:
    """Return random images: bright pixels say the class."""
    labels = rng.integers(3, size=count).astype(np.uint8)
    images = rng.integers(60, size=(count, 2, 3)).astype(np.uint8)
    images[np.arange(count), 0, labels] = 255
    made = Part(images, labels, source="random")
    return Dataset(train=made, held=made[:0], test=made, classes=3, source="a generator")


@functools.cache
def compiled() -> Chip:
    """Return the chip that others are made from with `another`."""
    chip = Chip.of(CONFIG)
    chip.idle_limit = LIMIT
    return chip


def named(chip: Chip, name: str) -> Bits:
    """Return the bits of a signal, of which there must be some."""
    found = Bits([place for place in chip.places if place.name == name])
    assert len(found), name
    return found


def loaded(chip: Chip, rng: np.random.Generator) -> tuple[Device, Golden]:
    """Return a chip's device and golden, at the same random weights and streams."""
    golden, device = Golden(MACHINE), Device(chip, MACHINE)
    weights = [
        rng.integers(-la.weight_max, la.weight_max + 1, (la.n_pre, la.n_post)).astype(np.int16)
        for la in MACHINE.layers
    ]
    states = [stream.seed(int(rng.integers(1 << 30))) for stream in streams(CONFIG)]
    golden.put(weights, states)
    device.weights, device.stream_states = weights, states
    device.set_updates(MACHINE.updates(0))
    device.clear()
    return device, golden


def same(device: Device, golden: Golden, images: np.ndarray, labels: np.ndarray) -> bool:
    """Train both; say whether they still agree."""
    expected = golden.see(images, labels)
    counts = device.train(images, labels)
    return (
        np.array_equal(counts, expected.counts)
        and all(map(np.array_equal, device.weights, expected.weights))
        and device.stream_states == expected.states
    )
