"""The bench itself: it delivers, notices each kind of fault, ends; faults are put in loudly."""

from __future__ import annotations

import random

import pytest
from amaranth import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.lfsr import advance, parameters
from spikeloom.golden.spec.lfsr import CATALOG
from tests.bench.bench import (
    Bench,
    Held,
    InOrder,
    Stalls,
    StuckError,
    join,
    lanes,
    pack,
    ready,
    simulate,
)
from tests.campaigns.mutation.planted import Mutant, MutantError, blocks, of
from tests.support import stimulus


class Stage(wiring.Component):
    """A byte later by a clock; `fault` is what it does wrong."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        pins = {"valid": 1, "data": 8}
        sent = {f"i_{name}": In(width) for name, width in pins.items()}
        received = {f"o_{name}": Out(width) for name, width in pins.items()}
        super().__init__({**sent, "i_ready": Out(1), **received, "o_ready": In(1)})

    def elaborate(self, platform) -> Module:
        m = Module()
        fault = self.fault
        free = self.o_ready | ~self.o_valid
        m.d.comb += self.i_ready.eq(1 if fault == "drop" else 0 if fault == "hang" else free)
        with m.If(self.i_valid & self.i_ready):
            m.d.sync += [self.o_data.eq(self.i_data ^ (fault == "corrupt")), self.o_valid.eq(1)]
        with m.Elif(self.o_ready & (fault != "repeat")):
            m.d.sync += self.o_valid.eq(0)
        with m.Elif(self.o_valid & (fault == "withdraw")):
            m.d.sync += self.o_valid.eq(0)
        return m


class StageBench(Bench):
    clocks = 3000

    def __init__(self, component: Stage, seed: int) -> None:
        super().__init__(component, seed)
        self.order = InOrder(self, "byte")
        self.held = Held(self, "byte")

    def drivers(self):
        yield self.send()

    def background(self):
        yield ready("o_ready", Stalls(self.rng, (0.5,)))

    def send(self):
        wait = Stalls(self.rng)
        for _ in range(200):
            while wait():
                yield {"i_data": self.rng.getrandbits(8)}
            pins = {"i_valid": 1, "i_data": self.rng.getrandbits(8)}
            seen = yield pins
            while not seen["i_ready"]:
                seen = yield pins

    def check(self, seen):
        if seen["i_valid"] and seen["i_ready"]:
            self.order.expect(seen["i_data"])
        self.held.see(seen["o_data"] if seen["o_valid"] else None, seen["o_ready"])
        if seen["o_valid"] and seen["o_ready"]:
            self.order.see(seen["o_data"])

    def finish(self):
        self.order.finish()


def run(fault: str, seed: int) -> StageBench:
    component = Stage(fault)
    return simulate(component, StageBench(component, seed))


def test_every_item_passes_under_stalls_on_both_sides(seed):
    assert run("", seed).order.count == 200


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("corrupt", r"clock \d+: byte number 0 is \d+, expected \d+"),
        ("withdraw", r"clock \d+: byte, not taken before, is None, expected \d+"),
        ("drop", r"clock \d+: byte, not taken before, is \d+, expected \d+"),
        ("repeat", r"clock \d+: byte number \d+ is \d+, expected (none|\d+)"),
    ],
)
def test_a_fault_is_named_with_its_clock(fault, message, seed):
    with pytest.raises(AssertionError, match=message):
        run(fault, seed)


def test_a_component_that_hangs_ends_the_run(seed):
    with pytest.raises(StuckError, match="not finished after 3000 clocks"):
        run("hang", seed)


def test_what_never_came_is_missed_at_the_end(seed):
    order = run("", seed).order
    order.expect(7)
    message = "byte: 1 after number 200 never came, the next one is 7"
    with pytest.raises(AssertionError, match=message):
        order.finish()


def test_structures_and_arrays_are_packed_as_amaranth_packs_them():
    layout = data.StructLayout({"row": 5, "keep": 1, "word": 3})
    fields = {"row": 21, "keep": 1, "word": 6}
    assert pack(layout, fields) == layout.const(fields).as_value().value
    words = [-4, 3, -1, 0]
    array = data.ArrayLayout(3, 4)
    assert join(words, 3) == array.const([word & 7 for word in words]).as_value().value
    assert lanes(join(words, 3), 3, 4, signed=True) == words


@pytest.mark.parametrize("lfsr", CATALOG.values(), ids=CATALOG)
@pytest.mark.parametrize("word", [0, 1, 0x1234, 0xFFFF])
def test_a_state_is_found_whose_next_word_is_any(lfsr, word, seed):
    if word == 0 and lfsr.degree == 16:
        return  # the state 0 is none
    state = stimulus.state_before(lfsr, word, random.Random(seed))
    assert advance(state, parameters(lfsr)) & 0xFFFF == word


def test_a_fault_whose_text_is_gone_fails_loudly():
    mutant = Mutant("lfsr", "no such text", "", "nothing")
    with pytest.raises(MutantError, match=r"lfsr.py holds 'no such text' 0 times, not once"):
        mutant.applied().__enter__()


def test_a_fault_whose_text_is_there_twice_fails_loudly():
    with pytest.raises(MutantError, match="times, not once: rewrite the mutant 'which'"):
        Mutant("lfsr", "m.d.sync", "m.d.comb", "which").applied().__enter__()


@pytest.mark.parametrize("block", blocks())
def test_every_block_has_two_faults_or_more(block):
    assert len(of(block)) >= 2
