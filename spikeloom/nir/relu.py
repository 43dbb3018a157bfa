"""ANNs of ReLU layers as integrate-and-fire networks: weights and thresholds balanced.

A neuron of threshold 1 that subtracts it fires at the rate of its mean current, as far as that lies
in 0 .. 1, so each layer is scaled by its largest activation on training images::

    W_l <- W_l * a_(l-1) / a_l      b_l <- b_l / a_l      a_l : `SHARE` of all activations lie below

(Diehl et al. 2015, data-based normalisation; the share as Rueckauer et al. 2017). Membranes begin
at half the threshold, which halves what a short sample loses by rounding down.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikeloom.nir.archive import read_npz
from spikeloom.nir.errors import NirError
from spikeloom.nir.stages import Stage, Staged

SHARE = 99.9
"""Per cent."""
Layers = list[tuple[np.ndarray, np.ndarray]]


def read_relu(path: str | Path) -> Layers:
    """Read weight1 [out, in], bias1 [out], weight2 ... of an .npz; a bias may be missing."""
    arrays = read_npz(path, "weights")
    layers: Layers = []
    while (weight := arrays.get(f"weight{len(layers) + 1}")) is not None:
        number = len(layers) + 1
        if weight.ndim != 2 or weight.dtype.kind not in "iuf" or not np.isfinite(weight).all():
            raise NirError(f"{path}: weight{number} is no table of finite numbers [out, in]")
        bias = arrays.get(f"bias{number}", np.zeros(len(weight)))
        if bias.shape != (len(weight),) or not np.isfinite(bias).all():
            raise NirError(f"{path}: bias{number} is no row of {len(weight)} finite numbers")
        if layers and weight.shape[1] != len(layers[-1][0]):
            raise NirError(
                f"{path}: weight{number} takes {weight.shape[1]} numbers, {len(layers[-1][0])} come"
            )
        layers.append((weight.astype(np.float64), bias.astype(np.float64)))
    if not layers:
        names = ", ".join(sorted(arrays)) or "nothing"
        raise NirError(f"{path} holds {names}: arrays weight1 [out, in], bias1, ... are needed")
    return layers


def balanced(layers: Layers, images: np.ndarray) -> Staged:
    """Return the spiking network of an ANN; images : uint8[n, ...] to balance on, not test ones."""
    x = images.reshape(len(images), -1) / 255.0
    if x.shape[1] != layers[0][0].shape[1]:
        raise NirError(f"images of {x.shape[1]} pixels, the ANN takes {layers[0][0].shape[1]}")
    below, stages = 1.0, []
    for number, (weight, bias) in enumerate(layers, start=1):
        x = np.maximum(x @ weight.T + bias, 0.0)
        here = float(np.percentile(x, SHARE))
        if not here > 0:
            raise NirError(f"layer {number} of the ANN is never active on these images")
        ones = np.ones(len(weight))
        stages.append(
            Stage(
                name=f"layer {number}",
                weight=weight * (below / here),
                bias=bias / here,
                keep=ones,
                threshold=ones,
                drop=ones,
                zero=False,
                at_threshold=True,
                start=0.5,
            )
        )
        below = here
    return Staged(tuple(stages), ())
