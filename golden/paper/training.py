"""Training by mini-batches, with a test after every epoch and checkpoints to go on from."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden.paper import checkpoint as checkpoints
from spikeloom.golden.paper import encoder, learning
from spikeloom.golden.paper.arrays import Array, Arrays, Random, namespace
from spikeloom.golden.paper.checkpoint import Checkpoint, CheckpointError
from spikeloom.golden.paper.config import PaperConfig
from spikeloom.golden.paper.network import PaperNetwork

TRAIN, TEST, ORDER = 1, 2, 3
"""Purposes of random numbers beside `network.WEIGHTS`. Seed, purpose and epoch name a generator,
so a run that is gone on with draws what it would have drawn."""

TEST_BATCH = 250


class DataMismatchError(SpikeloomError, ValueError):
    """Images or labels that do not fit each other or the network; the message says which."""


@dataclass(frozen=True)
class Progress:
    """How far a run is, after a batch or after an epoch's test.

    Attributes
    ----------
    epoch, epochs : which epoch this is, from 1, of how many.
    images, total : of this epoch, trained so far.
    accuracy : on the test images, per epoch that is done.
    """

    epoch: int
    epochs: int
    images: int
    total: int
    accuracy: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave.

    Attributes
    ----------
    config : of the run.
    accuracy : share of the test images that were right, after each epoch.
    seconds : that each epoch took, its test included.
    weights : float32[n_pre, n_post] per crossbar, at the end.
    """

    config: PaperConfig
    accuracy: list[float]
    seconds: list[float]
    weights: list[np.ndarray]


def train(
    config: PaperConfig,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    *,
    xp: str | Arrays = "numpy",
    device: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | Path | None = None,
) -> Result:
    """Train a network and test it after every epoch.

    Parameters
    ----------
    train_images, test_images : uint8[n, rows, cols] or uint8[n, pixels]
    train_labels, test_labels : whole numbers[n], 0 .. classes - 1
    xp, device : array library and device, as `arrays.namespace` takes them; or the `Arrays`.
    progress : called after every batch, and once more after the epoch's test.
    checkpoint : .npz that is written after every epoch. Where it is there already, the run goes on
        from it and gives the numbers of a run that never stopped.

    Raises
    ------
    ArrayError
        The library or the device is not there.
    DataMismatchError
        Images or labels do not fit.
    CheckpointError
        The file cannot be written, or is not of this configuration and data.
    """
    arrays = namespace(xp, device) if isinstance(xp, str) else xp
    _check(config, "training", train_images, train_labels)
    _check(config, "test", test_images, test_labels)
    training = _Set(config, arrays, train_images, train_labels)
    testing = _Set(config, arrays, test_images, test_labels)
    path = None if checkpoint is None else Path(checkpoint)
    data = fingerprint(train_images, train_labels, test_images, test_labels)
    state = _start(config, path, data, arrays.name)
    network = PaperNetwork(config, arrays, state.weights or None)
    states = [arrays.put(s) for s in state.states] or [
        learning.start(arrays.xp, config, w) for w in network.weights
    ]
    accuracy, seconds = state.accuracy, state.seconds

    def tell(epoch: int, images: int) -> None:
        if progress is not None:
            progress(Progress(epoch + 1, config.epochs, images, training.count, tuple(accuracy)))

    for epoch in range(len(accuracy), config.epochs):
        began = time.perf_counter()
        for images in _epoch(network, states, training, epoch):
            tell(epoch, images)
        accuracy.append(evaluate(network, testing))
        seconds.append(time.perf_counter() - began)
        if path is not None:
            weights = [arrays.get(w) for w in network.weights]
            state = Checkpoint(weights, [arrays.get(s) for s in states], accuracy, seconds)
            checkpoints.save(path, config, data, arrays.name, state)
        tell(epoch, training.count)
    return Result(config, accuracy, seconds, [arrays.get(w) for w in network.weights])


class _Set:
    """Images and labels where the arrays live."""

    def __init__(
        self, config: PaperConfig, arrays: Arrays, images: np.ndarray, labels: np.ndarray
    ) -> None:
        self.arrays, self.classes = arrays, config.sizes[-1]
        self.count = len(images)
        self.images = arrays.put(images.reshape(self.count, -1))
        self.labels = np.asarray(labels, np.int64)

    def pixels(self, which: np.ndarray) -> Array:
        """Return images as float32[batch, pixels], 0 to 1."""
        xp = self.arrays.xp
        chosen = xp.take(self.images, self.arrays.put(which), axis=0)
        return xp.astype(chosen, xp.float32) / 255

    def one_hot(self, which: np.ndarray) -> Array:
        """Return labels as float32[batch, classes]."""
        return self.arrays.put(np.eye(self.classes, dtype=np.float32)[self.labels[which]])


