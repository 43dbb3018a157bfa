"""What comes from elsewhere goes on learning: better on digits that differ, no worse on its own."""

from __future__ import annotations

import numpy as np

import spikeloom as sl
from spikeloom import nir
from spikeloom.golden.datasets import Part, load

SIDE = 14


def classifier(part: Part) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return an ANN: random features of ReLU, and the read-out of least squared error."""
    rng = np.random.default_rng(7)
    x = part.images.reshape(len(part), -1) / 255
    hidden = rng.normal(0, 1 / SIDE, (64, x.shape[1]))
    features = np.maximum(x @ hidden.T, 0)
    wanted = np.eye(10)[part.labels]
    ridge = features.T @ features + 2.0 * np.eye(len(hidden))
    out = np.linalg.solve(ridge, features.T @ wanted).T
    return [(hidden, np.zeros(len(hidden))), (out, np.zeros(10))]


def moved(images: np.ndarray) -> np.ndarray:
    found = np.zeros_like(images)
    found[:, 2:, 2:] = images[:, :-2, :-2]
    return found


def tuned(lowered: nir.Lowered, images: np.ndarray, labels: np.ndarray) -> sl.Network:
    net = sl.Network(lowered.config, seed=1)
    net.weights = lowered.weights
    return net.fit(images, labels, epochs=2) and net


def test_it_goes_on_learning():
    data = load("mnist", shape=(SIDE, SIDE))
    train, test = data.train, data.test
    network = nir.balanced(classifier(train), train.images[:1000])
    lowered = nir.lower(network, bits=12, steps=64)
    before = sl.Network(lowered.config)
    before.weights = lowered.weights
    base = before.score(test.images, test.labels)
    shifted = before.score(moved(test.images), test.labels)
    assert base > 0.75 > 0.4 > shifted
    same = tuned(lowered, train.images, train.labels)
    assert same.score(test.images, test.labels) > base - 0.01
    other = tuned(lowered, moved(train.images), train.labels)
    assert other.score(moved(test.images), test.labels) > shifted + 0.4
