"""Proofs about `hdl.competition`: one spike in each step, and it goes to the largest sum."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from amaranth import Array, Cat, Mux, Signal, signed

from spikeloom.golden.spec.neuron import Membrane
from spikeloom.golden.spec.wta import NOISE_BITS, NOISE_ONE, SOFTMAX, gumbel
from spikeloom.hdl import competition as hdl
from tests.campaigns.formal.proof import Harness, Proof, Watching, faults
from tests.support import stimulus

CLASSES, CURRENT = 3, 4
GAIN = 14
LIMITS = Membrane(theta=2, start=0, floor=-6, ceiling=6)
FAULTS = faults("competition")
BEHIND = 4  # clocks from a class to its comparison


class Steps(Harness):
    """Classes in order, by the contract: the next step's come behind the last one's done.

    Attributes
    ----------
    sent : a step has begun since power-up. membrane : of the class that comes, before it does.
    """

    def __init__(self, module: ModuleType) -> None:
        hardware = Watching()
        layer = stimulus.layer(1, CLASSES, lanes=1, train=LIMITS, infer=LIMITS)
        machine = stimulus.machine((layer,), wta__kind=SOFTMAX, steps=1, noise_gain=(GAIN,))
        super().__init__(
            module.Competition(machine, layer, current=signed(CURRENT), hardware=hardware)
        )
        block, follows = self.block, Signal(range(CLASSES))
        self.busy, self.sent = Signal(), Signal()
        last = block.valid & (follows == CLASSES - 1)
        with self.m.If(block.valid):
            self.m.d.sync += [follows.eq(Mux(last, 0, follows + 1)), self.sent.eq(1)]
            self.m.d.sync += self.busy.eq(1)
        with self.m.If(block.done):
            self.m.d.sync += self.busy.eq(0)
        named = (block.word == follows) & (block.word == self.before(block.soon))
        between = ~self.busy & ~self.before(block.done)
        self.given(~block.valid | self.started & named & ((follows != 0) | between))
        self.given(~block.start | ~self.busy & ~block.valid)
        port = hardware.seen["neurons1.membranes"]
        self.m.d.comb += port.addr.eq(block.word)
        self.membrane = port.data[0]
        # what lets an induction begin
        self.always(follows < CLASSES)
        self.always(self.sent & self.busy, follows != 0)
        for clocks in range(1, BEHIND):
            self.always(self.busy & (follows == 0), self.before(last, clocks))
        self.always(block.done == self.before(last, BEHIND))


def one(module: ModuleType) -> Harness:
    """Count the spikes, whatever sums, noise and limits are."""
    h = Steps(module)
    block = h.block
    count = sum((block.counted[k] for k in range(CLASSES)), start=block.counted[0] & 0)
    h.always(count == h.before(h.sent, BEHIND - 1))
    h.always(count == 1, block.done)
    h.reach(block.done & block.counted[1] & h.before(block.counted[2], 8))
    return h


def largest(module: ModuleType) -> Harness:
    """Compare the winner of a step with the text of `golden.wta`, whatever the membranes were."""
    h = Steps(module)
    block = h.block
    train, drawn = h.fixed(1, "training"), h.register("drawn", signed(10))
    word = block.random.words[0][:NOISE_BITS]
    h.m.d.comb += block.train.eq(train)
    h.always(block.random.take == (block.valid & train))
    h.always(drawn == Array(gumbel())[h.before(word)], h.started)
    h.given(h.before(block.random.take) | ~h.started | (word == h.before(word)))
    scores = []
    charge = Mux(block.first, LIMITS.start, h.membrane) + block.currents[0]
    floored = Mux(charge < LIMITS.floor, LIMITS.floor, charge)
    after = Mux(floored > LIMITS.ceiling, LIMITS.ceiling, floored)
    total = h.before(after) + Mux(train, (drawn * GAIN) >> NOISE_ONE, 0)
    for k in range(CLASSES):
        score = Signal(signed(12), name=f"score{k}")
        with h.m.If(h.before(block.valid & (block.word == k))):
            h.m.d.sync += score.eq(total)
        scores.append(score)
    for k, score in enumerate(scores):
        least = [other + 1 if j < k else other for j, other in enumerate(scores)]
        wins = Cat(score >= other for other in least[:k] + least[k + 1 :]).all()
        h.always(block.counted[k] == wins, block.done)
    h.reach(block.done & block.counted[1] & (scores[1] == scores[2]) & train)
    return h


def proofs() -> list[Proof]:
    """Return the claims of the competition."""
    proof = partial(Proof, "competition", module=hdl)
    return [
        proof(
            case="one",
            claim="one spike counts in each step",
            harness=one,
            mutant=FAULTS["losers keep their spike"],
            depth=20,
            induction=8,
        ),
        proof(
            case="largest",
            claim="it goes to the largest sum, the lowest class at a tie",
            harness=largest,
            mutant=FAULTS["the highest class of a tie wins"],
            depth=10,
        ),
    ]
