"""Spike-driven steps on NumPy against the same equations as the array API form writes them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spikeloom.golden.paper import PaperConfig, PaperNetwork, events, learning, namespace, neuron
from spikeloom.golden.paper.network import crossbar
from spikeloom.golden.paper.training import batch_gradients

NUMPY = namespace("numpy")
XP = NUMPY.xp


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def trains(rng: np.random.Generator, steps: int, batch: int, n: int) -> np.ndarray:
    return (rng.random((steps, batch, n)) < 0.2).astype(np.float32)


def exact(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return numbers whose sums float32 knows exactly, in any order: multiples of 1/64."""
    return (rng.integers(-128, 129, shape) / 64).astype(np.float32)


def dense(spikes, weights, tau, theta, reset, start):
    kernel = neuron.response(len(spikes), tau)
    membrane = neuron.potential(XP, kernel, crossbar(XP, spikes, weights))
    return neuron.fire(XP, membrane, theta, reset, start)


def test_listed_gives_every_spike_of_every_row_in_order():
    first, which = events.listed(np.array([[0, 1, 1], [0, 0, 0], [1, 0, -0.5]], np.float32))
    assert first.tolist() == [0, 2, 2, 4]
    assert which[:4].tolist() == [1, 2, 0, 2]


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (9, 3, 5, 7), (20, 4, 83, 70)])
def test_layer_fires_the_same_spikes_where_sums_are_exact(rng, shape, reset):
    steps, batch, n_pre, n_post = shape
    spikes, weights = trains(rng, steps, batch, n_pre), exact(rng, n_pre, n_post)
    one = np.ones((1, n_post), np.float32)
    found = events.layer(spikes, weights, 0.0, 2.0, reset, 0.5, one)
    np.testing.assert_array_equal(found, dense(spikes, weights, 0.0, 2.0, reset, 0.5))
    assert shape[0] == 1 or found.any()


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_layer_with_a_kernel_differs_by_rounding_only(rng, reset):
    spikes, weights = trains(rng, 50, 20, 200), rng.normal(0, 0.2, (200, 90)).astype(np.float32)
    found = events.layer(spikes, weights, 5.0, 1.0, reset, 0.5, np.ones((1, 90), np.float32))
    expected = dense(spikes, weights, 5.0, 1.0, reset, 0.5)
    assert expected.mean() > 0.05
    assert (found != expected).mean() < 1e-4


def test_layer_keeps_a_dropped_neuron_silent_for_its_sample_alone(rng):
    spikes, weights = trains(rng, 12, 3, 30), exact(rng, 30, 4)
    keep = np.array([[1, 1, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1]], np.float32)
    found = events.layer(spikes, weights, 0.0, 1.0, "subtract", 0.5, keep)
    np.testing.assert_array_equal(found, dense(spikes, weights, 0.0, 1.0, "subtract", 0.5) * keep)


KINDS = list(itertools.product(["subtract", "zero"], ["separate", "shared"], [None, 0.0, 1.0]))


@pytest.mark.parametrize(("reset", "membranes", "floor"), KINDS)
def test_gradient_spikes_are_the_same_where_sums_are_exact(rng, reset, membranes, floor):
    current = exact(rng, 25, 3, 40)
    kinds = (2.0, reset, membranes, floor)
    found = events.gradient(current, 0.0, *kinds)
    expected = neuron.gradient(XP, neuron.response(25, 0.0), current, *kinds)
    np.testing.assert_array_equal(found, expected)
    assert set(np.unique(found)) == {-1, 0, 1}


@pytest.mark.parametrize(("reset", "membranes", "floor"), KINDS)
def test_gradient_with_a_kernel_differs_by_rounding_only(rng, reset, membranes, floor):
    current = rng.normal(size=(50, 10, 60)).astype(np.float32)
    kinds = (1.0, reset, membranes, floor)
    found = events.gradient(current, 5.0, *kinds)
    expected = neuron.gradient(XP, neuron.response(50, 5.0), current, *kinds)
    assert (found != expected).mean() < 1e-3


@pytest.mark.parametrize("kind", ["first-spike", "sample"])
def test_gated_lets_out_what_the_gate_lets_out(rng, kind):
    fired = exact(rng, 10, 4, 6)
    spikes = (rng.random((10, 4, 6)) < 0.1).astype(np.float32)
    expected = fired * neuron.gate(XP, spikes, kind)
    np.testing.assert_array_equal(events.gated(fired, spikes, kind), expected)
    assert not expected.all()


def test_coincidences_are_those_of_the_matrix_product(rng):
    pre = trains(rng, 15, 6, 50)
    delta = (rng.integers(-1, 2, (15, 6, 30)) / 2).astype(np.float32)
    found = events.coincidences(pre, delta)
    np.testing.assert_array_equal(found, learning.coincidences(XP, pre, delta))


@pytest.mark.parametrize("update", ["rate", "coincidence"])
@pytest.mark.parametrize("gate", ["first-spike", "sample"])
@pytest.mark.parametrize("loss", ["softmax", "mse", "competition"])
def test_a_batch_has_the_same_gradients_in_both_forms(rng, update, gate, loss):
    config = PaperConfig(
        sizes=(30, 20, 15, 4), steps=16, tau=0.0, theta=2.0, theta_output=2.0, theta_error=0.5,
        dropout=(0.5, 0.5, 0.5), inhibition=0.125, update=update, gate=gate, loss=loss,
    )  # fmt: skip
    weights = [exact(rng, n, m) for n, m in itertools.pairwise(config.sizes)]
    pixels = rng.random((5, 30), np.float32)
    one_hot = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]
    driven, general = (PaperNetwork(config, NUMPY, weights) for _ in range(2))
    general.eventful = False
    found = batch_gradients(driven, NUMPY.random(1), pixels, one_hot)
    expected = batch_gradients(general, NUMPY.random(1), pixels, one_hot)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.any()
