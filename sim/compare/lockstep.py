"""Golden and a core side by side: equal bit for bit, or the first place where they are not.

`Lockstep` is an engine itself, so the training loop drives a pair as it drives one. Counts and
steps of every sample and the counters are compared after every call, the generators and the core's
own digest of its weights every `DIGEST_EVERY` samples, and every weight at the end. Of a board,
whose weights are far to fetch, the digest is compared after every sample. Where something differs,
both sides go back to the last state known to be equal, and the sample, the step and the place are
found by running less and less of what followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import numpy as np

from spikeloom.engines.device import DeviceEngine, refuse_rule
from spikeloom.engines.engine import GoldenEngine, Kind, start
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.progress import Callback
from spikeloom.run import Run
from spikeloom.sim.compare.difference import (
    Difference,
    MismatchError,
    Place,
    digest,
    outcome_differences,
    outcomes,
    tell,
)
from spikeloom.sim.compare.pair import DIGEST, Pair, Stretch
from spikeloom.training import Trainer, infer

DIGEST_EVERY = 256
"""Samples between two comparisons of the whole state; reading it costs a core about ten samples."""


class Lockstep(Pair):
    """Golden and a core as one engine; every call raises `MismatchError` where they differ.

    What it returns is the core's. `compared_weights` and `compared_images` say how much was found
    equal so far, `device_seconds` how long the core has trained.

    digest_each : compare the digest of the weights after every sample, not the weights' last.
    """

    def __init__(
        self,
        golden: GoldenEngine,
        device: DeviceEngine,
        *,
        digest_every: int = DIGEST_EVERY,
        digest_each: bool = False,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        super().__init__(golden, device)
        self.name = device.name
        self.machine = device.machine
        self.compared_weights = 0
        self.compared_images = 0
        self.device_seconds = 0.0
        self._digest_every = digest_every
        self._digest_each = digest_each
        self._log = log
        self._updates = self.machine.updates(0)
        self._trained = self._inferred = 0
        self._mark()

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights of the core."""
        return self.device.weights

    @weights.setter
    def weights(self, weights: list[np.ndarray]) -> None:
        self.golden.weights = weights
        self.device.weights = weights
        self._mark()

    @property
    def stream_states(self) -> list[int]:
        """States of the core's streams."""
        return self.device.stream_states

    @stream_states.setter
    def stream_states(self, states: list[int]) -> None:
        self.golden.stream_states = states
        self.device.stream_states = states
        self._mark()

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update of both from now on."""
        self._updates = updates
        super().set_updates(updates)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train both on samples in order; return counted output spikes, int32[n, classes]."""
        self._since.append(Stretch(images, labels, self._updates))
        self._trained += len(images)
        if self._digest_each:
            found = self._train_each(images, labels)
        else:
            expected = outcomes(self.golden.train(images, labels), self.golden.ran)
            started = time.perf_counter()
            found = self.device.train(images, labels)
            self.device_seconds += time.perf_counter() - started
            told = outcomes(found, self.device.ran)
            if (k := _first_wrong(expected, told)) is not None:
                seen = list(outcome_differences(expected[k], told[k]))
                self._raise_trained(self._trained - len(images) + k, seen)
        if seen := list(self.counter_differences("train")):
            self._raise_trained(self._trained - 1, seen)
        self.compared_images += len(images)
        if sum(len(run.labels) for run in self._since) >= self._digest_every:
            self.compare_state()
        return found

    def _train_each(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train both, comparing the outcome and the weights' digest of every sample."""
        started = time.perf_counter()
        found, digests = self.device.train_digests(images, labels)
        self.device_seconds += time.perf_counter() - started
        told = outcomes(found, self.device.ran)
        for k, run in enumerate(self._since[-1].each()):
            before = self.state()
            expected = outcomes(self.golden.train(run.images, run.labels), self.golden.ran)
            seen = list(outcome_differences(expected[0], told[k]))
            mine, theirs = digest(self.golden.weights), int(digests[k])
            if mine != theirs:
                seen.append(Place(DIGEST, mine, theirs))
            if seen:
                sample = self._trained - len(images) + k
                self._log(f"sample {sample} differs: looking for the step")
                difference = self.first_step("train", sample, run, before, seen)
                if difference.step is None:  # something went wrong before that no digest shows
                    self._raise_trained(sample, seen)
                raise MismatchError(difference)
        return found

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Infer with both; return counted output spikes, int32[n, classes]."""
        expected = outcomes(self.golden.infer(images), self.golden.ran)
        found = self.device.infer(images)
        told = outcomes(found, self.device.ran)
        if (k := _first_wrong(expected, told)) is not None:
            run = Stretch(images[k : k + 1], np.zeros(1, np.uint8), self._updates)
            seen = list(outcome_differences(expected[k], told[k]))
            number, state = self._inferred + k, self.state()
            raise MismatchError(self.first_step("infer", number, run, state, seen))
        self._inferred += len(images)
        self.compared_images += len(images)
        return found

    def counters(self, kind: Kind = "train") -> dict[str, int]:
        """Return the core's counters."""
        return self.device.counters(kind)

    def clear(self) -> None:
        """Put all counters of both to 0."""
        self.golden.clear()
        self.device.clear()

    def close(self) -> None:
        """Close both."""
        self.golden.close()
        self.device.close()

    def compare_state(self) -> None:
        """Compare generators and the digest that the core computes of its weights."""
        if seen := list(self.state_differences()):
            self._raise_trained(self._trained - 1, seen)
        self._mark()

    def compare_weights(self) -> None:
        """Compare every weight, and all that `compare_state` does.

        One by one, or, where each sample's digest is compared, by the last digest.
        """
        self.compare_state()
        if not self._digest_each and (seen := self.differences("train")):
            self._raise_trained(self._trained - 1, seen)
        self.compared_weights = self.machine.config.weight_count

    def _mark(self) -> None:
        """Remember this state as equal."""
        self._equal = self.state()
        self._since: list[Stretch] = []

    def _raise_trained(self, sample: int, seen: list[Place]) -> None:
        """Find the first difference among the samples trained since the last equal state.

        `seen` is what differed after sample number `sample`; it is told if nothing differs again.
        """
        self._log("the engines differ: looking for the first sample where they do")
        samples = [each for run in self._since for each in run.each()]
        found = self.first_sample(samples, self._equal)
        if found is None:
            raise MismatchError(tell("train", sample, None, seen))
        number = self._trained - len(samples) + found
        self._log(f"sample {number} differs: looking for the step")
        state = self.golden_after(samples[:found], self._equal)
        raise MismatchError(self.first_step("train", number, samples[found], state, seen))

    def verify(self, run: Callable[[], None]) -> Verification:
        """Call what runs the pair, then compare every weight; return what was found."""
        difference = None
        try:
            run()
            self.compare_weights()
        except MismatchError as mismatch:
            difference = mismatch.difference
        return Verification(self.compared_weights, self.compared_images, difference)


def _first_wrong(expected: np.ndarray, found: np.ndarray) -> int | None:
    """Return the first sample whose outcome, int32[n, classes + 1], differs."""
    return next(iter(np.flatnonzero((expected != found).any(axis=1)).tolist()), None)


@dataclass(frozen=True, repr=False)
class Verification:
    """What was compared and found equal, up to `difference` if there is one."""

    compared_weights: int
    compared_images: int
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether nothing differed."""
        return self.difference is None

    def __str__(self) -> str:
        """Say it in a line."""
        if self.difference is not None:
            return f"DIFFERENT: {self.difference}"
        return (
            f"equal, bit for bit: {self.compared_images:,} images, {self.compared_weights:,} "
            "weights"
        )

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>"


def verify(
    config: NetworkConfig,
    seed: int,
    data: Dataset,
    device: DeviceEngine,
    *,
    epochs: int = 1,
    progress: Callback = lambda _: None,
    log: Callable[[str], None] = lambda line: None,
) -> Verification:
    """Train golden and `device` in lockstep on `data`, test both, and compare all they have.

    `ConfigError` for a configuration that no core can have.

    Training goes as `Trainer` goes, in epochs, with the seed's order of samples; the held-out
    and test images of `data` are inferred.
    """
    refuse_rule(machine(config))
    golden = GoldenEngine(device.machine)
    pair = Lockstep(golden, device, digest_each=device.name == "board", log=log)

    def run() -> None:
        start(pair, seed)
        Trainer(pair, Run(seed), data.train, data.held, epochs=epochs, progress=progress).fit()
        infer(pair, data.test.images)

    return pair.verify(run)
