"""Streams, and that those which meet at the crossbar do not know each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spikeloom.golden import initial
from spikeloom.golden.lfsr import fill, parameters, to_signed
from spikeloom.golden.network import Network
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import from_dict, load, shipped
from spikeloom.golden.spec.registers import registers
from spikeloom.golden.spec.streams import (
    INFERENCE,
    drawn,
    dropout_stream,
    purpose_seed,
    splitmix64,
    streams,
    thinning_stream,
)
from tests.support.configurations import random_config, table


def draw(stream, seed: int, count: int) -> np.ndarray:
    words = np.zeros(count, np.uint16)
    fill(to_signed(stream.seed(seed)), parameters(stream.lfsr), words, count)
    return words


def test_splitmix64_gives_the_published_numbers():
    """The reference implementation's outputs for seed 1234567."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [splitmix64(1234567, k) for k in range(4)] == expected


def test_the_order_of_the_streams():
    config = from_dict(table())
    names = [stream.name for stream in streams(config)]
    assert names == [
        "input",
        "label",
        "inference",
        "thinning1",
        "thinning2",
        "dropout0",
        "dropout1",
    ]
    assert names[thinning_stream(2)] == "thinning2"
    assert names[dropout_stream(config.depth, 1)] == "dropout1"


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({}, {"label", "dropout0", "dropout1"}),
        ({"label__train": "random"}, {"dropout0", "dropout1"}),
        ({"label__train": "constant", "input__dropout": 0.5}, {"label", "dropout1"}),
    ],
)
def test_a_stream_that_nothing_draws_from_has_no_registers(changes, absent):
    built = machine(from_dict(table(**changes)))
    every = {stream.name for stream in streams(built.config)}
    present = {streams(built.config)[number].name for number in drawn(built)}
    assert present == every - absent
    halves = {f"stream.{name}.{half}" for name in present for half in ("low", "high")}
    assert {name for name in registers(built) if name.startswith("stream.")} == halves


@pytest.mark.parametrize("number", range(12))
def test_a_stream_moves_only_where_it_is_drawn_from(number, seed):
    rng = np.random.default_rng([seed, number])
    built = machine(random_config(rng))
    network = Network(built)
    network.weights = initial.weights(built, seed)
    before = network.stream_states
    pixels = rng.integers(1, 256, (4, *built.config.image), np.uint8)
    network.train(pixels, rng.integers(0, built.config.sizes[-1], 4))
    states = zip(before, network.stream_states, strict=True)
    moved = {k for k, (a, b) in enumerate(states) if a != b}
    assert moved <= set(drawn(built)) - {INFERENCE}
    # hidden spikes, and so words to thin them with, may be missing
    sure = {k for k in drawn(built) if "thinning" not in streams(built.config)[k].name}
    assert sure - {INFERENCE} <= moved


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_every_stream_has_its_own_seed_that_is_never_zero(seed):
    every = streams(load("mnist-784-128-64-10"))
    seeds = [stream.seed(seed) for stream in every]
    assert all(0 < s <= stream.lfsr.mask for s, stream in zip(seeds, every, strict=True))
    assert len(set(seeds)) == len(seeds)
    assert purpose_seed(seed, "weights1") != purpose_seed(seed, "weights2")


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_products_of_two_streams_are_as_noisy_as_independent_ones(name, seed):
    """The weight update is an AND of streams: the mean and the noise of that product must be fair.

    Each stream makes spikes of probability p; counts of coincidences in blocks of 64 words must
    have the binomial's mean and variance. 4,000 blocks give the variance to 1/sqrt(2000); with
    5 standard deviations that refuses a factor of 1.2, which streams of one generator with close
    seeds have shown.
    """
    every = streams(load(name))
    pairs = [(0, 3), (0, 4), (3, 4)]
    blocks, length, p = 4000, 64, 0.25
    for a, b in pairs:
        one = draw(every[a], seed, blocks * length) < p * 65536
        two = draw(every[b], seed, blocks * length) < p * 65536
        for lag in (0, 1, 2, 3, 4):
            both = (one & np.roll(two, lag)).reshape(blocks, length).sum(axis=1)
            chance = p * p
            mean, variance = length * chance, length * chance * (1 - chance)
            assert abs(both.mean() - mean) < 5 * math.sqrt(variance / blocks)
            assert abs(both.var() / variance - 1) < 5 * math.sqrt(2 / blocks) + 0.02


def test_streams_too_close_fail_the_measure_above():
    """One generator, the second stream one word behind the first: lag 1 gives it away."""
    stream = streams(load("mnist-784-128-10"))[0]
    words = draw(stream, 1, 256001)
    one, two = words[1:] < 16384, words[:-1] < 16384
    both = (one & np.roll(two, -1)).reshape(4000, 64).sum(axis=1)
    assert abs(both.mean() - 4) > 5 * math.sqrt(4 * 0.9375 / 4000)
