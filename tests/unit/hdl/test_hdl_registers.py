"""The register bank decodes the map of the spec; the host sees and sets every stream's state."""

from __future__ import annotations

import pytest

from tests.bench import bench_registers
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_registers.cases(), ids=lambda case: case.name)
def test_a_register_reads_a_clock_later_and_strobes_when_written(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("case", bench_registers.streams_cases(), ids=lambda case: case.name)
def test_states_of_all_streams_are_read_written_and_reset(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("mutant", of("registers"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_registers.cases(module), 1))


@pytest.mark.parametrize("mutant", of("streams"), ids=lambda mutant: mutant.why)
def test_the_bench_of_streams_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_registers.streams_cases(module), 1))
