from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.spec.wta import CEILING, FLOOR, START
from spikeloom.golden.wta import (
    FEEDFORWARD,
    KINDS,
    LATERAL,
    NONE,
    RECURRENT,
    inhibit,
    stage,
)


def stage_trace(
    kind: int, inhibition: int, raws: list[list[int]]
) -> list[tuple[list[int], list[int]]]:
    """Run the second stage from its start; return (counted spikes, membranes) per step."""
    n = len(raws[0])
    before, u = np.zeros(n, np.uint8), np.full(n, 128, np.int32)
    trace = []
    for raw in raws:
        stage(kind, inhibition, np.array(raw, np.uint8), before, u)
        trace.append((before.tolist(), u.tolist()))
    return trace


@pytest.mark.parametrize("kind", [NONE, LATERAL])
def test_without_a_stage_every_raw_spike_counts(kind):
    assert stage_trace(kind, 99, [[1, 0, 1], [0, 1, 0]]) == [
        ([1, 0, 1], [128] * 3),
        ([0, 1, 0], [128] * 3),
    ]


def test_feedforward_stage_loses_to_the_spikes_of_the_same_step():
    # One alone passes: 128 + 256 = 384, less 256. Its rival falls by 64.
    # Two at once: 128 + 256 - 64 = 320 passes, 64 + 256 - 64 = 256 passes as well.
    assert stage_trace(FEEDFORWARD, 64, [[1, 0], [1, 1], [0, 1]]) == [
        ([1, 0], [128, 64]),
        ([1, 1], [64, 0]),
        ([0, 1], [0, 0]),
    ]


def test_recurrent_stage_loses_to_its_own_spikes_of_the_step_before():
    assert stage_trace(RECURRENT, 64, [[1, 1], [1, 0], [0, 1]]) == [
        ([1, 1], [128, 128]),  # nothing before: both pass
        ([1, 0], [64, 64]),  # both inhibited by the other's
        ([0, 1], [64, 0]),  # 0 inhibited neuron 1: 64 + 256 - 64 = 256 passes
    ]


def test_the_stage_stays_between_floor_and_ceiling():
    u = np.array([-1000, 250], np.int32)
    before = np.zeros(2, np.uint8)
    stage(FEEDFORWARD, 512, np.array([0, 1], np.uint8), before, u)
    assert u.tolist() == [-1024, 250]
    assert before.tolist() == [0, 1]
    u = np.array([0, 500], np.int32)
    stage(RECURRENT, 0, np.array([0, 1], np.uint8), before, u)
    assert u.tolist() == [0, 256]


def test_a_neuron_does_not_inhibit_itself():
    assert stage_trace(FEEDFORWARD, 16 * 256, [[1, 0, 0]])[0][0] == [1, 0, 0]


def test_lateral_inhibition_takes_the_others_spikes_of_the_step_before():
    current = np.array([100, 100, 100], np.int32)
    inhibit(LATERAL, 7, np.array([1, 0, 1], np.uint8), current)
    assert current.tolist() == [93, 86, 93]


@pytest.mark.parametrize("kind", [NONE, FEEDFORWARD, RECURRENT])
def test_other_kinds_leave_the_current_alone(kind):
    current = np.array([100, -100], np.int32)
    inhibit(kind, 7, np.array([1, 1], np.uint8), current)
    assert current.tolist() == [100, -100]


def test_a_stage_starts_at_half_a_spike_between_four_below_and_one_above():
    assert (START, FLOOR, CEILING) == (128, -1024, 256)


def test_kinds_are_told_apart():
    assert len(set(KINDS.values())) == len(KINDS) == 4


def test_three_neurons_lose_to_the_two_others_each():
    assert stage_trace(FEEDFORWARD, 10, [[1, 1, 1]]) == [([1] * 3, [108] * 3)]
    assert stage_trace(RECURRENT, 10, [[1] * 3, [0] * 3]) == [
        ([1] * 3, [128] * 3),
        ([0] * 3, [108] * 3),
    ]
    current = np.array([100, 100, 100], np.int32)
    inhibit(LATERAL, 7, np.ones(3, np.uint8), current)
    assert current.tolist() == [86, 86, 86]
