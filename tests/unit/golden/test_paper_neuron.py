"""Traces worked by hand: one neuron, one number per step."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spikeloom.golden.paper import namespace
from spikeloom.golden.paper.neuron import fire, gate, gradient, potential, response

XP = namespace().xp
HALF = 1 / math.log(2)
"""The time constant whose kernel is 1/2, 3/4, 7/8, ...: every sum below is exact."""


def train(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def run(currents: tuple[float, ...], tau: float = 0.0, reset: str = "subtract", **kinds) -> list:
    membrane = potential(XP, response(len(currents), tau), train(*currents))
    return fire(XP, membrane, 5.0, reset, **kinds).tolist()


# Kernel


def test_the_kernel_is_one_minus_the_exponential_of_the_age():
    kernel = response(60, 7.0)
    for t, before in ((0, 0), (5, 5), (5, 4), (59, 0), (30, 17)):
        expected = 1 - math.exp(-(t - before + 1) / 7.0)
        assert kernel[t, before] == pytest.approx(expected, rel=1e-6)
    assert not kernel[np.triu_indices(60, 1)].any()


def test_a_spike_raises_the_membrane_in_shrinking_steps_and_for_good():
    currents = train(8, 0, 0, -16, 0)
    membrane = potential(XP, response(5, HALF), currents)
    assert membrane.tolist() == [4, 6, 7, 7.5 - 8, 7.75 - 12]


def test_the_kernel_is_a_low_pass_before_an_integrator(rng):
    """The recursion of the module's docstring, in float64."""
    currents, tau = rng.normal(size=(80, 3, 2)).astype(np.float32), 8.0
    found = potential(XP, response(80, tau), currents)
    keep, flow, membrane = math.exp(-1 / tau), np.zeros((3, 2)), np.zeros((3, 2))
    for t in range(80):
        flow = keep * flow + (1 - keep) * currents[t]
        membrane = membrane + flow
        np.testing.assert_allclose(found[t], membrane, rtol=1e-4, atol=1e-4)


def test_without_time_constant_the_membrane_is_the_sum():
    assert potential(XP, response(3, 0.0), train(1, -4, 2)).tolist() == [1, -3, -1]


# Firing, θ = 5


def test_reset_by_subtraction():
    #     membrane 3, 6, 4, 4, 0, 12, 7, 2
    assert run((3, 3, 3, 0, -4, 12, 0, 0)) == [0, 1, 0, 0, 0, 1, 1, 0]


def test_reset_to_zero():
    #     membrane 3, 6, 3, 3, -1, 11, 0, 0
    assert run((3, 3, 3, 0, -4, 12, 0, 0), reset="zero") == [0, 1, 0, 0, 0, 1, 0, 0]


def test_the_threshold_itself_fires_and_less_does_not():
    assert run((5, 4.75, 0.25)) == [1, 0, 1]


def test_what_the_synapse_holds_comes_in_after_the_reset():
    # rises by 8, 4, 2, 1: membrane 8, 3 + 4 = 7, 2 + 2 = 4, 5 ; reset to zero 8, 4, 6, 1
    assert run((16, 0, 0, 0), tau=HALF) == [1, 1, 0, 1]
    assert run((16, 0, 0, 0), tau=HALF, reset="zero") == [1, 0, 1, 0]


def test_a_membrane_may_start_above_zero():
    assert run((2.5, 0, 5), start=0.5) == [1, 0, 1]
    assert run((2.25, 0, 5), start=0.5) == [0, 0, 1]


def test_a_floor_forgets_what_falls_below_it():
    # no floor: -8, -3, 2, 7;  floor 0: 0, 5, 5, 5;  floor of one threshold: -5, 0, 5, 5
    assert run((-8, 5, 5, 5)) == [0, 0, 0, 1]
    assert run((-8, 5, 5, 5), floor=0.0) == [0, 1, 1, 1]
    assert run((-8, 5, 5, 5), floor=1.0) == [0, 0, 1, 1]


def test_neurons_of_a_batch_do_not_touch_each_other(rng):
    currents = rng.integers(-6, 9, (30, 4, 5)).astype(np.float32)
    together = fire(XP, potential(XP, response(30, 0.0), currents), 5.0, "subtract")
    for b in range(4):
        for j in range(5):
            assert together[:, b, j].tolist() == run(tuple(currents[:, b, j].tolist()))


# Gradient neurons (Eq. 3 and 4)


def pair(currents: tuple[float, ...], reset: str = "subtract", **kinds) -> list:
    return gradient(
        XP, response(len(currents), 0.0), train(*currents), 1.0, reset, **kinds
    ).tolist()


def test_positive_and_negative_charge_fire_opposite_neurons():
    assert pair((1, 0.5, 0.5)) == [1, 0, 1]
    assert pair((-1, -0.5, -0.5)) == [-1, 0, -1]


COME_AND_GO = (1, 1, -1, -1, -1)


def test_two_membranes_without_floor_keep_a_gradient_that_has_gone():
    # p: 1 fires, 1 fires, -1, -2, -3;  n: -1, -2, -1, 0, 1 fires
    assert pair(COME_AND_GO) == [1, 1, 0, 0, -1]


def test_a_floor_under_two_membranes_lets_it_go():
    # p: 1 fires, 1 fires, 0, 0, 0;  n: 0, 0, 1 fires, 1 fires, 1 fires
    assert pair(COME_AND_GO, floor=0.0) == [1, 1, -1, -1, -1]


def test_a_shared_membrane_lets_it_go():
    assert pair(COME_AND_GO, membranes="shared") == [1, 1, -1, -1, -1]


def test_a_shared_membrane_keeps_its_remainder_or_not():
    # 1.5 -> 0.5, then 1.0 -> 0, then -0.75, then -1.25
    assert pair((1.5, 0.5, -0.75, -0.5), membranes="shared") == [1, 1, 0, -1]
    # 1.5 -> 0, then 0.5, then -0.25, then -0.75
    assert pair((1.5, 0.5, -0.75, -0.5), "zero", membranes="shared") == [1, 0, 0, 0]


# Gate (Eq. 3)


def test_the_gate_opens_at_the_first_spike_and_stays_open():
    assert gate(XP, train(0, 0, 1, 0, 1, 0), "first-spike").tolist() == [0, 0, 1, 1, 1, 1]
    assert gate(XP, train(0, 0, 0), "first-spike").tolist() == [0, 0, 0]


def test_the_gate_of_the_sample_looks_at_all_of_it():
    spikes = np.stack([train(0, 0, 1), train(0, 0, 0)], axis=1)
    assert gate(XP, spikes, "sample").tolist() == [[1, 0]]
