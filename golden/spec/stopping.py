"""When a sample ends before all its steps: the keys, which are also what is in force."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.golden.spec.schema import Range, number

MARGINS = Range(0, 4095)
LEAST = Range(1, 4096)


@dataclass(frozen=True)
class StopConfig:
    """When a sample is sure enough to end, in counted output spikes."""

    train: int = number(
        MARGINS.low, MARGINS.high, 0,
        "a trained one: its label leads every other class by so many; 0: never",
    )  # fmt: skip
    infer: int = number(
        MARGINS.low, MARGINS.high, 0,
        "an inferred one: its best class leads the second by so many; 0: never",
    )  # fmt: skip
    least: int = number(LEAST.low, LEAST.high, 1, "steps that it runs at least")

    @property
    def used(self) -> bool:
        """Whether a sample can end early at all: hardware has the means only then."""
        return self.train > 0 or self.infer > 0
