"""The generators of the RTL draw the words of the golden model."""

from __future__ import annotations

import pytest

from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.hdl.lfsr import Generator
from tests.bench import bench_lfsr
from tests.bench.bench import Bench, Driver, Pins, lanes, run_case, run_cases, simulate
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_lfsr.cases(), ids=lambda case: case.name)
def test_words_and_states_are_golden_under_takes_and_writes(case, seed):
    run_case(case, seed)


class Definition(Bench):
    """One word a clock, against the shift register bit by bit, which knows no leap."""

    def __init__(self, component: Generator, lfsr, start: int) -> None:
        super().__init__(component, 0)
        self.lfsr, self.state = lfsr, start

    def drivers(self):
        yield self.take()

    def take(self) -> Driver:
        for _ in range(40):
            yield {"random__take": 2}

    def check(self, seen: Pins) -> None:
        if seen["random__take"]:
            first = self.lfsr.shift(self.state, 16)
            self.state = self.lfsr.shift(first, 16)
            words = [first & 0xFFFF, self.state & 0xFFFF]
            self.expect("words", lanes(seen["random__words"], 16, 2), words)


@pytest.mark.parametrize("name", CATALOG)
def test_two_words_a_clock_are_sixteen_shifts_each(name):
    lfsr = CATALOG[name]
    component = Generator(lfsr, seed=1, draws=2)
    simulate(component, Definition(component, lfsr, 1))


@pytest.mark.parametrize("mutant", of("lfsr"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_lfsr.cases(module), 1))
