"""The composite neuron, a word of lanes at a time: forward neurons and error neurons.

The equations are `golden.neuron`'s; here is when things happen.
"""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import LayerMachine, Machine


def signed_width(*values: int) -> int:
    """Return the width of a signed number that holds every one of `values`."""
    return max((v if v >= 0 else ~v).bit_length() for v in values) + 1


def clip(value: Value, limit: int) -> Value:
    """Return `value` held between -limit and +limit."""
    return Mux(value > limit, limit, Mux(value < -limit, -limit, value))


def valid_lanes(word: Value, lanes: int, neurons: int) -> Value:
    """Return a bit per lane of word `word` that holds a neuron of the layer."""
    last = neurons // lanes if neurons % lanes else -1
    partial = (1 << neurons % lanes) - 1
    full = (1 << lanes) - 1
    return Mux(word == last, partial, full) if last >= 0 else Cat(True for _ in range(lanes))


def _state(m: Module, name: str, shape: object, words: int, addresses: tuple) -> tuple:
    """Add a memory of one word per sweep position; return (read data, write port)."""
    memory = Memory(shape=shape, depth=words, init=[])
    m.submodules[name] = memory
    read, write = memory.read_port(), memory.write_port()
    m.d.comb += [read.addr.eq(addresses[0]), write.addr.eq(addresses[1])]
    return read.data, write


def _kernel(pool: Value, current: Value, shift: int) -> tuple[Value, Value]:
    """Return (flow, rest) of a pool that took `current`: the division truncates toward zero."""
    charge = pool + current
    negative = charge < 0
    flow = Mux(negative, charge + ((1 << shift) - 1), charge) >> shift
    return flow, charge - flow


