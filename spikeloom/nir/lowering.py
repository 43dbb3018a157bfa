"""Stages as a network of ours: integer weights, thresholds, leaks; what cannot be is told.

Per layer, all in units of a neuron's own threshold::

    S = (2**(bits-1) - 1) / max |W|     w = round(S * W)  within +-(2**(bits-1) - 1)
    theta = floor(S) + 1, where a neuron fires above its threshold; ceil(S), where at it, too
    drop  = round(S * drop)

Up to `FEW` bits S is the one of least squared error, which clips the largest weights. Weights of
neurons with thresholds of their own are divided by them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict
from spikeloom.golden.spec.neuron import leak_for
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.nir.errors import NirError
from spikeloom.nir.stages import Stage, Staged

FEW = 6
CLIPS = np.linspace(0.3, 1.0, 71)
"""Shares of the largest weight that are tried as the largest one kept."""
FLOOR, CEILING = 16.0, 8.0
"""Thresholds: membranes that no framework bounds keep their counts with these."""
NEAR = 1e-6
TUNING = {"update": 1e-4, "error_threshold": 0.1}
OUTPUT_THRESHOLD = 6.0
"""Spikes. These, few label spikes and an early end keep a good network good as it goes on learning
(docs/nir.md has the figures): errors are rare where it is sure, and small where they are not."""


@dataclass(frozen=True, eq=False)
class Lowered:
    """A network of ours.

    Attributes
    ----------
    config, weights : int16[n_pre, n_post] per crossbar.
    approximated : what was left out or changed, in words; empty where nothing was.
    notes : what became a near value.
    """

    config: NetworkConfig
    weights: list[np.ndarray]
    approximated: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def lower(
    network: Staged,
    *,
    name: str = "imported",
    steps: int = 25,
    bits: int | tuple[int, ...] = 8,
    image: tuple[int, int] | None = None,
    constant: bool = False,
    approximate: bool = False,
) -> Lowered:
    """Lower stages to a configuration and weights.

    Parameters
    ----------
    steps : T per image. bits : of the weights, one number or one per layer.
    image : rows and columns; where left out, as the file says, a square, or one row.
    constant : the pixels enter as constant currents, not as spikes.
    approximate : leave out what cannot be built, and say so, where it would be refused.

    Raises
    ------
    NirError : what cannot be built, by name; or numbers that do not fit.
    """
    widths = (bits,) * len(network.stages) if isinstance(bits, int) else tuple(bits)
    if len(widths) != len(network.stages):
        raise NirError(f"{len(widths)} numbers of bits for {len(network.stages)} layers")
    approximated = list(_missing(network, constant))
    if approximated and not approximate:
        raise NirError(
            f"it needs what cannot be built: {'; '.join(approximated)}. With approximate it is "
            "left out; look at the counts then"
        )
    notes: list[str] = []
    lowered = [
        _layer(stage, width, notes) for stage, width in zip(network.stages, widths, strict=True)
    ]
    first = network.stages[0]
    table = {
        "name": name,
        "description": "from elsewhere",
        "image": list(image or image_shape(network.sizes[0], network.image)),
        "sizes": network.sizes,
        "steps": steps,
        "input": {"rate": 1.0, "ramp": "constant"},
        "neuron": {
            "reset": "zero" if first.zero else "subtract",
            "floor": _floor(network),
            "ceiling": CEILING,
            "start": first.start,
        },
        "label": {"rate": 0.3},
        "stop": {"train": 4},
        "layer": [keys | TUNING for keys, _ in lowered],
    }
    table["layer"][-1]["error_threshold"] = OUTPUT_THRESHOLD
    try:
        config = from_dict(table)
        machine(config)
    except ConfigError as error:
        raise NirError(f"the network that it comes to is refused: {error}") from None
    return Lowered(config, [weights for _, weights in lowered], approximated, notes)


def _missing(network: Staged, constant: bool) -> list[str]:
    """Name what the contract does not have."""
    found = []
    if constant:
        found.append("constant currents (pixels become spikes at their rate)")
    for stage in network.stages:
        if np.abs(stage.bias).max() > NEAR * np.abs(stage.weight).max():
            found.append(f"the bias of {stage.name!r}")
        if np.ptp(stage.keep) > NEAR:
            found.append(f"a leak per neuron in {stage.name!r} (their mean is taken)")
    return found


def _layer(stage: Stage, bits: int, notes: list[str]) -> tuple[dict[str, object], np.ndarray]:
    """Return the keys and the weights of a layer."""
    if not 2 <= bits <= 16:
        raise NirError(f"{bits} bits of weights: 2 to 16 can be built")
    weight = stage.weight / stage.threshold[:, None]
    top = (1 << bits - 1) - 1
    scale = _scale(weight, top, least_squares=bits <= FEW)
    theta = math.ceil(scale) if stage.at_threshold else math.floor(scale) + 1
    keep, drop = float(stage.keep.mean()), float((stage.drop / stage.threshold).mean())
    lost = round(1 - keep, 9)
    if lost > 0.5:
        raise NirError(
            f"{stage.name!r} loses {lost:g} of its membranes per step: up to half can be built"
        )
    keys: dict[str, object] = {"weight_bits": bits, "reach": (1 << bits - 1) / theta}
    if not stage.zero:
        keys["drop"] = round(scale * drop) / theta
    if lost:
        keys["leak"] = lost
        if abs((near := leak_for(lost)).share - lost) > NEAR:
            notes.append(f"leak of {stage.name!r}: {lost:g} becomes {near.share:g}")
    whole = np.clip(np.rint(weight * scale), -top, top)
    return keys, np.ascontiguousarray(whole.T.astype(np.int16))


def _scale(weight: np.ndarray, top: int, *, least_squares: bool) -> float:
    """Return weight units per threshold."""
    largest = float(np.abs(weight).max())
    if not largest:
        raise NirError("all weights of a layer are 0: there is nothing to run")
    if not least_squares:
        return top / largest
    scales = top / (CLIPS * largest)
    missed = [
        float(np.square(np.clip(np.rint(weight * s), -top, top) / s - weight).sum()) for s in scales
    ]
    return float(scales[int(np.argmin(missed))])


def _floor(network: Staged) -> float:
    """Return the floor in thresholds: the deepest that a layer has, `FLOOR` without any."""
    every = [s.floor / float(s.threshold.mean()) for s in network.stages]
    return FLOOR if min(every) < -64 else -min(every)


def image_shape(pixels: int, told: tuple[int, ...] = ()) -> tuple[int, int]:
    """Return rows and columns, as an input of the shape `told` says or as they most likely are."""
    rows_columns = [n for n in told if n > 1]
    if len(rows_columns) == 2 and math.prod(rows_columns) == pixels:
        return rows_columns[0], rows_columns[1]
    side = math.isqrt(pixels)
    return (side, side) if side * side == pixels else (1, pixels)
