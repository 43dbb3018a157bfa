"""The neurons of the RTL are those of the golden model: every spike, two clocks after its word."""

from __future__ import annotations

import dataclasses
import random

import pytest
from amaranth import signed

from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.neuron import ForwardNeurons
from tests.bench import bench_neuron
from tests.bench.bench import Bench, Driver, Pins, run_case, run_cases, simulate
from tests.campaigns.mutation.planted import assert_fails, of
from tests.support import stimulus


@pytest.mark.parametrize("case", bench_neuron.forward_cases(), ids=lambda case: case.name)
def test_forward_neurons_are_golden_at_one_word_a_clock(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("case", bench_neuron.error_cases(), ids=lambda case: case.name)
def test_error_neurons_are_golden_at_one_word_a_clock(case, seed):
    run_case(case, seed)


@pytest.mark.parametrize("part", range(2))
def test_neurons_of_any_size_and_setting_are_golden(part, seed):
    run_cases(bench_neuron.random_cases(random.Random(seed), 3), seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_many_neurons_of_any_size_and_setting_are_golden(part, seed):
    run_cases(bench_neuron.random_cases(random.Random(seed), 10), seed)


@pytest.mark.parametrize("shift", [0, 3])
def test_currents_wider_than_the_crossbars_sums_are_not_cut(shift, seed):
    """Lateral inhibition takes from the current many times what the crossbar can give."""
    layer = stimulus.layer(4, 3, lanes=2)
    assert layer.current_bits == 10
    drawn = stimulus.machine((layer,), neuron__kernel_shift=shift)
    component = ForwardNeurons(drawn, layer, lanes=2, current=signed(20))
    bench = bench_neuron.ForwardBench(component, seed, machine=drawn, layer=layer, bits=20)
    simulate(component, bench)


def test_limits_beyond_what_golden_can_hold_are_refused_or_equal(seed):
    """The largest that the keys' ranges allow: theta 2**25, floor and ceiling 64 times that."""
    config = load("tiny")
    layers = [
        dataclasses.replace(layer, weight_bits=16, reach=2**-10, update=0.0, error_threshold=e)
        for layer, e in zip(config.layers, (2**-10, 1.0), strict=True)
    ]
    config = dataclasses.replace(
        config,
        neuron=dataclasses.replace(config.neuron, floor=64.0, ceiling=64.0),
        error=dataclasses.replace(config.error, bits=30),
        layers=tuple(layers),
    )
    try:
        limits = machine(config).layers[0].train
    except ConfigError:
        return
    run_case(bench_neuron.forward_case(3, 1, limits, limits, "subtract", 0, 22), seed)


class Steady(Bench):
    """Words without a pause, a word every third clock where there are fewer."""

    def __init__(self, component, words: int, count: int) -> None:
        super().__init__(component, 0)
        self.words, self.count, self.fired = words, count, []

    def drivers(self):
        yield self.sweep()

    def sweep(self) -> Driver:
        for k in range(self.count):
            word = k % self.words
            yield {"valid": 1, "word": word, "soon": (word + 1) % self.words, "first": 1}

    def check(self, seen: Pins) -> None:
        if seen["fired_valid"]:
            self.fired.append((self.clock, seen["fired_word"]))


@pytest.mark.parametrize("words", [3, 4, 7])
def test_spikes_come_two_clocks_after_their_word_one_word_a_clock(words):
    layer = stimulus.layer(3, 2 * words, lanes=2)
    component = ForwardNeurons(stimulus.machine((layer,)), layer, lanes=2, current=signed(9))
    bench = simulate(component, Steady(component, words, 20))
    assert bench.fired == [(k + 2, k % words) for k in range(20)]


@pytest.mark.parametrize("mutant", of("forward"), ids=lambda mutant: mutant.why)
def test_the_forward_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_neuron.forward_cases(module), 1))


@pytest.mark.parametrize("mutant", of("error"), ids=lambda mutant: mutant.why)
def test_the_error_bench_fails_on(mutant):
    assert_fails(mutant, lambda module: run_cases(bench_neuron.error_cases(module), 1))
