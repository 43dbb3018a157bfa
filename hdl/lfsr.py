"""Random words from a linear feedback shift register, up to several per clock."""

from __future__ import annotations

from functools import reduce
from operator import xor

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.lfsr import WORD_BITS, Lfsr


def advance(state: Value, lfsr: Lfsr) -> Value:
    """Return `state` one word later, as XORs of whole chunks (`golden.lfsr.advance`)."""
    for _ in range(WORD_BITS // lfsr.chunk):
        new = reduce(xor, (state[tap - lfsr.chunk : tap] for tap in lfsr.taps))
        state = Cat(new, state[: lfsr.degree - lfsr.chunk])
    return state


def random_words(draws: int = 1) -> wiring.Signature:
    """Return the bundle of a stream of random words.

    words : 16 bits each; words[0] is the next one, words[1] the one after it, ... take : 0 ..
    draws; that many words are gone at the next clock.
    """
    words = data.ArrayLayout(WORD_BITS, draws)
    return wiring.Signature({"words": Out(words), "take": In(range(draws + 1))})


class Generator(wiring.Component):
    """A named stream: the next words are always there, `take` says how many are used up.

    Parameters
    ----------
    lfsr : the polynomial.
    seed : state after power-up and reset.
    draws : the most words taken in one clock, leaping ahead.
    second : adds the inference generator: a seed register and a state of its own.
    revives : does what `begin` asks for.

    Members
    -------
    random : Out; see `random_words`.
    begin : In; a sample begins: a state of 0, which no step leaves, goes back to its seed. Not
        together with `take` or a write, nor in the two clocks after a write.
    write : In, 2 bits; puts `value` into the low / high 32 bits of the state (or of the
        inference seed, `write_seed`). Not together with `take`.
    state, seed : Out, for reading back.
    infer : In (second only); words come from the inference state, training's rests.
    restart : In (second only); the inference state goes back to its seed.

    Latency: words are valid in the clock after `take`. Throughput: `draws` words per clock.
    Golden: `golden.lfsr.advance`, called `take` times.
    """

    def __init__(
        self,
        lfsr: Lfsr,
        *,
        seed: int,
        draws: int = 1,
        second: int | None = None,
        revives: bool = True,
    ) -> None:
        self._lfsr, self._revives = lfsr, revives
        self._seeds = (seed, second)
        self.draws = draws
        members = {
            "random": Out(random_words(draws)),
            "begin": In(1),
            "write": In(2),
            "value": In(32),
            "state": Out(64),
        }
        if second is not None:
            members |= {"infer": In(1), "restart": In(1), "write_seed": In(2), "seed": Out(64)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build the register, its leaps, and the host's access."""
        m = Module()
        lfsr, degree = self._lfsr, self._lfsr.degree
        first, second = self._seeds
        main = Signal(degree, init=first)
        current: Value = main
        if second is not None:
            other, seed = Signal(degree, init=second), Signal(degree, init=second)
            current = Signal(degree)
            m.d.comb += [current.eq(Mux(self.infer, other, main)), self.seed.eq(seed)]
        leaps = [current]
        for index in range(self.draws):
            leap = Signal(degree, name=f"leap{index + 1}")
            m.d.comb += [
                leap.eq(advance(leaps[-1], lfsr)),
                self.random.words[index].eq(leap[:WORD_BITS]),
            ]
            leaps.append(leap)
        following = Signal(degree)
        m.d.comb += following.eq(leaps[1])
        with m.Switch(self.random.take):
            for count, leap in enumerate(leaps[2:], start=2):
                with m.Case(count):
                    m.d.comb += following.eq(leap)
        taking = self.random.take != 0
        m.d.comb += self.state.eq(main)

        def host(register: Signal, write: Value) -> None:
            with m.If(write[0]):
                m.d.sync += register[:32].eq(self.value)
            if degree > 32:
                with m.If(write[1]):
                    m.d.sync += register[32:].eq(self.value)

        def revive(register: Signal, init: int) -> Signal:
            blank = Signal(name=f"{register.name}_blank", reset_less=True)
            if not self._revives:
                return blank
            m.d.sync += blank.eq(register == 0)
            with m.If(self.begin & blank):
                m.d.sync += register.eq(init)
            return blank

        revive(main, first)
        if second is None:
            with m.If(taking):
                m.d.sync += main.eq(following)
        else:
            with m.If(taking & ~self.infer):
                m.d.sync += main.eq(following)
            with m.If(taking & self.infer):
                m.d.sync += other.eq(following)
            blank = revive(seed, second)
            with m.If(self.restart):
                m.d.sync += other.eq(Mux(self.begin & blank, second, seed))
            host(seed, self.write_seed)
        host(main, self.write)
        return m
