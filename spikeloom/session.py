"""An engine and the run in it, of which no whole sample is lost."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from spikeloom import checkpoint as checkpoints
from spikeloom import training
from spikeloom.checkpoint import Checkpoint
from spikeloom.engines.engine import Engine, restore
from spikeloom.errors import SpikeloomError
from spikeloom.golden.datasets import Part
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.progress import Callback
from spikeloom.run import Run
from spikeloom.training import Trainer, TrainingError


class Session:
    """An engine, put into a state, for which the weights travel once.

    It keeps the last state that it knows without the engine: the weights are asked for no oftener
    than they change, and what an engine loses is trained again in golden from there, for all have
    the same bits. A call that does not end loses an engine: what it holds then is unknown.

    Parameters
    ----------
    engine : is the session's own from now on. begun : the state.

    Attributes
    ----------
    run : where training stands.
    images_per_second, mean_steps : of the last `fit`. fitted, held : its images.
    """

    def __init__(self, engine: Engine, begun: Checkpoint) -> None:
        self.engine = engine
        self.run: Run = copy.deepcopy(begun.run)
        self.images_per_second = self.mean_steps = 0.0
        self._lost = ""
        self.fitted: Part | None = None
        self.held: Part | None = None
        self._keep(begun)
        restore(engine, begun.weights, begun.stream_states)

    # What training and inference see of the engine

    @property
    def name(self) -> str:
        """Name of the engine."""
        return self.engine.name

    @property
    def machine(self) -> Machine:
        """The engine's."""
        return self.engine.machine

    @property
    def ran(self) -> np.ndarray:
        """Steps that each sample of the engine's last call ran: int32[n]."""
        return self.engine.ran

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        with self._whole():
            self.engine.set_updates(updates)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train on samples in order; return counted output spikes, int32[n, classes]."""
        with self._whole():
            return self.engine.train(images, labels)

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes, int32[n, classes]."""
        with self._whole():
            return self.engine.infer(images)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Take the engine for lost unless the block ends."""
        if self._lost:
            raise TrainingError(
                f"the engine {self.name!r} was {self._lost}: save this network, "
                f"{self.machine.config.name!r}, which has all that was done before, and load it "
                "again"
            )
        self._lost = "lost within a sample"
        yield
        self._lost = ""

    def close(self) -> None:
        """Give back what the engine holds; what is known of the run is kept."""
        self._lost = "closed"
        self.engine.close()

    # The run

    def fit(
        self, train: Part, held: Part | None, epochs: int, progress: Callback, save: Path | None
    ) -> None:
        """Train for some epochs more; see `Network.fit`."""

        def keep() -> None:
            kept = self.checkpoint()
            if save is not None:
                checkpoints.save(save, kept)

        trainer = Trainer(self, self.run, train, held, epochs=epochs, progress=progress, keep=keep)
        self.fitted, self.held = train, held
        try:
            trainer.fit()
        except BaseException:
            if save is not None:
                with suppress(SpikeloomError):  # an engine that has gone shows now
                    self.checkpoint()
                checkpoints.save(save, self.checkpoint())
            raise
        finally:
            self.images_per_second = trainer.images_per_second
            self.mean_steps = trainer.mean_steps

    def infer_all(
        self, images: np.ndarray, steps: int, stop: StopConfig, progress: Callback
    ) -> tuple[np.ndarray, np.ndarray]:
        """Infer images, of each `steps` steps at most; return what `training.infer` does."""
        config = self.machine.config
        cut = (steps, stop) != (config.steps, config.stop)
        if cut:
            self._cut(steps, stop)
        try:
            return training.infer(self, images, progress)
        finally:
            if cut and not self._lost:
                self._cut(config.steps, config.stop)

    def _cut(self, steps: int, stop: StopConfig) -> None:
        with self._whole():
            self.engine.steps, self.engine.stop = steps, stop

    def load_weights(self, weights: list[np.ndarray]) -> None:
        """Replace all weights."""
        before = self.checkpoint()
        with self._whole():
            self.engine.weights = weights
        self._keep(dataclasses.replace(before, weights=weights))

    def checkpoint(self) -> Checkpoint:
        """Return all that the run needs to go on, in this engine or another."""
        stale = self.run.presentations != self._kept.run.presentations
        if stale and self._lost:
            self._keep(training.replay(self._kept, self.run, self.fitted))
        elif stale:
            with self._whole():
                weights, states = self.engine.weights, self.engine.stream_states
            self._keep(dataclasses.replace(self._kept, weights=weights, stream_states=states))
        return dataclasses.replace(self._kept, run=copy.deepcopy(self.run))

    @contextmanager
    def lend(self) -> Iterator[Engine]:
        """Give the engine away for the block, then put it back."""
        state = self.checkpoint()
        with self._whole():
            yield self.engine
            restore(self.engine, state.weights, state.stream_states)

    def _keep(self, state: Checkpoint) -> None:
        self._kept = dataclasses.replace(state, run=copy.deepcopy(self.run))
