"""The composite neuron, a word of lanes at a time: forward neurons; `hdl.error` has the other half.

The equations are `golden.neuron`'s; here is when things happen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amaranth import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Member, Out

from spikeloom.golden.spec.machine import LayerMachine, Machine, ceil_div
from spikeloom.golden.spec.neuron import Leak, Membrane
from spikeloom.hdl.arithmetic import at_least
from spikeloom.hdl.hardware import DEFAULT, Hardware


def signed_width(*values: int) -> int:
    """Return the width of a signed number that holds every one of `values`."""
    return max((v if v >= 0 else ~v).bit_length() for v in values) + 1


def membrane_bits(layer: LayerMachine) -> int:
    """Return the width of a layer's membranes."""
    limits = (layer.train, layer.infer)
    every = ((s.floor, s.ceiling, s.theta, s.start, s.theta - s.drop) for s in limits)
    return signed_width(*(v for values in every for v in values))


def word_shape(layer: LayerMachine, lanes: int) -> range:
    """Return the numbers of a layer's words; one bit at least."""
    return range(max(ceil_div(layer.n_post, lanes), 2))


def valid_lanes(word: Value, lanes: int, neurons: int) -> Value:
    """Return a bit per lane of word `word` that holds a neuron of the layer."""
    full = (1 << lanes) - 1
    if neurons % lanes == 0:
        return Const(full, lanes)
    return Mux(word == neurons // lanes, full >> (lanes - neurons % lanes), full)


def state(
    m: Module, hardware: Hardware, name: str, shape: object, words: int, addresses: tuple
) -> tuple:
    """Add a memory of one word per sweep position; return (read data, write port)."""
    memory = hardware.memory(m, name, shape, words)
    read, write = memory.read_port(), memory.write_port()
    m.d.comb += [read.addr.eq(addresses[0]), write.addr.eq(addresses[1])]
    return read.data, write


def kernel(pool: Value, current: Value, shift: int) -> tuple[Value, Value]:
    """Return (flow, rest) of a pool that took `current`: the division truncates toward zero."""
    charge = pool + current
    negative = charge < 0
    flow = Mux(negative, charge + ((1 << shift) - 1), charge) >> shift
    return flow, charge - flow


def left(v: Value, leak: Leak) -> Value:
    """Return what a leak leaves of a membrane, whose shifts round down."""
    if not leak:
        return v
    rest = v - (v >> leak.first)
    return rest - leak.sign * (v >> leak.second) if leak.sign else rest


def pooled(
    m: Module, hardware: Hardware, neurons: wiring.Component, name: str, shift: int, empty: Value
) -> tuple[list[Value], list[Value]]:
    """Return what flows to a word of neurons, and what is left in their pools: none at shift 0.

    name : of the memory of pools. empty : the pools are taken as 0.
    """
    currents, rests = neurons.currents, []
    flows: list[Value] = [currents[lane] for lane in range(neurons.lanes)]
    if shift:
        bits = currents.shape().elem_shape.width + shift + 2  # inhibition included
        layout = data.ArrayLayout(signed(bits), neurons.lanes)
        addresses = neurons.soon, neurons.word
        pools, write = state(m, hardware, name, layout, neurons.words, addresses)
        m.d.comb += write.en.eq(neurons.valid)
        for lane, current in enumerate(flows):
            flows[lane], rest = kernel(Mux(empty, 0, pools[lane]), current, shift)
            rests.append(rest)
            m.d.comb += write.data[lane].eq(rest)
    return flows, rests


class Neurons(wiring.Component):
    """What all neurons have in common: they take the sums of a layer, a word at a time.

    Parameters
    ----------
    machine, layer : whose. lanes : neurons of a word. current : shape of one lane's current.
    hardware : what the memories are made of. members : what else they have.

    Members
    -------
    valid, word, currents : In; a word's sums. soon : In; the word, one clock before.

    Throughput: one word per clock; a word comes back after three clocks or more.
    """

    def __init__(
        self,
        machine: Machine,
        layer: LayerMachine,
        *,
        lanes: int,
        current: object,
        hardware: Hardware,
        members: dict[str, Member],
    ) -> None:
        self._machine, self._layer, self._hardware = machine, layer, hardware
        self.lanes, self.words = lanes, ceil_div(layer.n_post, lanes)
        word = word_shape(layer, lanes)
        super().__init__(
            {
                "valid": In(1),
                "word": In(word),
                "soon": In(word),
                "currents": In(data.ArrayLayout(current, lanes)),
                **members,
            }
        )


class Integrators(Neurons):
    """Neurons that sum up currents: a membrane each, a pool, a leak, a floor.

    Parameters
    ----------
    machine, layer : limits, kernel, leak. Others: see `Neurons`.

    Members
    -------
    valid, word, soon, currents : In; see `Neurons`.
    first : In; this is the sample's first step: membranes are taken at their start value.
    train : In, held; which set of limits.
    """

    def __init__(
        self, machine: Machine, layer: LayerMachine, *, members: dict[str, Member], **built: Any
    ) -> None:
        members = {"first": In(1), "train": In(1), **members}
        super().__init__(machine, layer, members=members, **built)

    def _limit(self, of: Callable[[Membrane], int]) -> Value | int:
        """Return a limit of the sample that runs."""
        a, b = of(self._layer.train), of(self._layer.infer)
        return a if a == b else Mux(self.train, a, b)

    def _integrate(self, m: Module, bits: int) -> tuple[Value, Value, list[Signal], Value]:
        """Add a word's currents to its membranes, `bits` wide.

        Returns, of the clock after `valid`: that it was, the word, each membrane, held above the
        floor; and the lanes to store them in.
        """
        layer, neuron, count = self._layer, self._machine.config.neuron, self.lanes
        lanes = data.ArrayLayout(signed(bits), count)
        valid1, word1 = Signal(), Signal.like(self.word)
        m.d.sync += [valid1.eq(self.valid), word1.eq(self.word)]
        name = f"neurons{layer.index}"
        held, write = state(
            m, self._hardware, f"{name}.membranes", lanes, self.words, (self.soon, word1)
        )
        shift = neuron.kernel_shift
        flows, _ = pooled(m, self._hardware, self, f"{name}.pools", shift, self.first)
        m.d.comb += write.en.eq(valid1)
        start, floor = self._limit(lambda s: s.start), self._limit(lambda s: s.floor)
        charges = []
        for lane in range(count):
            before = Mux(self.first, start, left(held[lane], layer.leak))
            after = before + flows[lane]  # no spare bit: Verilator sees a loop in a copied sign
            total = Signal.like(after, name=f"total{lane}")
            floored = Signal.like(after, name=f"floored{lane}", reset_less=True)
            m.d.comb += total.eq(after)
            with m.If(self.valid):
                m.d.sync += floored.eq(Mux(at_least(total, floor), total, floor))
            charges.append(floored)
        return valid1, word1, charges, write.data


class ForwardNeurons(Integrators):
    """Integrate, fire and reset, one word of lanes per clock.

    Parameters
    ----------
    machine, layer, lanes, current, hardware : see `Integrators`; reset.

    Members
    -------
    valid, word, soon, currents, first, train : In; see `Integrators`.
    dropped : In; bit per lane, no spike (stage 2: one clock after `valid`).
    fired : Out(lanes) with `fired_valid`, `fired_word`; the word's spikes.

    Latency: two clocks from valid to fired. Golden: `golden.neuron.forward`.
    """

    def __init__(
        self,
        machine: Machine,
        layer: LayerMachine,
        *,
        lanes: int,
        current: object,
        hardware: Hardware = DEFAULT,
    ) -> None:
        word = Out(word_shape(layer, lanes))
        fired = {"fired": Out(lanes), "fired_valid": Out(1), "fired_word": word}
        super().__init__(
            machine,
            layer,
            lanes=lanes,
            current=current,
            hardware=hardware,
            members={"dropped": In(lanes), **fired},
        )

    def elaborate(self, platform: object) -> Module:
        """Stage 1: integrate, floor. Stage 2: fire, reset, limit, store."""
        m = Module()
        layer, neuron, count = self._layer, self._machine.config.neuron, self.lanes
        bits = membrane_bits(layer)
        if neuron.reset == "zero":
            bits = max(bits, 2)
        valid1, word1, charges, stored = self._integrate(m, bits)
        m.d.sync += [self.fired_valid.eq(valid1), self.fired_word.eq(word1)]
        mask = valid_lanes(word1, count, layer.n_post)
        spikes = Signal(count)
        theta, ceiling = self._limit(lambda s: s.theta), self._limit(lambda s: s.ceiling)
        after_reset, drop = self._limit(lambda s: s.drop + s.ceiling), self._limit(lambda s: s.drop)
        for lane, floored in enumerate(charges):
            # comparisons side by side, not one after the other: "left > ceiling" is asked of both
            # values that may be left
            reached, kept = Signal(name=f"reached{lane}"), Signal(signed(bits), name=f"kept{lane}")
            reset: Value | int = 0
            if neuron.reset == "subtract":
                reset = Mux(at_least(floored, after_reset), ceiling, floored - drop)
            m.d.comb += [
                reached.eq(at_least(floored, theta)),
                kept.eq(Mux(at_least(floored, ceiling), ceiling, floored)),
                spikes[lane].eq(reached & ~self.dropped[lane]),
                stored[lane].eq(Mux(spikes[lane], reset, kept)),
            ]
        with m.If(valid1):
            m.d.sync += self.fired.eq(spikes & mask)
        return m
