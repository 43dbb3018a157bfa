"""Traces worked by hand: each row is one step of one neuron."""

from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden import neuron
from spikeloom.golden.neuron import (
    CEILING,
    DISCARD,
    DROP,
    FLOOR,
    GATES,
    HOLD,
    OPEN,
    START,
    THETA,
    error,
    forward,
    integrate,
    kernel,
    listed,
    open_gates,
    start,
    start_errors,
)
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load
from spikeloom.golden.spec.neuron import Leak, leak_for
from spikeloom.golden.spec.schema import ConfigError


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def u8(*values: int) -> np.ndarray:
    return np.array(values, np.uint8)


def forward_row(limits: tuple[int, int, int, int], **others: int) -> np.ndarray:
    """Return parameters of forward neurons; all that is not told is neutral."""
    row = np.zeros(32, np.int64)
    row[[THETA, START, FLOOR, CEILING]] = limits
    row[DROP] = row[THETA]
    for name, value in others.items():
        row[getattr(neuron, name.upper())] = value
    return row


def forward_trace(
    currents: list[int],
    *,
    limits: tuple[int, int, int, int] = (10, 5, -40, 10),
    dropped: int = 0,
    **others: int,
) -> list[tuple[int, int]]:
    """Run one neuron from its start; return (spike, membrane) after each step."""
    v, pool, spike, trace = i32(0), i32(7), u8(0), []
    p = forward_row(limits, **others)
    start(p, v, pool)
    for step, current in enumerate(currents):
        if step:
            neuron.lose(p, v)
        forward(p, i32(current), v, pool, u8(dropped), spike)
        trace.append((int(spike[0]), int(v[0])))
    return trace


def test_reset_by_subtraction():
    #                    5+3      8+2       0+25          10+0 limited    10-5
    assert forward_trace([3, 2, 25, 0, -5]) == [(0, 8), (1, 0), (1, 10), (1, 0), (0, -5)]


def test_reset_to_zero():
    assert forward_trace([3, 2, 25, 9, -5], to_zero=1) == [
        (0, 8),
        (1, 0),
        (1, 0),
        (0, 9),
        (0, 4),
    ]


def test_the_threshold_itself_fires_and_one_less_does_not():
    assert forward_trace([4]) == [(0, 9)]
    assert forward_trace([5]) == [(1, 0)]
    assert forward_trace([8]) == [(1, 3)]


def test_the_floor_holds_before_the_threshold_is_looked_at():
    assert forward_trace([-44, -1, -100, 50]) == [(0, -39), (0, -40), (0, -40), (1, 0)]


def test_the_ceiling_holds_after_the_reset():
    assert forward_trace([100], limits=(10, 5, -40, 10)) == [(1, 10)]
    assert forward_trace([100], limits=(10, 5, -40, 0)) == [(1, 0)]
    assert forward_trace([4], limits=(10, 5, -40, 6)) == [(0, 6)]


def test_a_dropped_neuron_never_fires_and_stays_at_the_ceiling():
    assert forward_trace([100, 100, -3], dropped=1) == [(0, 10), (0, 10), (0, 7)]


def test_a_leak_takes_its_share_rounded_down():
    # the first step keeps the start; above 0: 40 - 10, 30 - 7, ... and at rest below 4
    above = forward_trace([0] * 13, limits=(99, 40, -99, 99), leak=2)
    assert [v for _, v in above] == [40, 30, 23, 18, 14, 11, 9, 7, 6, 5, 4, 3, 3]
    # below 0: -40 + 10, -30 + 8, -22 + 6, -16 + 4, ... and back at 0, as -1 >> 2 is -1
    below = forward_trace([0] * 14, limits=(99, -40, -99, 99), leak=2)
    assert [v for _, v in below] == [-40, -30, -22, -16, -12, -9, -6, -4, -3, -2, -1, 0, 0, 0]


