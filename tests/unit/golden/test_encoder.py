from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.encoder import active_pixels, drop, encode, offset, shift
from spikeloom.golden.lfsr import parameters, to_signed
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from tests.support.configurations import table

LFSR = CATALOG["lfsr64"]


def reference_words(seed: int, count: int) -> list[int]:
    words, state = [], seed
    for _ in range(count):
        state = LFSR.shift(state, 16)
        words.append(state & 0xFFFF)
    return words


def run(seed: int, ramp: int, index: list[int], value: list[int]) -> tuple[int, list[int]]:
    n = len(index)
    spikes = np.zeros(n, np.int32)
    state, fired = encode(
        to_signed(seed),
        parameters(LFSR),
        ramp,
        np.array(index, np.int32),
        np.array(value, np.int32),
        n,
        np.zeros(n, np.uint16),
        spikes,
    )
    return int(state) & LFSR.mask, spikes[:fired].tolist()


def ramp(**changes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    numbers = machine(from_dict(table(**changes)))
    return numbers.ramp_train, numbers.ramp_infer


def test_non_zero_pixels_are_listed_in_raster_order():
    image = np.array([0, 7, 0, 0, 255, 1, 0], np.uint8)
    index, value = np.zeros(7, np.int32), np.zeros(7, np.int32)
    assert active_pixels(image, index, value) == 3
    assert index[:3].tolist() == [1, 4, 5]
    assert value[:3].tolist() == [7, 255, 1]


@pytest.mark.parametrize("image", [np.zeros(5, np.uint8), np.full(5, 255, np.uint8)])
def test_silent_and_full_images(image):
    index, value = np.zeros(5, np.int32), np.zeros(5, np.int32)
    assert active_pixels(image, index, value) == np.count_nonzero(image)


def test_a_pixel_spikes_where_its_word_is_below_pixel_times_ramp(rng):
    seed = int(rng.integers(1, 2**63))
    index = sorted(rng.choice(784, 40, replace=False).tolist())
    value = rng.integers(1, 256, 40).tolist()
    words = reference_words(seed, 40)
    for step_ramp in (0, 1, 100, 206, 257):
        expected = [i for i, v, w in zip(index, value, words, strict=True) if w < v * step_ramp]
        assert run(seed, step_ramp, index, value)[1] == expected


def test_every_pixel_draws_one_word_even_if_it_cannot_spike():
    """A dropped pixel has value 0 here: it draws, and never fires."""
    words = reference_words(99, 3)
    assert run(99, 257, [3, 5, 9], [255, 0, 255])[1] == [
        i for i, w in ((3, words[0]), (9, words[2])) if w < 65535
    ]
    state = 99
    for _ in range(3):
        state = LFSR.shift(state, 16)
    assert run(99, 257, [3, 5, 9], [255, 0, 255])[0] == state


def test_no_pixel_draws_no_word():
    assert run(77, 257, [], []) == (77, [])


def test_pixel_255_at_the_largest_ramp_misses_only_the_word_65535():
    index = list(range(20000))
    words = reference_words(5, 20000)
    assert run(5, 257, index, [255] * 20000)[1] == [i for i, w in enumerate(words) if w != 65535]


def test_linear_ramp_falls_from_twice_the_rate_to_almost_nothing():
    """Rate 0.4, 8 steps, by hand: 257 * 0.4 * 2 * (1 - (t + 0.5) / 8)."""
    assert ramp()[0] == (193, 167, 141, 116, 90, 64, 39, 13)


def test_constant_ramp_is_the_rate():
    assert ramp(input__ramp="constant")[0] == (103,) * 8


def test_the_ramp_saturates_at_rate_one():
    assert ramp(input__rate=1.0)[0] == (257, 257, 257, 257, 225, 161, 96, 32)


def test_inference_scales_the_ramp_by_what_dropout_lets_through():
    train, infer = ramp(input__dropout=0.25)
    assert train == ramp()[0]
    assert infer == (145, 125, 106, 87, 67, 48, 29, 10)


def test_mean_rate_over_a_sample_is_pixel_times_rate():
    """60,000 pixels of 255 through 8 steps: within 5 standard deviations of rate 0.4."""
    n = 60000
    fired, state = 0, 12345
    for step_ramp in ramp()[0]:
        state, spikes = run(state, step_ramp, list(range(n)), [255] * n)
        fired += len(spikes)
    assert abs(fired / (8 * n) - 0.4) < 5 * 0.5 / (8 * n) ** 0.5 + 0.5 / 257


def test_dropout_draws_one_word_per_place(rng):
    seed = int(rng.integers(1, 2**63))
    dropped = np.full(50, 9, np.uint8)
    words = np.zeros(50, np.uint16)
    state = drop(to_signed(seed), parameters(LFSR), 20000, words, dropped, 40)
    expected = reference_words(seed, 40)
    assert dropped[:40].tolist() == [int(w < 20000) for w in expected]
    assert dropped[40:].tolist() == [9] * 10
    assert int(state) & 0xFFFF == expected[-1]


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_word_at_the_product_itself_is_no_spike(seed):
    (word,) = reference_words(seed, 1)
    assert run(seed, word, [0], [1])[1] == []
    assert run(seed, word + 1, [0], [1])[1] == [0]


def test_a_word_at_the_chance_itself_drops_nothing():
    (word,) = reference_words(7, 1)
    for chance in (word, word + 1):
        dropped = np.full(1, 9, np.uint8)
        drop(to_signed(7), parameters(LFSR), chance, np.zeros(1, np.uint16), dropped, 1)
        assert dropped[0] == chance - word


def test_words_stand_for_shifts_in_equal_shares():
    for radius in range(4):
        found = [offset(word, radius) for word in range(1 << 16)]
        values, shares = np.unique(found, return_counts=True)
        assert values.tolist() == list(range(-radius, radius + 1))
        assert shares.max() - shares.min() <= 1
        assert found == sorted(found)


def test_pixels_move_and_what_leaves_the_frame_is_silent():
    index, value = np.array([0, 2, 4, 5], np.int32), np.array([9, 8, 7, 6], np.int32)
    shift(index, value, 4, np.array([2, 3]), 1, -1)
    # (0,0) -> (1,-1) out; (0,2) -> (1,1); (1,1), (1,2) -> row 2, out
    assert value.tolist() == [0, 8, 0, 0]
    assert index[1] == 4


@pytest.mark.parametrize(
    ("down", "right", "left"),
    [
        (-1, 0, [None, None, 0, 1, 2, 3]),
        (1, 0, [2, 3, 4, 5, None, None]),
        (0, -1, [None, 0, None, 2, None, 4]),
        (0, 1, [1, None, 3, None, 5, None]),
        (-2, 1, [None, None, None, None, 1, None]),
    ],
)
def test_every_edge_of_the_frame_is_one(down: int, right: int, left: list[int | None]):
    """All pixels of a frame of 3 by 2, by hand; one row or column beyond it is beyond."""
    index, value = np.arange(6, dtype=np.int32), np.full(6, 9, np.int32)
    shift(index, value, 6, np.array([3, 2]), down, right)
    found = [int(i) if v else None for i, v in zip(index, value, strict=True)]
    assert found == left
