"""Stop when sure: the end of a sample that its counted output spikes have decided.

After step t (from 0) with n = t + 1 steps done, with c_j the spikes counted so far, a sample ends
where ``n >= least`` and

trained     ``c_label - max(c_j, j not label) >= margin``
inferred    ``best - second >= margin``, the two largest c_j; two that are equal differ by 0

A margin of 0 never ends one. The step runs to its end, error neurons included: a sample that ends
after n steps is, bit for bit, the sample cut to n steps. Its input stream has moved by the words
of n steps, and nothing of it is left for the next sample.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.compiled import compiled

INFER, TRAIN, LEAST = range(3)
"""Places in int64[3]: an inferred sample's margin, a trained one's, the least number of steps."""


@compiled
def lead(counts: np.ndarray, label: int) -> int:
    """Return by how many spikes `label` leads, or, where it is -1, the best class.

    counts : int32[n_L].
    """
    first = counts[label] if label >= 0 else np.int32(-1)
    second = np.int32(-1)
    for j in range(counts.size):
        if j == label:
            continue
        if label < 0 and counts[j] > first:
            second = first
            first = counts[j]
        elif counts[j] > second:
            second = counts[j]
    return first - second