def test_two_shifts_each_round_down():
    # 100 - 12 + 3, 91 - 11 + 2, 82 - 10 + 2, 74 - 9 + 2;  -100 + 13 - 4, -91 + 12 - 3
    two = {"leak": 3, "leak_2": 5, "leak_sign": -1}
    above = forward_trace([0] * 5, limits=(999, 100, -99, 999), **two)
    assert [v for _, v in above] == [100, 91, 82, 74, 67]
    below = forward_trace([0] * 3, limits=(999, -100, -999, 999), **two)
    assert [v for _, v in below] == [-100, -91, -82]
    # 100 - 50 - 25, 25 - 12 - 6, 7 - 3 - 1, 3 - 1 - 0, 2 - 1 - 0, 1 - 0 - 0; -1 + 1 + 1
    most = {"leak": 1, "leak_2": 2, "leak_sign": 1}
    above = forward_trace([0] * 7, limits=(999, 100, -99, 999), **most)
    assert [v for _, v in above] == [100, 25, 7, 3, 2, 1, 1]
    assert forward_trace([0] * 3, limits=(9, -1, -9, 9), **most) == [(0, -1), (0, 1), (0, 1)]


def test_a_leak_comes_before_the_current_and_the_threshold():
    # 8 + 1; 9 - 2 + 3 fires and leaves 0; 0 + 9; 9 - 2 + 2
    assert forward_trace([1, 3, 9, 2], limits=(10, 8, -40, 10), leak=2) == [
        (0, 9),
        (1, 0),
        (0, 9),
        (0, 9),
    ]
    assert forward_trace([5, 5], limits=(10, 5, -40, 10), leak=15) == [(1, 0), (0, 5)]
    assert forward_trace([0, 0], limits=(10, 8, 7, 10), leak=1) == [(0, 8), (0, 7)]


def test_a_spike_takes_what_drop_says_and_the_floor_comes_with_the_next_step():
    # 5 + 5 - 14; the floor of -3 lifts -4, + 1
    assert forward_trace([5, 1], limits=(10, 5, -3, 10), drop=14) == [(1, -4), (0, -3)]
    assert forward_trace([7], limits=(10, 5, -3, 10), drop=4) == [(1, 8)]
    assert forward_trace([7, 0], limits=(10, 5, -3, 10), drop=0) == [(1, 10), (1, 10)]
    assert forward_trace([7], limits=(10, 5, -3, 10), drop=4, to_zero=1) == [(1, 0)]


@pytest.mark.parametrize(
    ("share", "leak"),
    [
        (0.0, Leak()),
        (0.5, Leak(1)),
        (0.1, Leak(3, 5, -1)),  # 1/16 + 1/32 is as near
        (0.05, Leak(4, 6, -1)),
        (0.25, Leak(2)),
        (0.3, Leak(2, 4, 1)),
        (2.0**-15, Leak(15)),
    ],
)
def test_a_share_is_the_nearest_of_one_shift_or_two(share, leak):
    assert leak_for(share) == leak


def test_a_leak_too_small_for_any_shift_is_refused():
    with pytest.raises(ConfigError, match=r"layer\[2\]\.leak = 1e-06 is less than half of the"):
        machine(load("tiny").replace(**{"layer.2.leak": 1e-6}))


def test_largest_currents_do_not_wrap():
    top = 65535 * 32767
    assert forward_trace([top], limits=(10, 0, -40, 10)) == [(1, 10)]
    assert forward_trace([-top], limits=(10, 0, -40, 10)) == [(0, -40)]


def kernel_trace(currents: list[int], shift: int) -> list[tuple[int, int, bool]]:
    """Run one pool; return (flow, pool, whether it would flow again) after each step."""
    pool, trace = i32(0), []
    for c in currents:
        current = i32(c)
        more = kernel(current, pool, shift)
        trace.append((int(current[0]), int(pool[0]), bool(more)))
    return trace


def test_without_kernel_the_flow_is_the_current():
    assert kernel_trace([7, -7, 0], 0) == [(7, 0, False), (-7, 0, False), (0, 0, False)]


