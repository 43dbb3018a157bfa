"""The training loop, the same for every engine: epochs, order, updates, held-out accuracy.

Accuracy is shown only of images that are never trained on: what a sample counts while it trains
leaks its label. Evaluating infers, and inference moves no stream of training, so looking more
often changes nothing.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikeloom.checkpoint import Checkpoint
from spikeloom.engines.engine import Engine, GoldenEngine, restore
from spikeloom.errors import SpikeloomError
from spikeloom.golden import initial
from spikeloom.golden.datasets import Part
from spikeloom.golden.spec.machine import machine
from spikeloom.interrupt import Stop
from spikeloom.pace import Pace
from spikeloom.progress import Callback, Progress
from spikeloom.run import Point, Run

EVALUATIONS = 8
"""Points of the learning curve per epoch."""

KEEP_SECONDS = 60.0
"""A run is kept this often at least: what trains it may be lost, with a board's power say."""

GLANCE = 250
"""Held-out images of such a point where the engine is a simulation."""


class TrainingError(SpikeloomError, ValueError):
    """Training that cannot go on; the message says why."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Counted output spikes of images that were not trained on.

    counts : int32[n, classes]; labels : uint8[n]; ran : int32[n], the steps that each ran.
    """

    counts: np.ndarray
    labels: np.ndarray
    ran: np.ndarray

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

    @property
    def mean_steps(self) -> float | None:
        """Steps that an image ran, on the mean; None of no images."""
        return float(self.ran.mean()) if len(self.ran) else None


def infer(
    engine: Engine, images: np.ndarray, progress: Callback = lambda progress: None
) -> tuple[np.ndarray, np.ndarray]:
    """Infer images in chunks; return counted output spikes int32[n, classes], steps run int32[n].

    `progress` is told after each chunk, and may raise. Ctrl-C ends the chunk that is running.
    """
    counts = np.zeros((len(images), engine.machine.config.sizes[-1]), np.int32)
    ran = np.zeros(len(images), np.int32)
    with Stop(patient=True) as stop:
        for chunk in Pace().chunks(len(images)):
            counts[chunk] = engine.infer(images[chunk])
            ran[chunk] = engine.ran
            progress(Progress("inferring", chunk.stop, len(images)))
            stop.check()
    return counts, ran


