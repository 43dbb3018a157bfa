"""How large a weight update is: a power-of-two step, thinned by a probability in 1/65536."""

from __future__ import annotations

from dataclasses import dataclass

CERTAIN = 1 << 16
MAX_SHIFT = 15


@dataclass(frozen=True)
class Update:
    """One layer's update: each kept coincidence writes +-2**shift, kept if word < probability.

    `probability` is in 1/65536 (65536 = always); the thinning word has 16 bits.
    """

    shift: int
    probability: int

    @property
    def mean(self) -> float:
        """Expected weight change per coincidence, in weight units."""
        return (1 << self.shift) * self.probability / CERTAIN


def update_for(mean: float) -> Update:
    """Return the update with mean change `mean` (weight units per coincidence).

    For a mean of 1 or more the step is the next power of two and the probability makes up the
    rest; below 1 the step is 1. The probability is rounded to the nearest 1/65536.
    """
    if not 0 <= mean <= 1 << MAX_SHIFT:
        raise ValueError(f"mean update {mean!r} is outside 0..{1 << MAX_SHIFT} weight units")
    shift = 0
    while 1 << shift < mean:
        shift += 1
    return Update(shift, round(mean / (1 << shift) * CERTAIN))
