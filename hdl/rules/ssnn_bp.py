"""The paper's rule: a step wherever a pre-synaptic spike meets an error spike."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal

from spikeloom.golden.spec.learning import CERTAIN, MAX_SHIFT
from spikeloom.golden.spec.machine import Machine
from spikeloom.hdl.hardware import BuiltLayer
from spikeloom.hdl.learning import Rule


class Coincidence(Rule):
    """Writes +step or -step where row and column meet: the crossbar is the AND.

    The note of a spike says that its row may be written: a random word was below the probability.
    Its registers may change between samples: `shift`, whose step is min(2**shift, 2**weight_bits)
    (a larger step saturates alike), and `probability`, in 1/65536.

    Latency: none (combinational); a write shows in its register one clock later, in the step two.
    Throughput: one spike per clock. Golden: `golden.rules.ssnn_bp.thin`.
    """

    def __init__(self, machine: Machine, layer: BuiltLayer) -> None:
        self._update = machine.updates(0)[layer.index - 1]
        super().__init__(layer, {"shift": range(MAX_SHIFT + 1), "probability": range(CERTAIN + 1)})

    def elaborate(self, platform: object) -> Module:
        """Where both error spikes fire their sum is 0 and nothing is written."""
        m = Module()
        layer, settings, change = self.layer, self.settings, self.change
        registers, bits = settings.registers, len(change.step) - 1
        shift = Signal.like(registers.shift, init=self._update.shift)
        probability = Signal.like(registers.probability, init=self._update.probability)
        with m.If(settings.write[0]):
            m.d.sync += shift.eq(settings.value)
        with m.If(settings.write[1]):
            m.d.sync += probability.eq(settings.value)
        large = shift > bits
        one_hot = Cat(shift == index for index in range(bits + 1))
        m.d.sync += change.step.eq(Mux(large, 1 << bits, one_hot))
        m.d.comb += [
            registers.shift.eq(shift),
            registers.probability.eq(probability),
            settings.random.take.eq(self.train & layer.spike),
            layer.note.eq(self.train & (settings.random.words[0] < probability)),
            change.keep.eq(layer.noted),
            change.up.eq(layer.positive & ~layer.negative),
            change.down.eq(layer.negative & ~layer.positive),
        ]
        return m
