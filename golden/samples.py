"""What any engine takes: images, labels, steps, weights and states, checked in one place.

Nothing is changed in silence: what would have to be cut, scaled or guessed is refused, with the
value and what to do about it. Weights are checked as a whole, so that all of them are loaded or
none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.learning import CERTAIN, MAX_SHIFT, Update
from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.stopping import StopConfig
from spikeloom.golden.spec.streams import streams

WHOLE = "iu"
"""Kinds of NumPy's whole numbers, signed and unsigned."""


class SampleError(SpikeloomError, ValueError):
    """What a network cannot take; the message says why."""


def checked_images(machine: Machine, images: np.ndarray) -> np.ndarray:
    """Return images as uint8[n, pixels], contiguous.

    images : whole numbers in 0..255, [n, pixels] or [n, rows, columns].
    """
    images, (rows, columns) = np.asarray(images), machine.config.image
    pixels = rows * columns
    if images.ndim < 2 or images.shape[1:] not in ((pixels,), (rows, columns)):
        raise SampleError(
            f"images of shape {list(images.shape)} do not fit a network of {pixels} inputs: give "
            f"[n, {pixels}] or [n, {rows}, {columns}]"
        )
    low, high = (images.min(), images.max()) if images.size else (0, 0)
    if images.dtype.kind not in WHOLE:
        scale = "multiply by 255, round" if low >= 0 and high <= 1 else "scale to 0..255, round"
        raise SampleError(
            f"images are {images.dtype} from {low:g} to {high:g}: a pixel is a whole number in "
            f"0..255, {scale} and cast to uint8"
        )
    if low < 0 or high > 255:
        raise SampleError(
            f"images reach from {low} to {high}: a pixel is a whole number in 0..255, scale them"
        )
    return np.ascontiguousarray(images, dtype=np.uint8).reshape(len(images), pixels)


def checked_labels(machine: Machine, labels: np.ndarray, count: int) -> np.ndarray:
    """Return the labels of `count` images as int64[count], contiguous."""
    labels, classes = np.asarray(labels), machine.config.sizes[-1]
    if labels.shape != (count,):
        raise SampleError(
            f"labels of shape {list(labels.shape)} for {count} images: give one for each, [{count}]"
        )
    if labels.dtype.kind not in WHOLE and labels.size:
        raise SampleError(f"labels are {labels.dtype}: a label is a whole number, cast them")
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise SampleError(
            f"labels[{wrong[0]}] = {labels[wrong[0]]} is no class: the network has {classes}, "
            f"0..{classes - 1}"
        )
    return np.ascontiguousarray(labels, dtype=np.int64)


def checked_steps(machine: Machine, steps: int) -> int:
    """Return how many steps a sample runs, at most the configuration's T."""
    most = machine.config.steps
    whole = isinstance(steps, int | np.integer) and not isinstance(steps, bool)
    if not whole or not 1 <= steps <= most:
        raise SampleError(f"steps = {steps!r} is outside 1..{most}, the whole numbers up to T")
    return int(steps)


def checked_stop(machine: Machine, stop: StopConfig) -> StopConfig:
    """Return the margins that end a sample, whole numbers that the configuration's keys can be."""
    for key in dataclasses.fields(stop):
        allowed, value = key.metadata["range"], getattr(stop, key.name)
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or not allowed.low <= value <= allowed.high:
            raise SampleError(
                f"stop.{key.name} = {value!r} is outside {allowed}, the whole numbers it can be"
            )
    if stop.used and not machine.config.stop.used:
        raise SampleError(
            f"{stop}: {machine.config.name!r} is built without stopping, both its margins are 0: "
            "take a configuration whose stop.train or stop.infer is above 0"
        )
    return stop


def checked_weights(machine: Machine, weights: list[np.ndarray]) -> list[np.ndarray]:
    """Return all weights as int16[n_pre, n_post] per crossbar."""
    if len(weights) != len(machine.layers):
        raise SampleError(
            f"weights of {len(weights)} crossbars: the network has {len(machine.layers)}"
        )
    checked = []
    for layer, given in zip(machine.layers, map(np.asarray, weights), strict=True):
        if given.dtype.kind not in WHOLE:
            raise SampleError(
                f"weights of crossbar {layer.index} are {given.dtype}: they are whole numbers"
            )
        low, high = (int(given.min()), int(given.max())) if given.size else (0, 0)
        largest = max(-low, high)
        if given.shape != (layer.n_pre, layer.n_post) or largest > layer.weight_max:
            raise SampleError(
                f"weights of shape {given.shape} within +-{largest} do not fit crossbar "
                f"{layer.index}: it is {layer.n_pre} x {layer.n_post} within +-{layer.weight_max}"
            )
        checked.append(given.astype(np.int16))
    return checked


def checked_updates(machine: Machine, updates: Sequence[Update]) -> Sequence[Update]:
    """Return the updates of all crossbars."""
    if len(updates) != len(machine.layers):
        raise SampleError(
            f"updates of {len(updates)} crossbars: the network has {len(machine.layers)}"
        )
    for update in updates:
        if not (0 <= update.shift <= MAX_SHIFT and 0 <= update.probability <= CERTAIN):
            raise SampleError(
                f"{update}: a shift lies in 0..{MAX_SHIFT}, a probability in 0..{CERTAIN}"
            )
    return updates


def checked_states(machine: Machine, states: Sequence[int]) -> Sequence[int]:
    """Return the states of all streams; 0, which begins anew at its seed, is one."""
    every = streams(machine.config)
    if len(states) != len(every):
        raise SampleError(f"states of {len(states)} streams: the network has {len(every)}")
    for stream, state in zip(every, states, strict=True):
        if not 0 <= state <= stream.lfsr.mask:
            raise SampleError(
                f"stream {stream.name} at {state:#x}: {stream.lfsr.name} has {stream.lfsr.degree} "
                "bits"
            )
    return states
