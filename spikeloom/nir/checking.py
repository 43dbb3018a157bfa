"""How far an imported network is the one it was: accuracy, same class, and same spike counts.

Accuracy forgives much: a wrong reset costs a tenth of a point and a quarter of the counts. So the
counts are looked at, the framework's own where they are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloom.golden.files import ArchiveError, pick_array
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import machine
from spikeloom.nir import emulate
from spikeloom.nir.archive import read_npz
from spikeloom.nir.errors import NirError
from spikeloom.nir.lowering import Lowered
from spikeloom.nir.stages import Staged


@dataclass(frozen=True, eq=False)
class Spikes:
    """Input spikes uint8[T, n, n_0] or None, pixels uint8[n, n_0] or None, labels, counts."""

    labels: np.ndarray
    spikes: np.ndarray | None = None
    pixels: np.ndarray | None = None
    counts: np.ndarray | None = None


@dataclass(frozen=True)
class Agreement:
    """What was compared, as fractions.

    Attributes
    ----------
    images : how many. float_accuracy, integer_accuracy : of the two.
    same_class, same_counts : of the integers with the floats, over images, and images and classes.
    reference : the floats' counts that are the framework's own; None where it gave none.
    """

    images: int
    float_accuracy: float
    integer_accuracy: float
    same_class: float
    same_counts: float
    reference: float | None = None


def load_spikes(path: str | Path, pixels: int) -> Spikes:
    """Read what a framework did: an .npz of spikes or pixels, labels and counts.

    spikes : uint8[T, n, ceil(n_0 / 8)], `numpy.packbits` along the last axis; or pixels :
    uint8[n, n_0], constant currents of pixel / 255. labels : integers [n]; counts, which may be
    missing: integers [n, classes]. pixels : the network's n_0.
    """
    arrays = read_npz(path, "spikes")
    if "labels" not in arrays:
        raise NirError(f"{path} lacks 'labels': labels, and spikes or pixels, are needed")
    labels, counts = arrays["labels"], arrays.get("counts")
    if labels.ndim != 1:
        raise NirError(f"{path}: labels of the shape {list(labels.shape)}, expected one per image")
    n = len(labels)
    if counts is not None and (counts.ndim != 2 or len(counts) != n):
        raise NirError(f"{path}: counts of the shape {list(counts.shape)} for {n} labels")
    try:
        labels = labels.astype(np.int64)
        if "pixels" in arrays:
            return Spikes(labels, None, pick_array(arrays, "pixels", np.uint8, (n, pixels)), counts)
        packed = pick_array(arrays, "spikes", np.uint8, (None, n, -(-pixels // 8)))
    except (ArchiveError, ValueError) as error:
        raise NirError(f"{path} is no .npz of spikes, or damaged: {error}") from None
    return Spikes(labels, np.unpackbits(packed, axis=-1)[..., :pixels], None, counts)


def drawn(images: np.ndarray, labels: np.ndarray, steps: int, seed: int = 1) -> Spikes:
    """Draw input spikes of images as the encoder's law has them: pixel / 255 in each step."""
    flat = images.reshape(len(images), -1)
    rng = np.random.default_rng(seed)
    spikes = rng.integers(0, 255, (steps, *flat.shape), np.uint8) < flat
    return Spikes(labels.astype(np.int64), spikes.view(np.uint8), flat)


def agreement(network: Staged, lowered: Lowered, given: Spikes, *, constant: bool) -> Agreement:
    """Run both on the same inputs and compare.

    constant : the stages take pixels as constant currents; golden takes spikes at their rate.
    """
    steps = lowered.config.steps if given.spikes is None else len(given.spikes)
    spikes = given.spikes
    if spikes is None:
        assert given.pixels is not None
        spikes = drawn(given.pixels, given.labels, steps).spikes
        assert spikes is not None
    own = spikes
    if constant:
        if given.pixels is None:
            raise NirError("spikes are given, and constant currents asked for: give pixels")
        own = given.pixels / 255
    wanted = emulate.counts(network, own, steps)
    golden = Network(machine(lowered.config.replace(steps=steps)))
    golden.weights = lowered.weights
    found = golden.given(spikes)
    reference = None
    if given.counts is not None:
        if given.counts.shape != wanted.shape:
            raise NirError(
                f"counts of {given.counts.shape[1]} classes are given, the network has "
                f"{wanted.shape[1]}"
            )
        reference = float((given.counts == wanted).mean())
    right, classes = wanted.argmax(1), found.argmax(1)
    return Agreement(
        len(given.labels),
        float((right == given.labels).mean()),
        float((classes == given.labels).mean()),
        float((classes == right).mean()),
        float((found == wanted).mean()),
        reference,
    )
