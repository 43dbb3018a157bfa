"""The crossbar of the RTL sums, writes and saturates as the golden model does, when it says."""

from __future__ import annotations

import random

import pytest

from spikeloom.hdl.crossbar import Crossbar
from tests.bench import bench_crossbar
from tests.bench.bench import Bench, Driver, Pins, run_case, run_cases, simulate
from tests.campaigns.mutation.planted import assert_fails, of
from tests.support import stimulus


@pytest.mark.parametrize("case", bench_crossbar.cases(), ids=lambda case: case.name)
def test_sums_and_weights_are_golden_under_any_order_of_accesses(case, seed):
    run_case(case, seed)


def test_crossbars_of_any_size_are_golden(seed):
    rng = random.Random(seed)
    run_cases([bench_crossbar.random_case(rng) for _ in range(3)], seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(6))
def test_many_crossbars_of_any_size_are_golden(part, seed):
    rng = random.Random(seed)
    run_cases([bench_crossbar.random_case(rng) for _ in range(12)], seed)


class Full(Bench):
    """Row after row without a pause, every one of them written or none."""

    def __init__(self, component: Crossbar, *, rows: int, up: int) -> None:
        super().__init__(component, 0)
        self.rows, self.up, self.taken, self.wrote = rows, up, 0, 0

    def drivers(self):
        yield self.read()

    def read(self) -> Driver:
        for row in range(self.rows):
            fields = {"valid": 1, "first": row == 0, "last": row == self.rows - 1}
            pins = {"access": self.pack("access", row=row, **fields)}
            pins |= {"change__step": 1, "change__up": self.up, "change__keep": 1}
            seen = yield pins
            while not seen["ready"]:
                seen = yield pins
            self.taken = self.clock

    def check(self, seen: Pins) -> None:
        self.wrote += seen["wrote"]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize(
    ("ports", "up", "clocks"), [(2, 0, 20), (2, 1, 20), (1, 0, 20), (1, 1, 20 + 18)]
)
def test_an_access_a_clock_one_less_per_write_where_there_is_one_port(
    transposed, gap, ports, up, clocks
):
    """Of the 20 writes the last two come behind the last access."""
    layer = stimulus.layer(20, 4, lanes=4, ports=ports)
    component = Crossbar(layer, transposed=transposed, gap=gap)
    bench = simulate(component, Full(component, rows=20, up=up))
    assert bench.taken == clocks
    assert bench.wrote == 20 * up


@pytest.mark.parametrize("mutant", of("crossbar"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_crossbar.cases(module), 1))
