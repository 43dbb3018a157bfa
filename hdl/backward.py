"""Error spikes from the output layer down: who computes when, and the spikes that wait."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import SPIKE, Machine
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

    Members
    -------
    start : In; a sample begins. valid : In; the output layer has taken a training step.
    wanted, counted : In, with valid and until over; label spikes and output spikes.
    over : Out; the step's error spikes are in place (they show in the next clock).
    clear : In; clears the counters. positives, negatives : Out, error spikes per layer.

    Latency: 3 clocks a layer without errors, else the transposed accesses and 7 clocks.
    Golden: `_backward` of `golden.network`.
    """

    def __init__(self, machine: Machine, layers: list[Layer]) -> None:
        self._machine, self._layers = machine, layers
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
        with m.If(self.start):
            m.d.sync += [fresh.eq(1) for fresh in self._fresh]
            m.d.sync += [pending.eq(0) for pending in self._pending]
        errors = [self._hidden(m, i) for i in range(len(layers) - 1)]
        errors.append(self._output(m))
        self._vectors = [self._vector(m, i, neurons) for i, neurons in enumerate(errors)]
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
        waiting = (self._vectors[i][0] | self._vectors[i][1]).any()
        m.d.comb += below.seen.eq(1)
        with m.If(waiting | self._pending[i - 1] | below.fresh_fire):
            m.d.comb += above.back.eq(1)
            m.d.sync += self._pending[i - 1].eq(0)
            m.next = f"SWEEP{i}"
        with m.Else():
            m.d.sync += [vector.eq(0) for vector in self._vectors[i - 1]]
            self._descend(m, i - 1)

    def _vector(self, m: Module, i: int, neurons: ErrorNeurons) -> tuple[Signal, Signal]:
        """Keep a layer's error spikes for the next step, and count them."""
        layer = self._layers[i]
        size = max(layer.padded, neurons.words * neurons.lanes)
        up, down = Signal(size, name=f"positive{i + 1}"), Signal(size, name=f"negative{i + 1}")
        m.d.comb += [layer.positive.eq(up), layer.negative.eq(down)]
        counts = (self.positives[i], self.negatives[i])
        for vector, word, count in zip(
            (up, down), (neurons.positive, neurons.negative), counts, strict=True
        ):
            with m.If(neurons.done):
                m.d.sync += vector.word_select(neurons.done_word, neurons.lanes).eq(word)
                m.d.sync += count.eq(count + sum(word[lane] for lane in range(neurons.lanes)))
            with m.If(self.start):
                m.d.sync += vector.eq(0)
            with m.If(self.clear):
                m.d.sync += count.eq(0)
        with m.If(neurons.done & neurons.pending):
            m.d.sync += self._pending[i].eq(1)
        m.d.comb += neurons.fresh.eq(self._fresh[i])
        return up, down

    def _hidden(self, m: Module, i: int) -> ErrorNeurons:
        """Add the error neurons of a hidden layer, fed by the crossbar above it."""
        layer, above = self._layers[i], self._layers[i + 1]
        neurons = ErrorNeurons(
            self._machine,
            layer.layer,
            lanes=above.crossbar.width,
            current=above.sums.shape().elem_shape,
            output=False,
        )
        m.submodules[f"errors{i + 1}"] = neurons
        word1 = Signal.like(neurons.word)
        m.d.sync += word1.eq(neurons.word)
        padding = neurons.words * neurons.lanes
        fired, dropped = Signal(padding, name=f"fired{i + 1}"), Signal(padding, name=f"drop{i + 1}")
        m.d.comb += [
            fired.eq(layer.fired),
            dropped.eq(layer.dropped),
            neurons.valid.eq(above.sums_valid),
            neurons.word.eq(above.sums_word),
            neurons.soon.eq(above.sums_soon),
            neurons.currents.eq(above.sums),
            neurons.open.eq(fired.word_select(word1, neurons.lanes)),
            neurons.dropped.eq(dropped.word_select(word1, neurons.lanes)),
        ]
        return neurons

    def _output(self, m: Module) -> ErrorNeurons:
        """Add the output error neurons and their sweep: word 0 in the clock of `valid`."""
        layer = self._layers[-1].layer
        neurons = ErrorNeurons(
            self._machine,
            layer,
            lanes=layer.lanes,
            current=signed((2 * SPIKE).bit_length()),
            output=True,
        )
        m.submodules[f"errors{len(self._layers)}"] = neurons
        word, following = Signal(range(layer.words + 1)), Signal(range(layer.words + 1))
        valid = self.valid | (word != 0)
        m.d.comb += [
            following.eq(Mux(valid & (word != layer.words - 1), word + 1, 0)),
            neurons.valid.eq(valid),
            neurons.word.eq(word),
            neurons.soon.eq(following),
        ]
        m.d.sync += word.eq(following)
        wanted, counted = self._word(m, self.wanted, word), self._word(m, self.counted, word)
        for lane in range(layer.lanes):
            up, down = wanted[lane] & ~counted[lane], counted[lane] & ~wanted[lane]
            m.d.comb += neurons.currents[lane].eq(Mux(up, SPIKE, Mux(down, -SPIKE, 0)))
        return neurons

    def _word(self, m: Module, bits: Value, word: Signal) -> Value:
        layer = self._layers[-1].layer
        padded = Signal(layer.words * layer.lanes)
        m.d.comb += padded.eq(bits)
        return padded.word_select(word, layer.lanes)
