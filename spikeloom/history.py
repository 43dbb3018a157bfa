"""What training came to: the learning curve on images that were never trained on."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from spikeloom.run import Point


@dataclass(frozen=True, repr=False)
class History:
    """A run so far.

    Attributes
    ----------
    name : of the network. seed : of the run.
    epochs : whole ones done. presentations : samples trained, by whatever engine.
    curve : points of the learning curve; none where nothing was held out.
    images_per_second : of the last call of `fit`; 0 where it trained nothing.
    """

    name: str
    seed: int
    epochs: int
    presentations: int
    curve: tuple[Point, ...]
    images_per_second: float

    @property
    def accuracy(self) -> float | None:
        """The last held-out accuracy, 0 to 1; None where nothing was held out."""
        return self.curve[-1].accuracy if self.curve else None

    @property
    def best(self) -> Point | None:
        """The best point of the curve, the first at a tie."""
        return max(self.curve, key=lambda point: point.accuracy, default=None)

    def summary(self) -> str:
        """Say it in a line."""
        plural = "s" * (self.epochs != 1)
        return (
            f"{self.name}, seed {self.seed}: {self.epochs} epoch{plural}, "
            f"{self.presentations:,} images trained on, {self.images_per_second:,.0f} images/s"
        )

    def rows(self) -> list[tuple[str, str]]:
        """Return the curve as text: presentations and accuracy, the best one marked."""
        best = self.best
        return [
            (
                f"{point.presentations:,}",
                f"{100 * point.accuracy:.2f} % of {point.images:,}" + " (best)" * (point is best),
            )
            for point in self.curve
        ]

    def __repr__(self) -> str:
        lines = [f"{seen:>12}   {accuracy}" for seen, accuracy in self.rows()]
        head = [f"{'images':>12}   held-out accuracy"] if lines else ["nothing held out"]
        return "\n".join([f"<History of {self.summary()}>", *head, *lines])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{seen}</td><td>{text}</td></tr>" for seen, text in self.rows())
        return (
            f"<table><caption>{escape(self.summary())}</caption>"
            f"<tr><th>images</th><th>held-out accuracy</th></tr>{rows}</table>"
        )