class Trainer:
    """Trains an engine for some epochs more.

    Parameters
    ----------
    engine : in the state of `run`.
    run : where the run stands; it is moved on, and right whenever this raises.
    train, held : what to train on, and what to look at for the learning curve.
    epochs : how many more; one that was broken off is finished first and counts.
    progress : told after every chunk and every point of the learning curve.
    keep : called where training begins, before every epoch, every `KEEP_SECONDS` and at the end.

    Raises
    ------
    TrainingError : there is nothing to train on, or a broken epoch was one of other data.
    """

    def __init__(
        self,
        engine: Engine,
        run: Run,
        train: Part,
        held: Part | None = None,
        *,
        epochs: int = 1,
        progress: Callback = lambda progress: None,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        if not len(train):
            raise TrainingError("no image to train on: give one or more")
        if not isinstance(epochs, int | np.integer) or epochs < 0:
            raise TrainingError(
                f"epochs = {epochs!r}: give how many more there are to be, 0, 1, ..."
            )
        print_ = train.fingerprint()
        if run.position and (run.train_images, run.data) != (len(train), print_):
            raise TrainingError(
                f"epoch {run.epoch + 1} was broken off after {run.position:,} of "
                f"{run.train_images:,} images (fingerprint {run.data}), these are {len(train):,} "
                f"({print_}): finish it with the same data"
            )
        self.engine, self.run, self.train, self.held = engine, run, train, held
        self._epochs = run.epoch + epochs
        self._total = run.presentations + max(0, epochs * len(train) - run.position)
        self._progress, self._keep = progress, keep
        self._trained, self._steps, self._seconds = 0, 0, 0.0
        self._glance = slice(0, None if engine.name == "golden" else GLANCE)
        run.train_images, run.data = len(train), print_

    @property
    def images_per_second(self) -> float:
        """Rate of training; 0 before its first sample."""
        return self._trained / self._seconds if self._seconds else 0.0

    @property
    def mean_steps(self) -> float:
        """Steps that a trained sample ran, on the mean; 0 before the first."""
        return self._steps / self._trained if self._trained else 0.0

    def fit(self) -> None:
        """Train until all epochs are done.

        Ctrl-C and SIGTERM end the chunk that is running and raise `KeyboardInterrupt`.
        """
        pace, kept = Pace(), False
        with Stop(patient=True) as stop:
            while True:
                if self._due():
                    self._look()
                if not self.run.position or not kept:
                    self._keep_now()
                    kept = True
                if self.run.epoch >= self._epochs:
                    break
                self._train_stretch(pace, stop)
            stop.check()

    def _keep_now(self) -> None:
        self._keep()
        self._kept = time.monotonic()

    @property
    def _stretch(self) -> int:
        """Presentations between two points of the learning curve."""
        return -(-len(self.train) // EVALUATIONS)

    def _due(self) -> bool:
        """Whether a point of the learning curve belongs here and is not there."""
        last = self.run.curve[-1].presentations if self.run.curve else -1
        return (
            self.held is not None
            and len(self.held) > 0
            and last < self.run.presentations
            and self.run.position % self._stretch == 0
        )

    def _train_stretch(self, pace: Pace, stop: Stop) -> None:
        """Train to the next point of the learning curve, or to the epoch's end."""
        run, stretch = self.run, self._stretch
        self.engine.set_updates(self.engine.machine.updates(run.epoch))
        order = initial.order(run.seed, run.epoch, len(self.train))
        samples = order[run.position : (run.position // stretch + 1) * stretch]
        for chunk in pace.chunks(len(samples)):
            self._train_chunk(samples[chunk])
            self._progress(self._told())
            stop.check()
            if self.run.position and time.monotonic() - self._kept >= KEEP_SECONDS:
                self._keep_now()

    def _train_chunk(self, samples: np.ndarray) -> None:
        images, labels = self.train.images[samples], self.train.labels[samples]
        started = time.perf_counter()
        self.engine.train(images, labels)
        self._seconds += time.perf_counter() - started
        self._trained += len(samples)
        self._steps += int(self.engine.ran.sum())
        run = self.run
        run.presentations += len(samples)
        run.position += len(samples)
        if run.position == len(self.train):
            run.epoch, run.position = run.epoch + 1, 0

    def _look(self) -> None:
        """Add a point to the learning curve."""
        held = self.held[self._glance]
        counts, ran = infer(self.engine, held.images)
        found = Evaluation(counts, held.labels, ran)
        self.run.curve.append(Point(self.run.presentations, len(held), found.right))
        self._progress(self._told())

    def _told(self) -> Progress:
        return Progress(
            stage="training",
            done=self.run.presentations,
            total=self._total,
            images_per_second=self.images_per_second,
            mean_steps=self.mean_steps if self.engine.machine.config.stop.used else 0.0,
            epoch=self.run.epoch,
            epochs=self._epochs,
            point=self.run.curve[-1] if self.run.curve else None,
        )


def replay(kept: Checkpoint, run: Run, train: Part) -> Checkpoint:
    """Return the checkpoint of `run` where its engine is lost, by training golden from `kept` on.

    kept : of the epoch that `run` is in, or has just ended. All engines have the same
    bits, so these are those that were lost.
    """
    built, at = machine(kept.config), kept.run
    engine = GoldenEngine(built)
    restore(engine, kept.weights, kept.stream_states)
    engine.set_updates(built.updates(at.epoch))
    end = run.position if run.epoch == at.epoch else len(train)
    samples = initial.order(at.seed, at.epoch, len(train))[at.position : end]
    for chunk in Pace().chunks(len(samples)):
        part = samples[chunk]
        engine.train(train.images[part], train.labels[part])
    return dataclasses.replace(
        kept, run=run, weights=engine.weights, stream_states=engine.stream_states
    )
