from __future__ import annotations

import numpy as np
import pytest

from spikeloom.golden import initial
from spikeloom.golden.network import Network
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.golden.spec.streams import LABEL
from tests.support.configurations import random_config, table
from tests.support.plain_machine import PlainMachine

OPTIONS = [
    {},
    {"wta__kind": "lateral"},
    {"wta__kind": "feedforward"},
    {"wta__kind": "recurrent"},
    {"error__membranes": "separate"},
    {"error__membranes": "separate", "error__gate": "discard"},
    {"error__gate": "open"},
    {"error__gate": "hold"},
    {"neuron__kernel_shift": 3, "error__kernel_shift": 2},
    {"neuron__reset": "zero"},
    {"input__dropout": 0.4},
    {"label__train": "random"},
    {"label__train": "random-front"},
    {"learning__rule": "rate"},
    {"learning__rule": "random-feedback"},
    {"stop__train": 1, "stop__infer": 2},
    {"stop__train": 2, "stop__infer": 1, "stop__least": 3, "learning__rule": "rate"},
    {"error__cost": 0.5},
    {"error__cost": 1.0, "error__membranes": "separate", "error__gate": "open"},
    {"input__jitter": 1, "input__dropout": 0.4},
    {"input__jitter": 3},
    {"wta__kind": "softmax", "wta__strength": 3.0, "neuron__kernel_shift": 1},
    {"wta__kind": "softmax", "stop__train": 1, "stop__infer": 1, "input__jitter": 2},
]


def build(config) -> tuple[Network, PlainMachine]:
    numbers = machine(config)
    network = Network(numbers)
    network.weights = initial.weights(numbers, config.random.seed)
    return network, PlainMachine(numbers, network.weights)


def images(rng: np.random.Generator, config, count: int) -> np.ndarray:
    """Draw pictures with silent, faint and full pixels."""
    shape = (count, config.sizes[0])
    drawn = rng.integers(0, 256, shape) * (rng.random(shape) < 0.7)
    return np.where(rng.random(shape) < 0.2, 255, drawn).astype(np.uint8)


def assert_same(network: Network, plain: PlainMachine) -> None:
    for mine, theirs in zip(network.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(mine, np.array(theirs))
    assert network.stream_states == plain.states


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: " ".join(map(str, o.values())) or "any")
@pytest.mark.parametrize("case", range(4))
def test_golden_equals_the_docstrings_restated(rng, options, case):
    config = random_config(rng, **options)
    network, plain = build(config)
    numbers = network.machine
    digits = images(rng, config, 7)
    labels = rng.integers(0, config.sizes[-1], len(digits))

    counts, activity = network.train(digits[:5], labels[:5])
    for k in range(5):
        one = plain.sample(digits[k], labels[k], True, config.steps, numbers.updates(0))
        np.testing.assert_array_equal(counts[k], one.counts)
        np.testing.assert_array_equal(activity[k], one.activity)
    assert_same(network, plain)

    # Another size of update, fewer steps, and with a record of every spike.
    steps = max(1, config.steps - 2)
    network.set_updates(numbers.updates(5))
    network.steps = steps
    for k, train in ((5, True), (6, False), (0, True)):
        spikes, errors = network.raster(digits[k], labels[k], int(train))
        one = plain.sample(digits[k], labels[k], train, steps, numbers.updates(5))
        np.testing.assert_array_equal(spikes, one.spikes)
        np.testing.assert_array_equal(errors, one.errors)
    assert_same(network, plain)

    inferred = network.infer(digits[:3])
    for k in range(3):
        one = plain.sample(digits[k], 0, False, steps, numbers.updates(5))
        np.testing.assert_array_equal(inferred[k], one.counts)
    assert_same(network, plain)


def test_two_rails_are_reached_and_held(rng):
    layers = [dict(layer, update=1.0, weight_bits=4) for layer in table()["layer"]]
    config = from_dict(table(layer=layers, input__rate=1.0))
    network, plain = build(config)
    digits, labels = images(rng, config, 100), rng.integers(0, 3, 100)
    network.train(digits, labels)
    for digit, label in zip(digits, labels, strict=True):
        plain.sample(digit, label, True, config.steps, network.machine.updates(0))
    assert_same(network, plain)
    assert max(weights.max() for weights in network.weights) == 7
    assert min(weights.min() for weights in network.weights) == -7


@pytest.mark.parametrize("rule", ["ssnn-bp", "rate", "random-feedback"])
def test_error_spikes_do_not_outlast_their_step(rng, rule):
    """Errors of the output are rare here, so most steps find nothing to do in the hidden layer."""
    config = from_dict(table(learning__rule=rule, steps=30))
    network, plain = build(config)
    quiet = 0
    for digit, label in zip(images(rng, config, 20), rng.integers(0, 3, 20), strict=True):
        _, errors = network.raster(digit, label, 1)
        one = plain.sample(digit, label, True, config.steps, network.machine.updates(0))
        np.testing.assert_array_equal(errors, one.errors)
        hidden = errors[:, 6:11].any(axis=1)
        quiet += np.count_nonzero(hidden[:-1] & ~hidden[1:])
    assert_same(network, plain)
    assert quiet > 5


