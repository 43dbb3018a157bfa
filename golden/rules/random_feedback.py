"""Random feedback: errors come back through fixed signs, not through the weights.

Feedback alignment (Lillicrap et al. 2016, its event-driven form Neftci et al. 2017): the weights
learn to agree with feedback that never learns. All else is the paper's rule, `ssnn_bp`: the same
error neurons, the same coincidences. No crossbar is read by columns, so a memory of one port is
enough, and nothing of the backward pass touches a weight.

An error spike e of neuron j (from 0) of the layer above gives neuron i the current
``SPIKE * e * sign(i, j)``; sign is - where the bits of ``i & (j + 1)`` have an odd sum. These are
columns of Hadamard's matrix: the feedback of two neurons j agrees in half of the neurons i, as far
as these are a power of two. It is generated, not stored. Error thresholds of hidden layers count
spikes, as those of the output layer do.
"""

from __future__ import annotations

import numpy as np

from spikeloom.golden.spec.learning import SPIKE


def signs(n_pre: int, n_post: int) -> np.ndarray:
    """Return the feedback of a crossbar: int16[n_pre, n_post] of +-SPIKE."""
    met = np.arange(n_pre)[:, None] & np.arange(1, n_post + 1)
    odd = np.bitwise_count(met) & 1
    return np.where(odd, -SPIKE, SPIKE).astype(np.int16)
