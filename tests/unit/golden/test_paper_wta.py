"""Eq. 2 by hand: θ = 1, no filter, two output neurons that fire 4 and 2 times."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.paper import namespace
from spikeloom.golden.paper.neuron import response
from spikeloom.golden.paper.wta import compete, gumbel, inhibit

STRONG, WEAK = (1, 1, 1, 1), (0, 1, 0, 1)


def run(*trains: tuple[int, ...], inhibition: float, iterations: int, theta: float = 1.0) -> list:
    spikes = np.array(trains, np.float32).T[:, None, :]
    found = inhibit(
        namespace().xp,
        spikes,
        response(len(spikes), 0.0),
        inhibition=inhibition,
        iterations=iterations,
        theta=theta,
        reset="subtract",
    )
    return [tuple(row) for row in found[:, 0, :].T.tolist()]


def test_no_iteration_changes_nothing():
    assert run(STRONG, WEAK, inhibition=0.5, iterations=0) == [STRONG, WEAK]


def test_without_inhibition_trains_pass_a_stage_of_threshold_one():
    assert run(STRONG, WEAK, inhibition=0.0, iterations=3) == [STRONG, WEAK]


def test_the_strong_one_loses_a_little_and_the_weak_one_all():
    # strong: +1, +1/2, +1, +1/2 -> 1 fires, 1/2, 3/2 fires, 1 fires;  weak: -1/2, 0, -1/2, 0
    assert run(STRONG, WEAK, inhibition=0.5, iterations=1) == [(1, 0, 1, 1), (0, 0, 0, 0)]


def test_the_second_application_starts_from_the_trains_of_the_first():
    # weak: -1/4, 1/2, 1/4, 1 fires; strong: 1 fires, 3/4, 7/4 fires, 3/2 fires
    assert run(STRONG, WEAK, inhibition=0.25, iterations=1) == [(1, 0, 1, 1), (0, 0, 0, 1)]
    # weak: -1/4, -1/4, -1/2, 1/4;  strong: 1 fires, 0, 1 fires, 3/4
    assert run(STRONG, WEAK, inhibition=0.25, iterations=2) == [(1, 0, 1, 0), (0, 0, 0, 0)]


def test_inhibition_of_all_others_adds_up():
    # each gets 1 - 2/4 a step: it fires in every second one
    assert run(STRONG, STRONG, STRONG, inhibition=0.25, iterations=1) == [(0, 1, 0, 1)] * 3


@pytest.mark.parametrize("theta", [0.5, 2.0])
def test_the_stage_has_a_threshold(theta: float):
    expected = {0.5: (1, 1, 1, 1), 2.0: (0, 1, 0, 1)}[theta]
    assert run(STRONG, inhibition=1.0, iterations=1, theta=theta) == [expected]


def test_a_competition_has_one_spike_a_step_of_the_largest_membrane_the_lowest_at_a_tie():
    membrane = np.array([[[1, 3, 2]], [[5, 5, 4]], [[-3, -2, -1]]], np.float32)
    assert compete(namespace().xp, membrane)[:, 0, :].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_spikes_of_a_competition_sample_softmax():
    """Gumbel 1954, of four membranes that stay; at the end, where the gain is whole."""
    arrays, drive = namespace(), np.array([0.0, 1.0, 2.0, 3.5], np.float32)
    shape = (4, 20_000, 4)
    noise = gumbel(arrays, arrays.random(1), shape, 2.0)
    found = compete(arrays.xp, drive * 2 + noise)[-1].mean(axis=0)
    wanted = np.exp(drive) / np.exp(drive).sum()
    assert (abs(found - wanted) < 4.5 * np.sqrt(wanted * (1 - wanted) / shape[1])).all()


def test_noise_grows_with_the_share_of_the_input_that_has_come():
    arrays = namespace()
    spread = gumbel(arrays, arrays.random(2), (4, 50_000, 1), 1.0).std(axis=(1, 2))
    # of 2 (1 - (t + 1/2) / 4): 7, 12, 15 and 16 of 16 have passed
    np.testing.assert_allclose(spread / spread[-1], [7 / 16, 12 / 16, 15 / 16, 1], rtol=0.02)
