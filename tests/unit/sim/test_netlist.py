# amaranth: UnusedElaboratable=no
"""The netlist of a core trains on real digits as golden does, whatever silicon leaves undefined."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from amaranth import Module
from amaranth.back import rtlil
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom import datasets
from spikeloom.boards.devices import ECP5_25F, GW2A_18, HX8K, UP5K, Fpga
from spikeloom.engines.device import DeviceEngine
from spikeloom.golden import initial
from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig, from_dict, load
from spikeloom.hdl.core import Core
from spikeloom.hdl.hardware import Hardware
from spikeloom.sim.compare.lockstep import Verification, verify
from spikeloom.sim.rtl import netlist
from spikeloom.sim.rtl.toolchain import ToolchainError
from spikeloom.sim.rtl.transport import VerilatedTransport
from spikeloom.sim.rtl.verilate import BuildError, build
from tests.support.configurations import LAYER, table
from tests.support.undefined import undefined_verilog
from tests.support.verilated import verilated

SEED = 3


def smallest() -> NetworkConfig:
    """Return a network that reads digits at 4x4 and is built in seconds."""
    layers = [{**LAYER, "weight_bits": 6, "update": 0.05}]
    layers += [{**LAYER, "weight_bits": 8, "update": 0.05}]
    return from_dict(table(image=[4, 4], sizes=[16, 6, 10], steps=12, layer=layers))


HARDWARE = Hardware(lanes=(3, 2))
"""Of the smallest one."""


def check(config: NetworkConfig, transport: VerilatedTransport, train: int, test: int) -> None:
    """Compare golden and a core over digits, every count, every state and at last every weight."""
    built = machine(config)
    digits = datasets.mnist(config, train=train, test=test, held_out=0)
    engine = DeviceEngine("netlist", built, transport)
    try:
        found = verify(config, SEED, digits, engine)
        assert found == Verification(config.weight_count, train + test, None)
        for layer, old in enumerate(initial.weights(built, SEED)):
            assert not np.array_equal(old, engine.weights[layer]), f"crossbar {layer + 1} is as new"
    finally:
        engine.close()


@pytest.mark.parametrize("device", [HX8K, ECP5_25F], ids=lambda device: device.title)
def test_a_netlist_learns_digits_as_golden_does(device: Fpga, seed: int):
    for power_up in (seed, seed + 1):
        check(
            smallest(),
            netlist.netlist_transport(smallest(), device, HARDWARE, power_up=power_up),
            60,
            10,
        )


@pytest.mark.slow
@pytest.mark.parametrize("device", [UP5K, HX8K, ECP5_25F, GW2A_18], ids=lambda device: device.title)
def test_tiny_learns_digits_as_golden_does(device: Fpga, seed: int):
    check(load("tiny"), netlist.netlist_transport(load("tiny"), device, power_up=seed), 300, 40)


@pytest.mark.slow
def test_weights_in_ecp5_block_ram_learn_as_golden_does(seed: int):
    config = load("mnist-196-32-10")
    check(config, netlist.netlist_transport(config, ECP5_25F, power_up=seed), 20, 4)


@pytest.mark.slow
def test_weights_in_ice40_single_port_ram_learn_as_golden_does(seed: int):
    """The first crossbar of the default network of iCEBreaker, in its four blocks."""
    config, hardware = load("mnist-784-128-10"), Hardware(lanes=(8, 32), ports=(1, 2), draws=1)
    verilog = netlist.netlist_verilog(Core(config, hardware), UP5K)
    assert verilog.count("\n  SB_SPRAM256KA ") == 4
    check(config, netlist.netlist_transport(config, UP5K, hardware, power_up=seed), 20, 4)


# --- memories of the RTL that promise no more than silicon's


@contextmanager
def undefined(component: wiring.Component, power_up: int) -> Iterator[VerilatedTransport]:
    library = build(undefined_verilog(component), settings=netlist.SETTINGS)
    with VerilatedTransport(library, power_up=power_up) as transport:
        yield transport


@pytest.mark.parametrize("name", ["smallest", pytest.param("tiny", marks=pytest.mark.slow)])
def test_rtl_needs_no_collision_and_no_contents(name: str, seed: int):
    config, hardware = smallest(), HARDWARE
    if name == "tiny":
        config, hardware = load(name), Hardware(lanes=(8, 5))
    for power_up in (seed, seed + 1):
        with undefined(Core(config, hardware), power_up) as transport:
            check(config, transport, 300, 40)


class Careless(wiring.Component):
    """Returns what a memory held where it puts the byte that comes: a collision at every byte."""

    def __init__(self) -> None:
        super().__init__(
            {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8)), "busy": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(
            shape=8, depth=64, init=[], attrs={"ram_style": "block"}
        )
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            self.i.ready.eq(~self.busy),
            read.en.eq(self.i.ready & self.i.valid),
            write.en.eq(read.en),
            write.addr.eq(self.i.payload[:6]),
            # one place, but Yosys does not know: it would be one port that reads before it writes
            read.addr.eq(write.addr ^ self.i.payload[6:]),
            write.data.eq(self.i.payload),
            self.o.valid.eq(self.busy),
            self.o.payload.eq(read.data),
        ]
        with m.If(read.en):
            m.d.sync += self.busy.eq(1)
        with m.Elif(self.o.ready):
            m.d.sync += self.busy.eq(0)
        return m


BYTES = bytes(range(64)) * 4


def test_rtl_that_relies_on_a_collision_is_found_out():
    with verilated(Careless()) as transport:
        assert transport.transfer(BYTES, len(BYTES))[64:] == BYTES[64:]
    with undefined(Careless(), 1) as transport:
        found = np.frombuffer(transport.transfer(BYTES, len(BYTES)), np.uint8)
    assert (found[64:] == np.frombuffer(BYTES, np.uint8)[64:]).mean() < 0.1


@pytest.mark.parametrize("device", [HX8K, ECP5_25F], ids=lambda device: device.title)
def test_a_netlist_that_relies_on_a_collision_is_found_out(device: Fpga):
    library = build(netlist.netlist_verilog(Careless(), device), settings=netlist.SETTINGS)
    answers = []
    for power_up in (1, 1, 2):
        with VerilatedTransport(library, power_up=power_up) as transport:
            answers.append(transport.transfer(BYTES, len(BYTES)))
    first, again, other = answers
    assert first == again != other
    found = np.frombuffer(first, np.uint8)
    assert (found[64:] == np.frombuffer(BYTES, np.uint8)[64:]).mean() < 0.1


def test_yosys_may_lie_in_a_path_with_a_space_and_an_umlaut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "two words, an ü"
    shutil.copytree(netlist.native().share.parent, folder / "pyosys")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    assert netlist.native().share == folder / "pyosys" / "share"
    assert "SB_RAM40_4K" in netlist.run(
        netlist.native(),
        rtlil.convert(Careless(), name="top", emit_src=False),
        netlist.synthesis.script("top.il", HX8K, pads=False),
    )


def test_without_pyosys_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(netlist.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolchainError, match=r"'pyosys'.* not installed: .* pip install pyosys=="):
        netlist.netlist_verilog(Careless(), HX8K)


def test_what_yosys_refuses_is_told_in_its_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(netlist.synthesis, "script", lambda *rest, **options: ("synth_none",))
    with pytest.raises(BuildError, match=r"Yosys failed:\n +ERROR: No such command: synth_none"):
        netlist.netlist_verilog(Careless(), HX8K)
