"""Every kind of winner take all counts the spikes of the golden model, when it says."""

from __future__ import annotations

import pytest

from tests.bench import bench_wta
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_wta.cases(), ids=lambda case: case.name)
def test_counted_spikes_and_currents_are_golden_every_second_clock(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("mutant", of("wta"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_wta.cases(module), 1))
