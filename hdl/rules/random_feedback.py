"""Random feedback: error spikes come back as generated signs; the crossbar is not asked."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.learning import SPIKE
from spikeloom.golden.spec.machine import ceil_div, clog2
from spikeloom.hdl.crossbar import request_port, sum_shape, sums_port
from spikeloom.hdl.hardware import BuiltLayer


class Signs(wiring.Component):
    """Sums the fixed feedback of a layer's error spikes, as a crossbar's transposed accesses do.

    Parameters
    ----------
    layer : whose error spikes; `banks` neurons of the layer below a word.

    Members
    -------
    request : In; see `hdl.crossbar.request_port`; always taken. sums : Out; see
    `hdl.crossbar.sums_port`; held until the next access.

    Latency: a request to its sums two clocks. Throughput: one access per clock. Golden:
    `golden.rules.random_feedback`.
    """

    def __init__(self, layer: BuiltLayer) -> None:
        self._layer = layer
        words = ceil_div(layer.n_pre, layer.banks)
        super().__init__(
            {
                "request": In(request_port(layer)),
                "sums": Out(sums_port(sum_shape(layer), layer.banks, words)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Stage 1: the access. Stage 2: its signs, added to the sums."""
        m = Module()
        layer, access = self._layer, Signal.like(self.request.access)
        taken = Signal()
        m.d.comb += self.request.ready.eq(1)
        m.d.sync += [access.eq(self.request.access), taken.eq(self.request.asked)]
        column = Signal(range(layer.n_post + 1))  # j + 1
        m.d.comb += column.eq(access.word * layer.lanes + access.column + 1)
        lanes = clog2(layer.banks)
        high = (access.row & (column >> lanes)).xor()
        last = taken & access.last
        totals = Signal(
            data.ArrayLayout(sum_shape(layer), layer.banks), name="totals", reset_less=True
        )
        with m.If(taken & (access.valid | access.last)):
            for lane, total in enumerate(totals):
                minus = (column[:lanes] & lane).xor() ^ high ^ access.minus
                term = Mux(access.valid, Mux(minus, -SPIKE, SPIKE), 0)
                m.d.sync += total.eq(Mux(access.first, 0, total) + term)
        m.d.sync += [self.sums.valid.eq(last), self.sums.word.eq(access.row)]
        m.d.comb += [self.sums.soon.eq(access.row), self.sums.currents.eq(totals)]
        return m
