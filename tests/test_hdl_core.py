# amaranth: UnusedElaboratable=no
"""The core under cocotb, and what must hold of it in any simulator."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bench_core
import numpy as np
import pytest

from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import load
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.core import Core
from spikeloom.sim import cosim
from spikeloom.sim import data as network_data
from spikeloom.sim.engine import GoldenEngine, RtlEngine, start

TESTS = 6


def test_the_core_keeps_its_contract_under_cocotb(tmp_path: Path):
    simulator = cosim.build([bench_core.case(load("tiny"))])
    ran = cosim.run(simulator, "bench_core", tmp_path, search=Path(__file__).parent)
    assert ran == TESTS


def test_the_rate_form_is_refused_by_name():
    config = load("tiny")
    rate = dataclasses.replace(config.learning, form="rate")
    message = "learning.form = 'rate' exists in the golden model only: the RTL needs"
    with pytest.raises(ConfigError, match=message):
        Core(dataclasses.replace(config, learning=rate))


@pytest.mark.slow
def test_training_takes_at_most_one_and_a_half_times_the_floor():
    """784-128-10, 32 lanes, two ports: digits that an untrained and a trained network see."""
    config = load("mnist-784-128-10")
    assert (config.layers[0].lanes, {layer.ports for layer in config.layers}) == (32, {2})
    data = network_data.load(config, train=4000, test=0, held_out=0)
    golden, rtl = GoldenEngine(machine(config)), RtlEngine(machine(config))
    start(golden, 1)
    start(rtl, 1)
    for first in (0, 3900):
        rtl.weights, rtl.stream_states = golden.weights, golden.stream_states
        part, rest = slice(first, first + 60), slice(first + 60, 3900)
        images, labels = data.train_images[part], data.train_labels[part]
        rtl.clear()
        counts = rtl.train(images, labels)
        expected, activity = golden.train_recorded(images, labels)
        np.testing.assert_array_equal(counts, expected)
        floor = int(floor_cycles(golden.machine, activity).sum())
        assert floor < rtl.counters()["cycles"] <= 1.5 * floor
        golden.train(data.train_images[rest], data.train_labels[rest])
    rtl.close()
