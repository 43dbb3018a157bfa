# amaranth: UnusedElaboratable=no
"""`make mutants` kills what a bench can tell, keeps what it cannot, and notices a useless bench."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.hdl.learning import Coincidence, Thinning
from tests.bench.bench import Bench, Case, run_case
from tests.campaigns.mutation import report
from tests.campaigns.mutation.__main__ import command, file, main, options
from tests.campaigns.mutation.hdl import blocks, campaign, contracts, equivalence, netlist
from tests.campaigns.mutation.hdl.campaign import Fate, Limits, Result
from tests.campaigns.mutation.hdl.command import limits, told
from tests.campaigns.mutation.hdl.equivalence import Verdict
from tests.campaigns.mutation.hdl.explained import REASONS, reason
from tests.campaigns.mutation.hdl.machine import Simulator
from tests.campaigns.mutation.hdl.netlist import Mutant, NetlistError
from tests.campaigns.mutation.hdl.subject import BlockSubject, SoundError
from tests.campaigns.mutation.report import EQUIVALENT, KILLED, SURVIVED
from tests.paths import ROOT

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
    """Drives as the bench of thinning does and looks at nothing."""

    def drivers(self):
        yield self.use()

    def use(self):
        for _ in range(20):
            yield {"word": self.rng.getrandbits(16), "train": 1, "spike": 1, "probability": 1 << 15}

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
    component = Thinning()
    made = netlist.make(component, 30, 1)
    running = BlockSubject("learning", Case("blind", Thinning, Blind)).runs(component, made.verilog)
    assert campaign.kill(running, made.mutants, Limits(30, runs=4)) == ({}, 4)
    with Simulator(component, made.verilog).mutant(0) as sound:
        seen = sound.clock({"word": 1, "train": 1, "probability": 2, "spike": 1})
    assert (seen["take"], seen["keep"], seen["probability"]) == (1, 1, 2)


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
    component = Coincidence(2)
    made = netlist.make(component, 10, 1)
    answers = {equivalence.compare(component, made.rtlil, m.number).answer for m in made.mutants}
    assert "differs" in answers


@pytest.mark.parametrize(
    ("block", "place"), [("neuron", 0), ("error", 0), ("spikes", 1), ("registers", 0)]
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


# The file and the command


def result(block: str, *outcomes: str) -> Result:
    fates = [Fate(mutant(k), outcome, "some input") for k, outcome in enumerate(outcomes, start=1)]
    return Result(block, f"{block}_1", {"$_AND_": 5}, 3, fates)


STAMPED = {"command": "c", "commit": "1", "date": "2026-11-23T00:00:00+00:00"}


def found(block: str, *outcomes: str) -> report.Found:
    parts = result(block, *outcomes)
    return report.summary([told(fate, parts) for fate in parts.fates], STAMPED)


def test_the_score_leaves_out_what_is_equivalent():
    assert report.share(found("a", KILLED, KILLED, SURVIVED, EQUIVALENT)) == 2 / 3
    assert report.share(found("a", EQUIVALENT)) == 1.0


def test_the_file_keeps_the_other_parts_and_adds_all_up(tmp_path):
    path = tmp_path / "mutants.json"
    for block, *outcomes in (("a", KILLED, SURVIVED), ("b", KILLED, EQUIVALENT), ("a", KILLED)):
        report.save(block, found(block, *outcomes), path)
    written = json.loads(path.read_text())
    assert {name: written[name] for name in (*report.NAMES, "score")} == {
        "mutants": 3,
        KILLED: 2,
        EQUIVALENT: 1,
        SURVIVED: 0,
        "score": 1.0,
    }
    assert set(written["blocks"]) == {"a", "b"}
    assert STAMPED.items() <= written.items()


def test_every_mutant_that_lives_is_listed_with_its_place_and_reason():
    place = {"cell": "c", "port": "A", "bit": 0, "mode": "inv", "verdict": "some input"}
    fates = [Fate(mutant(), outcome, "some input") for outcome in (SURVIVED, EQUIVALENT)]
    survivor, equivalent = (told(fate, result("a")) for fate in fates)
    assert survivor.listed.items() >= place.items()
    assert survivor.listed["reason"].startswith("open: a run tells it")
    assert equivalent.listed.items() >= place.items()
    assert "reason" not in equivalent.listed


@pytest.mark.parametrize(
    ("by", "begins"),
    [
        ("some input tells it within 4 clocks", "open: a run tells it"),
        ("a legal input tells it within 4 clocks", "too rare"),
        ("no proof and no run that tells it within the time", "open: neither"),
    ],
)
def test_a_survivor_that_nobody_argued_gets_the_reason_of_its_verdict(by, begins):
    fate = Fate(mutant(), SURVIVED, by)
    assert reason(fate, result("a", SURVIVED)).startswith(begins)


def test_an_argued_survivor_gets_its_argument():
    (name, place, mode), why = next(iter(REASONS.items()))
    cell, _, port = place.partition(" ")
    found = mutant(cell=cell, port=port[0], bit=int(port[2:-1]), mode=mode)
    told = Result("crossbar", name, {}, 1)
    assert reason(Fate(found, SURVIVED, "some input"), told) == why


@pytest.mark.parametrize(
    ("wire", "mode", "begins"),
    [
        ("network.samples[30]", "const0", r"too long a run: .* 2\*\*30 events"),
        ("network.total[10]", "const0", r"too long a run: .* 2\*\*10 events"),
        ("network.cycles[15]", "const0", "open"),
        ("network.samples[30]", "const1", "open"),
        ("network.layer1.total0[12]", "const0", "open"),
    ],
)
def test_only_a_high_bit_of_a_count_takes_too_long(wire: str, mode: str, begins: str):
    found = mutant(wire=wire, port="Q", bit=0, mode=mode)
    assert re.match(begins, reason(Fate(found, SURVIVED, "no proof"), result("a", SURVIVED)))


def test_mutants_of_a_block_are_shared_among_its_sizes():
    chosen = options(["hdl", "--most", "10", "lfsr"])
    assert limits(chosen, SimpleNamespace(mutants=0), 3).mutants == 3
    assert limits(options(["hdl"]), SimpleNamespace(mutants=300), 3).mutants == 300


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ("hdl", "results"),
        ("hdl --search 8 --runs 400 lfsr", "results"),
        ("hdl --most 1 lfsr", "build"),
        ("hdl --runs 1 lfsr", "build"),
        ("hdl --seconds 0", "build"),
        ("golden wta", "results"),
        ("golden --most 3", "build"),
    ],
)
def test_a_bounded_run_leaves_the_published_file_alone(words: str, folder: str, tmp_path):
    chosen = options(words.split())
    name = {"hdl": "mutants.json", "golden": "mutants-golden.json"}[chosen.kind]
    assert file(chosen, command(chosen.kind)) == ROOT / folder / name
    mine = tmp_path / "mine.json"
    chosen = options([*words.split(), "--out", str(mine)])
    assert file(chosen, command(chosen.kind)) == mine


def test_a_block_that_is_not_there_is_named(capsys):
    assert main(["hdl", "lsfr"]) == 2
    assert "no part lsfr of hdl; there are: lfsr, neuron" in capsys.readouterr().out


@pytest.mark.slow
def test_a_bounded_run_of_a_block_reaches_the_goal(tmp_path):
    path = tmp_path / "mutants.json"
    assert main(["hdl", "--most", "30", "--runs", "4", "--out", str(path), "lfsr"]) == 0
    kept = json.loads(path.read_text())["blocks"]["lfsr"]
    assert kept["mutants"] == 30
    assert kept[KILLED] + kept[EQUIVALENT] + kept[SURVIVED] == 30
    assert kept["score"] >= report.GOAL