@pytest.mark.parametrize("value", [0, 255])
def test_blank_and_full_images_run(value):
    config = from_dict(table())
    network, plain = build(config)
    digits = np.full((3, 6), value, np.uint8)
    counts, activity = network.train(digits, np.arange(3))
    for k in range(3):
        one = plain.sample(digits[k], k, True, config.steps, network.machine.updates(0))
        np.testing.assert_array_equal(counts[k], one.counts)
        np.testing.assert_array_equal(activity[k], one.activity)
    assert_same(network, plain)
    assert (activity[:, 0, 0] == 0).all() == (value == 0)


def test_inference_changes_no_weight_and_no_stream(rng):
    config = random_config(rng, learning__rule="ssnn-bp")
    network, _ = build(config)
    digits, labels = images(rng, config, 6), rng.integers(0, config.sizes[-1], 6)
    network.train(digits, labels)
    weights, states = network.weights, network.stream_states
    first = network.infer(digits)
    again = network.infer(digits[::-1])[::-1]
    np.testing.assert_array_equal(first, again)
    assert network.stream_states == states
    for before, now in zip(weights, network.weights, strict=True):
        np.testing.assert_array_equal(before, now)


def test_a_resumed_network_equals_the_uninterrupted_one(rng):
    config = random_config(rng)
    whole, _ = build(config)
    part, _ = build(config)
    digits, labels = images(rng, config, 12), rng.integers(0, config.sizes[-1], 12)
    counts, _ = whole.train(digits, labels)
    part.train(digits[:7], labels[:7])
    part.infer(digits)

    resumed = Network(machine(config))
    resumed.weights = part.weights
    resumed.stream_states = part.stream_states
    rest, _ = resumed.train(digits[7:], labels[7:])
    np.testing.assert_array_equal(rest, counts[7:])
    assert resumed.stream_states == whole.stream_states
    for mine, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_training_one_by_one_equals_training_in_a_batch(rng):
    config = random_config(rng)
    batch, _ = build(config)
    single, _ = build(config)
    digits, labels = images(rng, config, 8), rng.integers(0, config.sizes[-1], 8)
    counts, activity = batch.train(digits, labels)
    for k in range(8):
        one, spent = single.train(digits[k : k + 1], labels[k : k + 1])
        np.testing.assert_array_equal(one[0], counts[k])
        np.testing.assert_array_equal(spent[0], activity[k])
    assert single.stream_states == batch.stream_states


def test_a_stream_at_0_begins_the_next_sample_at_its_seed(rng):
    config = random_config(rng)
    fresh, _ = build(config)
    stuck, _ = build(config)
    digits, labels = images(rng, config, 4), rng.integers(0, config.sizes[-1], 4)
    stuck.stream_states = [0] * len(stuck.stream_states)
    for network in (fresh, stuck):
        network.train(digits, labels)
    np.testing.assert_array_equal(stuck.infer(digits), fresh.infer(digits))
    assert stuck.stream_states == fresh.stream_states
    assert 0 not in stuck.stream_states


def test_a_blank_image_moves_no_input_stream_and_no_first_thinning_stream():
    network, _ = build(from_dict(table()))
    before = network.stream_states
    network.train(np.zeros((2, 6), np.uint8), np.zeros(2, np.int64))
    after = network.stream_states
    assert after[0] == before[0]
    assert after[3] == before[3]


def test_learning_lowers_the_error_of_a_small_problem():
    """Three bars of a 3 x 3 picture: told apart after 600 samples, not before."""
    layers = [dict(layer, update=0.005, reach=0.25) for layer in table()["layer"]]
    config = from_dict(table(image=[3, 3], sizes=[9, 12, 3], steps=32, layer=layers))
    bars = np.zeros((3, 9), np.uint8)
    for k in range(3):
        bars[k, 3 * k : 3 * k + 3] = 255
    labels = np.arange(600) % 3
    network, _ = build(config)
    network.train(bars[labels], labels)
    assert network.infer(bars).argmax(axis=1).tolist() == [0, 1, 2]


def test_a_new_network_updates_as_in_the_first_epoch(rng):
    config = from_dict(table(learning__decay_from=2))
    network, plain = build(config)
    digits, labels = images(rng, config, 8), rng.integers(0, 3, 8)
    network.train(digits, labels)
    for digit, label in zip(digits, labels, strict=True):
        plain.sample(digit, label, True, config.steps, network.machine.updates(0))
    assert network.machine.updates(0) != network.machine.updates(1)
    assert_same(network, plain)


@pytest.mark.parametrize("sign", [1, -1])
def test_weights_at_the_rail_are_taken(sign):
    network, _ = build(from_dict(table()))
    rails = [np.full((6, 5), 127 * sign, np.int16), np.full((5, 3), 2047 * sign, np.int16)]
    network.weights = rails
    for given, held in zip(rails, network.weights, strict=True):
        np.testing.assert_array_equal(given, held)


def test_a_word_at_the_random_labels_threshold_is_no_label(rng):
    """A 16-bit generator walks all states, so one is known from which the threshold comes next."""
    config = from_dict(table(label__train="random", random__label="lfsr16"))
    network, plain = build(config)
    states = network.stream_states
    states[LABEL] = CATALOG["lfsr16"].shift(network.machine.label[0], 65535 - 16)
    network.stream_states, plain.states = states, list(states)
    digit, steps = images(rng, config, 1)[0], config.steps
    _, errors = network.raster(digit, 0, 1)
    one = plain.sample(digit, 0, True, steps, network.machine.updates(0))
    assert CATALOG["lfsr16"].shift(states[LABEL], 16) == network.machine.label[0]
    np.testing.assert_array_equal(errors, one.errors)
    assert_same(network, plain)