def test_the_kernel_lets_a_share_through_each_step():
    # pool 16 -> 4, 12; 3, 9; 2, 7; 1, 6; 1, 5; 1, 4; 1, 3; then at rest
    assert kernel_trace([16, 0, 0, 0, 0, 0, 0, 0], 2) == [
        (4, 12, True),
        (3, 9, True),
        (2, 7, True),
        (1, 6, True),
        (1, 5, True),
        (1, 4, True),
        (1, 3, False),
        (0, 3, False),
    ]


def test_the_kernel_truncates_negative_charge_toward_zero():
    """An arithmetic shift would let -1 flow for ever; here -3 rests at shift 2."""
    assert kernel_trace([-16, 0, 0, 0, 0, 0, 0, 0], 2) == [
        (-4, -12, True),
        (-3, -9, True),
        (-2, -7, True),
        (-1, -6, True),
        (-1, -5, True),
        (-1, -4, True),
        (-1, -3, False),
        (0, -3, False),
    ]


def error_trace(
    steps: list[tuple[int, int]],
    *,
    theta: int = 10,
    limit: int = 100,
    discard: bool = False,
    separate: bool = False,
    cost: int = 0,
) -> list[tuple[int, int, int, bool]]:
    """Run one error neuron through (current, gate open); return (error, m, m_n, waiting).

    cost : what each step charges it.
    """
    m, m_n, out, trace = i32(0), i32(0), np.zeros(1, np.int8), []
    p = np.array([theta, limit, DISCARD if discard else HOLD, separate, 0, cost], np.int64)
    fired = int(cost > 0)
    for current, gate in steps:
        waiting = error(p, i32(current), m, m_n, i32(0), u8(gate), cost, u8(fired), out)
        trace.append((int(out[0]), int(m[0]), int(m_n[0]), bool(waiting)))
    return trace


def test_a_shared_membrane_fires_both_signs():
    assert error_trace([(9, 1), (1, 1), (-19, 1), (0, 1), (35, 1), (0, 1)]) == [
        (0, 9, -9, False),
        (1, 0, 0, False),
        (-1, -9, 9, False),
        (0, -9, 9, False),
        (1, 16, -16, True),
        (1, 6, -6, False),
    ]


def test_a_membrane_that_holds_a_threshold_yet_waits():
    assert error_trace([(20, 1), (0, 1)]) == [(1, 10, -10, True), (1, 0, 0, False)]


def test_a_cost_is_taken_after_the_threshold_and_shows_in_the_next_step():
    # 10 fires and leaves 0 - 4; -4 + 3 - 4; -5 - 4 does not fire yet, -9 - 2 does: -11 + 10 - 4
    assert error_trace([(10, 1), (3, 1), (0, 1), (-2, 1)], cost=4) == [
        (1, -4, 4, False),
        (0, -5, 5, False),
        (0, -9, 9, False),
        (-1, -5, 5, False),
    ]
    # what the charge brings to the threshold waits for no current: -8 - 4 could fire
    assert error_trace([(-8, 1), (0, 1)], cost=4) == [(0, -12, 12, True), (-1, -6, 6, False)]
    assert error_trace([(10, 1), (-6, 1)], cost=4, separate=True) == [
        (1, -4, -6, False),
        (0, -14, 4, False),
    ]


def test_only_who_fired_is_charged():
    m, m_n, out = i32(5, 5), i32(-5, -5), np.zeros(2, np.int8)
    p = np.array([10, 100, HOLD, 0, 0, 3], np.int64)
    error(p, i32(0, 0), m, m_n, i32(0, 0), u8(1, 1), 3, u8(0, 1), out)
    assert (m.tolist(), m_n.tolist()) == ([5, 2], [-5, -2])


def test_neurons_that_compete_integrate_between_their_limits_and_never_fire():
    v, pool = i32(0, 0, 40), i32(0, 0, 0)
    p = forward_row((10, 0, -50, 50), leak=2)
    for _ in range(2):
        neuron.lose(p, v)
        integrate(p, i32(30, -60, -8), v, pool)
    # 30 - 7 + 30 is over 50; -50 + 13 - 60; 40 - 10 - 8 = 22, 22 - 5 - 8
    assert v.tolist() == [50, -50, 9]


