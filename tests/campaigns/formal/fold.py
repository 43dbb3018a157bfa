"""Proofs about `hdl.fold`: a word of sums comes out whole, in order, and waits unchanged."""

from __future__ import annotations

from types import ModuleType

from amaranth import Mux, Signal, signed

from spikeloom.hdl import fold as hdl
from tests.campaigns.formal.proof import Harness, Proof, faults
from tests.support import stimulus

LANES, NEURONS, POST, BITS = 4, 2, 10, 3  # lanes of a word, of a piece; neurons; bits of a sum
PIECES, SHORT = LANES // NEURONS, 1
FAULTS = faults("fold")


def passes_whole(module: ModuleType) -> Harness:
    """Compare every piece with the word that was loaded, word after word as in the machine."""
    layer = stimulus.layer(1, POST, lanes=LANES)
    block = module.Fold(layer, NEURONS, signed(BITS))
    h = Harness(block)
    owed, word = Signal(), Signal(range(layer.words))
    h.given(block.free | ~block.owe)
    h.given(owed | ~block.load)
    h.given(block.word == word)
    kept, given, there = Signal(LANES * BITS), Signal(range(PIECES + 1)), Signal(range(PIECES + 1))
    taken = block.valid & block.ready
    with h.m.If(block.owe):
        h.m.d.sync += owed.eq(1)
    with h.m.If(taken):
        h.m.d.sync += given.eq(given + 1)
    with h.m.If(block.load):
        last = word == layer.words - 1
        h.m.d.sync += [
            owed.eq(0),
            kept.eq(block.sums.as_value()),
            given.eq(0),
            there.eq(Mux(last, SHORT, PIECES)),
            word.eq(Mux(last, 0, word + 1)),
        ]
    h.always((given <= there) & (there <= PIECES))
    h.always(word < layer.words)
    h.always(~owed | (given == there))
    h.always(block.free == (~owed & (given == there)))
    h.always(block.valid == (given != there))
    size = NEURONS * BITS
    h.always(block.currents.as_value() == kept.word_select(given[0], size), block.valid)
    loaded = Mux(word == 0, layer.words - 1, word - 1)
    started = Signal()  # a word was loaded
    with h.m.If(block.load):
        h.m.d.sync += started.eq(1)
    h.always(started | (given == there) & (word == 0) & (block.index == 0))
    h.always(there == Mux(loaded == layer.words - 1, SHORT, PIECES), started)
    whole = loaded * PIECES + given
    h.always(block.index == Mux(whole == block.words, 0, whole), started)
    h.always(block.soon == h.before(block.soon), h.started & h.before(~taken) & ~taken)
    waits = h.started & h.before(block.valid & ~block.ready)
    same = block.currents.as_value() == h.before(block.currents.as_value())
    h.always(block.valid & same & (block.index == h.before(block.index)), waits)
    h.reach(waits & (block.index == block.words - 1))
    return h


def proofs() -> list[Proof]:
    """Return the claim about the fold."""
    return [
        Proof(
            "fold",
            case,
            "every piece of a word once, in order; unchanged while it waits",
            passes_whole,
            hdl,
            FAULTS[why],
            depth=18,
        )
        for case, why in (
            ("waits", "a piece is not held"),
            ("ends", "the last word is as long as the others"),
        )
    ]
