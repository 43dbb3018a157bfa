"""Trains against the rates that they were drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.paper import namespace
from spikeloom.golden.paper.encoder import input_spikes, keep_mask, label_train, ramp

NUMPY = namespace()


@pytest.mark.parametrize("steps", [1, 2, 50, 101])
def test_the_ramp_falls_in_equal_steps_from_two_to_nothing_with_mean_one(steps: int):
    shape = ramp(steps)
    assert shape.mean() == pytest.approx(1.0)
    assert shape[0] == pytest.approx(2 - 1 / steps)
    assert shape[-1] == pytest.approx(1 / steps)
    np.testing.assert_allclose(np.diff(shape), -2 / steps)


def test_input_rates_are_front_loaded_and_proportional_to_the_pixel(seed):
    """Spikes per (step, pixel) over 4,000 samples, within five deviations of the binomial."""
    pixels = np.tile(np.array([0.0, 0.2, 0.5, 1.0], np.float32), (4000, 1))
    spikes = input_spikes(NUMPY, NUMPY.random(seed), pixels, 20, 0.5)
    assert spikes.shape == (20, 4000, 4)
    assert spikes.dtype == np.float32
    assert set(np.unique(spikes)) == {0.0, 1.0}
    chance = 0.5 * ramp(20)[:, None] * pixels[0]
    bound = 5 * np.sqrt(chance * (1 - chance) / 4000)
    assert (abs(spikes.mean(axis=1) - chance) <= bound).all()


def test_trains_of_pixels_samples_and_steps_are_drawn_apart(seed):
    """Correlations of 200 trains of one rate stay within five deviations, 1 / sqrt(20,000)."""
    pixels = np.full((20000, 4), 1.0, np.float32)
    spikes = input_spikes(NUMPY, NUMPY.random(seed), pixels, 3, 0.25)
    flat = spikes.transpose(1, 0, 2).reshape(20000, 12)
    apart = np.corrcoef(flat.T)[np.triu_indices(12, 1)]
    assert abs(apart).max() < 5.5 / 20000**0.5


def label(kind: str, steps: int, rate: float, batch: int = 1, seed: int = 1) -> np.ndarray:
    return label_train(NUMPY, NUMPY.random(seed), kind, steps, rate, batch)


def test_the_constant_label_train_is_evenly_spread():
    # running sums 0.5, 1, 1.5, ...: spike k where the sum reaches k - 1/2
    assert label("constant", 6, 0.5)[:, 0, 0].tolist() == [1, 0, 1, 0, 1, 0]
    # 0.25, 0.5, 0.75, 1, 1.25, 1.5, ...
    assert label("constant", 8, 0.25)[:, 0, 0].tolist() == [0, 1, 0, 0, 0, 1, 0, 0]


def test_the_front_loaded_label_train_thins_out():
    # rates 0.9, 0.7, 0.5, 0.3, 0.1 -> sums 0.9, 1.6, 2.1, 2.4, 2.5
    assert label("front", 5, 0.5)[:, 0, 0].tolist() == [1, 1, 0, 0, 1]


@pytest.mark.parametrize("kind", ["constant", "front"])
@pytest.mark.parametrize("steps", [10, 50, 200])
def test_spread_label_trains_hold_their_rate_exactly(kind: str, steps: int):
    train = label(kind, steps, 0.5, batch=3)
    assert train.shape == (steps, 3, 1)
    assert train.sum(axis=0)[:, 0].tolist() == [steps // 2] * 3


@pytest.mark.parametrize("kind", ["random", "random-front"])
def test_random_label_trains_hold_their_rate_per_step(kind: str, seed):
    train = label(kind, 10, 0.5, batch=4000, seed=seed)[:, :, 0]
    chance = 0.5 * (ramp(10) if kind == "random-front" else np.ones(10))
    assert (abs(train.mean(axis=1) - chance) <= 5 * np.sqrt(chance * (1 - chance) / 4000)).all()


def test_dropout_silences_its_share_of_the_neurons(seed):
    keep = keep_mask(NUMPY, NUMPY.random(seed), 0.3, 100, 400)
    assert set(np.unique(keep)) == {0.0, 1.0}
    assert abs(keep.mean() - 0.7) < 5 * (0.3 * 0.7 / 40000) ** 0.5
    assert keep_mask(NUMPY, NUMPY.random(seed), 0.0, 10, 10).all()
