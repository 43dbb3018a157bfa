"""Golden and a core side by side: equal bit for bit, or the first place where they are not.

`Lockstep` is an engine itself, so the training loop drives a pair as it drives one. Counts of
every sample and the counters are compared after every call, the generators and the core's own
digest of its weights every `DIGEST_EVERY` samples, and every weight at the end. Of a board, whose
weights are far to fetch, the digest is compared after every sample. Where something differs, both
sides go back to the last state known to be equal, and the sample, the step and the place are found
by running less and less of what followed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.protocol import weights_digest
from spikeloom.golden.spec.streams import streams
from spikeloom.sim.device_engine import DeviceEngine, refuse_rate_form
from spikeloom.sim.difference import (
    Difference,
    MismatchError,
    Place,
    count_differences,
    tell,
    weight_differences,
)
from spikeloom.sim.engine import GoldenEngine, Kind
from spikeloom.sim.trainer import Progress, Trainer, evaluate

DIGEST_EVERY = 256
"""Samples between two comparisons of the whole state; reading it costs a core about ten samples."""

DIGEST = "the core's digest of its weights"


def _digest(engine: GoldenEngine) -> int:
    return weights_digest([w.astype("<i2").tobytes() for w in engine.weights])


@dataclass(frozen=True)
class _State:
    weights: list[np.ndarray]
    stream_states: list[int]


@dataclass(frozen=True)
class _Run:
    """Samples that were run in one call, with what was in force."""

    images: np.ndarray
    labels: np.ndarray
    updates: tuple[Update, ...]


class Lockstep:
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
        self.name = device.name
        self.machine: Machine = device.machine
        self.golden = golden
        self.device = device
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

    @property
    def steps(self) -> int:
        """Steps per sample."""
        return self.golden.steps

    @steps.setter
    def steps(self, steps: int) -> None:
        self.golden.steps = steps
        self.device.steps = steps

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update of both from now on."""
        self._updates = updates
        self.golden.set_updates(updates)
        self.device.set_updates(updates)

    def train(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train both on samples in order; return counted output spikes, int32[n, classes]."""
        self._since.append(_Run(images, labels, self._updates))
        self._trained += len(images)
        if self._digest_each:
            found = self._train_each(images, labels)
        else:
            expected = self.golden.train(images, labels)
            started = time.perf_counter()
            found = self.device.train(images, labels)
            self.device_seconds += time.perf_counter() - started
            wrong = np.flatnonzero((expected != found).any(axis=1))
            if wrong.size:
                seen = list(count_differences(expected[wrong[0]], found[wrong[0]]))
                self._raise_trained(self._trained - len(images) + int(wrong[0]), seen)
        if seen := list(self._counter_differences("train")):
            self._raise_trained(self._trained - 1, seen)
        self.compared_images += len(images)
        if sum(len(run.labels) for run in self._since) >= self._digest_every:
            self.compare_state()
        return found

    def _train_each(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Train both, comparing counts and the weights' digest of every sample."""
        started = time.perf_counter()
        found, digests = self.device.train_digests(images, labels)
        self.device_seconds += time.perf_counter() - started
        for k in range(len(images)):
            before = _State(self.golden.weights, self.golden.stream_states)
            expected = self.golden.train(images[k : k + 1], labels[k : k + 1])[0]
            seen = list(count_differences(expected, found[k]))
            digest, theirs = _digest(self.golden), int(digests[k])
            if theirs != digest:
                seen.append(Place(DIGEST, digest, theirs))
            if seen:
                sample = self._trained - len(images) + k
                self._log(f"sample {sample} differs: looking for the step")
                run = _Run(images[k : k + 1], labels[k : k + 1], self._updates)
                difference = self._first_step("train", sample, run, before, seen)
                if difference.step is None:  # something went wrong before that no digest shows
                    self._raise_trained(sample, seen)
                raise MismatchError(difference)
        return found

    def infer(self, images: np.ndarray) -> np.ndarray:
        """Infer with both; return counted output spikes, int32[n, classes]."""
        expected = self.golden.infer(images)
        found = self.device.infer(images)
        wrong = np.flatnonzero((expected != found).any(axis=1))
        if wrong.size:
            self._raise_inferred(images, int(wrong[0]), expected, found)
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
        if seen := list(self._state_differences()):
            self._raise_trained(self._trained - 1, seen)
        self._mark()

    def compare_weights(self) -> None:
        """Compare every weight, and all that `compare_state` does.

        One by one, or, where each sample's digest is compared, by the last digest.
        """
        self.compare_state()
        if not self._digest_each and (seen := self._differences("train")):
            self._raise_trained(self._trained - 1, seen)
        self.compared_weights = self.machine.config.weight_count

    def _mark(self) -> None:
        """Remember this state as equal."""
        self._equal = _State(self.golden.weights, self.golden.stream_states)
        self._since: list[_Run] = []

    def _state_differences(self) -> Iterator[Place]:
        """Yield the digests if they differ, and the streams that do."""
        digest = _digest(self.golden)
        if (theirs := self.device.digest()) != digest:
            yield Place(DIGEST, digest, theirs)
        states = zip(self.golden.stream_states, self.device.stream_states, strict=True)
        for stream, (golden, device) in zip(streams(self.machine.config), states, strict=True):
            if golden != device:
                yield Place(f"the state of stream {stream.name}", golden, device)

    def _counter_differences(self, kind: Kind) -> Iterator[Place]:
        """Yield the counters that both sides have and that differ."""
        mine, theirs = self.golden.counters(kind), self.device.counters(kind)
        for name in sorted(mine.keys() & theirs.keys()):
            if mine[name] != theirs[name]:
                _, _, layer = name.partition(".")
                layer = int(layer) if layer else None
                yield Place(f"counter {name}", mine[name], theirs[name], layer)

    def _load(self, state: _State) -> None:
        for engine in (self.golden, self.device):
            engine.weights = state.weights
            engine.stream_states = state.stream_states
            engine.clear()

    # Finding the first difference

    def _raise_trained(self, sample: int, seen: list[Place]) -> None:
        """Find the first difference among the samples trained since the last equal state.

        `seen` is what differed after sample number `sample`; it is told if nothing differs again.
        """
        self._log("the engines differ: looking for the first sample where they do")
        samples = [
            _Run(run.images[k : k + 1], run.labels[k : k + 1], run.updates)
            for run in self._since
            for k in range(len(run.labels))
        ]
        first = self._trained - len(samples)
        low, high = 0, len(samples)
        if not self._replay_differs(samples):
            raise MismatchError(tell("train", sample, None, seen))
        while high - low > 1:
            middle = (low + high) // 2
            if self._replay_differs(samples[:middle]):
                high = middle
            else:
                low = middle
        bad = samples[high - 1]
        self._log(f"sample {first + high - 1} differs: looking for the step")
        self._load(self._equal)
        for run in samples[: high - 1]:
            self.golden.set_updates(run.updates)
            self.golden.train(run.images, run.labels)
        state = _State(self.golden.weights, self.golden.stream_states)
        raise MismatchError(self._first_step("train", first + high - 1, bad, state, seen))

    def _replay_differs(self, samples: list[_Run]) -> bool:
        """Whether anything differs after these samples, from the last equal state on."""
        self._load(self._equal)
        for run in samples:
            self.set_updates(run.updates)
            mine = self.golden.train(run.images, run.labels)
            if not np.array_equal(mine, self.device.train(run.images, run.labels)):
                return True
        return any(self._counter_differences("train")) or any(self._state_differences())

    def _raise_inferred(
        self, images: np.ndarray, index: int, expected: np.ndarray, found: np.ndarray
    ) -> None:
        run = _Run(images[index : index + 1], np.zeros(1, np.uint8), self._updates)
        state = _State(self.golden.weights, self.golden.stream_states)
        seen = list(count_differences(expected[index], found[index]))
        raise MismatchError(self._first_step("infer", self._inferred + index, run, state, seen))

    def _first_step(
        self, kind: Kind, sample: int, run: _Run, state: _State, seen: list[Place]
    ) -> Difference:
        """Cut a sample short until the last step left is the first that differs."""
        self.set_updates(run.updates)
        steps = self.steps
        low, high = 0, steps
        places = whole = self._cut(kind, run, state, steps)
        if not whole:
            return tell(kind, sample, None, seen)
        while high - low > 1:
            middle = (low + high) // 2
            if found := self._cut(kind, run, state, middle):
                high, places = middle, found
            else:
                low = middle
        self.steps = steps
        return tell(kind, sample, high - 1, places, whole)

    def _cut(self, kind: Kind, run: _Run, state: _State, steps: int) -> list[Place]:
        """Run the first `steps` steps of a sample from `state`; return what differs after them."""
        self._load(state)
        self.steps = steps
        if kind == "train":
            mine = self.golden.train(run.images, run.labels)
            theirs = self.device.train(run.images, run.labels)
        else:
            mine, theirs = self.golden.infer(run.images), self.device.infer(run.images)
        return self._differences(kind, mine[0], theirs[0])

    def _differences(
        self, kind: Kind, mine: np.ndarray | None = None, theirs: np.ndarray | None = None
    ) -> list[Place]:
        """Return every place that differs: weights, counts of a sample, counters, streams."""
        pairs = enumerate(zip(self.golden.weights, self.device.weights, strict=True), start=1)
        found = [place for layer, pair in pairs for place in weight_differences(layer, *pair)]
        if mine is not None and theirs is not None:
            found += count_differences(mine, theirs)
        return [*found, *self._counter_differences(kind), *self._state_differences()]


@dataclass(frozen=True)
class Verification:
    """What was compared and found equal, up to `difference` if there is one."""

    compared_weights: int
    compared_images: int
    difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether nothing differed."""
        return self.difference is None


def verify(
    config: NetworkConfig,
    seed: int,
    data: Dataset,
    device: DeviceEngine,
    *,
    epochs: int = 1,
    progress: Callable[[Progress], None] = lambda _: None,
    log: Callable[[str], None] = lambda line: None,
) -> Verification:
    """Train golden and `device` in lockstep on `data`, test both, and compare all they have.

    `ConfigError` for a configuration that no core can have.

    Training goes as `Trainer` goes, in epochs, with the seed's order of samples; the held-out and
    test images of `data` are inferred.
    """
    refuse_rate_form(config)
    golden = GoldenEngine(device.machine)
    pair = Lockstep(golden, device, digest_each=device.name == "board", log=log)
    difference = None
    try:
        trainer = Trainer(pair, data, epochs=epochs, seed=seed)
        trainer.run(progress)
        evaluate(pair, data.test_images, data.test_labels)
        pair.compare_weights()
    except MismatchError as mismatch:
        difference = mismatch.difference
    return Verification(pair.compared_weights, pair.compared_images, difference)
