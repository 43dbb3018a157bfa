from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.lfsr import advance, parameters
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.wta import CEILING, FLOOR, START, gains, gumbel
from spikeloom.golden.wta import (
    FEEDFORWARD,
    KINDS,
    LATERAL,
    NONE,
    RECURRENT,
    SOFTMAX,
    compete,
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
    assert len(set(KINDS.values())) == len(KINDS) == 5


def test_three_neurons_lose_to_the_two_others_each():
    assert stage_trace(FEEDFORWARD, 10, [[1, 1, 1]]) == [([1] * 3, [108] * 3)]
    assert stage_trace(RECURRENT, 10, [[1] * 3, [0] * 3]) == [
        ([1] * 3, [128] * 3),
        ([0] * 3, [108] * 3),
    ]
    current = np.array([100, 100, 100], np.int32)
    inhibit(LATERAL, 7, np.ones(3, np.uint8), current)
    assert current.tolist() == [86, 86, 86]


LFSR = parameters(CATALOG["lfsr32"])


def test_the_largest_membrane_has_the_spike_and_the_lowest_index_a_tie():
    spike = np.ones(4, np.uint8)
    for v, winner in (([-5, 7, 2, 7], 1), ([-1, -1, -1, -1], 0), ([-9, -8, -7, -6], 3)):
        assert compete(99, LFSR, 0, 1000, np.array(v, np.int32), spike) == 99
        assert spike.tolist() == [int(j == winner) for j in range(4)]


def test_each_class_draws_a_word_and_its_noise_is_the_tables_times_the_gain():
    table, state, words = gumbel(), 0x12345678, []
    for _ in range(3):
        state = advance(state, LFSR)
        words.append(state & 0xFF)
    v = np.array([40, 0, -40], np.int32)
    sums = [x + ((table[word] * 37) >> 6) for x, word in zip(v, words, strict=True)]
    spike = np.zeros(3, np.uint8)
    assert compete(0x12345678, LFSR, 1, 37, v, spike) == state
    assert spike.tolist() == [int(j == sums.index(max(sums))) for j in range(3)]


def test_the_counts_of_a_competition_sample_softmax():
    """Gumbel 1954: P(j wins) = exp(v_j / g) / sum; 40,000 draws, 4.5 standard deviations."""
    v, gain, draws = np.array([0, 100, 200, 350], np.int32), 100, 40_000
    state, spike, counts = 0xDEADBEEF, np.zeros(4, np.uint8), np.zeros(4)
    for _ in range(draws):
        state = compete(state, LFSR, 1, gain, v, spike)
        counts += spike
    wanted = np.exp(v / gain) / np.exp(v / gain).sum()
    spread = np.sqrt(wanted * (1 - wanted) / draws)
    assert (abs(counts / draws - wanted) < 4.5 * spread + 0.004).all()  # 256 parts are not a curve


def test_the_table_is_gumbels_distribution():
    table = np.array(gumbel()) / 64
    assert (np.diff(table) >= 0).all()
    assert abs(table.mean() - 0.5772) < 0.01  # Euler's constant
    assert abs(table.std() - np.pi / 6**0.5) < 0.03


def test_the_gain_grows_with_the_share_of_the_input_that_has_come():
    assert gains(100, "constant", 4) == (25, 50, 75, 100)
    # of 2 (1 - (t + 1/2) / 4): 1.75 + 1.25 + 0.75 + 0.25 are 4
    assert gains(1600, "linear", 4) == (700, 1200, 1500, 1600)


def test_a_competitions_spike_counts_as_it_is():
    assert stage_trace(SOFTMAX, 99, [[0, 1, 0]]) == [([0, 1, 0], [128] * 3)]
