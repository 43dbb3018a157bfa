from __future__ import annotations

import math

import numpy as np
import pytest

from spikeloom.golden.lfsr import advance, fill, parameters, to_signed
from spikeloom.golden.spec.lfsr import CATALOG, Lfsr
from spikeloom.golden.spec.streams import purpose_seed

# Prime factors of 2**n - 1, from number theory and checked below.
FACTORS = {
    16: (3, 5, 17, 257),
    24: (3, 3, 5, 7, 13, 17, 241),
    31: (2147483647,),
    32: (3, 5, 17, 257, 65537),
    48: (3, 3, 5, 7, 13, 17, 97, 241, 257, 673),
    64: (3, 5, 17, 257, 641, 65537, 6700417),
}
EVERY = pytest.mark.parametrize("lfsr", CATALOG.values(), ids=CATALOG)


def words(lfsr: Lfsr, state: int, count: int) -> tuple[int, np.ndarray]:
    """Draw words with the compiled generator; return the unsigned state after them."""
    out = np.zeros(count + 1, np.uint16)
    state = fill(to_signed(state), parameters(lfsr), out, count)
    return int(state) & lfsr.mask, out[:count]


def compose(first: list[int], second: list[int]) -> list[int]:
    """Return the matrix over GF(2), as images of the unit states, of `first` and then `second`."""
    result = []
    for image in first:
        total = 0
        while image:
            low = image & -image
            total ^= second[low.bit_length() - 1]
            image ^= low
        result.append(total)
    return result


def power(matrix: list[int], exponent: int) -> list[int]:
    result = [1 << bit for bit in range(len(matrix))]
    while exponent:
        if exponent & 1:
            result = compose(result, matrix)
        matrix = compose(matrix, matrix)
        exponent >>= 1
    return result


@pytest.mark.parametrize("degree", FACTORS)
def test_factors_are_primes_and_complete(degree):
    assert math.prod(FACTORS[degree]) == 2**degree - 1
    for factor in FACTORS[degree]:
        assert all(factor % d for d in range(2, math.isqrt(factor) + 1))


@EVERY
def test_every_generator_has_the_full_period(lfsr):
    """The order of the shift's matrix is 2**n - 1: it divides it, and no divisor by a prime."""
    unit = [1 << bit for bit in range(lfsr.degree)]
    shift = [lfsr.shift(state) for state in unit]
    assert power(shift, 2**lfsr.degree - 1) == unit
    for factor in set(FACTORS[lfsr.degree]):
        assert power(shift, (2**lfsr.degree - 1) // factor) != unit


def test_a_reducible_polynomial_fails_the_period_test():
    """A false tap makes the test above fail, so it can."""
    wrong = Lfsr("wrong", (16, 15, 13, 5))
    unit = [1 << bit for bit in range(16)]
    shift = [wrong.shift(state) for state in unit]
    orders = [power(shift, (2**16 - 1) // factor) for factor in FACTORS[16]]
    assert power(shift, 2**16 - 1) != unit or unit in orders


def test_lfsr16_walks_all_65535_states():
    lfsr = CATALOG["lfsr16"]
    state, seen = 1, set()
    for _ in range(65535):
        state = lfsr.shift(state)
        seen.add(state)
    assert state == 1
    assert seen == set(range(1, 65536))


def test_the_first_words_of_lfsr16_are_those_of_the_convention():
    """By hand: from state 1, the new bit is 1 where state bit 3, 12, 14 or 15 says so."""
    bits, state = [], 1
    for _ in range(16):
        new = (state >> 15 ^ state >> 14 ^ state >> 12 ^ state >> 3) & 1
        bits.append(new)
        state = (state << 1 | new) & 0xFFFF
    assert bits[:4] == [0, 0, 0, 1]
    after, word = words(CATALOG["lfsr16"], 1, 1)
    assert after == state == int("".join(map(str, bits)), 2) == int(word[0])


@EVERY
def test_a_word_is_sixteen_single_shifts(lfsr, rng):
    state = int(rng.integers(1, 2**63)) & lfsr.mask or 1
    for _ in range(50):
        expected = lfsr.shift(state, 16)
        assert int(advance(to_signed(state), parameters(lfsr))) & lfsr.mask == expected
        state = expected


@EVERY
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7, 100])
def test_words_drawn_at_once_are_words_drawn_singly(lfsr, count, rng):
    seed = int(rng.integers(1, 2**63)) * 2 + 1 & lfsr.mask
    state, expected = seed, []
    for _ in range(count):
        state = lfsr.shift(state, 16)
        expected.append(state & 0xFFFF)
    after, drawn = words(lfsr, seed, count)
    assert after == state
    assert drawn.tolist() == expected


@EVERY
def test_words_are_uniform_in_mean_and_in_every_bit(lfsr):
    """65,536 words from a seed as runs have it, within 5 standard deviations of fair ones.

    From a sparse or regular state the two-tap generator takes long to look random.
    """
    n = 65536
    _, drawn = words(lfsr, purpose_seed(1, lfsr.name) & lfsr.mask, n)
    deviation = 65536 / math.sqrt(12 * n)
    assert abs(drawn.mean() - 32767.5) < 5 * deviation
    for bit in range(16):
        assert abs((drawn >> bit & 1).mean() - 0.5) < 5 * 0.5 / math.sqrt(n)
