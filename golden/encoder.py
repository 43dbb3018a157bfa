"""Pixels to front-loaded stochastic spike trains, and the label's train.

Contract
--------
An image is reduced to its non-zero pixels in raster order. In step t each of them draws one
16-bit word from the input stream, in that order, whether or not the pixel was dropped, and spikes
if ``word < pixel * ramp[t]`` (pixel 1..255, ramp 0..257, so a product of 65535 is the largest).
Zero pixels draw nothing and never spike. Mean rate over the sample: `input.rate` at pixel 255.

Jitter, at the start of a training sample and only where its radius is above 0: a word r of stream
`jitter` shifts the image down by ``(r * (2 radius + 1) >> 16) - radius`` rows, the next one to the
right by as many columns. A pixel that leaves the frame draws its words and never spikes.

Dropout, at the start of a training sample and only where its rate is above 0: one word of stream
`dropout0` per non-zero pixel in raster order, ``word < rate * 65536`` silences it for the sample.
Inference drops nothing and uses a ramp scaled by (1 - rate).
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.lfsr import fill


@compiled
def active_pixels(image: np.ndarray, index: np.ndarray, value: np.ndarray) -> int:
    """List the non-zero pixels of `image` (uint8[n]) in raster order; return how many.

    index, value : int32[n], filled from the front.
    """
    count = 0
    for i in range(image.size):
        index[count] = i
        value[count] = image[i]
        count += image[i] != 0
    return count


@compiled
def offset(word: int, radius: int) -> int:
    """Return the shift, in -radius .. radius, that a word (16 bits) stands for."""
    return ((word * (2 * radius + 1)) >> 16) - radius


@compiled
def shift(
    index: np.ndarray, value: np.ndarray, count: int, shape: np.ndarray, down: int, right: int
) -> None:
    """Move the listed pixels within an image of `shape` (int64[2]); what leaves it gets value 0."""
    rows, columns = shape
    for k in range(count):
        row, column = index[k] // columns + down, index[k] % columns + right
        if 0 <= row < rows and 0 <= column < columns:
            index[k] = row * columns + column
        else:
            value[k] = 0


@compiled
def drop(
    state: int, p: np.ndarray, chance: int, words: np.ndarray, dropped: np.ndarray, count: int
) -> int:
    """Draw dropout for `count` places into `dropped` (uint8); return the stream's next state.

    words : uint16[>= count], scratch.
    """
    state = fill(state, p, words, count)
    for i in range(count):
        dropped[i] = words[i] < chance
    return state


@compiled
def encode(
    state: int,
    p: np.ndarray,
    ramp: int,
    index: np.ndarray,
    value: np.ndarray,
    count: int,
    words: np.ndarray,
    spikes: np.ndarray,
) -> tuple[int, int]:
    """Run one step: fill `spikes` (int32) with spiking pixels, ascending.

    index, value : int32[>= count] of the non-zero pixels, the value 0 where dropped;
    words : uint16[>= count], scratch. Returns the input stream's next state and the number of
    spikes.
    """
    state = fill(state, p, words, count)
    fired = np.uint64(0)
    for i in range(count):
        spikes[fired] = index[i]
        fired += np.uint64(words[i] < value[i] * ramp)
    return state, np.int64(fired)
