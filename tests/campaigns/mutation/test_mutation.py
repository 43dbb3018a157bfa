# amaranth: UnusedElaboratable=no
"""`make mutants` kills what a bench can tell, keeps what it cannot, and notices a useless bench."""

from __future__ import annotations

import pytest
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.bench import bench_learning
from tests.bench.bench import Bench, run_case
from tests.campaigns.mutation.hdl import blocks, campaign, contracts, equivalence, netlist
from tests.campaigns.mutation.hdl.campaign import Limits
from tests.campaigns.mutation.hdl.equivalence import Verdict
from tests.campaigns.mutation.hdl.machine import Simulator
from tests.campaigns.mutation.hdl.netlist import Mutant, NetlistError
from tests.campaigns.mutation.hdl.subject import BlockSubject, SoundError
from tests.campaigns.mutation.report import EQUIVALENT, KILLED, SURVIVED

LINE = (
    "mutate -mode cnot1 -module block -cell $auto$8 -port D -portbit 2 -ctrlbit 4 "
    r"-wire \a.b -wirebit 3"
)


class Round(wiring.Component):
    """Counts 0, 1, 2, 0, ...; `never` is high at 3."""

    def __init__(self) -> None:
        super().__init__({"go": In(1), "count": Out(2), "never": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(2)
        with m.If(self.go):
            m.d.sync += count.eq(count + 1)
            with m.If(count == 2):
                m.d.sync += count.eq(0)
        m.d.comb += [self.count.eq(count), self.never.eq(count == 3)]
        return m


class Blind(Bench):
    """Drives a rule and looks at nothing."""

    def __init__(self, component, seed, **shape) -> None:
        super().__init__(component, seed)

    def drivers(self):
        yield self.use()

    def use(self):
        for _ in range(20):
            word = self.rng.getrandbits(16)
            yield {"settings__random__words": word, "train": 1, "layer__spike": 1}

    def check(self, seen) -> None:
        pass


def mutant(number: int = 1, **changes) -> Mutant:
    return Mutant(**{"number": number, "mode": "inv", "cell": "c", "port": "A", "bit": 0} | changes)


def of_round(mode: str, wire: str) -> tuple[Round, netlist.Netlist, Mutant]:
    """Return all mutants of `Round` and the first of a mode and of a wire's driver."""
    component = Round()
    made = netlist.make(component, 200, 1)
    found = [m for m in made.mutants if (m.mode, m.wire, m.port) == (mode, f"{wire}[0]", "Y")]
    return component, made, found[0]


# The list of mutants


def test_a_line_of_yosys_is_read():
    found = netlist.parse(7, LINE)
    assert found == Mutant(7, "cnot1", "$auto$8", "D", 2, "a.b[3]", 4)
    assert found.place == "a.b[3] (D[2])"
    assert found.command == (
        "mutate -ctrl mutant 12 7 -mode cnot1 -module block -cell $auto$8 -port D -portbit 2 "
        "-ctrlbit 4"
    )


def test_the_clock_is_left_alone_and_numbers_go_on():
    lines = [LINE, LINE.replace("-port D", "-port C"), LINE.replace("-port D", "-port Q")]
    assert [(m.number, m.port) for m in netlist.chosen(lines, 5)] == [(1, "D"), (2, "Q")]


def test_more_mutants_than_a_netlist_holds_are_refused():
    with pytest.raises(ValueError, match="4096 mutants do not fit one netlist: ask for 4095"):
        netlist.chosen([LINE], 4096)


def test_wires_have_no_mutants():
    class Wire(wiring.Component):
        def __init__(self) -> None:
            super().__init__({"a": In(1), "b": Out(1)})

        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.b.eq(self.a)
            return m

    with pytest.raises(NetlistError, match="nothing to mutate"):
        netlist.make(Wire(), 5, 1)


# Benches


def test_a_bench_that_looks_tells_every_mutant_that_any_run_can():
    result = campaign.run(blocks.subjects("learning")[0], Limits(30, runs=24))
    assert len(result.fates) == 30
    assert [fate for fate in result.fates if fate.outcome == SURVIVED] == []
    assert result.count(KILLED) > result.count(EQUIVALENT)


def test_a_bench_that_does_not_look_lets_all_live():
    case = bench_learning.case(8, bench=Blind)
    component = case.component()
    made = netlist.make(component, 30, 1)
    running = BlockSubject("learning", case).runs(component, made.verilog)
    assert campaign.kill(running, made.mutants, Limits(30, runs=4)) == ({}, 4)
    with Simulator(component, made.verilog).mutant(0) as sound:
        pins = dict.fromkeys(case.bench(component, 1).inputs, 0)
        seen = sound.clock(pins | {"settings__random__words": 1, "train": 1, "layer__spike": 1})
    assert (seen["settings__random__take"], seen["layer__note"], seen["train"]) == (1, 1, 1)


def test_a_bench_that_fails_without_a_mutant_is_refused():
    with pytest.raises(SoundError, match=r"seed 1: the bench fails without a mutant, .* repair it"):
        campaign.kill(lambda number, seed: "wrong", [mutant()], Limits(1))


def test_a_mutant_is_run_until_it_is_noticed_and_no_more():
    ran = []

    def running(number: int, seed: int) -> str | None:
        ran.append((number, seed))
        return "noticed" if (number, seed) == (1, 2) else None

    killed, runs = campaign.kill(running, [mutant(1), mutant(2)], Limits(2, runs=3))
    assert (killed, runs) == ({1: "noticed"}, 3)
    assert ran == [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (2, 2), (0, 3), (2, 3)]


def test_every_mutant_gets_one_run_however_short_the_time():
    killed, runs = campaign.kill(lambda *_: None, [mutant()], Limits(1, runs=9, seconds=0))
    assert (killed, runs) == ({}, 1)


@pytest.mark.parametrize("name", ["forward", "error"])
def test_aimed_currents_keep_the_contract_of_neurons(name):
    block = "neuron" if name == "forward" else name
    for subject in blocks.subjects(block):
        run_case(subject.case, 1)


def test_every_block_has_sizes_and_no_name_is_used_twice():
    every = [subject for block in blocks.NAMES for subject in blocks.subjects(block)]
    assert {subject.block for subject in every} == set(blocks.NAMES)
    names = [(subject.block, subject.name) for subject in every]
    assert len(names) == len(set(names))


# Proofs


def test_a_mutant_that_no_run_tells_is_proved_equivalent():
    component, made, found = of_round("const0", "never")
    assert equivalence.compare(component, made.rtlil, found.number) == Verdict("equivalent")


def test_a_mutant_that_a_run_tells_is_not():
    component, made, found = of_round("const1", "never")
    verdict = equivalence.compare(component, made.rtlil, found.number)
    assert verdict.answer == "differs"
    assert verdict.clocks >= 1


def test_a_mutant_that_only_illegal_inputs_tell_is_proved_equivalent_under_the_contract():
    component, made, _ = of_round("const0", "never")
    stuck = next(m for m in made.mutants if m.wire == "count[1]" and m.mode == "const0")

    def still(m, pins):
        return ~pins["go"], [pins["count"]]

    prove = [
        equivalence.compare(component, made.rtlil, stuck.number, contract=c) for c in (None, still)
    ]
    assert [verdict.answer for verdict in prove] == ["differs", "equivalent"]


def test_what_is_not_looked_at_tells_nothing():
    component, made, found = of_round("const1", "never")
    verdict = equivalence.compare(
        component, made.rtlil, found.number, contract=lambda m, pins: (1, [pins["count"]])
    )
    assert verdict.answer == "equivalent"


def test_a_block_without_a_clock_is_compared():
    class Both(wiring.Component):
        def __init__(self) -> None:
            super().__init__({"a": In(4), "b": In(4), "both": Out(4)})

        def elaborate(self, platform):
            m = Module()
            m.d.comb += self.both.eq(self.a & ~self.b)
            return m

    component = Both()
    made = netlist.make(component, 10, 1)
    answers = {equivalence.compare(component, made.rtlil, m.number).answer for m in made.mutants}
    assert "differs" in answers


@pytest.mark.parametrize(
    ("block", "place"), [("neuron", 0), ("error", 0), ("error", 3), ("spikes", 1), ("registers", 0)]
)
def test_a_sound_block_equals_itself_under_its_contract(block, place):
    subject = blocks.subjects(block)[place]
    component = subject.component()
    made = netlist.make(component, 5, 1)
    contract = subject.contract(component)
    assert contract is not None
    verdict = equivalence.compare(component, made.rtlil, 0, contract=contract)
    assert verdict.answer == "equivalent"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("Property proved.  Time =     0.09 sec", Verdict("equivalent")),
        ("UNSATISFIABLE    Time =     0.00 sec", Verdict("equivalent")),
        ('Output 0 of miter "both" was asserted in frame 17.', Verdict("differs", 18)),
        ("SATISFIABLE    Time =     0.00 sec", Verdict("differs", 1)),
        ("Property UNDECIDED.  Time =    60.01 sec", Verdict("open")),
    ],
)
def test_the_answer_of_the_prover_is_read(said, verdict):
    assert equivalence.judged(said) == verdict


def test_a_survivor_is_judged_without_and_then_with_its_contract():
    asked = []

    def prove(contract):
        asked.append(contract)
        return Verdict("equivalent") if contract else Verdict("differs", 4)

    with_none = campaign.judge(mutant(), prove, None)
    with_one = campaign.judge(mutant(), prove, contracts.forward(1))
    assert (with_none.outcome, with_none.by) == (SURVIVED, "some input tells it within 4 clocks")
    assert (with_one.outcome, len(asked)) == (EQUIVALENT, 3)
