"""Lateral inhibition of the output layer: which of its spikes count."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import SPIKE, LayerMachine, Machine, ceil_div
from spikeloom.golden.spec.wta import CEILING, FLOOR, START


class Wta(wiring.Component):
    """Winner take all over the whole output layer, of the configured kind.

    Parameters
    ----------
    machine : kind and strength. layer : the output layer. current : shape of one lane's sum.
    lanes : sums per word.

    Members
    -------
    start : In; a sample begins.
    sums, word : In; a word of crossbar sums. currents : Out, the same less the lateral kind's
    inhibition (combinational).
    valid, raw : In; all raw spikes of the step, held in the clock after valid too.
    counted : Out with `done`; the spikes that count, held until the next step's.

    Latency: valid to done one clock (kinds none and lateral) or two. Throughput: one step per two
    clocks. Golden: `golden.wta.inhibit`, `golden.wta.stage`.
    """

    def __init__(
        self, machine: Machine, layer: LayerMachine, current: object, *, lanes: int
    ) -> None:
        self._kind, self._layer, self._lanes = machine.config.wta.kind, layer, lanes
        self._words = ceil_div(layer.n_post, lanes)
        neurons = layer.n_post
        wide = current.width + (neurons * layer.inhibition).bit_length() + 1
        self.current = signed(wide) if self._kind == "lateral" else current
        super().__init__(
            {
                "start": In(1),
                "sums": In(data.ArrayLayout(current, lanes)),
                "word": In(range(max(self._words, 2))),
                "currents": Out(data.ArrayLayout(self.current, lanes)),
                "valid": In(1),
                "raw": In(neurons),
                "counted": Out(neurons),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the kind's datapath."""
        m = Module()
        n, lanes, strength = self._layer.n_post, self._lanes, self._layer.inhibition
        for lane in range(lanes):
            m.d.comb += self.currents[lane].eq(self.sums[lane])
        with m.If(self.start):
            m.d.sync += self.counted.eq(0)
        if self._kind in ("none", "lateral"):
            m.d.sync += self.done.eq(self.valid)
            with m.If(self.valid):
                m.d.sync += self.counted.eq(self.raw)
        if self._kind == "lateral":
            total = Signal(range(n * strength + 1))
            m.d.comb += total.eq(_population(self.counted) * strength)
            before = Signal(lanes * self._words)
            m.d.comb += before.eq(self.counted)
            mine = before.word_select(self.word, lanes)
            for lane in range(lanes):
                own = Mux(mine[lane], strength, 0)
                m.d.comb += self.currents[lane].eq(self.sums[lane] - (total - own))
        if self._kind in ("feedforward", "recurrent"):
            self._stage(m)
        return m

    def _stage(self, m: Module) -> None:
        """Second IF stage: sum the inhibiting spikes, then step all stage neurons at once."""
        n, strength = self._layer.n_post, self._layer.inhibition
        source = self.raw if self._kind == "feedforward" else self.counted
        total = Signal(range(n * strength + 1))
        inhibiting = Signal(n)
        valid1 = Signal()
        m.d.sync += [
            total.eq(_population(source) * strength),
            inhibiting.eq(source),
            valid1.eq(self.valid),
            self.done.eq(valid1),
        ]
        wide = signed((n * strength + 8 * SPIKE).bit_length() + 1)
        for j in range(n):
            u = Signal(signed(12), init=START, name=f"stage{j}")
            pushed, floored = Signal(wide, name=f"pushed{j}"), Signal(wide, name=f"floored{j}")
            own = Mux(inhibiting[j], strength, 0)
            fire = floored >= SPIKE
            left = Mux(fire, floored - SPIKE, floored)
            m.d.comb += [
                pushed.eq(u + Mux(self.raw[j], SPIKE, 0) - (total - own)),
                floored.eq(Mux(pushed < FLOOR, FLOOR, pushed)),
            ]
            with m.If(valid1):
                m.d.sync += [
                    self.counted[j].eq(fire),
                    u.eq(Mux(left > CEILING, CEILING, left)),
                ]
            with m.If(self.start):
                m.d.sync += u.eq(START)


def _population(bits: Value) -> Value:
    """Return how many bits are set."""
    return sum((bits[i] for i in range(len(bits))), start=bits[0] & 0)
