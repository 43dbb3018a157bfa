"""What training came to: the learning curve on images that were never trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spikeloom.errors import naming_extras
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.run import Point, Run
from spikeloom.shown import html_table

if TYPE_CHECKING:
    from spikeloom.report.drawing import Picture


MOST_ROWS = 20
"""Points of a learning curve that are shown as text."""


@dataclass(frozen=True, repr=False)
class History:
    """A run so far.

    Attributes
    ----------
    config : of the network. run : where it stands.
    images_per_second, mean_steps : speed, and steps that a sample ran, of the last call of `fit`;
        0 where it trained nothing.
    """

    config: NetworkConfig
    run: Run
    images_per_second: float
    mean_steps: float

    @property
    def curve(self) -> list[Point]:
        """Points of the learning curve; none where nothing was held out."""
        return self.run.curve

    @property
    def accuracy(self) -> float | None:
        """The last held-out accuracy, 0 to 1; None where nothing was held out."""
        return self.curve[-1].accuracy if self.curve else None

    @property
    def best(self) -> Point | None:
        """The best point of the curve, the first at a tie."""
        return max(self.curve, key=lambda point: point.accuracy, default=None)

    @naming_extras()
    def plot(self) -> Picture:
        """Draw the learning curve: a picture that a notebook shows, and that can be saved."""
        from spikeloom.report.outcome import draw_curve

        return draw_curve(self.run, self.config.sizes[-1])

    def summary(self) -> str:
        """Say it in a line."""
        run = self.run
        rate = f", {self.images_per_second:,.0f} images/s" if self.images_per_second else ""
        if self.config.stop.used and self.mean_steps:
            rate += f", {self.mean_steps:.1f} of {self.config.steps} steps on average"
        return (
            f"{self.config.name}, seed {run.seed}: {run.epoch} epoch{'s' * (run.epoch != 1)}, "
            f"{run.presentations:,} images trained on{rate}"
        )

    def rows(self) -> list[tuple[str, str]]:
        """Return the curve as text, the best point marked; of many points some."""
        best, apart = self.best, -(-len(self.curve) // MOST_ROWS)
        return [
            (
                f"{point.presentations:,}",
                f"{100 * point.accuracy:.2f} % of {point.images:,}" + " (best)" * (point is best),
            )
            for number, point in enumerate(reversed(self.curve))
            if number % apart == 0 or point is best
        ][::-1]

    def __repr__(self) -> str:
        lines = [f"{seen:>12}   {accuracy}" for seen, accuracy in self.rows()]
        head = [f"{'images':>12}   held-out accuracy"] if lines else ["nothing held out"]
        return "\n".join([f"<History of {self.summary()}>", *head, *lines])

    def _repr_html_(self) -> str:
        return html_table(self.summary(), self.rows(), ("images", "held-out accuracy"))
