"""Accuracy at the end of training: what is usual, and what upsets cost on the average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Usual:
    """Accuracies of undisturbed runs that differ in their random numbers, 0 to 1.

    Attributes
    ----------
    mean, deviation : mean and standard deviation. runs : how many there were, 2 at least.
    """

    mean: float
    deviation: float
    runs: int

    @classmethod
    def of(cls, accuracies: Sequence[float]) -> Usual:
        """Measure it."""
        deviation = float(np.std(accuracies, ddof=1))
        return cls(float(np.mean(accuracies)), deviation, len(accuracies))

    @property
    def least(self) -> float:
        """The least accuracy that counts as usual: two standard deviations below the mean."""
        return self.mean - 2 * self.deviation


@dataclass(frozen=True)
class Ended:
    """How a training with one upset ended, 0 to 1.

    Attributes
    ----------
    accuracy : of the training itself.
    change : of the accuracy by the upset, where both trainings go on with the same new random
        numbers.
    """

    accuracy: float
    change: float


@dataclass(frozen=True)
class Change:
    """The mean change of accuracy over pairs of trainings, 0 to 1.

    Attributes
    ----------
    pairs : how many. mean : None where there is none. error : standard error of the mean, None
        for fewer than two.
    """

    pairs: int
    mean: float | None
    error: float | None

    @classmethod
    def of(cls, ends: Sequence[Ended]) -> Change:
        """Measure it; every pair has random numbers of its own, so they are independent."""
        changes = [end.change for end in ends]
        count = len(changes)
        return cls(
            count,
            float(np.mean(changes)) if count else None,
            float(np.std(changes, ddof=1)) / count**0.5 if count > 1 else None,
        )


def told(usual: Usual, change: Change, images: int) -> str:
    """Return both in words; images : trained after the upset's."""
    text = (
        f"Accuracy at the end, {images:,} images later: {_percent(usual.mean)} is usual, standard "
        f"deviation {_percent(usual.deviation)} over {usual.runs} undisturbed runs with other "
        f"random numbers. {_percent(usual.least)} (two deviations less) or more counts as that: "
        "a loss within this spread does not show in a single run."
    )
    if change.mean is None or change.error is None:
        return text
    return (
        f"{text} What upsets cost on the average shows in pairs, {change.pairs:,} of them: a "
        "training that an upset has changed (learned away, or wrong only by its accuracy) and the "
        "undisturbed one both go on with the same new random numbers. Change of accuracy: "
        f"{100 * change.mean:+.2f} ± {100 * change.error:.2f} percentage points (mean and "
        "standard error; flips as they are, not weighted by bits)."
    )


def values(usual: Usual, change: Change) -> dict[str, object]:
    """Return both for JSON."""
    return {
        "usual": usual.mean,
        "standard_deviation": usual.deviation,
        "undisturbed_runs": usual.runs,
        "least_usual": usual.least,
        "mean_change": change.mean,
        "its_standard_error": change.error,
        "pairs": change.pairs,
    }


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
