"""Where a training run stands, between two of its samples."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Point:
    """Held-out accuracy after so many presentations: `right` of `images`."""

    presentations: int
    images: int
    right: int

    @property
    def accuracy(self) -> float:
        """Accuracy, 0 to 1."""
        return self.right / self.images


@dataclass
class Run:
    """A run between two samples; training moves it on.

    Attributes
    ----------
    seed : decides initial weights, streams and the order of samples.
    epoch, position : samples 0 .. position-1 of epoch `epoch` (from 0) are done.
    presentations : samples trained since the run began, by whatever engine.
    train_images, data : how many images an epoch has, and their `Part.fingerprint`; 0 and ""
        before the first.
    curve : points of the learning curve so far.
    """

    seed: int
    epoch: int = 0
    position: int = 0
    presentations: int = 0
    train_images: int = 0
    data: str = ""
    curve: list[Point] = field(default_factory=list)

    @property
    def begun(self) -> int:
        """Number of epochs that have begun."""
        return self.epoch + (self.position > 0)
