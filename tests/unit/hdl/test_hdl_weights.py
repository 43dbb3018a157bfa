"""The host's way to the weights: every byte, every poke, the digest, and how long they take."""

from __future__ import annotations

import pytest

from spikeloom.hdl.weights import WeightPort
from tests.bench import bench_weights
from tests.bench.bench import Bench, Driver, Pins, run_case, run_cases, simulate
from tests.bench.bench_weights import Reading, machine
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_weights.cases(), ids=lambda case: case.name)
def test_bytes_pokes_and_digest_are_right_whatever_stalls(case, seed):
    run_case(case, seed)


class Duration(Bench):
    """One operation, bytes always there and always taken; notes how long it took."""

    def __init__(self, component: Reading, **fields: int) -> None:
        super().__init__(component, 0)
        self.fields_of_start, self.ended = fields, False

    def drivers(self):
        yield self.operate()

    def operate(self) -> Driver:
        bytes_ = {"i__valid": 1, "o__ready": 1}
        yield bytes_ | {"start": 1, "first_layer": 1} | self.fields_of_start
        while not self.ended:
            yield bytes_
        self.took = self.clock

    def check(self, seen: Pins) -> None:
        self.ended = bool(seen["done"])


ROWS, COLUMNS, LANES, WORDS = 6, 10, 4, 3
AROUND = 3  # clocks: start, end, done


@pytest.mark.parametrize(
    ("fields", "clocks"),
    [
        ({"rows": ROWS}, ROWS * (2 * COLUMNS + 5 * WORDS)),
        ({"rows": ROWS, "write": 1}, ROWS * (5 * COLUMNS + WORDS)),
        ({"digest": 1}, ROWS * (2 * COLUMNS + 5 * WORDS)),
        ({"rows": 0}, -1),
    ],
    ids=["read", "write", "digest", "nothing"],
)
def test_an_operation_takes_as_long_as_it_says(fields, clocks):
    component = Reading(WeightPort(machine((ROWS, COLUMNS, LANES, 8)).layers), LANES)
    assert simulate(component, Duration(component, **fields)).took == clocks + AROUND


@pytest.mark.parametrize("mutant", of("weights"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_weights.cases(module), 1))
