"""Error spikes from the output layer down: who computes when, and the spikes that wait."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import SPIKE, Machine
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.layer import Layer
from spikeloom.hdl.neuron import ErrorNeurons


class Backward(wiring.Component):
    """Error neurons of all layers, swept after the output layer has taken a training step.

    A hidden layer is swept only if an error spike waits above it, or one of its open neurons
    could fire without current (pending charge, or a gate that has just opened): any other sweep
    would change nothing.

    Parameters
    ----------
    machine : the network. layers : its layers; their sums and flags are connected here.
    hardware : what the memories are made of, and whether error spikes are counted.

    Members
    -------
    start : In; a sample begins. valid : In; the output layer has taken a training step.
    wanted, counted : In, with valid and until over; label spikes and output spikes.
    over : Out; the step's error spikes are in place (they show in the next clock).
    clear : In; clears the counters. positives, negatives : Out, error spikes per layer.

    Latency: 2 clocks and one per word of output error neurons; a hidden layer that is not swept one
    more, any other the transposed accesses and 9 (more where they wait for the list or a gap).
    Golden: `_backward` of `golden.network`.
    """

    def __init__(self, machine: Machine, layers: list[Layer], hardware: Hardware = DEFAULT) -> None:
        self._machine, self._layers, self._hardware = machine, layers, hardware
        depth, classes = len(layers), machine.config.sizes[-1]
        super().__init__(
            {
                "start": In(1),
                "valid": In(1),
                "wanted": In(classes),
                "counted": In(classes),
                "over": Out(1),
                "clear": In(1),
                "positives": Out(data.ArrayLayout(32, depth)),
                "negatives": Out(data.ArrayLayout(32, depth)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build neurons, vectors of waiting spikes, and the order of sweeps."""
        m = Module()
        layers = self._layers
        self._pending = [Signal(name=f"pending{i + 1}") for i in range(len(layers))]
        self._fresh = [Signal(name=f"fresh{i + 1}") for i in range(len(layers))]
        self._waiting = [Signal(name=f"waiting{i + 1}") for i in range(len(layers))]
        self._silent = [Signal(name=f"silent{i + 1}") for i in range(len(layers))]
        with m.If(self.start):
            m.d.sync += [fresh.eq(1) for fresh in self._fresh]
            m.d.sync += [pending.eq(0) for pending in self._pending]
            m.d.sync += [waiting.eq(0) for waiting in self._waiting]
        errors = [self._hidden(m, i) for i in range(len(layers) - 1)]
        errors.append(self._output(m))
        for i, neurons in enumerate(errors):
            self._collect(m, i, neurons)
        with m.If(self.valid):
            m.d.sync += self._waiting[-1].eq(0)
        finished = [n.done & (n.done_word == n.words - 1) for n in errors]
        for fresh, end in zip(self._fresh, finished, strict=True):
            with m.If(end):
                m.d.sync += fresh.eq(0)
        with m.FSM(name="sweeps"):
            with m.State("OUTPUT"), m.If(finished[-1]):
                self._descend(m, len(layers) - 1)
            for i in range(len(layers) - 1, 0, -1):
                with m.State(f"DECIDE{i}"):
                    self._decide(m, i)
                with m.State(f"SWEEP{i}"), m.If(finished[i - 1]):
                    self._descend(m, i - 1)
        return m

    def _descend(self, m: Module, i: int) -> None:
        """Go on to the layer below number `i` (from 0), or end the step."""
        if i:
            m.next = f"DECIDE{i}"
        else:
            m.d.comb += self.over.eq(1)
            m.next = "OUTPUT"

    def _decide(self, m: Module, i: int) -> None:
        """Sweep the layer below number `i`, or find that it has no error spikes."""
        above, below = self._layers[i], self._layers[i - 1]
        m.d.comb += below.seen.eq(1)
        m.d.sync += self._waiting[i - 1].eq(0)
        with m.If(self._waiting[i] | self._pending[i - 1] | below.fresh_fire):
            m.d.comb += above.back.eq(1)
            m.d.sync += self._pending[i - 1].eq(0)
            m.next = f"SWEEP{i}"
        with m.Else():
            m.d.comb += self._silent[i - 1].eq(1)
            self._descend(m, i - 1)

    def _collect(self, m: Module, i: int, neurons: ErrorNeurons) -> None:
        """Keep a layer's error spikes for the next step, and count them."""
        layer = self._layers[i]
        m.d.comb += [
            neurons.fresh.eq(self._fresh[i]),
            layer.error_clear.eq(self.start | self._silent[i]),
            layer.error_valid.eq(neurons.done),
            layer.error_final.eq(neurons.done_word == neurons.words - 1),
            layer.error_up.eq(neurons.positive),
            layer.error_down.eq(neurons.negative),
        ]
        with m.If(neurons.done & (neurons.positive | neurons.negative).any()):
            m.d.sync += self._waiting[i].eq(1)
        with m.If(neurons.done & neurons.pending):
            m.d.sync += self._pending[i].eq(1)
        if not self._hardware.counters:
            return
        counts = (self.positives[i], self.negatives[i])
        for word, count in zip((neurons.positive, neurons.negative), counts, strict=True):
            with m.If(neurons.done):
                m.d.sync += count.eq(count + sum(word[lane] for lane in range(neurons.lanes)))
            with m.If(self.clear):
                m.d.sync += count.eq(0)

    def _hidden(self, m: Module, i: int) -> ErrorNeurons:
        """Add the error neurons of a hidden layer, fed by the crossbar above it."""
        layer, above = self._layers[i], self._layers[i + 1]
        neurons = ErrorNeurons(
            self._machine,
            layer.layer,
            lanes=layer.error_lanes,
            current=above.sums.shape().elem_shape,
            output=False,
            hardware=self._hardware,
        )
        m.submodules[f"errors{i + 1}"] = neurons
        valid1, word1 = Signal(), Signal.like(neurons.word)
        m.d.sync += [valid1.eq(neurons.valid), word1.eq(neurons.word)]
        dropped = Signal(neurons.words * neurons.lanes, name=f"drop{i + 1}")
        m.d.comb += [
            dropped.eq(layer.dropped),
            neurons.valid.eq(above.sums_valid),
            neurons.word.eq(above.sums_word),
            neurons.soon.eq(above.sums_soon),
            neurons.currents.eq(above.sums),
            neurons.open.eq(layer.fired),
            neurons.dropped.eq(dropped.word_select(word1, neurons.lanes)),
            layer.fired_turn.eq(valid1),
            layer.fired_final.eq(word1 == neurons.words - 1),
        ]
        return neurons

    def _output(self, m: Module) -> ErrorNeurons:
        """Add the output error neurons and their sweep: word 0 in the clock of `valid`."""
        layer = self._layers[-1]
        neurons = ErrorNeurons(
            self._machine,
            layer.layer,
            lanes=layer.error_lanes,
            current=signed((2 * SPIKE).bit_length()),
            output=True,
            hardware=self._hardware,
        )
        m.submodules[f"errors{len(self._layers)}"] = neurons
        words = neurons.words
        word, following = Signal(range(words + 1)), Signal(range(words + 1))
        valid = self.valid | (word != 0)
        m.d.comb += [
            following.eq(Mux(valid & (word != words - 1), word + 1, 0)),
            neurons.valid.eq(valid),
            neurons.word.eq(word),
            neurons.soon.eq(following),
        ]
        m.d.sync += word.eq(following)
        padded = words * neurons.lanes
        wanted, counted = Signal(padded), Signal(padded)
        m.d.comb += [wanted.eq(self.wanted), counted.eq(self.counted)]
        for lane in range(neurons.lanes):
            want, have = (bits.word_select(word, neurons.lanes)[lane] for bits in (wanted, counted))
            currents = Mux(want & ~have, SPIKE, Mux(have & ~want, -SPIKE, 0))
            m.d.comb += neurons.currents[lane].eq(currents)
        return neurons