class ForwardNeurons(wiring.Component):
    """Integrate, fire and reset, one word of lanes per clock.

    Parameters
    ----------
    machine, layer : limits, reset, kernel; lanes and words of the layer.
    current : shape of one lane's current.

    Members
    -------
    valid, word, currents : In; a word's sums. soon : In; the word, one clock before.
    first : In; this is the sample's first step: membranes are taken at their start value.
    train : In, held; which set of limits. dropped : In; bit per lane, no spike (stage 2: one clock
    after `valid`).
    fired : Out(lanes) with `fired_valid`, `fired_word`; the word's spikes.

    Latency: two clocks from valid to fired. Throughput: one word per clock; a word comes back
    after three clocks or more. Golden: `golden.neuron.forward`.
    """

    def __init__(self, machine: Machine, layer: LayerMachine, current: object) -> None:
        self._machine, self._layer = machine, layer
        word = range(max(layer.words, 2))
        super().__init__(
            {
                "valid": In(1),
                "word": In(word),
                "soon": In(word),
                "currents": In(data.ArrayLayout(current, layer.lanes)),
                "first": In(1),
                "train": In(1),
                "dropped": In(layer.lanes),
                "fired": Out(layer.lanes),
                "fired_valid": Out(1),
                "fired_word": Out(word),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Stage 1: integrate, floor. Stage 2: fire, reset, limit, store."""
        m = Module()
        layer, neuron = self._layer, self._machine.config.neuron
        train, infer = layer.train, layer.infer
        same = train == infer

        def limit(name: str) -> Value:
            a, b = getattr(train, name), getattr(infer, name)
            return a if same else Mux(self.train, a, b)

        bits = signed_width(
            *(v for s in (train, infer) for v in (s.floor, s.ceiling, s.theta, s.start))
        )
        if neuron.reset == "zero":
            bits = max(bits, 2)
        lanes = data.ArrayLayout(signed(bits), layer.lanes)
        valid1, word1 = Signal(), Signal.like(self.word)
        m.d.sync += [valid1.eq(self.valid), word1.eq(self.word)]
        m.d.sync += [self.fired_valid.eq(valid1), self.fired_word.eq(word1)]
        held, write = _state(m, "membranes", lanes, layer.words, (self.soon, word1))
        flows: list[Value] = [self.currents[lane] for lane in range(layer.lanes)]
        shift = neuron.kernel_shift
        current_bits = self.currents.shape().elem_shape.width  # inhibition included
        if shift:
            width = current_bits + shift + 2
            layout = data.ArrayLayout(signed(width), layer.lanes)
            pools, pool_write = _state(m, "pools", layout, layer.words, (self.soon, self.word))
            m.d.comb += pool_write.en.eq(self.valid)
            for lane in range(layer.lanes):
                before = Mux(self.first, 0, pools[lane])
                flows[lane], rest = _kernel(before, self.currents[lane], shift)
                m.d.comb += pool_write.data[lane].eq(rest)
        m.d.comb += write.en.eq(valid1)
        wide = max(bits, current_bits) + 2
        mask = valid_lanes(word1, layer.lanes, layer.n_post)
        spikes = Signal(layer.lanes)
        for lane in range(layer.lanes):
            start = Mux(self.first, limit("start"), held[lane])
            total = Signal(signed(wide), name=f"total{lane}")
            floored = Signal(signed(wide), name=f"floored{lane}")
            m.d.comb += total.eq(start + flows[lane])
            with m.If(self.valid):
                m.d.sync += floored.eq(Mux(total < limit("floor"), limit("floor"), total))
            fire = (floored >= limit("theta")) & ~self.dropped[lane]
            after = 0 if neuron.reset == "zero" else floored - limit("theta")
            left = Mux(fire, after, floored)
            ceiling = limit("ceiling")
            m.d.comb += [
                spikes[lane].eq(fire),
                write.data[lane].eq(Mux(left > ceiling, ceiling, left)),
            ]
        with m.If(valid1):
            m.d.sync += self.fired.eq(spikes & mask)
        return m


class ErrorNeurons(wiring.Component):
    """Positive and negative gradient neurons, one word of lanes per clock.

    Parameters
    ----------
    machine, layer : threshold, saturation, kernel, gate, membranes. lanes : of a word.
    current : shape of one lane's current. output : the gate always is open.

    Members
    -------
    valid, word, currents : In; a word's sums. soon : In; the word, one clock before.
    open : In; bit per lane, the gate (stage 2: one clock after `valid`). dropped : In, likewise.
    fresh : In; membranes are taken as 0 (no sweep yet in this sample).
    positive, negative : Out(lanes) with `done`, `done_word`; never both where shared.
    pending : Out; with `done`: a neuron of the word could fire, or a pool flow, without current.

    Latency: two clocks from valid to done. Throughput: one word per clock; a word comes back
    after three clocks or more. Golden: `golden.neuron.error`.
    """

    def __init__(
        self, machine: Machine, layer: LayerMachine, *, lanes: int, current: object, output: bool
    ) -> None:
        self._machine, self._layer, self._output = machine, layer, output
        self.lanes = lanes
        self.words = -(-layer.n_post // lanes)
        word = range(max(self.words, 2))
        super().__init__(
            {
                "valid": In(1),
                "word": In(word),
                "soon": In(word),
                "currents": In(data.ArrayLayout(current, lanes)),
                "open": In(lanes),
                "dropped": In(lanes),
                "fresh": In(1),
                "positive": Out(lanes),
                "negative": Out(lanes),
                "done": Out(1),
                "done_word": Out(word),
                "pending": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Stage 1: integrate, saturate. Stage 2: fire, reset, store."""
        m = Module()
        layer, error, lanes = self._layer, self._machine.config.error, self.lanes
        theta, limit, separate = (
            layer.error_threshold,
            layer.error_max,
            error.membranes == "separate",
        )
        layout = data.ArrayLayout(signed(error.bits), lanes)
        valid1, word1 = Signal(), Signal.like(self.word)
        m.d.sync += [valid1.eq(self.valid), word1.eq(self.word)]
        m.d.sync += [self.done.eq(valid1), self.done_word.eq(word1)]
        held, write = _state(m, "membranes", layout, self.words, (self.soon, word1))
        m.d.comb += write.en.eq(valid1)
        if separate:
            held_n, write_n = _state(m, "membranes_n", layout, self.words, (self.soon, word1))
            m.d.comb += write_n.en.eq(valid1)
        current_bits = self.currents.shape().elem_shape.width
        shift = error.kernel_shift
        flowing = Signal(lanes)
        flows: list[Value] = [self.currents[lane] for lane in range(lanes)]
        if shift:
            pool_layout = data.ArrayLayout(signed(current_bits + shift + 2), lanes)
            pools, pool_write = _state(m, "pools", pool_layout, self.words, (self.soon, self.word))
            m.d.comb += pool_write.en.eq(self.valid)
            for lane in range(lanes):
                before = Mux(self.fresh, 0, pools[lane])
                flows[lane], rest = _kernel(before, self.currents[lane], shift)
                m.d.comb += pool_write.data[lane].eq(rest)
                m.d.sync += flowing[lane].eq(_kernel(rest, Const(0), shift)[0] != 0)
        mask = valid_lanes(word1, lanes, layer.n_post)
        opened = Signal(lanes)
        always = self._output or error.gate == "open"
        m.d.comb += opened.eq((~self.dropped if always else self.open & ~self.dropped) & mask)
        up, down, pend = Signal(lanes), Signal(lanes), Signal(lanes)
        wide = max(error.bits, current_bits) + 2
        for lane in range(lanes):

            def integrate(name: str, before: Value, flow: Value, lane: int = lane) -> Signal:
                total = Signal(signed(wide), name=f"{name}_total{lane}")
                out = Signal(signed(error.bits), name=f"{name}{lane}")
                m.d.comb += total.eq(Mux(self.fresh, 0, before) + flow)
                with m.If(self.valid):
                    m.d.sync += out.eq(clip(total, limit))
                return out

            x = integrate("x", held[lane], flows[lane])
            y: Value = integrate("y", held_n[lane], -flows[lane]) if separate else -x
            positive, negative = opened[lane] & (x >= theta), opened[lane] & (y >= theta)
            if separate:
                x_after, y_after = Mux(positive, x - theta, x), Mux(negative, y - theta, y)
            else:
                x_after = Mux(positive, x - theta, Mux(negative, x + theta, x))
                y_after = -x_after
            if error.gate == "discard" and not self._output:
                x_after = Mux(opened[lane], x_after, 0)
                y_after = Mux(opened[lane], y_after, 0)
            m.d.comb += [
                up[lane].eq(positive),
                down[lane].eq(negative),
                pend[lane].eq(opened[lane] & ((x_after >= theta) | (y_after >= theta))),
                write.data[lane].eq(x_after),
            ]
            if separate:
                m.d.comb += write_n.data[lane].eq(y_after)
        with m.If(valid1):
            m.d.sync += [
                self.positive.eq(up),
                self.negative.eq(down),
                self.pending.eq((pend | (flowing & mask)).any()),
            ]
        return m
