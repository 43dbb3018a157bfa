"""The arithmetic of learning: which rows are kept, and what a whole sample writes.

Coincidence form (paper Eq. 10), inside the step: a pre-synaptic spike of step t meets the error
spikes of step t-1 (none in a sample's first step). Each pre-synaptic spike draws one word of its
layer's thinning stream, in ascending order and whether or not an error waits; it is kept if
``word < probability``. Kept rows write error * 2**shift in the columns that have an error spike.

Rate form (paper Eq. 9), at the end of a sample, golden only: with S_i the spikes of row i and E_j
the error sum of column j, each row with S_i > 0 draws one word r and
``weight += sign(E_j) * ((|E_j| * S_i * Q + (r << 16)) >> 32)`` with
``Q = probability * 2**(shift + 16) // steps``, saturating. The mean equals that of as many
coincidences as independent trains would have, S_i E_j / steps.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.lfsr import advance, fill


@compiled
def thin(
    state: int, p: np.ndarray, probability: int, count: int, words: np.ndarray, keep: np.ndarray
) -> int:
    """Draw `keep` (uint8[>= count]) for `count` pre-synaptic spikes; return the next state.

    words : uint16[>= count], scratch.
    """
    state = fill(state, p, words, count)
    for k in range(count):
        keep[k] = words[k] < probability
    return state


@compiled
def rate_update(
    weights: np.ndarray,
    pre: np.ndarray,
    post: np.ndarray,
    state: int,
    p: np.ndarray,
    shift: int,
    probability: int,
    steps: int,
    limit: int,
) -> int:
    """Apply the rate form to one crossbar; return the thinning stream's next state.

    weights : int16[n_pre * n_post], row-major; pre : int32[n_pre] spike counts;
    post : int32[n_post] error sums.
    """
    scale = (probability << (shift + 16)) // steps
    for i in range(pre.size):
        if pre[i] == 0:
            continue
        state = advance(state, p)
        noise = (state & 0xFFFF) << 16
        for j in range(post.size):
            if post[j] != 0:
                place = i * post.size + j
                change = (abs(post[j]) * pre[i] * scale + noise) >> 32
                if post[j] < 0:
                    change = -change
                weights[place] = min(max(weights[place] + change, -limit), limit)
    return state
