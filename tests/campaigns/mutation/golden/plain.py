"""Stands in for `golden.compiled` where mutants run: plain Python, with numbers as Numba has them.

To compile every mutant would take most of the time. Numba computes with 64-bit integers, whatever
an array holds, and wraps what it stores; NumPy's own scalars keep the array's type instead. An
index outside an array is an error here, where compiled code would read on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


class Wide:
    """An array whose elements are read as int64, and wrapped to its own type when written."""

    __slots__ = ("array", "shape", "size")

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.size = array, array.shape, array.size

    def __getitem__(self, place: Any) -> Any:
        found = self.array[place]
        return Wide(found) if isinstance(found, np.ndarray) else np.int64(found)

    def __setitem__(self, place: Any, value: int) -> None:
        self.array[place] = np.int64(value).astype(self.array.dtype)


def widened(value: Any) -> Any:
    """Return an argument as compiled code sees it; tuples of arrays field by field."""
    if isinstance(value, np.ndarray):
        return Wide(value)
    if isinstance(value, tuple):
        return type(value)(*map(widened, value))
    return np.int64(value) if type(value) is int else value


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Leave a function as it is but for its arguments; usable as `golden.compiled.compiled`."""
    if function is None:
        return compiled

    @wraps(function)
    def plain(*arguments: Any) -> Any:
        return function(*map(widened, arguments))

    return plain
