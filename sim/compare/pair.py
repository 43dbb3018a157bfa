"""Golden and a core brought to one state: what differs, and at which sample and step it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spikeloom.engines.device import DeviceEngine
from spikeloom.engines.engine import GoldenEngine, Kind
from spikeloom.golden.spec.learning import Update
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.sim.compare.difference import (
    Difference,
    Place,
    counter_differences,
    digest,
    outcome_differences,
    outcomes,
    stream_differences,
    tell,
    weight_differences,
)

DIGEST = "the core's digest of its weights"


@dataclass(frozen=True)
class Snapshot:
    """What training changes, to go back to."""

    weights: list[np.ndarray]
    stream_states: list[int]


@dataclass(frozen=True)
class Stretch:
    """Samples that were run in one call, with what was in force."""

    images: np.ndarray
    labels: np.ndarray
    updates: tuple[Update, ...]

    def each(self) -> Iterator[Stretch]:
        """Yield every sample as a run of its own."""
        for k in range(len(self.images)):
            yield Stretch(self.images[k : k + 1], self.labels[k : k + 1], self.updates)


class Pair:
    """Golden and a core, which are set, run and compared together."""

    def __init__(self, golden: GoldenEngine, device: DeviceEngine) -> None:
        self.golden = golden
        self.device = device

    @property
    def steps(self) -> int:
        """Steps per sample."""
        return self.golden.steps

    @steps.setter
    def steps(self, steps: int) -> None:
        self.golden.steps = steps
        self.device.steps = steps

    @property
    def stop(self) -> StopConfig:
        """Margins that end a sample."""
        return self.golden.stop

    @stop.setter
    def stop(self, stop: StopConfig) -> None:
        self.golden.stop = stop
        self.device.stop = stop

    @property
    def ran(self) -> np.ndarray:
        """Steps that each sample of the last call ran, int32[n], in the core."""
        return self.device.ran

    def set_updates(self, updates: tuple[Update, ...]) -> None:
        """Set each crossbar's update of both from now on."""
        self.golden.set_updates(updates)
        self.device.set_updates(updates)

    def state(self) -> Snapshot:
        """Return golden's state."""
        return Snapshot(self.golden.weights, self.golden.stream_states)

    def load(self, state: Snapshot) -> None:
        """Put both into a state, their counters at 0."""
        for engine in (self.golden, self.device):
            engine.weights = state.weights
            engine.stream_states = state.stream_states
            engine.clear()

    def both(self, kind: Kind, run: Stretch) -> list[np.ndarray]:
        """Run samples with golden, then with the core; return the `outcomes` of both."""
        labels = (run.labels,) if kind == "train" else ()
        return [
            outcomes(getattr(engine, kind)(run.images, *labels), engine.ran)
            for engine in (self.golden, self.device)
        ]

    # What differs now

    def differences(
        self, kind: Kind, mine: np.ndarray | None = None, theirs: np.ndarray | None = None
    ) -> list[Place]:
        """Return every place that differs: weights, a sample's outcome, counters, streams."""
        found = list(weight_differences(self.golden.weights, self.device.weights))
        if mine is not None and theirs is not None:
            found += outcome_differences(mine, theirs)
        return [*found, *self.counter_differences(kind), *self.state_differences()]

    def state_differences(self) -> Iterator[Place]:
        """Yield the digests if they differ, and the streams that do."""
        mine, theirs = digest(self.golden.weights), self.device.digest()
        if mine != theirs:
            yield Place(DIGEST, mine, theirs)
        states = self.golden.stream_states, self.device.stream_states
        yield from stream_differences(self.device.machine.config, *states)

    def counter_differences(self, kind: Kind) -> Iterator[Place]:
        """Yield the counters that both sides have and that differ."""
        return counter_differences(self.golden.counters(kind), self.device.counters(kind))

    # Where it begins

    def first_sample(self, samples: Sequence[Stretch], state: Snapshot) -> int | None:
        """Return which of the samples trained from `state` on differs first; None if none does."""
        if not self._differs_after(samples, state):
            return None
        low, high = 0, len(samples)
        while high - low > 1:
            middle = (low + high) // 2
            if self._differs_after(samples[:middle], state):
                high = middle
            else:
                low = middle
        return high - 1

    def _differs_after(self, samples: Sequence[Stretch], state: Snapshot) -> bool:
        """Whether anything differs after these samples, from `state` on."""
        self.load(state)
        for run in samples:
            self.set_updates(run.updates)
            if not np.array_equal(*self.both("train", run)):
                return True
        return any(self.counter_differences("train")) or any(self.state_differences())

    def golden_after(self, samples: Sequence[Stretch], state: Snapshot) -> Snapshot:
        """Return golden's state after these samples, from `state` on."""
        self.load(state)
        for run in samples:
            self.golden.set_updates(run.updates)
            self.golden.train(run.images, run.labels)
        return self.state()

    def first_step(
        self, kind: Kind, sample: int, run: Stretch, state: Snapshot, seen: list[Place]
    ) -> Difference:
        """Cut a sample, by its number, short until the last step left is the first that differs.

        `seen` is what differed when it was run; it is told if nothing differs from `state` on.
        """
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

    def _cut(self, kind: Kind, run: Stretch, state: Snapshot, steps: int) -> list[Place]:
        """Run the first `steps` steps of a sample from `state`; return what differs after them."""
        self.load(state)
        self.steps = steps
        mine, theirs = self.both(kind, run)
        return self.differences(kind, mine[0], theirs[0])
