"""The small network that upsets are tried on: its data, and its chip, compiled once."""

from __future__ import annotations

import functools

import numpy as np
from configurations import table

from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.sim.upsets.chip import Chip

CONFIG = from_dict(table())
MACHINE = machine(CONFIG)
LIMIT = 50_000


def digits(rng: np.random.Generator, count: int) -> Dataset:
    """Return random images: bright pixels say the class."""
    labels = rng.integers(3, size=count).astype(np.uint8)
    images = rng.integers(60, size=(count, 2, 3)).astype(np.uint8)
    images[np.arange(count), 0, labels] = 255
    return Dataset(
        name="random",
        train_images=images,
        train_labels=labels,
        held_images=images[:0],
        held_labels=labels[:0],
        test_images=images,
        test_labels=labels,
        classes=3,
        source="a generator",
    )


@functools.cache
def compiled() -> Chip:
    """Return the chip that others are made from with `another`."""
    chip = Chip.of(CONFIG)
    chip.idle_limit = LIMIT
    return chip