def _epoch(network: PaperNetwork, states: list[Array], data: _Set, epoch: int) -> Iterator[int]:
    """Train one epoch in an order of its own; yield the images so far after every batch."""
    config, arrays = network.config, network.arrays
    random = arrays.random(config.seed, TRAIN, epoch)
    order = np.random.default_rng((config.seed, ORDER, epoch)).permutation(data.count)
    rate = config.learning_rate_of(epoch)
    batches = -(-data.count // config.batch)
    for first in range(0, data.count, config.batch):
        which = order[first : first + config.batch]
        gradients = batch_gradients(network, random, data.pixels(which), data.one_hot(which))
        for i, gradient in enumerate(gradients):
            network.weights[i], states[i] = learning.step(
                arrays.xp,
                config,
                network.weights[i],
                states[i],
                gradient,
                rate=rate * config.layer_rates[i],
                theta=network.thetas[i],
                number=epoch * batches + first // config.batch + 1,
            )
        yield first + len(which)


def batch_gradients(
    network: PaperNetwork, random: Random, pixels: Array, one_hot: Array
) -> list[Array]:
    """Draw the trains of a batch and return its gradients, as `PaperNetwork.gradients`.

    pixels : float32[batch, n_0], 0 to 1; one_hot : float32[batch, classes].
    """
    config, arrays = network.config, network.arrays
    batch = pixels.shape[0]
    keep = None
    if any(config.dropout):
        seen, *keep = [
            encoder.keep_mask(arrays, random, dropout, batch, size)
            for dropout, size in zip(config.dropout, config.sizes, strict=False)
        ]
        pixels = pixels * seen
    spikes = encoder.input_spikes(arrays, random, pixels, config.steps, config.rate)
    label = encoder.label_train(
        arrays, random, config.label, config.steps, config.label_rate, batch
    )
    trains = network.forward(spikes, keep, random)
    return network.gradients(trains, network.errors(trains, label * one_hot[None, :, :]), random)


def evaluate(network: PaperNetwork, data: _Set) -> float:
    """Return the share of images whose class has the most spikes, the lowest index at a tie.

    Every call draws the same input trains, in batches of `TEST_BATCH`.
    """
    arrays, right = network.arrays, 0
    random = arrays.random(network.config.seed, TEST)
    for first in range(0, data.count, TEST_BATCH):
        which = np.arange(first, min(first + TEST_BATCH, data.count))
        counts = arrays.get(network.counts(random, data.pixels(which)))
        right += int((counts.argmax(axis=1) == data.labels[which]).sum())
    return right / data.count


def fingerprint(*arrays: np.ndarray) -> str:
    """Return 64 hex digits that change with any image or label."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _start(config: PaperConfig, path: Path | None, data: str, library: str) -> Checkpoint:
    """Return the state to go on from; of no epochs and no weights at a beginning."""
    if path is None or not path.exists():
        if path is not None and not path.parent.is_dir():
            raise CheckpointError(
                f"cannot write {path}: there is no folder {path.parent}, make it first"
            )
        return Checkpoint([], [], [], [])
    return checkpoints.load(path, config, data, library)


def _check(config: PaperConfig, name: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Raise `DataMismatchError` where a set does not fit the network."""
    if len(images) == 0 or len(images) != len(labels):
        raise DataMismatchError(
            f"{len(images)} {name} images and {len(labels)} {name} labels: expected as many of "
            "each, and one at least"
        )
    if images.dtype != np.uint8:
        raise DataMismatchError(f"{name} images are {images.dtype}: expected uint8, 0 to 255")
    pixels, classes = images[0].size, config.sizes[-1]
    if pixels != config.sizes[0]:
        raise DataMismatchError(
            f"{name} images have {pixels} pixels, sizes[0] is {config.sizes[0]}: make them equal"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise DataMismatchError(
            f"{name} labels go from {low} to {high}, the network has the classes 0 to "
            f"{classes - 1}: make the last of sizes larger"
        )
