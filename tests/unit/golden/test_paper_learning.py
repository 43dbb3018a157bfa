"""Eq. 9 and Eq. 10 against sums written out, and against the statistics that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.paper import PaperConfig, namespace
from spikeloom.golden.paper.learning import (
    coincidences,
    noise,
    rate_products,
    start,
    step,
    units,
)

NUMPY = namespace()


@pytest.fixture
def trains(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Give spikes of 7 neurons and s_δ of 4, T = 12, 5 samples."""
    pre = rng.integers(0, 2, (12, 5, 7)).astype(np.float32)
    return pre, (rng.integers(-1, 2, (12, 5, 4)) / 2).astype(np.float32)


def test_eq_9_is_the_product_of_the_sums_over_time(trains):
    pre, delta = trains
    expected = np.einsum("sbi,tbj->ij", pre.astype(float), delta.astype(float)) / (12 * 12 * 5)
    np.testing.assert_allclose(rate_products(NUMPY.xp, pre, delta), expected, rtol=1e-5, atol=1e-7)


def test_eq_10_counts_the_spikes_that_meet(trains):
    pre, delta = trains
    expected = np.zeros((7, 4))
    for t in range(12):
        for b in range(5):
            for i in range(7):
                for j in range(4):
                    if pre[t, b, i] and delta[t, b, j]:
                        expected[i, j] += np.sign(delta[t, b, j]) / 2
    found = coincidences(NUMPY.xp, pre, delta)
    np.testing.assert_allclose(found, expected / (12 * 5), rtol=1e-5, atol=1e-7)


def test_coincidences_of_independent_trains_are_the_product_of_their_rates(rng):
    """T · batch meetings of probability p q each: five deviations of that binomial."""
    rates, steps, batch = np.array([0.02, 0.3, 0.5, 0.98]), 200, 500
    pre = (rng.random((steps, batch, 4)) < rates).astype(np.float32)
    post = (rng.random((steps, batch, 4)) < rates).astype(np.float32)
    product = rates[:, None] * rates[None, :]
    bound = 5 * np.sqrt(product * (1 - product) / (steps * batch))
    assert (abs(coincidences(NUMPY.xp, pre, post) - product) <= bound).all()
    assert (abs(rate_products(NUMPY.xp, pre, post) - product) <= bound).all()


def test_absolute_noise_is_that_of_a_mean_over_the_batch(rng, seed):
    """A deviation estimated from n numbers has the relative deviation 1 / sqrt(2 n)."""
    pre, delta = np.zeros((3, 16, 200), np.float32), np.zeros((3, 16, 100), np.float32)
    drawn = noise(NUMPY, NUMPY.random(seed), pre, delta, 0.08, "absolute")
    # ½ of an error spike, and the mean of 16
    assert drawn.std() == pytest.approx(0.08 / 2 / 4, rel=5 / (2 * 20000) ** 0.5)
    assert abs(drawn.mean()) < 5 * 0.01 / 20000**0.5


CROSSINGS = 20000
RATES, PLUS, MINUS = np.array([0.0, 0.3, 0.9]), np.array([0.8, 0.1, 0.2]), np.array([0.0, 0.5, 0.2])


def test_binomial_noise_is_that_of_coincidences_of_the_same_rates(rng, seed):
    """Spikes and error spikes of both signs that fall at random: 20,000 crossings of Eq. 10."""
    steps, batch = 40, len(RATES)
    pre = rng.random((steps, batch, CROSSINGS)) < RATES[:, None]
    drawn = rng.random((steps, batch, CROSSINGS))
    delta = 0.5 * (drawn < PLUS[:, None]) - 0.5 * (drawn > 1 - MINUS[:, None])
    expected = (pre * delta).sum(axis=(0, 1)).std() / (steps * batch)
    # one crossing of exactly these rates, drawn as often
    even = np.arange(steps)[:, None, None]
    spikes = (even < np.round(RATES * steps)[:, None]).astype(np.float32)
    plus, minus = np.round(PLUS * steps)[:, None], np.round(MINUS * steps)[:, None]
    error = 0.5 * (even < plus) - 0.5 * (even >= steps - minus)
    found = noise(
        NUMPY, NUMPY.random(seed), np.repeat(spikes, CROSSINGS, axis=2),
        error.astype(np.float32), steps**-0.5, "binomial",
    )  # fmt: skip
    assert found.std() == pytest.approx(expected, rel=5 * (1 / CROSSINGS) ** 0.5)


def test_binomial_noise_spares_silent_neurons(seed):
    pre, delta = np.zeros((3, 2, 4), np.float32), np.full((3, 2, 4), 0.5, np.float32)
    assert not noise(NUMPY, NUMPY.random(seed), pre, delta, 0.5, "binomial").any()


def test_a_gradient_spike_stands_for_the_charge_that_made_it():
    config = PaperConfig(
        sizes=(9, 8, 7, 3), theta=4, theta_output=8, theta_error=0.5, theta_label=2
    )
    assert units(config) == pytest.approx([2 * (0.5 / 8) * (0.5 / 4), 2 * (0.5 / 8), 2])


@pytest.mark.extra("paper")
def test_adam_is_that_of_optax(rng: np.random.Generator):
    import optax

    config = PaperConfig(sizes=(4, 3), optimiser="adam", momentum=0.8)
    theirs = optax.adam(0.25 * 5.0, b1=0.8)
    ours = expected = rng.standard_normal((4, 3)).astype(np.float32)
    state, known = start(NUMPY.xp, config, ours), theirs.init(expected)
    for number in range(1, 6):
        gradient = rng.standard_normal((4, 3)).astype(np.float32)
        gradient[0] = 0  # a pixel that is always dark
        ours, state = step(
            NUMPY.xp, config, ours, state, gradient, rate=0.25, theta=5.0, number=number
        )
        change, known = theirs.update(-gradient, known)
        expected = np.asarray(optax.apply_updates(expected, change))
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)
