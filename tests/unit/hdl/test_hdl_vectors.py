# amaranth: UnusedElaboratable=no
"""Vectors of bits that sweeps visit: in registers or in a memory, they are the same plain list."""

from __future__ import annotations

import random

import pytest

from spikeloom.hdl.vectors import MemoryVector, suits
from tests.bench import bench_vectors
from tests.bench.bench import run_case, run_cases
from tests.campaigns.mutation.planted import assert_fails, of


@pytest.mark.parametrize("case", bench_vectors.register_cases(), ids=lambda case: case.name)
def test_a_vector_in_registers_is_a_list_of_bits_for_sweeps_of_any_stride(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("case", bench_vectors.memory_cases(), ids=lambda case: case.name)
def test_a_vector_in_a_memory_is_a_list_of_bits_where_its_strides_allow_it(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("size", bench_vectors.MEMORIES, ids=str)
def test_registers_can_take_the_place_of_every_memory(size, seed):
    run_case(bench_vectors.as_memory(*size), seed)


def test_registers_of_any_size_are_lists_of_bits(seed):
    rng = random.Random(seed)
    run_cases([bench_vectors.random_register(rng) for _ in range(8)], seed)


def test_memories_of_any_size_and_the_registers_in_their_place_are_lists_of_bits(seed):
    rng = random.Random(seed)
    for _ in range(5):
        size = bench_vectors.random_memory(rng)
        run_cases([bench_vectors.memory_case(*size), bench_vectors.as_memory(*size)], seed)


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
def test_a_memory_has_several_words_of_whole_pieces(size, strides, fits):
    assert suits(size, strides) == fits
    if not fits:
        with pytest.raises(ValueError, match=f"of {size} bits do not share a memory's words"):
            MemoryVector(size, strides)


@pytest.mark.parametrize("mutant", of("register_vector"), ids=lambda mutant: mutant.why)
def test_the_bench_of_registers_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_vectors.register_cases(module), 1))


@pytest.mark.parametrize("mutant", of("memory_vector"), ids=lambda mutant: mutant.why)
def test_the_bench_of_memories_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_vectors.memory_cases(module), 1))