def test_separate_membranes_do_not_cancel_what_fired():
    # +12 fires p and leaves 2; the negative one keeps -12 and needs 22 to fire.
    assert error_trace([(12, 1), (-15, 1), (-7, 1), (-1, 1)], separate=True) == [
        (1, 2, -12, False),
        (0, -13, 3, False),
        (-1, -20, 0, False),
        (0, -21, 1, False),
    ]


def test_separate_membranes_can_both_fire_and_give_no_error():
    m, m_n, out = i32(15), i32(15), np.ones(1, np.int8)
    p = np.array([10, 100, HOLD, True, 0], np.int64)
    error(p, i32(0), m, m_n, i32(0), u8(1), 0, u8(0), out)
    assert (int(out[0]), int(m[0]), int(m_n[0])) == (0, 5, 5)


@pytest.mark.parametrize("sign", [1, -1])
def test_error_membranes_saturate_both_ways(sign):
    assert error_trace([(sign * 150, 0), (sign * 150, 0), (-sign * 30, 0)]) == [
        (0, sign * 100, -sign * 100, False),
        (0, sign * 100, -sign * 100, False),
        (0, sign * 70, -sign * 70, False),
    ]


def test_a_shut_gate_holds_the_charge_until_it_opens():
    assert error_trace([(25, 0), (0, 0), (0, 1), (0, 1), (0, 1)]) == [
        (0, 25, -25, False),
        (0, 25, -25, False),
        (1, 15, -15, True),
        (1, 5, -5, False),
        (0, 5, -5, False),
    ]


@pytest.mark.parametrize("separate", [False, True])
def test_a_discarding_gate_loses_the_charge_while_shut(separate):
    assert error_trace([(25, 0), (0, 1), (9, 1), (0, 0)], discard=True, separate=separate) == [
        (0, 0, 0, False),
        (0, 0, 0, False),
        (0, 9, -9, False),
        (0, 0, 0, False),
    ]


def test_gates_open_where_neurons_spiked_and_say_what_waits():
    gate, m, m_n = u8(0, 0, 0, 1), i32(10, 5, -30, 99), i32(-10, -5, 30, -99)
    p = np.array([10, 100, HOLD, False, 0], np.int64)
    assert not open_gates(p, i32(1, 0), 1, m, m_n, gate)
    assert gate.tolist() == [0, 1, 0, 1]
    assert open_gates(p, i32(0), 1, m, m_n, gate)
    assert open_gates(p, i32(2), 1, m, m_n, gate)
    assert gate.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("kind", GATES.values())
def test_gates_begin_shut_or_open_as_their_kind_is(kind):
    p, gate = np.array([10, 100, kind, False, 0], np.int64), u8(1, 0)
    m, m_n, pool = i32(3, 4), i32(5, 6), i32(7, 8)
    start_errors(p, m, m_n, pool, u8(0, 1), gate)
    assert gate.tolist() == [kind == OPEN, 0]
    assert not m.any() | m_n.any() | pool.any()
    assert not open_gates(p, i32(0), 0, m, m_n, gate)
    if kind == OPEN:
        assert not open_gates(p, i32(1), 1, i32(0, 99), i32(0, 0), gate)
        assert gate.tolist() == [1, 0]


def test_kernels_feed_the_neurons_of_both_kinds():
    """Of a current of 16, a quarter arrives at once at shift 2; the pool keeps the rest."""
    v, m, m_n, pool = i32(0), i32(0), i32(0), i32(0)
    forward(forward_row((10, 0, -40, 10), kernel=2), i32(16), v, pool, u8(0), u8(0))
    assert (int(v[0]), int(pool[0])) == (4, 12)
    pool[:] = 0
    p = np.array([10, 100, HOLD, False, 2], np.int64)
    assert error(p, i32(16), m, m_n, pool, u8(1), 0, u8(0), np.zeros(1, np.int8))
    assert (int(m[0]), int(m_n[0]), int(pool[0])) == (4, -4, 12)
    pool[:] = 3
    assert not error(p, i32(0), m, m_n, pool, u8(1), 0, u8(0), np.zeros(1, np.int8))


