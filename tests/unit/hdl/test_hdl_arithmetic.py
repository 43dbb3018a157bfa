"""Comparisons with constants and saturation, for every small number and every limit."""

from __future__ import annotations

import random

import pytest
from amaranth import Module, Signal, signed

from spikeloom.hdl import arithmetic
from tests.bench import pysim
from tests.campaigns.mutation.planted import assert_fails, of

WIDTHS = range(1, 7)


def check(width: int, module=arithmetic, limits=None) -> None:
    """Ask for all limits side by side, for one value of `width` bits after the other."""
    limits = range(-80, 81) if limits is None else limits
    ones = [(1 << bits) - 1 for bits in range(1, 9)]
    m = Module()
    value, other = Signal(signed(width)), Signal(signed(5))
    found = {
        **{("at least", limit): module.at_least(value, limit) for limit in limits},
        **{("at most", limit): module.at_most(value, limit) for limit in limits},
        **{("clip", limit): module.clip(value, limit) for limit in ones},
        ("at least", "other"): module.at_least(value, other),
    }
    shown = {key: Signal(signed(10), name=f"shown{k}") for k, key in enumerate(found)}
    m.d.comb += [shown[key].eq(now) for key, now in found.items()]

    def wanted(kind: str, number: int, limit: int) -> int:
        if kind == "clip":
            return max(-limit, min(number, limit))
        return int(number >= limit if kind == "at least" else number <= limit)

    async def bench(ctx) -> None:
        rng = random.Random(width)
        for number in range(-(1 << width - 1), 1 << width - 1):
            against = rng.choice((number, number + 1, rng.randint(-16, 15)))
            against = max(-16, min(against, 15))
            ctx.set(value, number)
            ctx.set(other, against)
            await ctx.delay(1e-7)
            for (kind, limit), signal in shown.items():
                number_of = against if limit == "other" else limit
                got = ctx.get(signal)
                assert got == wanted(kind, number, number_of), f"{number} {kind} {number_of}"

    pysim.run(m, bench)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_number_is_compared_and_clipped_as_in_python(width):
    check(width)


def test_wide_numbers_meet_limits_with_many_zeros():
    width = 9
    limits = [
        int(sign * (odd << zeros)) for zeros in range(12) for odd in (1, 3) for sign in (-1, 1)
    ]
    check(width, limits=sorted({*limits, 0}))


@pytest.mark.parametrize("limit", [2, 6, 8])
def test_a_limit_that_is_not_all_ones_is_refused(limit):
    message = f"limit = {limit} is not one less than a power of two"
    with pytest.raises(ValueError, match=message):
        arithmetic.clip(Signal(signed(8)), limit)


@pytest.mark.parametrize("mutant", of("arithmetic"), ids=lambda mutant: mutant.why)
def test_the_comparison_fails_on(mutant):
    def every(module) -> None:
        for width in WIDTHS:
            check(width, module)

    assert_fails(mutant, every)
