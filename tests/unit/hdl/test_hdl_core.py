# amaranth: UnusedElaboratable=no
"""The core under cocotb, and what must hold of it in any simulator."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import SimulatorContext

from spikeloom import datasets
from spikeloom.engines.device import RtlEngine
from spikeloom.engines.engine import GoldenEngine, start
from spikeloom.golden.floor import floor_cycles
from spikeloom.golden.spec import protocol
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, load
from spikeloom.golden.spec.registers import registers
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.sim.rtl.verilate import build, to_verilog
from tests.bench import bench_core, cosim, pysim

TESTS = 6


def test_the_core_keeps_its_contract_under_cocotb(tmp_path: Path):
    simulator = cosim.build([bench_core.case(load("tiny"))])
    ran = cosim.run(simulator, "tests.bench.bench_core", tmp_path)
    assert ran == TESTS


@pytest.mark.parametrize(("buffered", "clocks"), [(True, 4), (False, 2)])
def test_a_register_is_read_within_its_latency_pin_to_pin(buffered: bool, clocks: int):
    core = Core(load("tiny"), Hardware(buffered=buffered))
    steps = registers(machine(load("tiny")))["steps"]
    moved: list[int] = []

    async def host(ctx: SimulatorContext) -> None:
        command = list(protocol.read(steps.address))
        ctx.set(core.o.ready, 1)
        for clock in range(20):
            ctx.set(core.i.valid, bool(command))
            ctx.set(core.i.payload, command[0] if command else 0)
            _, _, taken, valid = await ctx.tick().sample(core.i.ready, core.o.valid)
            if command and taken:
                command.pop(0)
                sent = clock
            if valid:
                moved.append(clock)
        assert moved == [sent + clocks + k for k in range(4)]

    pysim.run(core, host)


def test_the_rate_form_is_refused_by_name():
    config = load("tiny")
    rate = dataclasses.replace(config.learning, rule="rate")
    message = "learning.rule = 'rate' exists in the golden model only: the RTL needs"
    with pytest.raises(ConfigError, match=message):
        Core(dataclasses.replace(config, learning=rate))


def with_all() -> NetworkConfig:
    """Return tiny with what is built only where it is asked for."""
    config = load("tiny")
    return dataclasses.replace(
        config,
        error=dataclasses.replace(config.error, cost=0.05),
        input=dataclasses.replace(config.input, jitter=1),
        wta=dataclasses.replace(config.wta, kind="softmax", strength=3.0),
        stop=dataclasses.replace(config.stop, train=8, infer=3),
    )


@pytest.mark.parametrize("config", [load("tiny"), with_all()], ids=["tiny", "with all"])
def test_no_logic_of_the_core_looks_like_a_loop_to_the_simulator(config: NetworkConfig):
    """It goes through all of that again until nothing changes, which costs a third of its speed."""
    library = build(to_verilog(Core(config)))
    assert "UNOPTFLAT" not in (library.parent / "build.log").read_text()


def test_digits_are_learnt_as_golden_learns_them_with_all_that_is_built_where_asked_for():
    config = with_all()
    data = datasets.mnist(config, train=300, test=50, held_out=0)
    golden, rtl = GoldenEngine(machine(config)), RtlEngine(machine(config))
    for engine in (golden, rtl):
        start(engine, 1)
    np.testing.assert_array_equal(rtl.train(*data.train), golden.train(*data.train))
    np.testing.assert_array_equal(rtl.infer(data.test.images), golden.infer(data.test.images))
    for layer in range(config.depth):
        np.testing.assert_array_equal(rtl.weights[layer], golden.weights[layer])
    assert rtl.stream_states == golden.stream_states
    np.testing.assert_array_equal(rtl.ran, golden.ran)
    rtl.close()


@pytest.mark.slow
def test_training_takes_at_most_one_and_a_half_times_the_floor():
    """784-128-10, 32 lanes, two ports: digits that an untrained and a trained network see."""
    config = load("mnist-784-128-10")
    layers = DEFAULT.of(machine(config))
    assert (layers[0].lanes, {layer.ports for layer in layers}) == (32, {2})
    data = datasets.mnist(config, train=4000, test=0, held_out=0)
    golden, rtl = GoldenEngine(machine(config)), RtlEngine(machine(config))
    start(golden, 1)
    start(rtl, 1)
    for first in (0, 3900):
        rtl.weights, rtl.stream_states = golden.weights, golden.stream_states
        part, rest = slice(first, first + 60), slice(first + 60, 3900)
        images, labels = data.train.images[part], data.train.labels[part]
        rtl.clear()
        counts = rtl.train(images, labels)
        expected, activity = golden.train_recorded(images, labels)
        np.testing.assert_array_equal(counts, expected)
        floor = int(floor_cycles(layers, activity).sum())
        assert floor < rtl.counters()["cycles"] <= 1.5 * floor
        golden.train(data.train.images[rest], data.train.labels[rest])
    rtl.close()
