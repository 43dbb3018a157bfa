"""The composite neuron's other half, a word of lanes at a time: error neurons.

The equations are `golden.neuron`'s; here is when things happen.
"""

from __future__ import annotations

from amaranth import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import LayerMachine, Machine
from spikeloom.hdl.arithmetic import at_least, at_most, clip
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.neuron import (
    Neurons,
    kernel,
    pooled,
    signed_width,
    state,
    valid_lanes,
    word_shape,
)


def _gain(spikes: list[tuple[Value, int]], due: int) -> Value:
    """Return `due` and the reset of the spike that there is: one constant, for one adder."""
    found: Value = Const(due, signed(signed_width(due)))
    for fires, reset in spikes:
        found = Mux(fires, reset + due, found)
    return found


class ErrorNeurons(Neurons):
    """Positive and negative gradient neurons, one word of lanes per clock.

    Parameters
    ----------
    machine, layer : threshold, saturation, kernel, gate, membranes. output : the gate always is
    open. Others: see `hdl.neuron.Neurons`.

    Members
    -------
    valid, word, soon, currents : In; see `hdl.neuron.Neurons`.
    open : In; bit per lane, the gate (stage 2: one clock after `valid`). dropped : In, likewise.
    charged : In, only where the layer has a cost, likewise; it is taken from the membrane. Only of
    neurons whose gate has opened.
    fresh : In; membranes are taken as 0 (no sweep yet in this sample).
    positive, negative : Out(lanes) with `done`, `done_word`; never both where shared.
    pending : Out; with `done`: a neuron of the word could fire, or a pool flow, without current
    (or a neuron lacks no more than the cost of what it needs to fire).

    Latency: two clocks from valid to done. Golden: `golden.neuron.error`.
    """

    def __init__(
        self,
        machine: Machine,
        layer: LayerMachine,
        *,
        lanes: int,
        current: object,
        output: bool,
        hardware: Hardware = DEFAULT,
    ) -> None:
        self._output = output
        members = {
            "open": In(lanes),
            "dropped": In(lanes),
            "fresh": In(1),
            "positive": Out(lanes),
            "negative": Out(lanes),
            "done": Out(1),
            "done_word": Out(word_shape(layer, lanes)),
            "pending": Out(1),
        }
        if layer.cost:
            members["charged"] = In(lanes)
        super().__init__(
            machine, layer, lanes=lanes, current=current, hardware=hardware, members=members
        )

    def elaborate(self, platform: object) -> Module:
        """Stage 1: integrate, saturate. Stage 2: fire, reset, charge, store."""
        m = Module()
        layer, error, lanes = self._layer, self._machine.config.error, self.lanes
        theta, limit, separate = (
            layer.error_threshold,
            layer.error_max,
            error.membranes == "separate",
        )
        # what is charged comes after saturation: separate membranes may go beyond it by the cost
        cost, reach = layer.cost, layer.cost + (limit if separate else theta)
        layout = data.ArrayLayout(signed(signed_width(limit, reach, -reach)), lanes)
        valid1, word1 = Signal(), Signal.like(self.word)
        m.d.sync += [valid1.eq(self.valid), word1.eq(self.word)]
        m.d.sync += [self.done.eq(valid1), self.done_word.eq(word1)]
        name, late = f"errors{layer.index}", (self.soon, word1)
        held, write = state(m, self._hardware, f"{name}.membranes", layout, self.words, late)
        m.d.comb += write.en.eq(valid1)
        if separate:
            held_n, write_n = state(m, self._hardware, f"{name}.negative", layout, self.words, late)
            m.d.comb += write_n.en.eq(valid1)
        shift = error.kernel_shift
        flows, rests = pooled(m, self._hardware, self, f"{name}.pools", shift, self.fresh)
        flowing = Signal(lanes)
        for lane, rest in enumerate(rests):
            m.d.sync += flowing[lane].eq(kernel(rest, Const(0), shift)[0] != 0)
        mask = valid_lanes(word1, lanes, layer.n_post)
        opened = Signal(lanes)
        always = self._output or error.gate == "open"
        m.d.comb += opened.eq((~self.dropped if always else self.open & ~self.dropped) & mask)
        up, down, pend = Signal(lanes), Signal(lanes), Signal(lanes)
        for lane in range(lanes):

            def integrate(name: str, before: Value, flow: Value, lane: int = lane) -> Signal:
                after = Mux(self.fresh, 0, before) + flow
                total = Signal.like(after, name=f"{name}_total{lane}")
                out = Signal(signed(error.bits), name=f"{name}{lane}", reset_less=True)
                m.d.comb += total.eq(after)
                with m.If(self.valid):
                    m.d.sync += out.eq(clip(total, limit))
                return out

            x = integrate("x", held[lane], flows[lane])
            y = integrate("y", held_n[lane], -flows[lane]) if separate else None

            def below(least: int, x: Signal = x, y: Signal | None = y) -> Value:
                return at_most(x, -least) if y is None else at_least(y, least)

            positive, negative = opened[lane] & at_least(x, theta), opened[lane] & below(theta)
            up_again, down_again = at_least(x, 2 * theta), below(2 * theta - cost)
            left = [(write, x, [(positive, -theta), (negative, theta)], -cost)]
            if separate:
                left = [
                    (write, x, [(positive, -theta)], -cost),
                    (write_n, y, [(negative, -theta)], cost),
                ]
            if cost:
                down_again |= self.charged[lane] & ~below(theta) & below(theta - cost)
                if cost == theta and not separate:
                    up_again |= self.charged[lane] & positive
            m.d.comb += [
                up[lane].eq(positive),
                down[lane].eq(negative),
                pend[lane].eq(opened[lane] & (up_again | down_again)),
            ]
            for port, before, spikes, due in left:
                gain = _gain(spikes, 0)
                if cost:
                    gain = Mux(self.charged[lane], _gain(spikes, due), gain)
                after = before + gain
                if error.gate == "discard" and not self._output:
                    after = Mux(opened[lane], after, 0)
                m.d.comb += port.data[lane].eq(after)
        with m.If(valid1):
            m.d.sync += [
                self.positive.eq(up),
                self.negative.eq(down),
                self.pending.eq((pend | (flowing & mask)).any()),
            ]
        return m
