"""Engines behind one protocol: golden, and a core behind a transport."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikeloom.boards.host.device import DeviceError
from spikeloom.engines.device import DeviceEngine, RtlEngine
from spikeloom.engines.engine import Engine, GoldenEngine, make_engine, start
from spikeloom.golden import initial
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.golden.spec.protocol import Opcode
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.golden.spec.streams import streams
from tests.support.golden_transport import GoldenTransport

SHARED = ("samples", "spikes.0", "spikes.1", "spikes.2", "positive.1", "negative.2")


@pytest.fixture
def config() -> NetworkConfig:
    return load("tiny")


@pytest.fixture
def tiny(config: NetworkConfig) -> Machine:
    return machine(config)


@pytest.fixture(params=["golden", "device"])
def engine(request: pytest.FixtureRequest, tiny: Machine) -> Engine:
    if request.param == "golden":
        return GoldenEngine(tiny)
    return DeviceEngine("rtl", tiny, GoldenTransport(tiny))


@pytest.fixture
def samples(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    images = rng.integers(0, 256, (40, 7, 7), np.uint8)
    images[rng.random(images.shape) < 0.5] = 0
    return images, rng.integers(0, 10, 40)


def rate_form(config: NetworkConfig) -> NetworkConfig:
    return dataclasses.replace(config, learning=dataclasses.replace(config.learning, rule="rate"))


def test_a_run_starts_from_what_its_seed_gives(engine: Engine, config: NetworkConfig, seed: int):
    start(engine, seed)
    for mine, theirs in zip(engine.weights, initial.weights(engine.machine, seed), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert engine.stream_states == [stream.seed(seed) for stream in streams(config)]
    assert engine.steps == config.steps


def test_a_start_forgets_what_was_before(engine: Engine, samples: tuple, seed: int):
    start(engine, seed)
    first = engine.train(*samples)
    engine.set_updates(engine.machine.updates(7))
    engine.steps = 3
    start(engine, seed)
    np.testing.assert_array_equal(engine.train(*samples), first)
    assert engine.counters()["samples"] == len(first)


def test_two_engines_agree_on_another_seed_than_the_configurations(
    tiny: Machine, samples: tuple, seed: int
):
    golden, device = GoldenEngine(tiny), DeviceEngine("rtl", tiny, GoldenTransport(tiny))
    for engine in (golden, device):
        start(engine, seed)
    np.testing.assert_array_equal(golden.train(*samples), device.train(*samples))
    np.testing.assert_array_equal(golden.infer(samples[0]), device.infer(samples[0]))
    assert golden.stream_states == device.stream_states
    mine, theirs = golden.counters(), device.counters()
    assert {name: mine[name] for name in SHARED} == {name: theirs[name] for name in SHARED}


def test_inference_moves_no_stream_and_no_weight(engine: Engine, samples: tuple, seed: int):
    start(engine, seed)
    engine.train(*samples)
    before, weights = engine.stream_states, engine.weights
    once = engine.infer(samples[0])
    assert engine.stream_states == before
    for mine, theirs in zip(weights, engine.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(engine.infer(samples[0]), once)


def test_a_seed_of_its_own_decides_what_inference_sees(engine: Engine, samples: tuple, seed: int):
    start(engine, seed)
    counts = engine.infer(samples[0])
    weights = engine.weights
    start(engine, seed + 1)
    engine.weights = weights
    assert not np.array_equal(engine.infer(samples[0]), counts)


def test_counters_keep_training_and_inference_apart(engine: Engine, samples: tuple, seed: int):
    start(engine, seed)
    engine.train(*samples)
    trained = engine.counters("train")
    engine.infer(samples[0][:7])
    assert engine.counters("train") == trained
    assert engine.counters("infer")["samples"] == 7
    engine.clear()
    assert not any(engine.counters("train").values())
    assert not any(engine.counters("infer").values())


def test_counters_of_a_device_outgrow_its_registers(tiny: Machine, samples: tuple, seed: int):
    engine = DeviceEngine("rtl", tiny, GoldenTransport(tiny))
    start(engine, seed)
    engine.train(*samples)
    first = engine.counters()["cycles"]
    engine.train(*samples)
    assert engine.counters()["cycles"] > first > 0
    assert engine.device.read("cycles") == 0


def test_an_error_that_the_core_reports_stops_training(tiny: Machine, samples: tuple):
    transport = GoldenTransport(tiny)
    engine = DeviceEngine("rtl", tiny, transport)
    transport.transfer(bytes([max(Opcode) + 1]), 0)
    with pytest.raises(DeviceError, match="BAD_OPCODE"):
        engine.train(samples[0][:1], np.array([9]))


def test_closing_an_engine_closes_its_transport(tiny: Machine):
    class Closing(GoldenTransport):
        closed = False

        def close(self) -> None:
            self.closed = True

    transport = Closing(tiny)
    DeviceEngine("rtl", tiny, transport).close()
    assert transport.closed


def test_an_unknown_engine_is_refused_by_name(config: NetworkConfig):
    with pytest.raises(ConfigError, match="no engine named 'fpga': there are golden, rtl"):
        make_engine("fpga", config)


def test_the_rtl_refuses_the_rate_form_and_says_what_to_do(config: NetworkConfig):
    with pytest.raises(ConfigError, match=r"learning.rule = 'rate'.*--engine golden"):
        RtlEngine(machine(rate_form(config)))


def test_golden_takes_the_rate_form(config: NetworkConfig, samples: tuple):
    engine = make_engine("golden", rate_form(config))
    engine.train(*samples)
    assert engine.counters()["samples"] == 40
