"""The training loop, the same for every engine: epochs, order, updates, held-out accuracy.

Accuracy is shown only of images that are never trained on: what a sample counts while it trains
leaks its label. Evaluating infers, and inference moves no stream of training, so looking more
often changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloom import checkpoint as checkpoints
from spikeloom import outputs
from spikeloom.checkpoint import Checkpoint, CheckpointError
from spikeloom.data import fingerprint
from spikeloom.engines.engine import Engine, start
from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset
from spikeloom.interrupt import Stop
from spikeloom.pace import Pace

EVALUATIONS = 8
"""Points of the learning curve per epoch."""

SAVE_SECONDS = 60.0
"""A run that is saved is saved this often: what it trains may be lost, with a board's power say."""

GLANCE = 250
"""Held-out images of such a point where the engine is a simulation."""


@dataclass(frozen=True)
class Point:
    """Held-out accuracy after so many presentations: `right` of `images`."""

    presentations: int
    images: int
    right: int

    @property
    def accuracy(self) -> float:
        """Accuracy, 0 to 1."""
        return self.right / self.images


@dataclass(frozen=True)
class Progress:
    """What a progress bar shows."""

    presentations: int
    total: int
    epoch: int
    epochs: int
    images_per_second: float
    point: Point | None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Counted output spikes of images that were not trained on.

    counts : int32[n, classes]; labels : uint8[n].
    """

    counts: np.ndarray
    labels: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """Class of each image, the lowest at a tie: int64[n]."""
        return self.counts.argmax(axis=1)

    @property
    def right(self) -> int:
        """Number of images whose class is their label."""
        return int((self.predicted == self.labels).sum())

    @property
    def accuracy(self) -> float | None:
        """Accuracy, 0 to 1; None of no images."""
        return self.right / len(self.labels) if len(self.labels) else None


def evaluate(
    engine: Engine,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    tick: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Infer images in chunks; `tick` is told how many are done after each, and may raise."""
    counts = np.zeros((len(images), engine.machine.config.sizes[-1]), np.int32)
    for chunk in Pace().chunks(len(images)):
        part = slice(chunk.start, chunk.stop)
        counts[part] = engine.infer(images[part])
        tick(chunk.stop)
    return Evaluation(counts, labels)


