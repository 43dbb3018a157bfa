"""The halves of a layer: every access, spike and error spike, and how long they take."""

from __future__ import annotations

import pytest

from tests.bench import bench_layer
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_layer.forward_cases(), ids=lambda case: case.name)
def test_the_forward_half_is_golden(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("case", bench_layer.feedback_cases(), ids=lambda case: case.name)
def test_the_feedback_half_is_golden(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("mutant", of("forward_half"), ids=lambda mutant: mutant.why)
def test_the_bench_of_the_forward_half_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_layer.forward_cases(module), 1))


@pytest.mark.parametrize("mutant", of("feedback_half"), ids=lambda mutant: mutant.why)
def test_the_bench_of_the_feedback_half_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_layer.feedback_cases(module), 1))
