"""A word of sums is handed to fewer neurons than lanes: all, in order, as fast as it says."""

from __future__ import annotations

import random

import pytest
from amaranth import signed

from spikeloom.hdl.fold import Fold
from tests.bench import bench_fold
from tests.bench.bench import Bench, Driver, Pins, run_case, run_cases, simulate
from tests.campaigns.mutation.planted import assert_fails, of
from tests.support import stimulus


@pytest.mark.parametrize("case", bench_fold.cases(), ids=lambda case: case.name)
def test_every_neuron_gets_its_sum_once_whatever_stalls(case, seed):
    run_case(case, seed)


def test_folds_of_any_size_lose_no_sum(seed):
    rng = random.Random(seed)
    run_cases([bench_fold.random_case(rng) for _ in range(6)], seed)


class Steady(Bench):
    """One word, always taken; notes the clocks in which its pieces show."""

    def __init__(self, component: Fold, word: int) -> None:
        super().__init__(component, 0)
        self.word, self.shown, self.free = word, [], []

    def drivers(self):
        yield self.load()

    def load(self) -> Driver:
        yield {"owe": 1, "ready": 1}
        yield {"load": 1, "word": self.word, "ready": 1}
        for _ in range(8):
            yield {"ready": 1}

    def check(self, seen: Pins) -> None:
        if seen["valid"]:
            self.shown.append(self.clock)
        if seen["free"]:
            self.free.append(self.clock)


@pytest.mark.parametrize(("word", "pieces"), [(0, 4), (1, 4), (2, 2)])
def test_pieces_leave_one_a_clock_from_the_clock_after_the_load(word, pieces):
    component = Fold(stimulus.layer(3, 19, lanes=8), 2, signed(4))
    bench = simulate(component, Steady(component, word))
    assert bench.shown == list(range(2, 2 + pieces)), "the last word holds three neurons"
    assert bench.free[:2] == [0, 2 + pieces]


@pytest.mark.parametrize("mutant", of("fold"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_fold.cases(module), 1))
