"""What is trained while bits are upset, what golden makes of it, and what accuracy is usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.streams import streams
from spikeloom.sim.upsets import UpsetError
from spikeloom.sim.upsets.golden import Golden, Seen


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
    expected : what golden sees of the window. usual, scatter : mean and standard deviation of
        the accuracy at the end, undisturbed; only the random numbers differ from run to run.
    """

    def __init__(self, config: NetworkConfig, data: Dataset, seed: int, size: Size = SIZE) -> None:
        self.machine: Machine = machine(config)
        self.size = size
        needed = size.before + size.window + size.after + size.rest
        if needed > len(data.train_images) or size.test > len(data.test_images):
            raise UpsetError(
                f"{needed} images to train on and {size.test} to test on are needed, {data.name} "
                f"has {len(data.train_images)} and {len(data.test_images)}"
            )
        self._data = data
        self._golden = Golden(self.machine)
        first = [stream.seed(seed) for stream in streams(config)]
        self._golden.put(initial.weights(self.machine, seed), first)
        self._golden.train(*self._part(0, size.before))
        self.weights, self.states = self._golden.weights, self._golden.stream_states
        self.images, self.labels = self._part(size.before, size.window)
        self.expected = self._golden.see(self.images, self.labels)
        self.usual, self.scatter = self._spread(seed)

    @property
    def least(self) -> float:
        """The least accuracy that counts as usual: two standard deviations below the mean."""
        return self.usual - 2 * self.scatter

    def next(self, seen: Seen) -> tuple[np.ndarray, np.ndarray, Seen]:
        """Return the images and labels after the window, and what golden sees of them."""
        images, labels = self._part(self.size.before + self.size.window, self.size.after)
        self._golden.put(seen.weights, seen.states)
        return images, labels, self._golden.see(images, labels)

    def accuracy_after(self, seen: Seen) -> float:
        """Return the accuracy once golden has gone on from there with the rest of the images."""
        size = self.size
        self._golden.put(seen.weights, seen.states)
        self._golden.train(*self._part(size.before + size.window + size.after, size.rest))
        data = self._data
        return self._golden.accuracy(data.test_images[: size.test], data.test_labels[: size.test])

    def _spread(self, seed: int) -> tuple[float, float]:
        rng = np.random.default_rng(seed)
        found = []
        for _ in range(self.size.repeats):
            states = [
                int(rng.integers(1, stream.lfsr.mask, endpoint=True, dtype=np.uint64))
                for stream in streams(self.machine.config)
            ]
            self._golden.put(self.weights, states)
            found.append(self.accuracy_after(self._golden.see(self.images, self.labels)))
        return float(np.mean(found)), float(np.std(found, ddof=1))

    def _part(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(first, first + count)
        return self._data.train_images[part], self._data.train_labels[part].astype(np.int64)
