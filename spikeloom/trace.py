"""What happens within one sample: every spike and every error spike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """One sample, recorded.

    Attributes
    ----------
    image : uint8[rows, cols]. label : what it was trained as; None where it was inferred.
    spikes : int8[T, neurons] of each layer, 0 (input) to L (output); 1 is a spike.
    errors : int8[T, neurons] of each layer, +1 and -1; all 0 of the input, and where no label was.
    """

    image: np.ndarray
    label: int | None
    spikes: tuple[np.ndarray, ...]
    errors: tuple[np.ndarray, ...]

    @property
    def steps(self) -> int:
        """Steps of the sample."""
        return len(self.spikes[0])

    def __repr__(self) -> str:
        what = "inferred" if self.label is None else f"trained as {self.label}"
        lines = [f"<Trace of a sample {what}, {self.steps} steps>"]
        for layer, (spikes, errors) in enumerate(zip(self.spikes, self.errors, strict=True)):
            lines.append(
                f"  layer {layer}: {spikes.shape[1]:,} neurons, {int(spikes.sum()):,} spikes, "
                f"{int((errors > 0).sum()):,} + and {int((errors < 0).sum()):,} - errors"
            )
        return "\n".join(lines)
