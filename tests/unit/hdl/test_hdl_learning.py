"""The learning rule of the RTL keeps the spikes and writes the steps of the golden model."""

from __future__ import annotations

import pytest

from tests.bench import bench_learning
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_learning.cases(), ids=lambda case: case.name)
def test_the_rule_is_golden(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("mutant", of("coincidence"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_learning.cases(module), 1))
