"""The network against sums written out, other array libraries, and the ReLU network it imitates."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from spikeloom.golden.paper import Arrays, PaperConfig, PaperNetwork, namespace
from spikeloom.golden.paper.arrays import LIBRARIES, ArrayError
from spikeloom.golden.paper.encoder import input_spikes
from spikeloom.golden.paper.training import batch_gradients
from tests.support.extras import array_libraries

NUMPY = namespace()

SMALL = PaperConfig(
    sizes=(6, 5, 4, 3), steps=10, tau=1 / math.log(2), theta_error=0.25, inhibition=0.25, batch=8
)
"""Kernel 1/2, 3/4, ...; with weights in eighths every sum is exact in any order."""


def eighths(config: PaperConfig, rng: np.random.Generator) -> list[np.ndarray]:
    return [
        rng.integers(-24, 56, (n, m)).astype(np.float32) / 8
        for n, m in zip(config.sizes, config.sizes[1:], strict=False)
    ]


def batch(config: PaperConfig, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return input trains and the trains of random labels."""
    spikes = rng.random((config.steps, config.batch, config.sizes[0])) < 0.5
    one_hot = np.eye(config.sizes[-1])[rng.integers(0, config.sizes[-1], config.batch)]
    target = rng.integers(0, 2, (config.steps, config.batch, 1)) * one_hot
    return spikes.astype(np.float32), target.astype(np.float32)


def by_hand(config: PaperConfig, weights: list, spikes: np.ndarray, target: np.ndarray) -> tuple:
    """Run one sample neuron by neuron from Eq. 1 to 4, in Python's own numbers.

    spikes, target : [T, n]. Returns trains of all layers, counted output trains, s_δ per layer.
    """
    steps = config.steps

    def stage(currents: list, theta: float, start: float = 0.0, floor: float = -math.inf) -> list:
        fired, spent = [], -start * theta
        for t in range(steps):
            reached = sum(
                (1 - math.exp(-(t - s + 1) / config.tau)) * currents[s] for s in range(t + 1)
            )
            spent = min(spent, reached - floor * theta)
            fired.append(int(reached - spent >= theta - 1e-9))
            spent += theta * fired[-1]
        return fired

    def error(currents: list, theta: float) -> list:
        p = stage(currents, theta, floor=0.0)
        n = stage([-c for c in currents], theta, floor=0.0)
        return [(a - b) / 2 for a, b in zip(p, n, strict=True)]

    trains = [spikes.T.tolist()]
    for w, theta in zip(weights, (config.theta, config.theta, config.theta_output), strict=True):
        below = trains[-1]
        trains.append(
            [
                stage(
                    [sum(w[i, j] * below[i][t] for i in range(len(w))) for t in range(steps)],
                    theta,
                    config.start,
                )
                for j in range(w.shape[1])
            ]
        )
    counted = trains[-1]
    for _ in range(config.iterations):
        counted = [
            stage(
                [
                    own[t] - config.inhibition * sum(x[t] for i, x in enumerate(counted) if i != j)
                    for t in range(steps)
                ],
                config.theta_wta,
            )
            for j, own in enumerate(counted)
        ]
    deltas = [
        [
            error([target[t, k] - train[t] for t in range(steps)], config.theta_label)
            for k, train in enumerate(counted)
        ]
    ]
    for layer in (2, 1):
        above = deltas[0]
        found = []
        for j, own in enumerate(trains[layer]):
            w = weights[layer][j]
            currents = [sum(2 * w[k] * above[k][t] for k in range(len(w))) for t in range(steps)]
            fired = error(currents, config.theta_error)
            found.append([d * any(own[: t + 1]) for t, d in enumerate(fired)])
        deltas.insert(0, found)
    return trains, counted, deltas


def test_trains_equal_those_of_the_equations_neuron_by_neuron(rng):
    weights = eighths(SMALL, rng)
    network = PaperNetwork(SMALL, NUMPY, weights)
    spikes, target = batch(SMALL, rng)
    trains = network.forward(spikes)
    deltas = network.errors(trains, target)
    for b in range(SMALL.batch):
        expected = by_hand(SMALL, weights, spikes[:, b], target[:, b])
        for layer in range(4):
            assert trains.layers[layer][:, b].T.tolist() == expected[0][layer]
        assert trains.counted[:, b].T.tolist() == expected[1]
        for found, wanted in zip(deltas, expected[2], strict=True):
            assert found[:, b].T.tolist() == wanted
    assert all(abs(d).sum() > 3 for d in deltas)


