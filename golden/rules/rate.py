"""The rate form (paper Eq. 9): one update at the end of a sample; in golden only.

With S_i the spikes of row i and E_j the error sum of column j, each row with S_i > 0 draws one word
r and ``weight += sign(E_j) * ((|E_j| * S_i * Q + (r << 16)) >> 32)`` with
``Q = probability * 2**(shift + 16) // steps``, saturating. The mean equals that of as many
coincidences as independent trains would have, S_i E_j / steps.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.lfsr import advance


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
