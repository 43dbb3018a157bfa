"""The output layer's softmax: its neurons never fire, in each step one of them is chosen."""

from __future__ import annotations

from amaranth import Array, Module, Mux, Signal, signed
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import LayerMachine, Machine
from spikeloom.golden.spec.wta import NOISE_BITS, NOISE_ONE, gumbel
from spikeloom.hdl.arithmetic import at_least
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.lfsr import random_words
from spikeloom.hdl.neuron import Integrators, membrane_bits


class Competition(Integrators):
    """Gives a step's one spike to the class whose membrane and noise sum to the most.

    One class per clock, as their sums come: it integrates, draws its noise, and is compared with
    the best of those before it. So one neuron, one table and one multiplier do for any number.

    Parameters
    ----------
    machine, layer, current, hardware : see `hdl.neuron.Integrators`; the noise's gains.

    Members
    -------
    valid, word, soon, currents, first, train : In; likewise, a word is a class. They come in order,
    the first one a clock or more behind the last step's `done`.
    start : In; a sample begins: the next step is its first.
    random : In; stream `noise`, drawn from in training.
    counted : Out with `done`; one bit is set, and stays until the next step's first class.

    Latency: four clocks from the last class to done. Golden: `golden.neuron.integrate`,
    `golden.wta.compete`.
    """

    def __init__(
        self,
        machine: Machine,
        layer: LayerMachine,
        *,
        current: object,
        hardware: Hardware = DEFAULT,
    ) -> None:
        members = {
            "start": In(1),
            "random": In(random_words()),
            "counted": Out(layer.n_post),
            "done": Out(1),
        }
        super().__init__(
            machine, layer, lanes=1, current=current, hardware=hardware, members=members
        )

    def elaborate(self, platform: object) -> Module:
        """Stages: integrate, look up; limit, multiply; add; compare."""
        m = Module()
        bits = membrane_bits(self._layer)
        valid1, word1, (charge,), stored = self._integrate(m, bits)
        ceiling = self._limit(lambda s: s.ceiling)
        membrane = Signal(signed(bits), reset_less=True)
        m.d.comb += stored[0].eq(Mux(at_least(charge, ceiling), ceiling, charge))
        m.d.sync += membrane.eq(stored[0])

        step = Signal(range(self._machine.config.steps))
        gain = Signal(range(max(self._machine.noise_gain) + 1), reset_less=True)
        with m.If(self.done):
            m.d.sync += step.eq(step + 1)
        with m.If(self.start):
            m.d.sync += step.eq(0)
        m.d.sync += gain.eq(Array(self._machine.noise_gain)[step])  # a clock late, between steps
        # a word that nobody takes stays: inferring, every class has the same noise, which is none
        m.d.comb += self.random.take.eq(self.valid & self.train)
        table = gumbel()
        drawn = Signal(range(min(table), max(table) + 1), reset_less=True)
        m.d.sync += drawn.eq(Array(table)[self.random.words[0][:NOISE_BITS]])
        scaled = (drawn * gain) >> NOISE_ONE
        noise = Signal.like(scaled, name="noise", reset_less=True)
        m.d.sync += noise.eq(scaled)

        total = membrane + noise
        score = Signal.like(total, name="score", reset_less=True)
        best = Signal.like(score, reset_less=True)
        valid2, valid3, word2, word3 = Signal(), Signal(), *(Signal.like(word1) for _ in range(2))
        m.d.sync += [
            score.eq(total),
            valid2.eq(valid1),
            valid3.eq(valid2),
            word2.eq(word1),
            word3.eq(word2),
            self.done.eq(valid3 & (word3 == self.words - 1)),
        ]
        with m.If(valid3 & ((word3 == 0) | (score > best))):
            m.d.sync += [best.eq(score), self.counted.eq(1 << word3)]
        return m
