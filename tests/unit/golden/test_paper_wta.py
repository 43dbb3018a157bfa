"""Eq. 2 by hand: θ = 1, no filter, two output neurons that fire 4 and 2 times."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.paper import namespace
from spikeloom.golden.paper.neuron import response
from spikeloom.golden.paper.wta import inhibit

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
