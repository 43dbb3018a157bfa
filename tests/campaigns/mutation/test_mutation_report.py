"""`make mutants`: the file of results, why a mutant lives, and what the command refuses."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from tests.campaigns.mutation import report
from tests.campaigns.mutation.__main__ import command, file, main, options
from tests.campaigns.mutation.hdl.campaign import Fate, Result
from tests.campaigns.mutation.hdl.command import limits, told
from tests.campaigns.mutation.hdl.explained import REASONS, reason
from tests.campaigns.mutation.hdl.netlist import Mutant
from tests.campaigns.mutation.report import EQUIVALENT, KILLED, SURVIVED
from tests.paths import ROOT


def mutant(number: int = 1, **changes) -> Mutant:
    return Mutant(**{"number": number, "mode": "inv", "cell": "c", "port": "A", "bit": 0} | changes)


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
