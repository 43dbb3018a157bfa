"""Clocks: a setting that is chosen is legal, the nearest there is, and what known tools find."""

from __future__ import annotations

from fractions import Fraction

import pytest

from spikeloom.boards.clock import (
    ECP5,
    GW1N,
    GW2A,
    ICE40,
    MHZ,
    TOLERANCE,
    ClockError,
    Limits,
    Pll,
    limits_for,
    solve,
)
from spikeloom.boards.devices import Family
from spikeloom.boards.pll import filter_range
from spikeloom.boards.targets import TARGETS

ALL = (ICE40, ECP5, GW1N, GW2A)


def every_setting(limits: Limits, input_hz: int) -> list[Pll]:
    slowest = limits.detector[0]
    return [
        pll
        for reference in limits.reference
        if input_hz >= slowest * reference
        for feedback in limits.feedback
        for post in limits.post
        if (pll := Pll(limits, input_hz, reference, feedback, post)).legal
    ]


# What `icepll -i 12 -o F` prints: DIVR, DIVF, DIVQ, FILTER_RANGE.
@pytest.mark.parametrize(
    ("wanted", "divr", "divf", "divq", "filtered"),
    [(20, 0, 52, 5, 1), (24, 0, 63, 5, 1), (30, 0, 79, 5, 1), (48, 0, 63, 4, 1), (60, 0, 79, 4, 1)],
)
def test_ice40_settings_are_those_of_icepll(
    wanted: int, divr: int, divf: int, divq: int, filtered: int
):
    pll = solve(ICE40, 12 * MHZ, wanted * MHZ)
    assert (pll.reference - 1, pll.feedback - 1, pll.post.bit_length() - 1) == (divr, divf, divq)
    assert filter_range(pll) == filtered


def test_an_ecp5_setting_closes_its_loop_after_the_post_divider():
    pll = solve(ECP5, 25 * MHZ, 80 * MHZ)
    assert pll.output_hz == 80 * MHZ
    assert pll.output_hz == Fraction(25 * MHZ * pll.feedback, pll.reference)
    assert pll.oscillator_hz == 80 * MHZ * pll.post


def test_a_gowin_setting_is_one_that_gowins_table_has():
    pll = solve(GW1N, 27 * MHZ, 54 * MHZ)
    assert (pll.feedback, pll.reference) == (2, 1)
    assert pll.post in (8, 16)
    assert 400 * MHZ <= pll.oscillator_hz <= 1200 * MHZ


@pytest.mark.parametrize("limits", ALL, ids=lambda limits: limits.title)
@pytest.mark.parametrize("wanted", [17, 20.25, 33, 48, 66.6, 80, 100])
def test_no_legal_setting_is_nearer_than_the_one_chosen(limits: Limits, wanted: float):
    wanted_hz = round(wanted * MHZ)
    chosen = solve(limits, 27 * MHZ, wanted_hz)
    assert chosen.legal
    nearest = min(abs(pll.output_hz - wanted_hz) for pll in every_setting(limits, 27 * MHZ))
    assert abs(chosen.output_hz - wanted_hz) == nearest <= TOLERANCE * wanted_hz


def test_a_clock_that_cannot_be_had_is_refused_with_the_nearest():
    with pytest.raises(ClockError, match=r"SB_PLL40 makes 300 MHz out of 12 MHz.* 16 to 275 MHz"):
        solve(ICE40, 12 * MHZ, 300 * MHZ)
    with pytest.raises(ClockError, match=r"10 MHz out of 12 MHz, 16.5 MHz is the nearest|10 MHz"):
        solve(ICE40, 12 * MHZ, 10 * MHZ)


def test_an_input_out_of_range_is_refused():
    with pytest.raises(ClockError, match="makes 50 MHz out of 5 MHz"):
        solve(ICE40, 5 * MHZ, 50 * MHZ)


def test_each_family_has_its_limits():
    assert limits_for(Family.GOWIN, "GW1NR-9") is GW1N
    assert limits_for(Family.GOWIN, "GW2AR-18") is GW2A
    assert limits_for(Family.ICE40, "iCE40 UP5K") is ICE40


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_gets_its_clock(name: str):
    target = TARGETS[name]
    asked = target.clock_hz
    assert abs(target.core_hz(asked) - asked) <= TOLERANCE * asked
    assert (target.pll(asked) is None) == (asked == target.input_hz)
