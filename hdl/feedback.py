"""The feedback half of a layer: its error neurons, their gate, and the spikes that wait."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import SPIKE, Machine, ceil_div
from spikeloom.hdl.columns import Columns
from spikeloom.hdl.crossbar import request_port, sum_shape, sums_port
from spikeloom.hdl.error import ErrorNeurons
from spikeloom.hdl.forward import fired_port
from spikeloom.hdl.hardware import DEFAULT, BuiltLayer, Hardware
from spikeloom.hdl.sample import SAMPLE, target_port
from spikeloom.hdl.spikes import error_port
from spikeloom.hdl.vectors import MemoryVector, RegisterVector, Vector, suits

SMALL = 32
"""Neurons up to which a vector of bits is not worth a memory."""


def down_port(layer: BuiltLayer) -> wiring.Signature:
    """Return the bundle from a layer's feedback to that of the layer below.

    over : the layer's error spikes of the step are in place (they show in the next clock).
    Where there is a layer below, waiting : there are some, from the next clock on until the layer's
    next step. back : in that clock; sum their columns. sums : what these come to.
    """
    members = {"over": Out(1)}
    if layer.index > 1:
        words = ceil_div(layer.n_pre, layer.banks)
        sums = sums_port(sum_shape(layer), layer.banks, words)
        members |= {"waiting": Out(1), "back": In(1), "sums": Out(sums)}
    return wiring.Signature(members)


def swept_port(lanes: int) -> wiring.Signature:
    """Return the bundle that shows new error spikes, a word of `lanes` neurons at a time."""
    return wiring.Signature({"valid": Out(1), "positive": Out(lanes), "negative": Out(lanes)})


class Feedback(wiring.Component):
    """Sweeps a layer's error neurons once in a training step, after those of the layer above.

    A hidden layer is swept only if an error spike waits above it, or one of its open neurons could
    fire without current (pending charge, or a gate that has just opened): any other sweep would
    change nothing. Where one waits, the sweep charges those that fired since the last that did.

    Parameters
    ----------
    machine, index : which layer, from 1. hardware : see `hdl.hardware`.

    Members
    -------
    sample : In; see `hdl.sample.SAMPLE`. target : In, output layer; see `hdl.sample.target_port`.
    above : In, hidden layer; see `down_port`. fired : In, hidden layer; opens the gates.
    dropped : In, hidden layer; neurons that stay silent in this sample.
    errors : In; reads the spikes that wait. swept : Out; those that come to wait.
    learns : Out; error spikes wait: the step that is read next is written.
    below : Out; see `down_port`. request : Out, not in the first layer; transposed accesses.
    sums : In, likewise; what these come to.

    Latency, to `below.over`: 2 clocks and one per word of output error neurons; of a hidden layer
    that is not swept one, of any other the transposed accesses and 9 (more where they wait for the
    list or a gap). Golden: `golden.neuron.error`, `golden.crossbar.transposed`.
    """

    def __init__(self, machine: Machine, index: int, hardware: Hardware = DEFAULT) -> None:
        self._machine, self._hardware = machine, hardware
        layers = hardware.of(machine)
        self._layer = layer = layers[index - 1]
        self._output = index == machine.config.depth
        self.lanes = layer.neurons if self._output else layers[index].banks
        members = {
            "sample": In(SAMPLE),
            "errors": In(error_port(layer.lanes)),
            "swept": Out(swept_port(self.lanes)),
            "learns": Out(1),
            "below": Out(down_port(layer)),
        }
        if self._output:
            self._current = signed((2 * SPIKE).bit_length())
            members["target"] = In(target_port(layer.n_post))
        else:
            self._current = sum_shape(layers[index])
            members |= {
                "above": In(down_port(layers[index])),
                "fired": In(fired_port(layer)),
                "dropped": In(layer.n_post),
            }
        if index > 1:
            members["request"] = Out(request_port(layer))
            members["sums"] = In(down_port(layer).members["sums"].signature)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build the neurons, who sweeps them, and the vector of spikes that wait."""
        m = Module()
        m.submodules.neurons = neurons = ErrorNeurons(
            self._machine,
            self._layer,
            lanes=self.lanes,
            current=self._current,
            output=self._output,
            hardware=self._hardware,
        )
        fresh, pending, waiting = Signal(), Signal(), Signal()
        silent = Signal()  # the step has no error spikes: no sweep is needed
        last = neurons.done_word == neurons.words - 1
        with m.If(self.sample.start):
            m.d.sync += [fresh.eq(1), pending.eq(0), waiting.eq(0)]
        if self._output:
            self._compare(m, neurons)
            begun = self.target.valid
        else:
            begun = self._follow(m, neurons, pending, silent)
        with m.If(begun):
            m.d.sync += waiting.eq(0)
        with m.If(neurons.done):
            with m.If((neurons.positive | neurons.negative).any()):
                m.d.sync += waiting.eq(1)
            with m.If(neurons.pending):
                m.d.sync += pending.eq(1)
            with m.If(last):
                m.d.sync += fresh.eq(0)
        m.d.comb += [
            neurons.fresh.eq(fresh),
            self.learns.eq(waiting),
            self.swept.valid.eq(neurons.done),
            self.swept.positive.eq(neurons.positive),
            self.swept.negative.eq(neurons.negative),
            self.below.over.eq((neurons.done & last) | silent),
        ]
        self._keep(m, last, self.sample.start | silent, waiting)
        return m

    def _keep(self, m: Module, last: Value, clear: Value, waiting: Value) -> None:
        """Keep error spikes for the next step's writes, and for their columns."""
        layer, swept, errors = self._layer, self.swept, self.errors
        strides = layer.lanes, self.lanes
        m.submodules.waiting = store = self._vector("waiting", strides, 2, replaced=True)
        positive, negative = store.low
        read, end = errors.read, errors.end
        m.d.comb += [errors.positive.eq(positive), errors.negative.eq(negative)]
        if layer.index > 1:
            m.submodules.columns = columns = Columns(layer, self._hardware)
            wiring.connect(m, columns.request, wiring.flipped(self.request))
            wiring.connect(m, wiring.flipped(self.sums), wiring.flipped(self.below.sums))
            m.d.comb += [
                columns.back.eq(self.below.back),
                columns.errors.positive.eq(positive),
                columns.errors.negative.eq(negative),
                self.below.waiting.eq(waiting),
            ]
            end = Mux(columns.errors.read, columns.errors.end, end)
            read = read | columns.errors.read
        m.d.comb += [
            store.turn.eq(Cat(read, swept.valid)),
            store.final.eq(Mux(swept.valid, last, end)),
            store.write.eq(swept.valid),
            store.data[0].eq(swept.positive),
            store.data[1].eq(swept.negative),
            store.clear.eq(clear),
        ]

    def _follow(self, m: Module, neurons: ErrorNeurons, pending: Value, silent: Value) -> Value:
        """Feed a hidden layer, where that is needed; return what is high when it is decided."""
        above, fired = self.above, self.fired
        deciding, opened = Signal(), Signal()  # gates have opened since the last decision
        valid1, word1 = Signal(), Signal.like(neurons.word)
        dropped = Signal(neurons.words * neurons.lanes)
        m.d.sync += [deciding.eq(above.over), valid1.eq(neurons.valid), word1.eq(neurons.word)]
        needed = above.waiting | pending | opened
        cost = self._layer.cost
        planes = 2 if cost else 1  # has fired in this sample; since it was charged
        strides = len(fired.spikes), self.lanes
        m.submodules.fired = gate = self._vector("fired", strides, planes)
        old = gate.low[0][: strides[0]]
        m.d.comb += [
            above.back.eq(deciding & needed),
            silent.eq(deciding & ~needed),
            dropped.eq(self.dropped),
            neurons.valid.eq(above.sums.valid),
            neurons.word.eq(above.sums.word),
            neurons.soon.eq(above.sums.soon),
            neurons.currents.eq(above.sums.currents),
            neurons.open.eq(gate.low[0]),
            neurons.dropped.eq(dropped.word_select(word1, neurons.lanes)),
            gate.turn.eq(Cat(fired.valid, valid1)),
            gate.final.eq(Mux(fired.valid, fired.last, word1 == neurons.words - 1)),
            gate.write.eq(fired.valid),
            gate.data[0].eq(old | fired.spikes),
            gate.clear.eq(self.sample.start),
        ]
        if cost:
            m.d.comb += [
                neurons.charged.eq(Mux(above.waiting, gate.low[1], 0)),
                gate.data[1].eq(gate.low[1] | fired.spikes),
            ]
            with m.If(valid1 & above.waiting):  # this sweep charges
                m.d.comb += [
                    gate.write.eq(1),
                    gate.data[0].eq(gate.low[0]),
                    gate.data[1].eq(0),
                ]
        with m.If(deciding & needed):
            m.d.sync += pending.eq(0)
        with m.If(deciding | self.sample.start):
            m.d.sync += opened.eq(0)
        with m.If(fired.valid & (fired.spikes & ~old).any()):
            m.d.sync += opened.eq(1)
        return deciding

    def _compare(self, m: Module, neurons: ErrorNeurons) -> None:
        """Feed the output layer, a word a clock: word 0 in the clock of `target.valid`."""
        target, words = self.target, neurons.words
        word, following = Signal(range(words + 1)), Signal(range(words + 1))
        valid = target.valid | (word != 0)
        padded = words * neurons.lanes
        wanted, counted = Signal(padded), Signal(padded)
        m.d.comb += [
            following.eq(Mux(valid & (word != words - 1), word + 1, 0)),
            neurons.valid.eq(valid),
            neurons.word.eq(word),
            neurons.soon.eq(following),
            wanted.eq(target.wanted),
            counted.eq(target.counted),
        ]
        m.d.sync += word.eq(following)
        for lane in range(neurons.lanes):
            want, have = (bits.word_select(word, neurons.lanes)[lane] for bits in (wanted, counted))
            currents = Mux(want & ~have, SPIKE, Mux(have & ~want, -SPIKE, 0))
            m.d.comb += neurons.currents[lane].eq(currents)

    def _vector(
        self, kind: str, strides: tuple[int, int], planes: int, *, replaced: bool = False
    ) -> Vector:
        """Return a vector over the layer's neurons, in a memory if that is wanted and allowed.

        replaced : every sweep of the second stride replaces everything, and the first one only
        reads.
        """
        size, hardware = self._layer.n_post, self._hardware
        allowed = (replaced or strides[0] == strides[1]) and suits(size, strides) and size > SMALL
        if hardware.drums and allowed:
            name = f"layer{self._layer.index}.{kind}"
            return MemoryVector(size, strides, planes=planes, name=name, hardware=hardware)
        return RegisterVector(size, strides, planes=planes, late=hardware.registered and replaced)