def others() -> list:
    """Return what is compared with NumPy; array_api_strict allows what the standard has only."""
    return array_libraries(*(name for name in LIBRARIES if name != "numpy"), "array_api_strict")


def library(name: str) -> Arrays:
    if name == "array_api_strict":
        return Arrays(name, pytest.importorskip(name, reason=f"{name} is not installed"))
    try:
        return namespace(name)
    except ArrayError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kinds", [{}, {"membranes": "shared", "gate": "sample", "reset": "zero"}])
@pytest.mark.parametrize("update", ["rate", "coincidence"])
@pytest.mark.parametrize("name", others())
def test_another_library_gives_the_same_trains_and_gradients(name, update, kinds, rng):
    arrays = library(name)
    config = dataclasses.replace(SMALL, update=update, **kinds)
    weights, (spikes, target) = eighths(config, rng), batch(config, rng)
    answers = []
    for where in (NUMPY, arrays):
        network = PaperNetwork(config, where, weights)
        trains = network.forward(where.put(spikes))
        deltas = network.errors(trains, where.put(target))
        gradients = network.gradients(trains, deltas, where.random(1))
        answers.append([where.get(a) for a in (*trains.layers, trains.counted, *deltas)])
        answers[-1].append([where.get(g) for g in gradients])
    for ours, theirs in zip(answers[0][:-1], answers[1][:-1], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(answers[0][-1], answers[1][-1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_gradients_are_the_products_in_thresholds(rng):
    """Eq. 9 by einsum, times θ of the layer and what its gradient spikes stand for."""
    config = dataclasses.replace(SMALL, theta=4.0, theta_output=8.0, theta_label=1.0)
    network = PaperNetwork(config, NUMPY, eighths(config, rng))
    spikes, target = batch(config, rng)
    trains = network.forward(spikes)
    deltas = network.errors(trains, target)
    found = network.gradients(trains, deltas, NUMPY.random(1))
    factors = (4 * (0.25 / 4) * (0.25 / 8), 4 * (0.25 / 8), 8)
    for pre, delta, factor, gradient in zip(trains.layers, deltas, factors, found, strict=False):
        sums = np.einsum("sbi,tbj->ij", pre, delta) / (config.steps**2 * config.batch)
        np.testing.assert_allclose(gradient, sums * factor, rtol=1e-5, atol=1e-7)


def test_noise_is_added_to_the_gradients(rng, seed):
    config = dataclasses.replace(SMALL, noise=0.5)
    spikes, target = batch(config, rng)
    weights, found = eighths(config, rng), []
    for one in (SMALL, config):
        network = PaperNetwork(one, NUMPY, weights)
        trains = network.forward(spikes)
        deltas = network.errors(trains, target)
        found.append(network.gradients(trains, deltas, NUMPY.random(seed)))
    apart = (found[1][2] - found[0][2]) / SMALL.theta_output
    assert apart.std() == pytest.approx(0.5 / 8**0.5, rel=5 / (2 * 12) ** 0.5)


# Signs


def one_neuron_each(loss: str, fires: bool) -> tuple[PaperNetwork, np.ndarray, np.ndarray]:
    """Return a network of two inputs, two hidden neurons and two classes, and its trains."""
    config = PaperConfig(sizes=(2, 2, 2), steps=20, tau=0.0, loss=loss, theta_error=0.5)
    straight = np.eye(2, dtype=np.float32) * 5
    network = PaperNetwork(config, NUMPY, [straight, straight * (1 if fires else 0.01)])
    spikes = np.zeros((20, 1, 2), np.float32)
    spikes[:, 0, 0] = 1
    target = np.zeros((20, 1, 2), np.float32)
    return network, spikes, target


@pytest.mark.parametrize("loss", ["mse", "softmax"])
def test_a_silent_label_raises_its_weights_and_no_others(loss):
    network, spikes, target = one_neuron_each(loss, fires=False)
    target[::2, 0, 1] = 1
    trains = network.forward(spikes)
    deltas = network.errors(trains, target)
    assert deltas[1].sum(axis=0).tolist() == [[0, 5]]
    found = network.gradients(trains, deltas, NUMPY.random(1))[1]
    assert found[0, 1] > 0
    assert np.count_nonzero(found) == 1  # hidden neuron 1 is silent, class 0 is right


@pytest.mark.parametrize("loss", ["mse", "softmax"])
def test_a_wrong_class_that_fires_lowers_its_weights_and_its_hidden_neuron(loss):
    network, spikes, target = one_neuron_each(loss, fires=True)
    trains = network.forward(spikes)
    deltas = network.errors(trains, target)
    first, second = network.gradients(trains, deltas, NUMPY.random(1))
    assert second[0, 0] < 0
    assert first[0, 0] < 0
    assert np.count_nonzero(first) == np.count_nonzero(second) == 1


def test_a_dropped_neuron_is_silent_learns_nothing_and_the_rest_drives_more(rng):
    config = PaperConfig(sizes=(4, 3, 2), steps=8, tau=0.0, dropout=(0.5, 0.5), loss="mse", start=0)
    weights = [np.full((4, 3), 2.5, np.float32), np.full((3, 2), 2.5, np.float32)]
    network = PaperNetwork(config, NUMPY, weights)
    spikes = np.zeros((8, 1, 4), np.float32)
    spikes[0, 0, 0] = 1  # the other inputs are dropped
    trains = network.forward(spikes, [np.array([[1, 0, 1]], np.float32)])
    assert trains.layers[1].sum(axis=0).tolist() == [[1, 0, 1]]  # 2.5 / (1 - 0.5) reaches 5
    assert trains.layers[2].sum(axis=0).tolist() == [[2, 2]]
    target = np.ones((8, 1, 2), np.float32)
    deltas = network.errors(trains, target)
    assert deltas[0][:, 0, 1].tolist() == [0] * 8
    first, second = network.gradients(trains, deltas, NUMPY.random(1))
    assert not first[1:].any()
    assert not first[:, 1].any()
    assert not second[1].any()


# The ReLU network of the same weights


def test_the_update_points_down_the_gradient_of_a_relu_network(seed):
    """Cosine with the gradient of ½ |label rate - ReLU(W2 ReLU(W1 x))|², by analysis.

    A count over T = 200 steps is wrong by up to a spike, the inputs by their binomial, and a hidden
    gradient neuron keeps what is left below its threshold. Over 300 seeds the cosines were 0.917 to
    0.999 and 0.994 to 1, and the lengths 0.69 to 0.96 and 0.85 to 0.93 of the analysis (late
    spikes have not yet their whole effect). Random directions have cosines of 0 ± 0.06.
    """
    config = PaperConfig(
        sizes=(20, 12, 4), steps=200, loss="mse", batch=32, theta_error=2.0, seed=seed, rate=0.5
    )
    network = PaperNetwork(config, NUMPY)
    draw = np.random.default_rng(seed)
    pixels = draw.random((32, 20)).astype(np.float32)
    one_hot = np.eye(4, dtype=np.float32)[draw.integers(0, 4, 32)]
    found = batch_gradients(network, NUMPY.random(seed), pixels, one_hot)

    w1, w2 = (w / config.theta for w in network.weights)
    x = config.rate * pixels
    hidden = np.maximum(x @ w1, 0)
    delta = config.label_rate * one_hot - np.maximum(hidden @ w2, 0)
    expected = [x.T @ ((delta @ w2.T) * (hidden > 0)), hidden.T @ delta]
    for ours, theirs, least, shortest in zip(
        found, expected, (0.85, 0.98), (0.5, 0.8), strict=True
    ):
        ours, theirs = 2 * ours / config.theta, theirs / 32
        length, other = np.linalg.norm(ours), np.linalg.norm(theirs)
        assert (ours * theirs).sum() / length / other > least
        assert shortest < length / other < 1.1


def test_he_weights_have_their_deviation():
    config = PaperConfig(sizes=(400, 300, 10), weight_gain=2.0)
    first, second = PaperNetwork(config, NUMPY).weights
    assert first.std() == pytest.approx(2 * (2 / 400) ** 0.5, rel=5 / (2 * 120000) ** 0.5)
    assert second.std() == pytest.approx(2 * (2 / 300) ** 0.5, rel=5 / (2 * 3000) ** 0.5)
    assert first.dtype == np.float32


def test_inputs_of_the_test_are_not_dropped(seed):
    config = PaperConfig(sizes=(5, 4, 2), steps=30, dropout=(0.9, 0.9), tau=0.0)
    network = PaperNetwork(config, NUMPY, [np.full((5, 4), 5.0), np.full((4, 2), 5.0)])
    pixels = np.ones((3, 5), np.float32)
    counts = network.counts(NUMPY.random(seed), pixels)
    spikes = input_spikes(NUMPY, NUMPY.random(seed), pixels, 30, config.rate)
    plain = dataclasses.replace(config, dropout=())
    same = PaperNetwork(plain, NUMPY, network.weights).forward(spikes).counted.sum(axis=0)
    np.testing.assert_array_equal(counts, same)
