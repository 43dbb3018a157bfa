"""What happens within one sample: every spike and every error spike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spikeloom.errors import naming_extras
from spikeloom.golden.spec.network import NetworkConfig

if TYPE_CHECKING:
    from spikeloom.report.drawing import Picture


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """One sample, recorded.

    Attributes
    ----------
    config : of the network.
    image : uint8[rows, cols]. label : what it was trained as; None where it was inferred.
    all_spikes, all_errors : int8[T, sum of sizes] of all layers side by side, T the steps that it
        ran; 1 is a spike, an error is +1 or -1.
    """

    config: NetworkConfig
    image: np.ndarray
    label: int | None
    all_spikes: np.ndarray
    all_errors: np.ndarray

    @property
    def spikes(self) -> list[np.ndarray]:
        """Spikes of each layer, 0 (input) to L (output): int8[T, neurons]."""
        return self._layers(self.all_spikes)

    @property
    def errors(self) -> list[np.ndarray]:
        """Error spikes of each layer, those of the input all 0: int8[T, neurons]."""
        return self._layers(self.all_errors)

    def _layers(self, values: np.ndarray) -> list[np.ndarray]:
        return np.split(values, np.cumsum(self.config.sizes)[:-1], axis=1)

    @naming_extras()
    def plot(self) -> Picture:
        """Draw it: a picture that a notebook shows, and that can be saved."""
        from spikeloom.report.findings import Raster
        from spikeloom.report.raster import draw_raster

        sample = Raster(0, self.image, self.label, self.all_spikes, self.all_errors)
        return draw_raster(self.config, sample)

    def __repr__(self) -> str:
        what = "inferred" if self.label is None else f"trained as {self.label}"
        lines = [f"<Trace of a sample {what}, {len(self.all_spikes)} steps>"]
        for layer, (spikes, errors) in enumerate(zip(self.spikes, self.errors, strict=True)):
            lines.append(
                f"  layer {layer}: {spikes.shape[1]:,} neurons, {int(spikes.sum()):,} spikes, "
                f"{int((errors > 0).sum()):,} + and {int((errors < 0).sum()):,} - errors"
            )
        return "\n".join(lines)
