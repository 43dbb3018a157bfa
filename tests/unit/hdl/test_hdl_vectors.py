# amaranth: UnusedElaboratable=no
"""Vectors of bits that sweeps visit: a wheel and a drum are the same plain list of bits."""

from __future__ import annotations

import random

import pytest

from spikeloom.hdl.drum import Drum, suits
from tests.bench import bench_vectors
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_vectors.wheel_cases(), ids=lambda case: case.name)
def test_a_wheel_is_a_list_of_bits_for_sweeps_of_any_stride(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("case", bench_vectors.drum_cases(), ids=lambda case: case.name)
def test_a_drum_is_a_list_of_bits_where_its_strides_allow_it(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("size", bench_vectors.DRUMS, ids=str)
def test_a_wheel_can_take_the_place_of_every_drum(size, seed):
    run_case(bench_vectors.as_drum(*size), seed)


def test_wheels_of_any_size_are_lists_of_bits(seed):
    rng = random.Random(seed)
    run_cases([bench_vectors.random_wheel(rng) for _ in range(8)], seed)


def test_drums_of_any_size_and_the_wheels_in_their_place_are_lists_of_bits(seed):
    rng = random.Random(seed)
    for _ in range(5):
        size = bench_vectors.random_drum(rng)
        run_cases([bench_vectors.drum_case(*size), bench_vectors.as_drum(*size)], seed)


@pytest.mark.parametrize(
    ("size", "strides", "fits"),
    [
        (10, (4, 4), True),
        (10, (4, 2), True),
        (5, (4, 1), True),
        (10, (4, 3), False),
        (10, (2, 4), False),
        (4, (4, 4), False),
        (4, (4, 2), False),
    ],
)
def test_a_drum_has_several_words_of_whole_pieces(size, strides, fits):
    assert suits(size, strides) == fits
    if not fits:
        with pytest.raises(ValueError, match=f"of {size} bits do not share a memory's words"):
            Drum(size, strides)


@pytest.mark.parametrize("mutant", of("wheel"), ids=lambda mutant: mutant.why)
def test_the_bench_of_wheels_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_vectors.wheel_cases(module), 1))


@pytest.mark.parametrize("mutant", of("drum"), ids=lambda mutant: mutant.why)
def test_the_bench_of_drums_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_vectors.drum_cases(module), 1))
