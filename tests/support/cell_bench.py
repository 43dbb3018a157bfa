"""A cell alone in a Verilated top: bits in, one clock, bits out."""

from __future__ import annotations

from dataclasses import dataclass, field

from amaranth import Cat, ClockSignal, Instance, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.boards.devices import Family
from spikeloom.sim.rtl import netlist
from spikeloom.sim.rtl.transport import VerilatedTransport
from spikeloom.sim.rtl.verilate import build, to_verilog

STIMULUS = 128
"""Bits of one operation; every cell of a bench gets the same."""


@dataclass(frozen=True)
class Cell:
    """One instance: where its pins lie in the stimulus, as (first bit, width).

    Attributes
    ----------
    strobes : inputs that are 0 outside an operation's clock. held : inputs that just stay.
    outputs : name to width, in the order in which they come out, from the lowest bit on.
    split : pins have a name of their own for every bit (ECP5).
    """

    type: str
    parameters: dict[str, object]
    clocks: tuple[str, ...]
    strobes: dict[str, tuple[int, int]]
    held: dict[str, tuple[int, int]]
    outputs: dict[str, int]
    split: bool = False
    constants: dict[str, int] = field(default_factory=dict)


class CellBench(wiring.Component):
    """Takes an operation as bytes, clocks every cell once with it, and returns what they show."""

    def __init__(self, cells: list[Cell]) -> None:
        self._cells = cells
        self.bits = sum(sum(cell.outputs.values()) for cell in cells)
        super().__init__(
            {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8)), "busy": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Shift in, strobe, let one clock pass, shift out."""
        m = Module()
        stimulus, go = Signal(STIMULUS), Signal()
        answer = Signal(-(-self.bits // 8) * 8)
        left = Signal(range(max(STIMULUS, len(answer)) // 8 + 1), init=STIMULUS // 8)
        shown = []
        for number, cell in enumerate(self._cells):
            pins: dict[str, object] = {f"i_{name}": ClockSignal() for name in cell.clocks}
            pins |= {f"i_{name}": value for name, value in cell.constants.items()}

            def connect(kind: str, name: str, value: object, pins: dict = pins, cell=cell) -> None:
                if cell.split and len(value) > 1:
                    pins |= {f"{kind}_{name}{k}": value[k] for k in range(len(value))}
                else:
                    pins[f"{kind}_{name}"] = value

            for name, (first, width) in cell.strobes.items():
                connect("i", name, stimulus[first : first + width] & go.replicate(width))
            for name, (first, width) in cell.held.items():
                connect("i", name, stimulus[first : first + width])
            for name, width in cell.outputs.items():
                output = Signal(width, name=f"{name}_{number}")
                connect("o", name, output)
                shown.append(output)
            parameters = {f"p_{name}": value for name, value in cell.parameters.items()}
            m.submodules[f"cell{number}"] = Instance(cell.type, **parameters, **pins)
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [
                        stimulus.eq(Cat(stimulus[8:], self.i.payload)),
                        left.eq(left - 1),
                    ]
                    with m.If(left == 1):
                        m.next = "GO"
            with m.State("GO"):
                m.d.comb += [go.eq(1), self.busy.eq(1)]
                m.next = "SEE"
            with m.State("SEE"):
                m.d.sync += [answer.eq(Cat(*shown)), left.eq(len(answer) // 8)]
                m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += [self.o.payload.eq(answer[:8]), self.o.valid.eq(1)]
                with m.If(self.o.ready):
                    m.d.sync += [answer.eq(answer >> 8), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.d.sync += left.eq(STIMULUS // 8)
                        m.next = "TAKE"
        return m


class Cells:
    """Cells of a family behind a transport; each instance powers up anew."""

    def __init__(self, family: Family, cells: list[Cell], power_up: int) -> None:
        bench = CellBench(cells)
        self._cells = cells
        self._bytes = -(-bench.bits // 8)
        text = netlist.PROLOGUE + netlist.models(family, netlist.native().share) + to_verilog(bench)
        library = build(text, settings=netlist.SETTINGS)
        self._transport = VerilatedTransport(library, power_up=power_up)

    def clock(self, **fields: int) -> list[dict[str, int]]:
        """Run one operation; fields are named by their first bit. Return outputs per cell."""
        stimulus = sum(value << int(first[1:]) for first, value in fields.items())
        reply = self._transport.transfer(stimulus.to_bytes(STIMULUS // 8, "little"), self._bytes)
        bits = int.from_bytes(reply, "little")
        result = []
        for cell in self._cells:
            outputs = {}
            for name, width in cell.outputs.items():
                outputs[name] = bits & ((1 << width) - 1)
                bits >>= width
            result.append(outputs)
        return result

    def close(self) -> None:
        """Give the simulation back."""
        self._transport.close()
