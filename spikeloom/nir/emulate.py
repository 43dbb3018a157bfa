"""The stages in float64, as their framework runs them; see `spikeloom.nir.stages`."""

from __future__ import annotations

import numpy as np

from spikeloom.nir.stages import Staged

NEARLY = 1e-9
"""What sinabs's quotient of membrane and threshold may miss by rounding."""


def counts(network: Staged, inputs: np.ndarray, steps: int | None = None) -> np.ndarray:
    """Return output spikes per image: float64[n, classes].

    inputs : spikes [T, n, n_0], or constant currents [n, n_0], which enter in each of `steps`.
    """
    constant = inputs.ndim == 2
    images = inputs.shape[0 if constant else 1]
    membranes = [np.full((images, len(s.weight)), s.start * s.threshold) for s in network.stages]
    total = np.zeros((images, network.sizes[-1]))
    for t in range(steps or len(inputs)):
        x = (inputs if constant else inputs[t]).astype(np.float64)
        for stage, v in zip(network.stages, membranes, strict=True):
            v *= stage.keep
            v += x @ stage.weight.T + stage.bias
            np.maximum(v, stage.floor, out=v)
            if stage.many:
                x = np.where(v > 0, np.floor(v / stage.threshold + NEARLY), 0.0)
            else:
                fires = v >= stage.threshold if stage.at_threshold else v > stage.threshold
                x = fires.astype(np.float64)
            if stage.zero:
                v[x > 0] = 0
            else:
                v -= x * stage.drop
        total += x
    return total
