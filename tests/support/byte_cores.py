"""Small cores of byte streams, and a cache to build them in, for tests of the Verilated engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from amaranth import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

BYTES = stream.Signature(unsigned(8))
PORTS = {"i": In(BYTES), "o": Out(BYTES), "busy": Out(1)}
HANG = 0xEE


class Echo(wiring.Component):
    """Returns every byte one cycle later; after `HANG` it takes no more."""

    def __init__(self) -> None:
        super().__init__(PORTS)

    def elaborate(self, platform) -> Module:
        m = Module()
        hung = Signal()
        m.d.comb += [
            self.i.ready.eq((self.o.ready | ~self.o.valid) & ~hung),
            self.busy.eq(self.o.valid | hung),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                self.o.payload.eq(self.i.payload),
                self.o.valid.eq(1),
                hung.eq(self.i.payload == HANG),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        return m


class Wire(wiring.Component):
    """Passes bytes through within the cycle; busy once its input stream has broken the rule."""

    def __init__(self) -> None:
        super().__init__(PORTS)

    def elaborate(self, platform) -> Module:
        m = Module()
        offered, before = Signal(), Signal(8)
        m.d.comb += [
            self.o.payload.eq(~self.i.payload),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
        ]
        m.d.sync += [offered.eq(self.i.valid & ~self.i.ready), before.eq(self.i.payload)]
        with m.If(offered & (~self.i.valid | (self.i.payload != before))):
            m.d.sync += self.busy.eq(1)
        return m


class Mill(wiring.Component):
    """For each address: the byte that was there; the address grows by a constant of its own.

    Its memories are large enough to be filled in a loop.
    """

    KEY = 0x5A

    def __init__(self) -> None:
        super().__init__(PORTS)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.data = data = Memory(shape=unsigned(8), depth=256, init=[])
        m.submodules.key = key = Memory(shape=unsigned(8), depth=256, init=[self.KEY] * 256)
        read, write, constant = data.read_port(), data.write_port(), key.read_port()
        address = Signal(8)
        m.d.comb += [
            *(read.addr.eq(self.i.payload), constant.addr.eq(self.i.payload)),
            *(write.addr.eq(address), write.data.eq(read.data + constant.data)),
            self.o.payload.eq(read.data),
        ]
        with m.FSM():
            with m.State("ADDRESS"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += address.eq(self.i.payload)
                with m.If(self.i.valid):
                    m.next = "REPLY"
            with m.State("REPLY"):
                m.d.comb += [self.busy.eq(1), self.o.valid.eq(1), write.en.eq(self.o.ready)]
                m.d.comb += [read.en.eq(0), constant.en.eq(0)]
                with m.If(self.o.ready):
                    m.next = "ADDRESS"
        return m


def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use, until a test ends, a cache that this test run alone has, all its processes together."""
    base = tmp_path_factory.getbasetemp()
    cache = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "simulators"
    monkeypatch.setenv("SPIKELOOM_CACHE", str(cache))
    return cache
