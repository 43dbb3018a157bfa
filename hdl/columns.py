"""The way back through a crossbar: which columns to read for a layer's error spikes, and when."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import ceil_div
from spikeloom.hdl.crossbar import access_layout, request_port
from spikeloom.hdl.hardware import DEFAULT, BuiltLayer, Hardware
from spikeloom.hdl.spikes import SpikeList, error_port, lowest


class Columns(wiring.Component):
    """Lists a layer's error spikes once, then reads their columns for word after word of rows.

    Parameters
    ----------
    layer : sizes, lanes and banks of the crossbar that is read.
    hardware : what the list is made of.

    Members
    -------
    back : In; begin. errors : Out; see `hdl.spikes.error_port`. request : Out; transposed accesses,
    see `hdl.crossbar.request_port`.

    Latency: back to the first access three clocks. Throughput: one access per clock, once the list
    has it: a clock per error spike and per word without any. Golden: `golden.crossbar.transposed`.
    """

    def __init__(self, layer: BuiltLayer, hardware: Hardware = DEFAULT) -> None:
        self._layer, self._hardware = layer, hardware
        super().__init__(
            {
                "back": In(1),
                "errors": Out(error_port(layer.lanes)),
                "request": Out(request_port(layer)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Read the list as often as there are words of rows."""
        m = Module()
        layer, shape = self._layer, access_layout(self._layer)
        entry = data.StructLayout(
            {"word": shape["word"].shape, "column": shape["column"].shape, "minus": 1}
        )
        m.submodules.list = errors = SpikeList(
            layer.n_post, entry, name=f"layer{layer.index}.errors", hardware=self._hardware
        )
        self._list(m, errors)
        groups = ceil_div(layer.n_pre, layer.banks)
        active, opening = Signal(), Signal()
        group = Signal(range(max(groups, 2)))
        access1, move, turn = Signal(shape), Signal(), Signal()
        m.d.comb += move.eq(active & (~self.request.asked | self.request.ready))
        with m.If(self.request.ready):
            m.d.sync += self.request.asked.eq(0)
        with m.If(move):
            read = errors.more
            m.d.comb += [errors.next.eq(read), turn.eq(Mux(read, errors.final, errors.ended))]
            m.d.sync += [
                self.request.asked.eq(read | turn),
                access1.transposed.eq(1),
                access1.row.eq(group),
                access1.valid.eq(read),
                access1.first.eq(opening),
                access1.last.eq(turn),
            ]
            with m.If(read | turn):
                m.d.sync += opening.eq(turn)
        with m.If(turn):
            end = group == groups - 1
            m.d.comb += [errors.rewind.eq(~end), errors.release.eq(end)]
            m.d.sync += [group.eq(Mux(end, 0, group + 1)), active.eq(~end)]
        with m.If(self.back):
            m.d.sync += [active.eq(1), opening.eq(1)]
        m.d.comb += [
            self.request.access.eq(access1),
            self.request.access.word.eq(errors.head.word),
            self.request.access.column.eq(errors.head.column),
            self.request.access.minus.eq(errors.head.minus),
        ]
        return m

    def _list(self, m: Module, errors: SpikeList) -> None:
        """Write down where the error spikes are, once for all words of rows."""
        layer = self._layer
        scanning, load = Signal(), Signal()
        word = Signal(range(max(layer.words, 2)))
        bits, minus = Signal(layer.lanes), Signal(layer.lanes)
        column, rest = lowest(bits)
        following = Mux(self.back, 0, word + 1)
        m.d.comb += [
            errors.entry.word.eq(word),
            errors.entry.column.eq(column),
            errors.entry.minus.eq((minus & bits & ~rest).any()),
        ]
        with m.If(scanning):
            m.d.comb += errors.push.eq(bits.any())
            m.d.sync += bits.eq(rest)
            with m.If(~rest.any()):
                with m.If(word == layer.words - 1):
                    m.d.comb += errors.close.eq(1)
                    m.d.sync += scanning.eq(0)
                with m.Else():
                    m.d.comb += load.eq(1)
        with m.If(self.back):
            m.d.sync += scanning.eq(1)
        with m.If(self.back | load):
            m.d.comb += [self.errors.read.eq(1), self.errors.end.eq(following == layer.words - 1)]
            m.d.sync += [
                word.eq(following),
                bits.eq(self.errors.positive | self.errors.negative),
                minus.eq(self.errors.negative),
            ]
