"""Means, deviations, and the paired comparison of two models on the same images."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z95 = 1.959964
"""95 % of a normal distribution lie within so many standard deviations."""


def mean_and_deviation(values: Sequence[float] | np.ndarray, digits: int) -> str:
    """Write mean ± standard deviation (n - 1); the mean alone of one value."""
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"


def deviation(values: np.ndarray) -> np.ndarray:
    """Return the standard deviation (n - 1) over the first axis; 0 of one value."""
    return values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])


def pack(right: np.ndarray) -> str:
    """Return which images were right (bool[n]) as text: eight to a byte, base 64."""
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def unpack(text: str, count: int) -> np.ndarray:
    """Return what was packed, bool[count]."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=count)
    return bits.astype(bool)


@dataclass(frozen=True)
class Paired:
    """The difference of two accuracies on the same images, in points; its 95 % interval."""

    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as a reader writes it."""
        return f"{self.difference:+.2f} ({self.low:+.2f} to {self.high:+.2f})"


def paired(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> Paired:
    """Compare two models image by image; of several seeds, each image's mean counts.

    The images are the sample: the interval says what other images of the same kind could have
    given, by the normal approximation to the mean of the images' differences.

    ours, theirs : bool[images] per seed.
    """
    difference = 100 * (np.mean(ours, axis=0) - np.mean(theirs, axis=0))
    mean = float(difference.mean())
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    return Paired(mean, mean - Z95 * error, mean + Z95 * error)
