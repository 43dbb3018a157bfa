from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden.crossbar import forward, transposed, write


def i32(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def summed(weights: np.ndarray, rows: list[int]) -> list[int]:
    current = np.full(weights.shape[1], 77, np.int32)
    padded = np.zeros(weights.shape[0], np.int32)
    padded[: len(rows)] = rows
    forward(weights.reshape(-1), padded, len(rows), current)
    return current.tolist()


def written(
    weights: list[list[int]],
    rows: list[int],
    keep: list[int],
    signal: list[int],
    *,
    shift: int = 0,
    limit: int = 127,
) -> tuple[int, list[list[int]]]:
    after = np.array(weights, np.int16)
    columns = np.flatnonzero(signal).astype(np.int32)
    count = write(
        after.reshape(-1),
        np.array(rows, np.int32),
        len(rows),
        np.array(keep, np.uint8),
        np.array(signal, np.int8),
        columns,
        len(columns),
        shift,
        limit,
    )
    return count, after.tolist()


@pytest.mark.parametrize("n_post", [1, 3, 16, 33])
@pytest.mark.parametrize("count", range(10))
def test_currents_are_the_exact_sums_of_the_spiking_rows(rng, n_post, count):
    weights = rng.integers(-32767, 32768, (20, n_post)).astype(np.int16)
    rows = sorted(rng.choice(20, count, replace=False).tolist())
    assert summed(weights, rows) == weights[rows].sum(axis=0, dtype=np.int64).tolist()


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_beyond_sixteen_bits_are_exact(sign):
    weights = np.full((4000, 2), sign * 32767, np.int16)
    assert summed(weights, list(range(4000))) == [sign * 32767 * 4000] * 2


def test_different_rows_give_different_sums():
    weights = np.array([[1, 20], [300, 4], [-5, 6]], np.int16)
    assert summed(weights, [0]) == [1, 20]
    assert summed(weights, [1]) == [300, 4]
    assert summed(weights, [0, 2]) == [-4, 26]
    assert summed(weights, []) == [0, 0]


def test_a_write_moves_only_crossings_of_kept_rows_and_signalled_columns():
    weights = [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    count, after = written(weights, [0, 1, 3], [1, 0, 1], [1, 0, -1], shift=2)
    assert count == 2
    assert after == [[4, 0, -4], [0, 0, 0], [0, 0, 0], [4, 0, -4]]


def test_writes_saturate_at_both_rails():
    count, after = written([[126, -126, 120, -127]], [0], [1], [1, -1, 1, 1], shift=3)
    assert count == 1
    assert after == [[127, -127, 127, -119]]


def test_the_most_negative_code_is_never_written():
    _, after = written([[-32767]], [0], [1], [-1], shift=15, limit=32767)
    assert after == [[-32767]]


def test_a_row_without_coincidence_is_not_written():
    assert written([[5, 5]], [0], [0], [1, 1]) == (0, [[5, 5]])


def test_the_row_is_read_before_it_is_written():
    """A step's sum holds the weights as they were; the next step's holds the write."""
    weights = np.array([[10, 10]], np.int16)
    current, rows = np.zeros(2, np.int32), i32(0)
    forward(weights.reshape(-1), rows, 1, current)
    signal = np.array([1, 0], np.int8)
    write(weights.reshape(-1), rows, 1, np.ones(1, np.uint8), signal, i32(0), 1, 0, 127)
    assert current.tolist() == [10, 10]
    forward(weights.reshape(-1), rows, 1, current)
    assert current.tolist() == [11, 10]


@pytest.mark.parametrize("active", range(6))
def test_transposed_access_sums_signed_columns(rng, active):
    weights = rng.integers(-2047, 2048, (17, 5)).astype(np.int16)
    signal = np.zeros(5, np.int8)
    columns = np.sort(rng.choice(5, active, replace=False)).astype(np.int32)
    signal[columns] = rng.choice([-1, 1], active)
    current = np.full(17, 77, np.int32)
    transposed(weights.reshape(-1), signal, columns, active, current)
    assert current.tolist() == (weights.astype(np.int64) @ signal.astype(np.int64)).tolist()
