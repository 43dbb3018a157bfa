"""Proofs about `hdl.lfsr`: never zero, full period, leaps that are single shifts."""

from __future__ import annotations

from functools import partial, reduce
from operator import xor
from types import ModuleType

from amaranth import Array, Cat, Mux, Signal, Value
from mutants import Mutant, of

from formal.proof import Harness, Proof
from spikeloom.golden.spec.lfsr import CATALOG, WORD_BITS, Lfsr
from spikeloom.hdl import lfsr as hdl

DRAWS = 3
SMALL = (Lfsr("lfsr3", (3, 2)), Lfsr("lfsr5", (5, 3)), Lfsr("lfsr6", (6, 5)))
"""Polynomials whose period is walked whole; with the catalogue's they share every line of RTL."""

NO_TAP, _, ONE_STEP = of("lfsr")[:3]
FORGETS = Mutant(
    "lfsr",
    "state = Cat(new, state[: lfsr.degree - lfsr.chunk])",
    "state = Cat(new & 0, state[: lfsr.degree - lfsr.chunk])",
    "zeros are shifted in",
)


def shifted(h: Harness, state: Value, lfsr: Lfsr, count: int) -> Value:
    """Return `state` after `count` single shifts, as the convention's text has them."""
    for _ in range(count):
        new = Signal()  # a name, lest the expression double with every shift
        h.m.d.comb += new.eq(reduce(xor, (state[tap - 1] for tap in lfsr.taps)))
        state = Cat(new, state[: lfsr.degree - 1])
    return state


def never_zero(module: ModuleType, lfsr: Lfsr) -> Harness:
    """Draw and write as a host may: what it writes leaves the state other than zero."""
    block = module.Generator(lfsr, seed=1, draws=DRAWS)
    h = Harness(block)
    halves = [Mux(block.write[k], block.value, block.state[32 * k :][:32]) for k in range(2)]
    h.given(~block.write.any() | (block.take == 0))
    h.given(Cat(halves)[: lfsr.degree].any())
    h.given(block.take <= DRAWS)
    h.always(block.state.any())
    h.reach(block.state[: lfsr.degree].all() & (block.take == DRAWS))
    return h


def leaps(module: ModuleType, lfsr: Lfsr) -> Harness:
    """Compare every word, and the state after `take` words, with single shifts."""
    block = module.Generator(lfsr, seed=1, draws=DRAWS)
    h = Harness(block)
    h.given(block.take <= DRAWS)
    expected = [block.state[: lfsr.degree]]
    for count in range(1, DRAWS + 1):
        expected.append(shifted(h, expected[-1], lfsr, WORD_BITS))
        h.always(block.words[count - 1] == expected[count][:WORD_BITS])
    wanted = Array(expected)[block.take]
    h.always(block.state == h.before(wanted), h.started & ~h.before(block.write.any()))
    h.reach(h.started & (block.state != 1) & (block.take == DRAWS))
    return h


def full_period(module: ModuleType, lfsr: Lfsr) -> Harness:
    """From any state but zero: back for the first time after 2**degree - 1 words."""
    block = module.Generator(lfsr, seed=1, draws=1)
    h = Harness(block)
    period, count = (1 << lfsr.degree) - 1, Signal(lfsr.degree + 1)
    seed = h.fixed(lfsr.degree, "seed")
    h.given(seed.any())
    h.m.d.comb += [
        block.take.eq(h.started),
        block.write.eq(~h.started),
        block.value.eq(seed),
    ]
    h.m.d.sync += count.eq(count + h.started)
    back = block.state == seed
    h.always(back == ((count == 0) | (count == period)), h.started & (count <= period))
    h.reach((count == period) & (seed == 2))
    return h


def proofs() -> list[Proof]:
    """Return the claims, the catalogue's generators first."""
    found = []
    for lfsr in CATALOG.values():
        found += [
            Proof(
                "lfsr",
                f"never_zero.{lfsr.name}",
                "the state is never zero after a seed that is not",
                partial(never_zero, lfsr=lfsr),
                hdl,
                FORGETS,
                depth=4,
                induction=1,
            ),
            Proof(
                "lfsr",
                f"leaps.{lfsr.name}",
                "words drawn at once are single shifts",
                partial(leaps, lfsr=lfsr),
                hdl,
                ONE_STEP,
                depth=4,
                induction=2,
            ),
        ]
    return found + [
        Proof(
            "lfsr",
            f"full_period.{lfsr.name}",
            f"every state comes back after {(1 << lfsr.degree) - 1} words, not before",
            partial(full_period, lfsr=lfsr),
            hdl,
            NO_TAP,
            depth=(1 << lfsr.degree) + 2,
        )
        for lfsr in SMALL
    ]
