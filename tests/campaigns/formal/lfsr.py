"""Proofs about `hdl.lfsr`: never zero, revived if it is, full period, leaps as single shifts."""

from __future__ import annotations

from functools import partial, reduce
from operator import xor
from types import ModuleType

from amaranth import Array, Cat, Mux, Signal, Value

from spikeloom.golden.spec.lfsr import CATALOG, WORD_BITS, Lfsr
from spikeloom.hdl import lfsr as hdl
from tests.campaigns.formal.proof import Harness, Proof, faults
from tests.campaigns.mutation.planted import Mutant

DRAWS = 3
SEED, SECOND = 5, 6
SMALL = (Lfsr("lfsr3", (3, 2)), Lfsr("lfsr5", (5, 3)), Lfsr("lfsr6", (6, 5)))
"""Polynomials whose period is walked whole; with the catalogue's they share every line of RTL."""

FAULTS = faults("lfsr")
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


def contract(h: Harness, written: Value) -> None:
    """Suppose what the docstring asks of who begins samples; `written` : the host writes."""
    block = h.block
    h.given(block.random.take <= DRAWS)
    h.given(~block.begin | (block.random.take == 0))
    h.given(~block.begin | ~(written | h.before(written) | h.before(written, 2)))


def never_zero(module: ModuleType, lfsr: Lfsr) -> Harness:
    """Draw, begin and write as a host may: what it writes leaves the state other than zero."""
    block = module.Generator(lfsr, seed=1, draws=DRAWS)
    h = Harness(block)
    halves = [Mux(block.write[k], block.value, block.state[32 * k :][:32]) for k in range(2)]
    h.given(~block.write.any() | (block.random.take == 0))
    h.given(Cat(halves)[: lfsr.degree].any())
    contract(h, block.write.any())
    h.always(block.state.any())
    h.reach(block.state[: lfsr.degree].all() & (block.random.take == DRAWS))
    return h


def revives(module: ModuleType, lfsr: Lfsr) -> Harness:
    """Begin samples, by the contract, whatever the host wrote before, and in any state."""
    block = module.Generator(lfsr, seed=SEED, draws=DRAWS, second=SECOND)
    h = Harness(block)
    contract(h, block.write.any() | block.write_seed.any())
    begins = [Mux(block.state == 0, SEED, block.state), Mux(block.seed == 0, SECOND, block.seed)]
    main, inference = (h.before(state) for state in begins)
    h.always((block.state == main) & (block.seed == inference), h.before(block.begin))
    inferred = h.before(block.begin & block.restart) & block.infer
    for word in block.random.words:
        inference = shifted(h, inference[: lfsr.degree], lfsr, WORD_BITS)
        h.always(word == inference[:WORD_BITS], inferred)
    was_zero = h.before((block.state == 0) & h.before(block.state == 0))
    h.reach(h.before(block.begin & block.restart) & was_zero & (block.seed == SECOND + 1))
    h.reach(h.before(block.begin & (block.seed == 0) & (block.state != 0)))
    return h


def leaps(module: ModuleType, lfsr: Lfsr) -> Harness:
    """Compare every word, and the state after `take` words, with single shifts."""
    block = module.Generator(lfsr, seed=1, draws=DRAWS)
    h = Harness(block)
    h.given(block.random.take <= DRAWS)
    expected = [block.state[: lfsr.degree]]
    for count in range(1, DRAWS + 1):
        expected.append(shifted(h, expected[-1], lfsr, WORD_BITS))
        h.always(block.random.words[count - 1] == expected[count][:WORD_BITS])
    wanted = Array(expected)[block.random.take]
    moved = ~(block.write.any() | block.begin)
    h.always(block.state == h.before(wanted), h.started & h.before(moved))
    h.reach(h.started & (block.state != 1) & (block.random.take == DRAWS))
    return h


def full_period(module: ModuleType, lfsr: Lfsr) -> Harness:
    """From any state but zero: back for the first time after 2**degree - 1 words."""
    block = module.Generator(lfsr, seed=1, draws=1)
    h = Harness(block)
    period, count = (1 << lfsr.degree) - 1, Signal(lfsr.degree + 1)
    seed = h.fixed(lfsr.degree, "seed")
    h.given(seed.any())
    h.m.d.comb += [
        block.random.take.eq(h.started),
        block.write.eq(~h.started),
        block.value.eq(seed),
    ]
    h.m.d.sync += count.eq(count + h.started)
    back = block.state == seed
    h.always(back == ((count == 0) | (count == period)), h.started & (count <= period))
    h.reach((count == period) & (seed == 2))
    return h


# case, claim in words, harness, mutant, depth, induction
CASES = (
    ("never_zero", "the state is never zero after a seed that is not", never_zero, FORGETS, 4, 1),
    (
        "leaps",
        "words drawn at once are single shifts",
        leaps,
        FAULTS["several draws move the state by one word"],
        4,
        2,
    ),
    (
        "revives",
        "a sample begins with its seed in place of a state of 0, else as it was",
        revives,
        FAULTS["a state of 0 stays"],
        8,
        4,
    ),
)
HOSTS = (
    "revives.host",
    "an inferred sample begins at the seed that the host wrote, if not 0",
    revives,
    FAULTS["the host's seed is not used"],
    8,
    4,
)


def proofs() -> list[Proof]:
    """Return the claims, the catalogue's generators first."""
    every = [(lfsr, *case) for lfsr in CATALOG.values() for case in CASES]
    every.append((CATALOG["lfsr16"], *HOSTS))
    found = [
        Proof(
            "lfsr",
            f"{case}.{lfsr.name}",
            claim,
            partial(harness, lfsr=lfsr),
            hdl,
            mutant,
            depth,
            induction,
        )
        for lfsr, case, claim, harness, mutant, depth, induction in every
    ]
    return found + [
        Proof(
            "lfsr",
            f"full_period.{lfsr.name}",
            f"every state comes back after {(1 << lfsr.degree) - 1} words, not before",
            partial(full_period, lfsr=lfsr),
            hdl,
            FAULTS["a tap is missing"],
            depth=(1 << lfsr.degree) + 2,
        )
        for lfsr in SMALL
    ]
