"""Pixels to front-loaded stochastic spike trains, and the label's train.

Contract
--------
An image is reduced to its non-zero pixels in raster order. In step t each of them draws one
16-bit word from the input stream, in that order, whether or not the pixel was dropped, and spikes
if ``word < pixel * ramp[t]`` (pixel 1..255, ramp 0..257, so a product of 65535 is the largest).
Zero pixels draw nothing and never spike. Mean rate over the sample: `input.rate` at pixel 255.

Dropout, at the start of a training sample and only where its rate is above 0: one word of stream
`dropout0` per non-zero pixel in raster order, ``word < rate * 65536`` silences it for the sample.
Inference drops nothing and uses a ramp scaled by (1 - rate).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spikeloom.golden.lfsr import advance


@njit(cache=True)
def active_pixels(image: np.ndarray, index: np.ndarray, value: np.ndarray) -> int:
    """List the non-zero pixels of `image` (uint8[n]) in raster order; return how many.

    index, value : int32[n], filled from the front.
    """
    count = 0
    for i in range(image.size):
        if image[i]:
            index[count] = i
            value[count] = image[i]
            count += 1
    return count


@njit(cache=True)
def drop(state: int, p: np.ndarray, chance: int, dropped: np.ndarray, count: int) -> int:
    """Draw dropout for `count` places into `dropped` (uint8); return the stream's next state."""
    for i in range(count):
        state = advance(state, p)
        dropped[i] = (state & 0xFFFF) < chance
    return state


@njit(cache=True)
def encode(
    state: int,
    p: np.ndarray,
    ramp: int,
    index: np.ndarray,
    value: np.ndarray,
    dropped: np.ndarray,
    count: int,
    spikes: np.ndarray,
) -> tuple[int, int]:
    """Run one step: fill `spikes` (int32) with spiking pixels, ascending.

    Returns the input stream's next state and the number of spikes.
    """
    fired = 0
    for i in range(count):
        state = advance(state, p)
        spikes[fired] = index[i]
        fired += ((state & 0xFFFF) < value[i] * ramp) & (dropped[i] == 0)
    return state, fired
