"""Proofs about `hdl.spikes`: no spike is lost, none comes twice, whoever waits for whom."""

from __future__ import annotations

from types import ModuleType

from amaranth import Const, Mux, Signal
from amaranth.lib import data

from spikeloom.hdl import spikes as hdl
from tests.campaigns.formal.proof import Harness, Proof, Watching, faults

SIZE, DEPTH, ENTRY = 3, 4, 3  # neurons, entries of the ring, bits of an entry
LANES, WORDS = 3, 2
FAULTS = faults("spikes")


def list_keeps(module: ModuleType) -> Harness:
    """Follow one push, any, until its step is released: it stays and is read where it lies."""
    hardware = Watching()
    shape = data.StructLayout({"row": ENTRY})
    block = module.SpikeList(SIZE, shape, name="ring", hardware=hardware)
    h = Harness(block)
    h.given(block.more | ~block.next)
    h.given(block.final & block.next | block.ended | ~block.release)
    names = ("end", "start", "here", "closed0", "closed1", "after")
    end, start, here, first, second, after = (h.register(name, range(2 * DEPTH)) for name in names)
    steps = h.register("steps", range(3))

    def ahead(pointer: Signal) -> Signal:
        """Return how far a pointer is ahead of the oldest step's start."""
        distance = Signal(range(2 * DEPTH))
        h.m.d.comb += distance.eq(pointer - start)
        return distance

    full, read, one, two = (ahead(pointer) for pointer in (end, here, first, second))
    h.always((steps <= 2) & (full <= DEPTH) & (after == (here + 1)[: len(after)]))
    h.always(read <= Mux(steps == 0, full, one))
    h.always(one <= full, steps >= 1)
    h.always((one <= two) & (two <= full), steps == 2)
    # what `ready` promised a clock ago still holds
    h.always(~block.ready | (full != DEPTH) & (steps != 2))
    # the push that is followed
    place = h.fixed(range(2 * DEPTH), "place")
    pushed = Signal(ENTRY)
    kept = Signal()
    taken, oldest = block.push & block.ready & (end == place), ahead(place) < one
    with h.m.If(taken):
        h.m.d.sync += [kept.eq(1), pushed.eq(block.entry.row)]
    with h.m.Elif(block.release & oldest):
        h.m.d.sync += kept.eq(0)
    h.m.d.comb += hardware.seen["ring"].addr.eq(place)
    h.always(ahead(place) < full, kept)
    h.always(hardware.seen["ring"].data.row == pushed, kept)
    h.always(block.head.row == pushed, h.before(kept & block.next & (here == place)))
    h.always(block.more == (read != Mux(steps == 0, full, one)))
    h.always(block.ended == ((steps != 0) & (read == one)))
    h.reach(h.before(kept & block.next & (here == place)) & (full == DEPTH) & (steps == 2))
    return h


def scanner_passes(module: ModuleType) -> Harness:
    """Compare with what is left of the word that was taken; what waits does not change."""
    block = module.Scanner(lanes=LANES, words=WORDS, neurons=LANES * WORDS)
    h = Harness(block)
    left, place = Signal(LANES), Signal(1)  # of the word that was taken
    lane = Const(LANES - 1)
    for candidate in reversed(range(LANES)):
        lane = Mux(left[candidate], candidate, lane)
    rest = left & ~(Const(1, LANES) << lane)[:LANES]
    with h.m.If(block.loaded):
        h.m.d.sync += [left.eq(block.bits), place.eq(block.word)]
    with h.m.Elif(block.busy & block.ready):
        h.m.d.sync += left.eq(rest)
    h.always(block.word == Mux(place == WORDS - 1, 0, place + 1), block.busy)
    h.always(block.word < WORDS)
    h.always(block.valid == (block.busy & left.any()))
    h.always(block.index == place * LANES + lane, block.valid)
    h.always(block.last == (block.busy & (place == WORDS - 1) & ~rest.any()))
    h.always(~block.loaded | block.available & (~block.busy | block.ready & ~rest.any()))
    waits = h.started & h.before(block.busy & ~block.ready)
    for member in (block.busy, block.valid, block.last):
        h.always(member == h.before(member), waits)
    h.always(block.index == h.before(block.index), waits & block.valid)
    h.reach(block.last & block.valid & waits & (block.index == LANES * WORDS - 1))
    return h


def proofs() -> list[Proof]:
    """Return the claims of the list and of the scanner."""
    return [
        Proof(
            "spikes",
            "list.keeps",
            "a spike stays until its step is released, and is read as it was pushed",
            list_keeps,
            hdl,
            FAULTS["what was read is overwritten before it is released"],
            depth=14,
            induction=4,
        ),
        Proof(
            "spikes",
            "list.steps",
            "never more steps ahead than the list can tell apart",
            list_keeps,
            hdl,
            FAULTS["the writer runs three steps ahead"],
            depth=14,
            induction=4,
        ),
        Proof(
            "spikes",
            "scanner.passes",
            "every spike of a word once, in order; unchanged while it waits",
            scanner_passes,
            hdl,
            FAULTS["a word's last spike is not held"],
            depth=16,
        ),
    ]
