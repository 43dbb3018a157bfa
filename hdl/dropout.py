"""Dropout of hidden neurons: which of them stay silent for a training sample."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.hdl.lfsr import random_words


class Dropout(wiring.Component):
    """Draws one word per neuron at the start of a training sample.

    Parameters
    ----------
    neurons : of the layer. chance : in 1/65536.

    Members
    -------
    start : In; a sample begins. train : In; nothing is dropped or drawn while it is 0.
    random : In; the layer's dropout stream. dropped : Out, valid once not busy. busy : Out.

    Latency: one clock per neuron (training) or one. Golden: `golden.encoder.drop`.
    """

    def __init__(self, *, neurons: int, chance: int) -> None:
        self._chance = chance
        super().__init__(
            {
                "start": In(1),
                "train": In(1),
                "random": In(random_words()),
                "dropped": Out(neurons),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Shift the decisions in, neuron 0 first."""
        m = Module()
        neurons = len(self.dropped)
        count = Signal(range(neurons + 1))
        with m.If(self.start):
            m.d.sync += [count.eq(0), self.dropped.eq(0), self.busy.eq(self.train)]
        with m.If(self.busy):
            m.d.comb += self.random.take.eq(1)
            m.d.sync += [
                self.dropped.bit_select(count, 1).eq(self.random.words[0] < self._chance),
                count.eq(count + 1),
                self.busy.eq(count != neurons - 1),
            ]
        return m
