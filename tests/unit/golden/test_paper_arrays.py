"""Array libraries and their random numbers; others than NumPy where they are installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from spikeloom.golden.paper.arrays import LIBRARIES, ArrayError, namespace
from tests.support.extras import array_libraries

OTHERS = ("torch", "cupy", "jax")


def library(name: str):
    """Return a library, or skip the test and say why."""
    try:
        return namespace(name)
    except ArrayError as error:
        pytest.skip(str(error))


def test_numpy_is_the_default():
    arrays = namespace()
    assert arrays.name == "numpy"
    assert isinstance(arrays.put(np.zeros(2)), np.ndarray)


def test_an_unknown_library_is_refused():
    with pytest.raises(ArrayError, match="array library 'pandas': known are numpy, torch, cupy, "):
        namespace("pandas")


@pytest.mark.parametrize("name", [n for n in OTHERS if not importlib.util.find_spec(n)])
def test_a_missing_library_is_named(name: str):
    with pytest.raises(ArrayError, match=f"library '{name}' is not installed .*: install it, or"):
        namespace(name)


def test_a_device_that_numpy_has_not_is_refused():
    with pytest.raises(ArrayError, match="numpy has no device 'cuda': its arrays live on 'cpu'"):
        namespace("numpy", "cuda")


@pytest.mark.parametrize("name", array_libraries(*OTHERS))
def test_a_device_that_is_not_there_is_refused(name: str):
    library(name)
    with pytest.raises(ArrayError, match=f"{name} has no device '9000': "):
        namespace(name, "9000")


def test_put_copies():
    source = np.zeros(3, np.float32)
    found = namespace().put(source)
    found += 1
    assert not source.any()


@pytest.mark.parametrize("name", array_libraries(*LIBRARIES))
def test_the_same_seed_draws_the_same_numbers(name: str):
    arrays = library(name)

    def draw(*entropy: int) -> np.ndarray:
        random = arrays.random(*entropy)
        parts = random.uniform((4, 5)), random.normal((20,))
        return np.concatenate([arrays.get(p).ravel() for p in parts] + [random.host.random(3)])

    assert draw(1, 2, 3).tobytes() == draw(1, 2, 3).tobytes()
    for other in ((1, 2, 4), (1, 3, 3), (2, 2, 3)):
        assert not np.isin(draw(1, 2, 3), draw(*other)).any()


@pytest.mark.parametrize("name", array_libraries(*LIBRARIES))
def test_numbers_are_float32_of_their_distributions(name: str, seed):
    """Means and variances of 40,000 draws within five deviations of the estimate."""
    arrays = library(name)
    random = arrays.random(seed)
    uniform, normal = (arrays.get(d((200, 200))) for d in (random.uniform, random.normal))
    assert uniform.dtype == normal.dtype == np.float32
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 5 / (12 * 40000) ** 0.5
    assert abs(normal.mean()) < 5 / 200
    assert abs(normal.var() - 1) < 5 * (2 / 40000) ** 0.5
