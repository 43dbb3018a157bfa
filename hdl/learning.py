"""The learning rule: thinning of pre-synaptic spikes, and the step that a kept one writes."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.learning import CERTAIN, MAX_SHIFT
from spikeloom.golden.spec.machine import LayerMachine


class Thinning(wiring.Component):
    """Decides for each pre-synaptic spike whether its row may be written.

    Members
    -------
    word : In(16), the next word of the thinning stream.
    train : In; while 0 nothing is drawn and nothing is kept.
    probability : In, in 1/65536.
    spike : In, a pre-synaptic spike is passing in this clock.
    take : Out, uses up the word.
    keep : Out, this spike's rows may be written.

    Latency: none (combinational). Throughput: one spike per clock. Golden:
    `golden.learning_forms.thin`.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "word": In(16),
                "train": In(1),
                "probability": In(range(CERTAIN + 1)),
                "spike": In(1),
                "take": Out(1),
                "keep": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Compare the word with the probability."""
        m = Module()
        m.d.comb += [
            self.take.eq(self.train & self.spike),
            self.keep.eq(self.train & (self.word < self.probability)),
        ]
        return m


class Coincidence(wiring.Component):
    """What a pre-synaptic spike and a word's error spikes ask of the crossbar: the paper's rule.

    The crossbar writes where both sides meet, the AND of row and column.

    Members
    -------
    spike : In, the row may be written. positive, negative : In, error spikes of the columns.
    keep : Out, the row's side.
    up, down : Out, the columns' side, +step and -step: never both for one column.

    Latency: none (combinational). Golden: `keep AND signal` of `golden.crossbar.forward`.
    """

    def __init__(self, lanes: int) -> None:
        super().__init__(
            {
                "spike": In(1),
                "positive": In(lanes),
                "negative": In(lanes),
                "keep": Out(1),
                "up": Out(lanes),
                "down": Out(lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Where both error spikes fire their sum is 0 and nothing is written."""
        m = Module()
        m.d.comb += [
            self.keep.eq(self.spike),
            self.up.eq(self.positive & ~self.negative),
            self.down.eq(self.negative & ~self.positive),
        ]
        return m


class Step(wiring.Component):
    """The update's size and chance: registers that the host may change between samples.

    Members
    -------
    write_shift, write_probability : In, load from `value`.
    shift, probability : Out.
    step : Out(weight_bits + 1), min(2**shift, 2**weight_bits): a larger step saturates alike.

    Latency: a write shows in shift and probability one clock later, in step two clocks later.
    """

    def __init__(self, layer: LayerMachine, *, shift: int, probability: int) -> None:
        self._bits = layer.weight_bits
        self._init = (shift, probability)
        super().__init__(
            {
                "write_shift": In(1),
                "write_probability": In(1),
                "value": In(32),
                "shift": Out(range(MAX_SHIFT + 1)),
                "probability": Out(range(CERTAIN + 1)),
                "step": Out(layer.weight_bits + 1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Hold the two numbers; the step is one-hot."""
        m = Module()
        shift = Signal.like(self.shift, init=self._init[0])
        probability = Signal.like(self.probability, init=self._init[1])
        large = shift > self._bits
        one_hot = Cat(shift == index for index in range(self._bits + 1))
        m.d.sync += self.step.eq(Mux(large, 1 << self._bits, one_hot))
        m.d.comb += [self.shift.eq(shift), self.probability.eq(probability)]
        with m.If(self.write_shift):
            m.d.sync += shift.eq(self.value)
        with m.If(self.write_probability):
            m.d.sync += probability.eq(self.value)
        return m
