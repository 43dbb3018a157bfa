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
    def most_lost(self) -> float:
        """What a single run may lose by luck: two standard deviations."""
        return 2 * self.deviation


@dataclass(frozen=True)
class Ended:
    """How a training with one upset ended, 0 to 1.

    Attributes
    ----------
    accuracy : at the end, where training goes on with new random numbers.
    change : by the upset: that accuracy less the one of undisturbed weights that go on with the
        same random numbers.
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
        "random numbers. Every training that an upset has changed is compared with an undisturbed "
        "one that goes on with the same new random numbers: two deviations, "
        f"{100 * usual.most_lost:.2f} percentage points, may be lost by luck, and more is a wrong "
        "result. A loss within this spread does not show in a single run."
    )
    if change.mean is None or change.error is None:
        return text
    return (
        f"{text} What upsets cost on the average shows in all {change.pairs:,} pairs (learned "
        "away, or wrong only by its accuracy): change of accuracy "
        f"{100 * change.mean:+.2f} ± {100 * change.error:.2f} percentage points (mean and "
        "standard error; flips as they are, not weighted by bits)."
    )


def values(usual: Usual, change: Change) -> dict[str, object]:
    """Return both for JSON."""
    return {
        "usual": usual.mean,
        "standard_deviation": usual.deviation,
        "undisturbed_runs": usual.runs,
        "most_lost_by_luck": usual.most_lost,
        "mean_change": change.mean,
        "its_standard_error": change.error,
        "pairs": change.pairs,
    }


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
