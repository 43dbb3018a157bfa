"""What is trained while bits are upset, what golden makes of it, and what accuracy is usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.streams import streams
from tests.campaigns.upsets import UpsetError
from tests.campaigns.upsets.accuracy import Ended, Usual
from tests.campaigns.upsets.golden import Golden, Seen


@dataclass(frozen=True)
class Size:
    """How many images each part of a run has.

    Attributes
    ----------
    before : golden has trained on these when a run begins: the network is learning already.
    window : the chip trains on these, the upset comes in the first two thirds of that time.
    after : where the end differs, chip and golden go on from there with these.
    rest : golden goes on with these, `test` tell the accuracy then.
    repeats : undisturbed runs with other random numbers, which say how much accuracy scatters.
    """

    before: int = 1000
    window: int = 6
    after: int = 3
    rest: int = 1000
    test: int = 1000
    repeats: int = 40


SIZE = Size()
QUICK = Size(before=200, window=4, after=2, rest=100, test=200, repeats=10)


class Task:
    """The same training for every run.

    Parameters
    ----------
    config : the network. data : digits that fit it. seed : of weights and streams.
    size : how many of them.

    Attributes
    ----------
    machine : of the configuration. weights, states : where every run begins.
    expected : what golden sees of the window.
    usual : accuracies at the end, undisturbed; only random numbers differ from run to run.
    """

    def __init__(self, config: NetworkConfig, data: Dataset, seed: int, size: Size = SIZE) -> None:
        self.machine: Machine = machine(config)
        self.size = size
        needed = size.before + size.window + size.after + size.rest
        if needed > len(data.train.images) or size.test > len(data.test.images):
            raise UpsetError(
                f"{needed} images to train on and {size.test} to test on are needed, {data.name} "
                f"has {len(data.train.images)} and {len(data.test.images)}"
            )
        self._data = data
        self._golden = Golden(self.machine)
        first = [stream.seed(seed) for stream in streams(config)]
        self._golden.put(initial.weights(self.machine, seed), first)
        self._golden.train(*self._part(0, size.before))
        self.weights, self.states = self._golden.weights, self._golden.stream_states
        self.images, self.labels = self._part(size.before, size.window)
        self.expected = self._golden.see(self.images, self.labels)
        self._undisturbed = self.next(self.expected)[2].weights
        self._rng = np.random.default_rng(seed)
        again = (self._states() for _ in range(size.repeats))
        self.usual = Usual.of([self._accuracy(self._undisturbed, states) for states in again])

    def next(self, seen: Seen) -> tuple[np.ndarray, np.ndarray, Seen]:
        """Return the images and labels after the window, and what golden sees of them."""
        images, labels = self._part(self.size.before + self.size.window, self.size.after)
        self._golden.put(seen.weights, seen.states)
        return images, labels, self._golden.see(images, labels)

    def end_of(self, seen: Seen) -> Ended:
        """Return how training ends that golden goes on with from there.

        The random numbers are new ones: the upset run's own would compare every upset with the
        luck of the one undisturbed run that has them too.
        """
        states = self._states()
        accuracy = self._accuracy(seen.weights, states)
        return Ended(accuracy, accuracy - self._accuracy(self._undisturbed, states))

    def _accuracy(self, weights: list[np.ndarray], states: list[int]) -> float:
        """Return the accuracy once golden has trained on with the rest of the images."""
        size = self.size
        self._golden.put(weights, states)
        self._golden.train(*self._part(size.before + size.window + size.after, size.rest))
        data = self._data
        return self._golden.accuracy(data.test.images[: size.test], data.test.labels[: size.test])

    def _states(self) -> list[int]:
        """Return new random states of all streams."""
        return [
            int(self._rng.integers(1, stream.lfsr.mask, endpoint=True, dtype=np.uint64))
            for stream in streams(self.machine.config)
        ]

    def _part(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(first, first + count)
        images, labels = self._data.train[part]
        return images, labels.astype(np.int64)
