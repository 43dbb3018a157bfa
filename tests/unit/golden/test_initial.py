from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden import initial
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict, load
from spikeloom.golden.spec.streams import purpose_seed, splitmix64
from spikeloom.hdl.hardware import Hardware
from tests.support.configurations import table


def test_numbers_at_once_are_the_numbers_one_by_one():
    seed = 2**64 - 5
    assert initial.splitmix64(seed, 9).tolist() == [splitmix64(seed, k) for k in range(9)]


def test_weights_follow_the_docstring_in_plain_integers():
    numbers = machine(from_dict(table()))
    for layer, weights in zip(numbers.layers, initial.weights(numbers, 7), strict=True):
        seed = purpose_seed(7, f"weights{layer.index}")
        scale = round(layer.train.theta * (2 / layer.n_pre) ** 0.5 * 65536)
        for k, weight in enumerate(weights.reshape(-1).tolist()):
            draws = [splitmix64(seed, 3 * k + i) for i in range(3)]
            total = sum(draw >> 16 * w & 0xFFFF for draw in draws for w in range(4))
            code = ((total - 393210) * scale + 2**31) // 2**32
            assert weight == max(-layer.weight_max, min(code, layer.weight_max))


@pytest.mark.parametrize("name", ["mnist-784-128-10-w16", "mnist-784-512-10-w16"])
def test_weights_have_the_spread_of_he(name):
    """Mean 0 and variance 2 / n_pre thresholds, to 5 standard deviations."""
    numbers = machine(load(name))
    for layer, config, weights in zip(
        numbers.layers, numbers.config.layers, initial.weights(numbers, 1), strict=True
    ):
        wanted = config.init_gain * (2 / layer.n_pre) ** 0.5
        shares = weights.astype(float).reshape(-1) / layer.train.theta
        assert weights.dtype == np.int16
        assert weights.shape == (layer.n_pre, layer.n_post)
        assert abs(shares.mean()) < 5 * wanted / shares.size**0.5
        if 3 * wanted * layer.train.theta < layer.weight_max:
            assert shares.std() == pytest.approx(wanted, rel=5 / (2 * shares.size) ** 0.5 + 0.01)


def test_weights_never_hold_the_most_negative_code():
    layers = [dict(layer, init_gain=16.0, weight_bits=4) for layer in table()["layer"]]
    numbers = machine(from_dict(table(layer=layers)))
    for weights in initial.weights(numbers, 1):
        assert np.abs(weights).max() == 7


def test_seeds_and_layers_have_weights_of_their_own():
    numbers = machine(from_dict(table(sizes=[6, 6, 6], image=[2, 3])))
    one, two = initial.weights(numbers, 1)
    assert (one != two).any()
    assert (one != initial.weights(numbers, 2)[0]).any()
    np.testing.assert_array_equal(one, initial.weights(numbers, 1)[0])


def test_the_order_is_a_permutation_of_its_own_in_every_epoch():
    orders = [initial.order(1, epoch, 1000) for epoch in range(3)] + [initial.order(2, 0, 1000)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(1000))
    assert len({tuple(order) for order in orders}) == 4


def test_the_order_sorts_the_keys_of_the_docstring():
    seed = purpose_seed(3, "order2")
    keys = [splitmix64(seed, k) for k in range(50)]
    assert initial.order(3, 2, 50).tolist() == sorted(range(50), key=keys.__getitem__)


def test_the_floor_by_hand():
    """Spikes 10, 4, 2; errors 3 + 1 of layer 1, 1 + 2 of layer 2; rows 5 and 1; 4 lanes.

    Layer 1: 10 rows of ceil(5 / 4) words. Layer 2: 4 rows of one word of 3 lanes, and 3 columns
    of ceil(5 / 3) words. With one port the rows written cost their words again.
    """
    activity = np.array([[[10, 4, 2], [0, 3, 1], [0, 1, 2], [0, 5, 1]]], np.int32)
    numbers = machine(from_dict(table()))
    two, one = (Hardware(lanes=(4,), ports=(ports,)).of(numbers) for ports in (2, 1))
    assert floor_cycles(two, activity).tolist() == [10 * 2 + 4 + 3 * 2]
    assert floor_cycles(one, activity).tolist() == [30 + 5 * 2 + 1]


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_weights_scale_with_their_gain(gain):
    layers = [dict(layer, init_gain=gain, weight_bits=16) for layer in table()["layer"]]
    numbers = machine(from_dict(table(layer=layers)))
    for layer, weights in zip(numbers.layers, initial.weights(numbers, 5), strict=True):
        first = [splitmix64(purpose_seed(5, f"weights{layer.index}"), i) for i in range(3)]
        total = sum(draw >> 16 * w & 0xFFFF for draw in first for w in range(4))
        scale = round(layer.train.theta * gain * (2 / layer.n_pre) ** 0.5 * 65536)
        code = ((total - 393210) * scale + 2**31) // 2**32
        assert weights[0, 0] == max(-layer.weight_max, min(code, layer.weight_max))


def test_the_floor_counts_errors_of_both_signs():
    activity = np.zeros((1, 4, 3), np.int32)
    activity[0, 1:3, 2] = 3
    layers = Hardware(lanes=(4,)).of(machine(from_dict(table())))
    assert floor_cycles(layers, activity).tolist() == [6 * 2]


def test_the_floor_of_three_crossbars_with_whole_words():
    """Sizes 6, 8, 4, 3 by 2, 4 and 1 lanes: words of 4, 1 and 3; columns of 8 / 4 and 4 / 1."""
    first = table()["layer"][0]
    config = from_dict(table(image=[2, 3], sizes=[6, 8, 4, 3], layer=[first] * 3))
    activity = np.array([[[10, 5, 7, 1], [0, 9, 2, 3], [0, 9, 1, 1], [0, 5, 5, 5]]], np.int32)
    rows, columns = 10 * 4 + 5 * 1 + 7 * 3, (2 + 1) * 2 + (3 + 1) * 4
    assert floor_cycles(Hardware(lanes=(2, 4, 1)).of(machine(config)), activity).tolist() == [
        rows + columns
    ]
