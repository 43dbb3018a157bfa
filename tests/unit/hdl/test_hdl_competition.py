"""The softmax kind's one spike goes where golden has it, in the clock that is told."""

from __future__ import annotations

import pytest

from tests.bench import bench_competition
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_competition.cases(), ids=lambda case: case.name)
def test_the_class_that_counts_is_that_of_golden(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("mutant", of("competition"), ids=lambda mutant: mutant.why)
def test_the_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_competition.cases(module), 1))
