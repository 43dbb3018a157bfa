"""Feedback that is generated: its signs by hand, and what makes them good feedback."""

from __future__ import annotations

import numpy as np

from spikeloom.golden.network import Network
from spikeloom.golden.rules.random_feedback import signs
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from tests.support.configurations import table


def test_signs_by_hand():
    """i & 1, i & 2, i & 3 for i = 0 .. 5: odd sums of bits are negative."""
    assert (signs(6, 3) // 256).tolist() == [
        [1, 1, 1],
        [-1, 1, -1],
        [1, -1, -1],
        [-1, -1, 1],
        [1, 1, 1],
        [-1, 1, -1],
    ]


def test_feedback_of_two_neurons_agrees_in_half_of_those_below():
    """Columns of Hadamard's matrix are orthogonal."""
    found = signs(128, 10).astype(np.int64)
    np.testing.assert_array_equal(found.T @ found, 128 * 256**2 * np.eye(10, dtype=np.int64))


def test_errors_come_back_without_the_weights():
    """With the last crossbar at 0 hidden error spikes come all the same."""
    layer = {**table()["layer"][0], "error_threshold": 1.0, "update": 0.0}
    errors = {}
    for rule in ("ssnn-bp", "random-feedback"):
        config = from_dict(table(learning__rule=rule, layer=[layer] * 2, steps=30))
        network = Network(machine(config))
        network.weights = [np.full((6, 5), 127), np.zeros((5, 3), int)]
        _, raster = network.raster(np.full(6, 255, np.uint8), 1, 1)
        errors[rule] = np.abs(raster[:, 6:11]).sum()
    assert errors["ssnn-bp"] == 0
    assert errors["random-feedback"] > 0


def test_error_thresholds_of_hidden_layers_count_spikes():
    config = from_dict(table(learning__rule="random-feedback"))
    assert [layer.error_threshold for layer in machine(config).layers] == [128, 256]
    assert [layer.feedback for layer in machine(config).layers] == [256, 256]