def test_lists_are_ascending_and_complete(rng):
    for n in (1, 2, 15, 16, 17, 128):
        flag = (rng.random(n) < 0.4).astype(np.uint8)
        places = np.zeros(n, np.int32)
        count = listed(flag, places)
        assert places[:count].tolist() == np.flatnonzero(flag).tolist()


def test_neurons_of_a_layer_do_not_touch_each_other(rng):
    """A layer at once equals its neurons one by one, at a size that the vector unit splits."""
    n = 37
    currents = rng.integers(-60, 60, (20, n))
    together = np.full(n, 5, np.int32)
    spike = np.zeros(n, np.uint8)
    p, pool = forward_row((10, 5, -40, 10)), np.zeros(n, np.int32)
    shown = []
    for row in currents:
        forward(p, row.astype(np.int32), together, pool, np.zeros(n, np.uint8), spike)
        shown.append(list(zip(spike.tolist(), together.tolist(), strict=True)))
    for j in range(n):
        assert forward_trace(currents[:, j].tolist()) == [row[j] for row in shown]


def test_gates_are_told_apart():
    assert len(set(GATES.values())) == len(GATES) == 3


def test_a_kernel_of_two_steps_halves_its_pool():
    assert kernel_trace([5, 0, 0, 0], 1) == [
        (2, 3, True),
        (1, 2, True),
        (1, 1, False),
        (0, 1, False),
    ]


def test_a_kernel_adds_what_comes_to_what_is_left():
    assert kernel_trace([3, 3, -4], 1) == [(1, 2, True), (2, 3, True), (0, -1, False)]


def test_a_sample_begins_with_an_empty_pool():
    v, pool = i32(1, 2), i32(7, -7)
    start(forward_row((10, 5, -40, 10)), v, pool)
    assert (v.tolist(), pool.tolist()) == ([5, 5], [0, 0])


@pytest.mark.parametrize(("m", "m_n"), [(10, -10), (-10, 10), (10, 10), (9, 30), (30, 9)])
def test_either_membrane_at_the_threshold_waits_where_a_gate_opens(m, m_n):
    p = np.array([10, 100, HOLD, False, 0], np.int64)
    assert open_gates(p, i32(0), 1, i32(m), i32(m_n), u8(0))


def test_negative_errors_are_listed_too():
    places = np.zeros(4, np.int32)
    assert listed(np.array([-1, 0, 1, -1], np.int8), places) == 3
    assert places[:3].tolist() == [0, 2, 3]


@pytest.mark.parametrize("charge", [-1, 1, -3, 3])
def test_charge_below_a_whole_flow_rests(charge):
    assert kernel_trace([charge, 0], 2) == [(0, charge, False)] * 2


def test_parameters_are_those_of_the_machine():
    plain = load("tiny")
    changes = {
        **{"neuron.reset": "zero", "neuron.kernel_shift": 2, "layer.*.leak": 0.1},
        "layer.*.drop": 1.5,
        **{"error.membranes": "separate", "error.gate": "discard", "error.kernel_shift": 1},
    }
    for config, to_zero, shift, leak, gate, separate, error_shift in (
        (plain, False, 0, (0, 0, 0), GATES[plain.error.gate], False, plain.error.kernel_shift),
        (plain.replace(**changes), True, 2, (3, 5, -1), DISCARD, True, 1),
    ):
        numbers = machine(config)
        for layer in numbers.layers:
            for train, limits in ((True, layer.train), (False, layer.infer)):
                assert neuron.forward_parameters(numbers, layer, train=train) == [
                    *(limits.theta, limits.start, limits.floor, limits.ceiling, limits.drop),
                    *(to_zero, shift, *leak),
                ]
            at_output = layer is numbers.layers[-1]
            p = neuron.error_parameters(numbers, layer)
            assert p == [
                *(layer.error_threshold, layer.error_max, OPEN if at_output else gate),
                *(separate, error_shift, layer.cost),
            ]
