"""A block with its mutants as a simulator that a bench drives pin by pin."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amaranth.hdl import Value
from amaranth.lib import wiring

from spikeloom.sim.rtl.verilate import Log, Settings, build
from tests.bench.bench import Bench, Pins
from tests.campaigns.mutation.hdl.netlist import BITS, MODULE, SELECT, ports

HARNESS = Path(__file__).parent / "pins.cpp"

LEAST = 65
"""Bits from which on Verilator makes an array of a port: every vector is one."""

SETTINGS = Settings(
    verilator=(
        *("-O3", "--x-assign", "fast", "--x-initial", "0", "--noassert", "--timescale", "1ns/1ps"),
        *("--top-module", "top", "--output-split", "0", "-Wno-fatal", "-Wno-lint"),
    ),
    make=("OPT_FAST=-O0", "OPT_GLOBAL=-O0", "OPT_SLOW=-O0"),
)

_POINTER = ctypes.c_void_p


class Layout:
    """Where the pins of a component lie in the two vectors.

    Attributes
    ----------
    given, shown : (name, first bit, width) of every input and of every output.
    """

    def __init__(self, component: wiring.Component) -> None:
        self.given: list[tuple[str, int, int]] = []
        self.shown: list[tuple[str, int, int]] = []
        for name, flow, value in ports(component):
            pins = self.given if flow is wiring.In else self.shown
            first = sum(pins[-1][1:]) if pins else 0
            pins.append((name, first, len(Value.cast(value))))

    @property
    def bits(self) -> tuple[int, int]:
        """Width of both vectors."""
        return tuple(
            max(LEAST, sum(pins[-1][1:]) if pins else 0) for pins in (self.given, self.shown)
        )

    def wrapper(self, *, registered: bool) -> str:
        """Return the module around the block; without a register it has no clock."""
        given, shown = self.bits
        pins = [f".{SELECT}({SELECT})"]
        pins += [".clk(clk)", ".rst(rst)"] if registered else []
        for part, vector in ((self.given, "given"), (self.shown, "shown")):
            pins += [
                f".\\{name} ({vector}[{first + size - 1}:{first}])" for name, first, size in part
            ]
        joined = ", ".join(pins)
        rest = sum(self.shown[-1][1:]) if self.shown else 0
        spare = f"assign shown[{shown - 1}:{rest}] = 0;" if rest < shown else ""
        return (
            f"module top(input clk, input rst, input [{BITS - 1}:0] {SELECT}, "
            f"input [{given - 1}:0] given, output [{shown - 1}:0] shown);\n"
            f"  {MODULE} dut({joined});\n  {spare}\nendmodule\n"
        )


class Simulator:
    """All mutants of a block, one at a time.

    Parameters
    ----------
    component : tells the pins. verilog : the netlist of its mutants. log : see `build`.
    """

    def __init__(self, component: wiring.Component, verilog: str, log: Log | None = None) -> None:
        self._layout = Layout(component)
        text = self._layout.wrapper(registered="input clk;" in verilog) + verilog
        self._api = ctypes.CDLL(str(build(text, harness=HARNESS, settings=SETTINGS, log=log)))
        self._api.block_create.restype = _POINTER
        self._api.block_create.argtypes = [ctypes.c_uint32]
        self._api.block_destroy.argtypes = [_POINTER]
        self._api.block_clock.argtypes = [_POINTER, ctypes.c_bool, _POINTER, _POINTER]
        # whole 32-bit words
        self._given, self._shown = (-(-bits // 32) * 4 for bits in self._layout.bits)

    @contextmanager
    def mutant(self, number: int) -> Iterator[Instance]:
        """Give the block as it powers up, with a mutant in it; 0: sound."""
        handle = self._api.block_create(number)
        try:
            yield Instance(self._api, handle, self._layout, self._given, self._shown)
        finally:
            self._api.block_destroy(handle)


class Instance:
    """One block that runs."""

    def __init__(self, api: ctypes.CDLL, handle: int, layout: Layout, given: int, shown: int):
        self._clock, self._handle, self._layout, self._bytes = (
            api.block_clock,
            handle,
            layout,
            given,
        )
        self._out = ctypes.create_string_buffer(shown)

    def reset(self) -> None:
        """Hold the reset for two clocks."""
        for _ in range(2):
            self._clock(self._handle, True, bytes(self._bytes), None)

    def clock(self, pins: Pins) -> dict[str, int]:
        """Drive all inputs; return all pins as they stand at the end of the clock."""
        bits, seen = 0, {}
        for name, first, width in self._layout.given:
            value = int(pins[name]) & (1 << width) - 1
            seen[name] = value
            bits |= value << first
        self._clock(self._handle, False, bits.to_bytes(self._bytes, "little"), self._out)
        bits = int.from_bytes(self._out.raw, "little")
        for name, first, width in self._layout.shown:
            seen[name] = bits >> first & (1 << width) - 1
        return seen

    def run(self, bench: Bench, cut: int | None = None) -> None:
        """Run a bench, to its end or for `cut` clocks; what it raises is raised."""
        run = bench.run()
        pins = next(run)
        while cut is None or bench.clock < cut:
            seen = self.clock(pins)
            try:
                pins = run.send(seen)
            except StopIteration:
                return
