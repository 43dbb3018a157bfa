"""What golden makes of a state that an upset has left behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.golden.activity import counters
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import Machine


@dataclass(frozen=True, eq=False)
class Seen:
    """What a host sees of samples that were trained.

    Attributes
    ----------
    counts : int32[n, classes]. weights : int16[n_pre, n_post] per crossbar. states : of all
        streams. counters : spikes and error spikes per layer, and samples.
    """

    counts: np.ndarray
    weights: list[np.ndarray]
    states: list[int]
    counters: dict[str, int]

    def learned_as(self, other: Seen) -> bool:
        """Say whether all but the counters is the same."""
        return (
            np.array_equal(self.counts, other.counts)
            and self.states == other.states
            and all(map(np.array_equal, self.weights, other.weights))
        )

    def counted_as(self, other: Seen) -> bool:
        """Say whether the counters that both have are the same."""
        both = self.counters.keys() & other.counters.keys()
        return all(self.counters[name] == other.counters[name] for name in both)


class Golden(Network):
    """A golden network that also takes what only an upset makes: weights beyond the rails."""

    def put(self, weights: list[np.ndarray], states: list[int]) -> None:
        """Load weights, whatever they are, and the states of all streams."""
        for layer, given in zip(self.machine.layers, weights, strict=True):
            self._view(layer.index)[:] = given
        self.stream_states = states

    def flip(self, layer: int, row: int, column: int, bit: int) -> bool:
        """Invert a bit of a weight of a crossbar (from 1), as its memory holds it.

        Not where the weight would lie beyond its rail, at -2**(bits - 1): the chip brings it back
        with the next write to its word, golden only with the next one to itself. Returns whether
        the bit was inverted.
        """
        width = self.machine.layers[layer - 1].weight_bits
        view = self._view(layer)
        value = (int(view[row, column]) ^ 1 << bit) & (1 << width) - 1
        if value == 1 << width - 1:
            return False
        view[row, column] = value - (value >> width - 1 << width)
        return True

    def flip_some(self, rng: np.random.Generator, count: int) -> None:
        """Invert weight bits at random, each of all crossbars' alike; see `flip`."""
        layers = self.machine.layers
        widths = np.array([layer.weight_bits for layer in layers])
        bits = np.array([layer.n_pre * layer.n_post for layer in layers]) * widths
        for layer, hits in zip(layers, rng.multinomial(count, bits / bits.sum()), strict=True):
            flat, width = self._view(layer.index).reshape(-1), layer.weight_bits
            places = rng.integers(flat.size, size=hits)
            raw = flat.astype(np.int32) & (1 << width) - 1
            np.bitwise_xor.at(raw, places, 1 << rng.integers(width, size=hits))
            flat[:] = np.where(raw == 1 << width - 1, flat, raw - (raw >> width - 1 << width))

    def see(self, images: np.ndarray, labels: np.ndarray) -> Seen:
        """Train on samples in order."""
        counts, activity = self.train(images, labels)
        counted = counters(activity) | {"samples": len(images)}
        return Seen(counts, self.weights, self.stream_states, counted)

    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Return the part of the images whose class is their label."""
        return float((self.infer(images).argmax(axis=1) == labels).mean())


def legal(machine: Machine, weights: list[np.ndarray]) -> bool:
    """Say whether all weights lie within their rails."""
    pairs = zip(machine.layers, weights, strict=True)
    return all(np.abs(w.astype(np.int32)).max() <= layer.weight_max for layer, w in pairs)
