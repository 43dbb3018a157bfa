"""Proof about `hdl.stopping`: a sample ends where golden's does, whatever its spikes."""

from __future__ import annotations

from types import ModuleType

from amaranth import Array, Mux, Signal, Value

from spikeloom.hdl import stopping as hdl
from tests.campaigns.formal.proof import Harness, Proof, faults
from tests.support import stimulus

CLASSES, STEPS = 3, 7
KNOWN, DECIDE, SCAN, MORE = range(4)
FAULTS = faults("stopping")


def largest(values: list[Value]) -> Value:
    """Return the largest of some values."""
    found, *rest = values
    for value in rest:
        found = Mux(value > found, value, found)
    return found


def two(counts: list[Value], train: Value, label: Value) -> tuple[Value, Value]:
    """Return the counts whose difference is the lead, by the text of `golden.stopping`."""
    others = [Mux(label == j, 0, count) for j, count in enumerate(counts)]
    best = largest(counts)
    second = Mux(counts[0] == best, largest(counts[1:]), 0)
    for j in range(1, len(counts)):  # all but one that is best
        rest = largest([*counts[:j], *counts[j + 1 :]])
        second = Mux(counts[j] == best, rest, second)
    return Mux(train, Array(counts)[label], best), Mux(train, largest(others), second)


def sample(module: ModuleType) -> Harness:
    """Run samples of any steps, spikes and margins as `hdl.sample` does; claim where they end."""
    block = module.Stopping(stimulus.machine(sizes=(2, CLASSES), steps=STEPS))
    h = Harness(block)
    m, train, label, known = h.m, block.train, block.label, block.known
    state = h.register("stopping_state", 2)
    first, second = (h.register(name, range(STEPS + 1)) for name in ("first", "second"))
    over, spikes = h.free(1, "over"), h.free(CLASSES, "spikes")
    running, asked, ran = Signal(), Signal(), Signal(range(STEPS + 1))
    counts = [Signal(range(STEPS + 1), name=f"counts{j}") for j in range(CLASSES)]

    last = ran + 1 == block.steps
    decided = asked & ~block.busy
    with m.If(over):
        m.d.sync += ran.eq(ran + 1)
        m.d.sync += [count.eq(count + spikes[j]) for j, count in enumerate(counts)]
        m.d.sync += [running.eq(~last), asked.eq(block.look)]
    with m.If(decided):
        m.d.sync += [asked.eq(0), running.eq(~block.sure)]
    with m.If(block.begin):
        m.d.sync += [running.eq(1), asked.eq(0), ran.eq(0)]
        m.d.sync += [count.eq(0) for count in counts]

    # what the caller keeps to
    margins = [getattr(block.stop, name) for name in block.stop.signature.members]
    for value in (block.steps, train, label, *margins):
        h.given(~running | (value == h.before(value)))
    h.given((block.steps != 0) & (label < CLASSES))
    h.given(~block.begin | ~running & ~over)
    h.given(~over | running & ~asked & (h.before(known) > ran) & ~h.before(over | block.begin))
    h.given(block.look == (over & (ran + 1 == known) & ~last))
    h.given(block.count == Array(counts)[block.place])

    # where golden's sample is sure
    margin = Mux(train, block.stop.train, block.stop.infer)
    best, rival = two(counts, train, label)
    lead = best - rival
    sure = (margin != 0) & (ran >= block.stop.least) & (lead >= margin) & (ran != 0)
    h.always(block.sure == sure, decided)
    h.always(~sure, running & ~asked)
    h.always((known > ran) & (known <= block.steps), running & ~asked & (state == KNOWN))

    # what that follows from
    enough = (margin != 0) & (first - second >= margin)
    more = (known != block.steps) & ((known < block.stop.least) | ~enough)
    begun = running & ~asked
    h.always(asked <= running)
    h.always(state == KNOWN, ~running | over & (ran + 1 == known))
    h.always(~more, decided & block.sure)
    h.always((ran <= known) & (known <= block.steps), running)
    h.always((known == 0) & (ran == 0) & (first == 0) & (second == 0), begun & (state == DECIDE))
    h.always(state != SCAN, begun)
    h.always(ran < known, begun & (state != DECIDE))
    h.always(~more, running & (state == KNOWN))
    going = running & (state != SCAN) & ~(decided & block.sure)
    h.always((known <= block.stop.least) | (known + lead <= ran + margin), going & (margin != 0))
    h.always(first - second - known >= lead - ran, going & (state == MORE))
    h.always(first <= known, going & (state == MORE))
    for count in counts:
        h.always(count <= ran, running)
    late = asked & block.busy
    h.always(late | decided, asked)
    h.always((known == ran) & (known != block.steps) & (known >= block.stop.least), late)
    h.always(margin != 0, late)
    seen = [Mux(block.place > j, count, 0) for j, count in enumerate(counts)]
    partly = two(seen, train, label)
    h.always((first == partly[0]) & (second == partly[1]), late & (state == SCAN))
    h.always(block.place < CLASSES, late & (state == SCAN))
    h.always((first == best) & (second == rival), late & (state == DECIDE))
    h.always(state != KNOWN, late)
    h.reach(decided & block.sure & (ran > 1) & train)
    h.reach(decided & ~block.sure & (ran > 1) & ~train)
    return h


def proofs() -> list[Proof]:
    """Return the claim."""
    return [
        Proof(
            "stopping",
            "sample",
            "a sample ends after the first step that is sure, by the text",
            sample,
            hdl,
            FAULTS["a lead may grow by two a step"],
            depth=22,
            induction=4,
        )
    ]
