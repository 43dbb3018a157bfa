"""The golden network: an object around the compiled samples (`golden.sample` has the contract)."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.activity import KINDS, STEPS
from spikeloom.golden.lfsr import to_signed
from spikeloom.golden.sample import run_batch, run_given, run_sample
from spikeloom.golden.samples import (
    SampleError,
    checked_images,
    checked_labels,
    checked_states,
    checked_steps,
    checked_stop,
    checked_updates,
    checked_weights,
)
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.streams import MASK64
from spikeloom.golden.state import constants, state


class Network:
    """A golden network that trains and infers, sample by sample, bit for bit as the RTL does.

    Parameters
    ----------
    machine : what `golden.spec.machine.machine(config)` derived.

    Attributes
    ----------
    activity : int32[n, 5, L+1] of the samples of the last call, see `golden.activity`.

    Weights start at 0 (`golden.initial` has the initial ones), streams at the run's seeds, and
    updates at those of the first epoch.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._constants = constants(machine)
        self._state = state(machine)
        self.steps = machine.config.steps
        self.stop = machine.config.stop
        self.activity = np.empty((0, KINDS, len(machine.config.sizes)), np.int32)
        self.set_updates(machine.updates(0))

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update from now on."""
        updates = checked_updates(self.machine, updates)
        rows = [(0, 0), *((u.shift, u.probability) for u in updates)]
        self._update = np.array(rows, dtype=np.int64)

    @property
    def weights(self) -> list[np.ndarray]:
        """Copies of the weights: int16[n_pre, n_post] per crossbar."""
        return [self._view(layer).copy() for layer in range(1, self.machine.config.depth + 1)]

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        for layer, given in enumerate(checked_weights(self.machine, weights), start=1):
            self._view(layer)[:] = given

    @property
    def steps(self) -> int:
        """Steps per sample, 1 to the T of the configuration."""
        return self._steps

    @steps.setter
    def steps(self, steps: int) -> None:
        self._steps = checked_steps(self.machine, steps)

    @property
    def stop(self) -> StopConfig:
        """Margins that end a sample, those of the configuration at first."""
        return self._stop

    @stop.setter
    def stop(self, stop: StopConfig) -> None:
        self._stop = checked_stop(self.machine, stop)
        self._margins = np.array([stop.infer, stop.train, stop.least], np.int64)

    @property
    def ran(self) -> np.ndarray:
        """Steps that each sample of the last call ran: int32[n]."""
        return self.activity[:, STEPS, 0]

    def _view(self, layer: int) -> np.ndarray:
        sizes, first = self.machine.config.sizes, self._constants.crossbars
        flat = self._state.weights[first[layer] : first[layer + 1]]
        return flat.reshape(sizes[layer - 1], sizes[layer])

    @property
    def stream_states(self) -> list[int]:
        """States of all streams, in the order of `golden.spec.streams.streams`."""
        return [int(value) & MASK64 for value in self._state.streams]

    @stream_states.setter
    def stream_states(self, states: list[int]) -> None:
        self._state.streams[:] = [
            to_signed(value) for value in checked_states(self.machine, states)
        ]

    def train(self, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Train on samples in order; see `_run` for shapes."""
        return self._run(images, labels, 1)

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Return counted output spikes: int32[n, classes]; the class is the argmax."""
        return self._run(images, np.zeros(len(images), np.int64), 0)[0]

    def _run(
        self, images: np.ndarray, labels: np.ndarray, train: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return counts int32[n, classes] and activity int32[n, 5, L+1] (`run_sample`)."""
        sizes, flat = self.machine.config.sizes, checked_images(self.machine, images)
        n = len(flat)
        counts = np.empty((n, sizes[-1]), np.int32)
        activity = np.empty((n, KINDS, len(sizes)), np.int32)
        run_batch(
            self._constants,
            self._state,
            flat,
            checked_labels(self.machine, labels, n),
            train,
            self.steps,
            self._margins,
            self._update,
            counts,
            activity,
            np.empty((0, 0, 0), np.int8),
        )
        self.activity = activity
        return counts, activity

    def given(self, spikes: np.ndarray) -> np.ndarray:
        """Infer samples whose input spikes are given; return counted spikes, int32[n, classes].

        spikes : uint8 or bool [T, n, n_0], T up to the configuration's steps, all of which run:
        what a framework's own spikes come to here, which the encoder would draw otherwise.
        """
        config = self.machine.config
        if spikes.ndim != 3 or spikes.shape[2] != config.sizes[0]:
            raise SampleError(
                f"input spikes of the shape {list(spikes.shape)}: expected [steps, images, "
                f"{config.sizes[0]}]"
            )
        checked_steps(self.machine, len(spikes))
        counts = np.empty((spikes.shape[1], config.sizes[-1]), np.int32)
        flags = (spikes != 0).astype(np.uint8)
        run_given(self._constants, self._state, flags, self._update, counts)
        return counts

    def raster(self, image: np.ndarray, label: int, train: int) -> tuple[np.ndarray, np.ndarray]:
        """Run one sample and record it: spikes and errors, int8[steps run, sum of sizes] each.

        With `train` it is a training sample like any other: it learns and moves the streams.
        """
        sizes = self.machine.config.sizes
        raster = np.zeros((2, self.steps, sum(sizes)), np.int8)
        activity = np.empty((1, KINDS, len(sizes)), np.int32)
        run_sample(
            self._constants,
            self._state,
            checked_images(self.machine, image[np.newaxis])[0],
            checked_labels(self.machine, np.array([label]), 1)[0],
            train,
            self.steps,
            self._margins,
            self._update,
            np.empty(sizes[-1], np.int32),
            activity[0],
            raster,
        )
        self.activity = activity
        return raster[0, : self.ran[0]], raster[1, : self.ran[0]]
