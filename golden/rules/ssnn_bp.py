"""The paper's rule (Eq. 10): a step wherever a pre-synaptic spike meets an error spike.

Inside the step: a pre-synaptic spike of step t meets the error spikes of step t-1 (none in a
sample's first step). Each pre-synaptic spike draws one word of its layer's thinning stream, in
ascending order and whether or not an error waits; it is kept if ``word < probability``. Kept rows
write error * 2**shift in the columns that have an error spike. Errors come back through the
weights themselves, read by columns.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled
from spikeloom.golden.lfsr import fill


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
