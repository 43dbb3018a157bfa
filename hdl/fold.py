"""A word of sums, taken apart: fewer neurons than lanes, several clocks a word."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import ceil_div
from spikeloom.hdl.hardware import BuiltLayer


class Fold(wiring.Component):
    """Hands the sums of a crossbar's word to `neurons` neurons at a time.

    Parameters
    ----------
    layer : lanes and words. neurons : per clock; divides the lanes. sum_shape : of one sum.

    Members
    -------
    owe : In; the access that completes a word was taken: its sums will come.
    free : Out; the next such access may be taken.
    load, word, sums : In; a word of sums.
    valid, index, soon, currents : Out; the next neurons' sums, the number of their word (`neurons`
    wide), and what `index` may be in the next clock.
    ready : In; they are taken in this clock.

    Latency: load to valid one clock. Throughput: `neurons` sums per clock, a word after
    lanes / neurons clocks and the crossbar's latency.
    """

    def __init__(self, layer: BuiltLayer, neurons: int, sum_shape: object) -> None:
        self._layer, self._neurons = layer, neurons
        self.words = ceil_div(layer.n_post, neurons)
        index = range(max(self.words, 2))
        super().__init__(
            {
                "owe": In(1),
                "free": Out(1),
                "load": In(1),
                "word": In(range(max(layer.words, 2))),
                "sums": In(data.ArrayLayout(sum_shape, layer.lanes)),
                "valid": Out(1),
                "index": Out(index),
                "soon": Out(index),
                "currents": Out(data.ArrayLayout(sum_shape, neurons)),
                "ready": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Hold a word, shift it out; the last word may be a short one."""
        m = Module()
        layer, neurons = self._layer, self._neurons
        pieces = layer.lanes // neurons
        short = self.words - (layer.words - 1) * pieces
        left, owed = Signal(range(pieces + 1)), Signal()
        held = Signal(len(self.sums.as_value()), reset_less=True)
        size = len(self.currents.as_value())
        step = Signal()
        m.d.comb += [
            self.free.eq(~owed & (left == 0)),
            self.valid.eq(left != 0),
            step.eq(self.valid & self.ready),
            self.currents.eq(held[:size]),
            self.soon.eq(self.index),
        ]
        with m.If(self.owe):
            m.d.sync += owed.eq(1)
        with m.If(step):
            last = self.index == self.words - 1
            m.d.comb += self.soon.eq(Mux(last, 0, self.index + 1))
            m.d.sync += [left.eq(left - 1), held.eq(held >> size), self.index.eq(self.soon)]
        with m.If(self.load):
            m.d.sync += [
                held.eq(self.sums),
                left.eq(Mux(self.word == layer.words - 1, short, pieces)),
                owed.eq(0),
            ]
        return m