class Trainer:
    """One training run between any two samples.

    Parameters
    ----------
    engine : at any state; it is put to the run's start, or to that of `resume`.
    data : what to train on, and what is held out to look at.
    seed : of the run; that of `resume` where it is left out, else the configuration's.
    epochs : in all, those that `resume` has done included.
    resume : a checkpoint of the same network and the same data; `CheckpointError` otherwise.

    Attributes
    ----------
    epoch, position : the next sample is number `position` of epoch `epoch`, both from 0.
    curve : points of the learning curve so far.
    whole : False while a chunk trains; then an interrupted run cannot be saved.
    """

    def __init__(
        self,
        engine: Engine,
        data: Dataset,
        *,
        epochs: int,
        seed: int | None = None,
        resume: Checkpoint | None = None,
    ) -> None:
        self.engine = engine
        self.data = data
        self.epochs = epochs
        self.count = len(data.train_images)
        self.epoch = self.position = 0
        self.curve: list[Point] = []
        self.whole = True
        self._fingerprint = fingerprint(data)
        self._trained, self._seconds = 0, 0.0
        self._kept = time.monotonic()
        config = engine.machine.config
        if resume is None:
            self.seed = config.random.seed if seed is None else seed
            start(engine, self.seed)
        else:
            self._check(resume, seed)
            self.seed = resume.seed
            self._restore(resume)
        glance = len(data.held_images) if engine.name == "golden" else GLANCE
        self._glance = slice(0, glance)

    def _check(self, resume: Checkpoint, seed: int | None) -> None:
        if seed is not None and seed != resume.seed:
            raise CheckpointError(
                f"the checkpoint's run has seed {resume.seed}, asked for is {seed}: leave the "
                "seed out to go on with it"
            )
        if (resume.train_images, resume.data) != (self.count, self._fingerprint):
            raise CheckpointError(
                f"the checkpoint was trained on {resume.train_images} images (fingerprint "
                f"{resume.data}), these are {self.count} ({self._fingerprint}): give the same "
                "data and numbers of images"
            )

    def _restore(self, resume: Checkpoint) -> None:
        start(self.engine, self.seed)
        self.engine.weights = resume.weights
        self.engine.stream_states = resume.stream_states
        self.epoch, self.position = resume.epoch, resume.position
        self.curve = [Point(*map(int, row)) for row in resume.curve]

    @property
    def presentations(self) -> int:
        """Samples trained since the run began, by whatever engine."""
        return self.epoch * self.count + self.position

    @property
    def images_per_second(self) -> float:
        """Rate of this engine's training; 0 before its first sample."""
        return self._trained / self._seconds if self._seconds else 0.0

    @property
    def done(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.epochs

    def checkpoint(self) -> Checkpoint:
        """Return the run as it stands."""
        config = self.engine.machine.config
        points = [(p.presentations, p.images, p.right) for p in self.curve]
        return Checkpoint(
            config_name=config.name,
            config_digest=config.digest(),
            seed=self.seed,
            epoch=self.epoch,
            position=self.position,
            train_images=self.count,
            data=self._fingerprint,
            weights=self.engine.weights,
            stream_states=self.engine.stream_states,
            curve=np.array(points, np.int64).reshape(-1, 3),
        )

    def run(
        self, progress: Callable[[Progress], None] = lambda _: None, save: Path | None = None
    ) -> None:
        """Train until all epochs are done.

        Where `save` is given, the run is saved before every epoch, every `SAVE_SECONDS`, and at
        the end.

        Ctrl-C or SIGTERM ends the chunk that is running, saves, and raises `KeyboardInterrupt`.
        """
        if save:
            outputs.file(save)
        pace = Pace()
        with Stop(patient=True) as stop:
            try:
                while True:
                    if self._due():
                        self._look(stop, progress)
                    if save and not self.position:
                        self._keep(save)
                    if self.done:
                        break
                    self._train_stretch(pace, stop, progress, save)
            except KeyboardInterrupt:
                if save and self.whole:
                    self._keep(save)
                raise
            stop.check()

    def _keep(self, save: Path) -> None:
        checkpoints.save(save, self.checkpoint())
        self._kept = time.monotonic()

    @property
    def _stretch(self) -> int:
        """Presentations between two points of the learning curve."""
        return -(-self.count // EVALUATIONS)

    def _due(self) -> bool:
        """Whether a point of the learning curve belongs here and is not there."""
        last = self.curve[-1].presentations if self.curve else -1
        return (
            len(self.data.held_images) > 0
            and last < self.presentations
            and self.position % self._stretch == 0
        )

    def _train_stretch(
        self, pace: Pace, stop: Stop, progress: Callable[[Progress], None], save: Path | None
    ) -> None:
        """Train to the next point of the learning curve, or to the epoch's end."""
        self.engine.set_updates(self.engine.machine.updates(self.epoch))
        order = initial.order(self.seed, self.epoch, self.count)
        stretch = self._stretch
        samples = order[self.position : (self.position // stretch + 1) * stretch]
        for chunk in pace.chunks(len(samples)):
            self._train_chunk(samples[chunk.start : chunk.stop])
            progress(self._progress())
            stop.check()
            if save and self.position and time.monotonic() - self._kept >= SAVE_SECONDS:
                self._keep(save)

    def _train_chunk(self, samples: np.ndarray) -> None:
        self.whole = False
        images, labels = self.data.train_images[samples], self.data.train_labels[samples]
        started = time.perf_counter()
        self.engine.train(images, labels)
        self._seconds += time.perf_counter() - started
        self._trained += len(samples)
        self.position += len(samples)
        if self.position == self.count:
            self.epoch, self.position = self.epoch + 1, 0
        self.whole = True

    def _look(self, stop: Stop, progress: Callable[[Progress], None]) -> None:
        """Add a point to the learning curve."""
        images = self.data.held_images[self._glance]
        found = evaluate(
            self.engine,
            images,
            self.data.held_labels[self._glance],
            tick=lambda _: stop.check(),
        )
        self.curve.append(Point(self.presentations, len(images), found.right))
        progress(self._progress())

    def _progress(self) -> Progress:
        return Progress(
            presentations=self.presentations,
            total=self.epochs * self.count,
            epoch=self.epoch,
            epochs=self.epochs,
            images_per_second=self.images_per_second,
            point=self.curve[-1] if self.curve else None,
        )
