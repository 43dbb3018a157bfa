"""The Verilated core as an engine, on real digits: equal to golden, or found out."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from spikeloom import datasets
from spikeloom.engines.device import DeviceEngine, RtlEngine
from spikeloom.engines.engine import GoldenEngine, start
from spikeloom.golden import initial
from spikeloom.golden.datasets import Dataset
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict, load
from spikeloom.hdl import core
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.network import Network
from spikeloom.sim.compare.lockstep import Verification, verify
from tests.campaigns.mutation.planted import Mutant
from tests.support.configurations import LAYER, table
from tests.support.core_faults import replaced
from tests.support.verilated import verilated

SEED, TRAIN, TEST = 3, 300, 40
ODD = Hardware(lanes=(8, 5))
"""Lanes that are a power of two, and that are not."""


@pytest.fixture(scope="module")
def tiny() -> NetworkConfig:
    return load("tiny")


@pytest.fixture(scope="module")
def digits(tiny: NetworkConfig) -> Dataset:
    return datasets.mnist(tiny, train=TRAIN, test=TEST, held_out=0)


@pytest.fixture
def rtl(tiny: NetworkConfig):
    engine = RtlEngine(machine(tiny), ODD)
    yield engine
    engine.close()


def check(
    config: NetworkConfig, train: int, test: int, epochs: int = 1, hardware: Hardware = DEFAULT
) -> DeviceEngine:
    """Compare golden and RTL over digits; return the engine after it."""
    data = datasets.mnist(config, train=train, test=test, held_out=0)
    engine = RtlEngine(machine(config), hardware)
    found = verify(config, SEED, data, engine, epochs=epochs)
    assert found == Verification(config.weight_count, epochs * train + test, None)
    before = initial.weights(engine.machine, SEED)
    for layer, (old, new) in enumerate(zip(before, engine.weights, strict=True), start=1):
        assert not np.array_equal(old, new), f"crossbar {layer} has learned nothing"
    return engine


def test_tiny_learns_digits_as_golden_does(tiny: NetworkConfig):
    check(tiny, TRAIN, TEST, epochs=2).close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "train"), [("mnist-784-128-10", 400), ("mnist-784-128-64-10", 60)]
)
def test_a_whole_network_learns_digits_as_golden_does(name: str, train: int):
    check(load(name), train, 50).close()


@pytest.mark.slow
def test_two_hidden_layers_learn_digits_as_golden_does():
    layer = {**LAYER, "reach": 0.25, "init_gain": 1.5, "update": 0.01, "error_threshold": 0.2}
    hidden = [layer, {**layer, "weight_bits": 10}]
    output = {**layer, "weight_bits": 12, "error_threshold": 1.0}
    config = from_dict(
        table(image=[7, 7], sizes=[49, 12, 9, 10], steps=16, layer=[*hidden, output])
    )
    engine = check(config, TRAIN, TEST, hardware=Hardware(lanes=(5, 4, 3)))
    counters = engine.counters()
    assert all(counters[f"writes.{index}"] > 100 for index in (1, 2, 3))
    engine.close()


@pytest.mark.slow
def test_one_port_memories_learn_the_same_in_more_clocks(tiny: NetworkConfig):
    every = (dataclasses.replace(ODD, ports=(ports,)) for ports in (2, 1))
    two, one = (check(tiny, TRAIN, 0, hardware=hardware) for hardware in every)
    for a, b in zip(two.weights, one.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    first, second = two.counters(), one.counters()
    assert first.pop("cycles") < second.pop("cycles")
    assert first == second
    two.close()
    one.close()


@pytest.mark.parametrize("order", ["golden, then rtl", "rtl, then golden"])
def test_a_run_goes_on_in_the_other_engine_bit_for_bit(
    tiny: NetworkConfig, digits: Dataset, rtl: RtlEngine, tmp_path: Path, order: str
):
    """Over two epochs, handed over where the update changes."""
    built = machine(tiny)
    whole = Network(tiny, seed=SEED)
    whole.fit(digits.train, epochs=2)
    engines = [GoldenEngine(built), rtl]
    first, second = engines if order.startswith("golden") else engines[::-1]
    begun = Network(tiny, seed=SEED, engine=first)
    begun.fit(digits.train)
    begun.save(tmp_path / "run.npz")
    resumed = Network.load(tmp_path / "run.npz", engine=second)
    resumed.fit(digits.train)
    for a, b in zip(whole.engine.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert second.stream_states == whole.engine.stream_states


def test_inference_in_between_changes_nothing(rtl: RtlEngine, digits: Dataset):
    golden = GoldenEngine(rtl.machine)
    for engine in (golden, rtl):
        start(engine, SEED)
    for first in range(0, 60, 20):
        part = slice(first, first + 20)
        images, labels = digits.train.images[part], digits.train.labels[part]
        golden.train(images, labels)
        rtl.train(images, labels)
        np.testing.assert_array_equal(
            rtl.infer(digits.test.images), golden.infer(digits.test.images)
        )
        rtl.infer(digits.test.images)
    assert rtl.stream_states == golden.stream_states
    for a, b in zip(golden.weights, rtl.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_loaded_right_after_training_are_those_given(rtl: RtlEngine, digits: Dataset):
    """Error spikes of the last step still wait in the layers; they must meet none of these."""
    given = initial.weights(rtl.machine, SEED)
    for sample in range(20):
        rtl.train(digits.train.images[[sample]], digits.train.labels[[sample]])
        rtl.weights = given
        for a, b in zip(given, rtl.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def test_stalls_change_no_reply(rtl: RtlEngine, tiny: NetworkConfig, digits: Dataset, seed: int):
    rtl._simulation.stalls(seed, in_=100, out=200)
    assert verify(tiny, SEED, digits, rtl).equal


def test_one_wrong_cell_of_the_rtl_is_found_where_it_is(
    tiny: NetworkConfig, digits: Dataset, monkeypatch: pytest.MonkeyPatch
):
    row, column = 24, 8  # the first of the second word's columns, so address 49 + 24
    original = "m.d.comb += [port.data[k].eq(stored[lane]) for k, lane in enumerate(lanes)]"
    # the first time that learning writes the word since the host loaded weights
    faulty = "; ".join(
        (
            "hit = Signal()",
            "here = self.wrote & (back == 73)",
            "m.d.sync += hit.eq((hit | here) & ~self.access.host)",
            "wrong = Mux(here & ~hit, stored.as_value() ^ 1, stored)",
            "m.d.comb += port.data.as_value().eq(wrong)",
        )
    )
    replaced(Mutant("crossbar", original, faulty, "a cell flips a bit"), monkeypatch)
    built = machine(tiny)
    golden = GoldenEngine(built)
    start(golden, SEED)
    order = initial.order(SEED, 0, TRAIN)
    before = golden.weights[0][row]
    expected = 0
    while True:
        sample = order[[expected]]
        golden.train(digits.train.images[sample], digits.train.labels[sample])
        if (golden.weights[0][row] != before)[8:].any():
            break
        expected += 1
    # not RtlEngine: it knows the core by its source files, which have no fault
    engine = DeviceEngine("rtl", built, verilated(core.Core(tiny, ODD)))
    found = verify(tiny, SEED, digits, engine)
    engine.close()
    assert not found.equal
    place = found.difference
    assert (place.sample, place.layer, place.row, place.column) == (expected, 1, row, column)
    assert place.step is not None
    assert place.golden ^ 1 == place.device
    assert f"sample {expected} trained, step {place.step}" in str(place)
    assert "weight of layer 1, row 24, column 8" in str(place)


def test_a_waveform_names_what_the_source_names(
    tiny: NetworkConfig, digits: Dataset, tmp_path: Path
):
    engine = RtlEngine(machine(tiny), trace=True)
    start(engine, SEED)
    engine.steps = 2
    path = tmp_path / "waves.vcd"
    with engine.vcd(path):
        engine.train(digits.train.images[:1], digits.train.labels[:1])
    engine.close()
    text = path.read_text()
    scopes = set(re.findall(r"\$scope module (\S+) \$end", text))
    assert {
        "network",
        "encoder",
        "layer1",
        "layer2",
        "crossbar",
        "neurons",
        "forward",
        "feedback",
    } <= scopes
    names = re.findall(r"\$var wire +\d+ \S+ (\S+)", text)
    assert {"fired", "spikes", "sums", "busy", "host__ran"} <= {
        name.split("[")[0] for name in names
    }
    assert not [name for name in names if not name[0].isalpha()]
    changes = [line for line in text.splitlines() if line.startswith("#")]
    assert len(changes) > 100
