"""Activity: the sums that counters have, there and back."""

from __future__ import annotations

import numpy as np

from spikeloom.golden import activity
from spikeloom.golden.activity import KINDS, NEGATIVE, POSITIVE, ROWS, STEPS


def test_counters_are_sums_by_layer_and_go_back_to_an_array(rng: np.random.Generator):
    counted = rng.integers(0, 100, (5, KINDS, 3), np.int32)
    counted[:, [POSITIVE, NEGATIVE, ROWS], 0] = 0
    counted[:, STEPS, 1:] = 0
    found = activity.counters(counted)
    assert set(found) == {
        "ran",
        *("spikes.0", "spikes.1", "spikes.2"),
        *("positive.1", "positive.2", "negative.1", "negative.2"),
    }
    assert found["ran"] == counted[:, STEPS, 0].sum()
    assert found["negative.2"] == counted[:, NEGATIVE, 2].sum()
    wanted = counted.sum(axis=0)
    wanted[ROWS] = 0
    assert np.array_equal(activity.totals(found, 2), wanted)
