"""What a report shows: one run, and nothing that has to be looked up elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden import initial
from spikeloom.golden.activity import KINDS, STEPS
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import BuiltLayer, Hardware
from spikeloom.run import Run
from spikeloom.training import Evaluation


class ReportError(SpikeloomError):
    """A report that cannot be made or written; the message says why and what to do."""


class Checked(NamedTuple):
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


class Cost(NamedTuple):
    """Activity summed over training samples: int64[5, L+1], how many, and which, in words."""

    total: np.ndarray
    samples: int
    of: str


class Tried(NamedTuple):
    """Images inferred at several margins, of which 0 ends none: right ones and mean steps of each.

    of : which images, in words. images : how many.
    """

    of: str
    images: int
    margins: tuple[int, ...]
    right: tuple[int, ...]
    steps: tuple[float, ...]


class Raster(NamedTuple):
    """One recorded sample: image uint8[rows, cols], spikes and errors int8[T, N].

    label : None where it was inferred.
    """

    index: int
    image: np.ndarray
    label: int | None
    spikes: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Findings:
    """One trained and tested network.

    Attributes
    ----------
    config : with the seed of the run.
    hardware : what the floor is counted with.
    engine : ``golden``, ``rtl`` or ``board``. data : name of the data set.
    trained : where training stands.
    tested : what came of the test images; there may be none.
    mistakes : wrongly classified test images, the clearest error first.
    weights : int16[n_pre, n_post] per crossbar, trained.
    activity : int32[k, 5, L+1], `Network.train`'s array of k training samples.
    activity_of : which samples those are, in words.
    cost : activity that the floor is counted from: the very samples of `cycles_per_image` where
        the engine counted them, else those of `activity`.
    cycles_per_image : clock cycles per training image, mean; None where the engine has no clock.
    tried : accuracy at several margins; None where no sample can stop, or no image is left for it.
    sample : a training sample to draw spike by spike.
    images_per_second : while training, on this machine.
    command : repeats the run. versions : name to version.
    verification : None where no other engine ran beside this one.
    class_names : one per class.

    Raises
    ------
    ReportError : arrays do not belong to this configuration.
    """

    config: NetworkConfig
    hardware: Hardware
    engine: str
    data: str
    trained: Run
    tested: Evaluation
    mistakes: tuple[Mistake, ...]
    weights: list[np.ndarray]
    activity: np.ndarray
    activity_of: str
    cost: Cost
    cycles_per_image: float | None
    tried: Tried | None
    sample: Raster
    images_per_second: float
    command: str
    versions: dict[str, str]
    verification: Checked | None = None
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        sizes = self.config.sizes
        classes, samples = sizes[-1], len(self.activity)
        crossbars = tuple(pairwise(sizes))
        self._check("weights", tuple(w.shape for w in self.weights), crossbars)
        labels = self.tested.labels
        self._check("test_counts", self.tested.counts.shape, (len(labels), classes))
        self._check("activity", self.activity.shape, (max(1, samples), KINDS, len(sizes)))
        self._check("cost.total", self.cost.total.shape, (KINDS, len(sizes)))
        raster = (int(self.activity[self.sample.index, STEPS, 0]), sum(sizes))
        self._check("sample.spikes", self.sample.spikes.shape, raster)
        self._check("sample.errors", self.sample.errors.shape, raster)
        self._check("class_names", len(self.class_names), classes)
        if len(labels) and labels.max() >= classes:
            raise ReportError(
                f"test_labels reach {labels.max()}, but {self.config.name} has {classes} "
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
    def initial_weights(self) -> list[np.ndarray]:
        """Weights before training, int16[n_pre, n_post] per crossbar."""
        return initial.weights(self.machine, self.seed)

    @property
    def layers(self) -> tuple[BuiltLayer, ...]:
        """The layers as they are built."""
        return self.hardware.of(self.machine)

    @property
    def floor_per_image(self) -> float:
        """Mean floor of a training sample, in clock cycles."""
        return float(floor_cycles(self.layers, self.cost.total[None])[0]) / self.cost.samples
