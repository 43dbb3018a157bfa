"""What the page of claims reads: every results file is counted, and the tests' own report."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.campaigns.evidence import found, junit
from tests.campaigns.evidence.claims import EvidenceError
from tests.support.evidence_files import CRASH, JUNIT


@pytest.mark.parametrize(
    ("read", "values", "checks", "good", "words"),
    [
        (
            partial(found.fuzzed, of="differential"),
            {"differential": {"cases": 1234, "failures": 0, "seconds": 60.0}},
            1234, True, "1,234 cases in 60 s, 0 failed",
        ),
        (
            partial(found.fuzzed, of="differential"),
            {"differential": {"cases": 5, "failures": 1, "seconds": 3600.0}},
            5, False, "5 cases in 60 min, 1 failed",
        ),
        (
            found.proved,
            {"proofs": [
                {"method": "induction", "proof": "ok", "mutant": "ok", "cover": "ok"},
                {"method": "bounded", "proof": "ok", "mutant": "not found", "cover": "ok"},
            ]},
            2, False, "1 of 2 as they must be (1 by induction",
        ),
        (
            found.mutated, {"killed": 97, "survived": 3, "equivalent": 20},
            120, True, "97 of 100 killed (97.0 %",
        ),
        (found.mutated, {"killed": 96, "survived": 4, "equivalent": 0}, 100, False, "96 of"),
        (
            found.mutated,
            {"killed": 98, "survived": 2, "equivalent": 0,
             "blocks": {"a": {"score": 0.5}, "b": {"score": 0.97}, "c": {"score": 0.4}}},
            100, True, "0 more change nothing; alone below that: c 40.0 %, a 50.0 %",
        ),
        (found.mutated, {"killed": 0, "survived": 0, "equivalent": 0}, 0, False, "0 of 0"),
        (
            found.upset,
            {
                "config": "tiny",
                "kinds": [
                    {"kind": "weights"},
                    {"kind": "all", "flips": 2400, "masked": 1400, "cleared by RESET": 900,
                     "cleared by OPEN": 100, "not cleared": 0},
                ],
                "weighted_by_bits": {"masked": 0.5, "hang": 0.25},
            },
            2400, True, "shares weighted by the bits of each kind of state: masked 50.0 %, hang 25",
        ),
        (
            found.upset,
            {
                "config": "tiny",
                "kinds": [{"kind": "all", "flips": 9, "masked": 4, "cleared by RESET": 3,
                           "cleared by OPEN": 1, "not cleared": 1}],
                "weighted_by_bits": {"masked": None},
            },
            9, False, "1 by OPEN, 1 that no reset clears",
        ),
        (
            found.audited, {"locked": 106, "audited": 100, "advisories": 1},
            100, False, "100 of 106 versions audited, 1 advisories",
        ),
        (found.crashed, CRASH, 100, True, "93 loaded, 93 of them went on to the same bits"),
        (
            found.read_files,
            {"targets": {"a": {"files": 1000, "findings": 0, "seconds": 5},
                         "b": {"files": 234, "findings": 2, "seconds": 5}}},
            1234, False, "1,234 files to 2 loaders in 10 s, 2 findings",
        ),
        (
            partial(found.suite, of=["a"]),
            {"modules": {"test_a": {"passed": 3, "failed": 1, "skipped": 2},
                         "test_b": {"passed": 9, "failed": 0, "skipped": 0}}},
            4, False, "3 tests passed, 1 failed, 2 skipped (in test_a)",
        ),
        (
            found.suite,
            {"modules": {"test_a": {"passed": 3, "failed": 0, "skipped": 0}}},
            3, True, "3 tests passed, 0 failed",
        ),
    ],
)  # fmt: skip
def test_a_results_file_is_counted(read, values: dict, checks: int, good: bool, words: str):
    result = read(values)
    assert (result.checks, result.good) == (checks, good)
    assert words in result.result


def test_mutants_are_as_old_as_the_block_that_was_run_first():
    blocks = {"a": {"commit": "new", "date": "2026-02"}, "b": {"commit": "old", "date": "2026-01"}}
    counts = {"killed": 1, "survived": 0, "equivalent": 0}
    values = {"commit": "new", "date": "2026-02", **counts, "blocks": blocks}
    assert found.mutated(values).made == blocks["b"]


def test_a_target_that_was_not_run_is_none_of_its_files():
    assert found.fuzzed({"differential": {}}, "protocol") is None
    assert found.suite({"modules": {"test_b": {}}}, ["a"]) is None


def test_the_tests_report_is_counted_by_module(tmp_path: Path):
    (tmp_path / "tests.xml").write_text(JUNIT)
    assert junit.summary(tmp_path / "tests.xml") == {
        "date": "2026-11-22T10:00:00+00:00",
        "installed": "57 packages",
        "modules": {
            "test_a": {"passed": 1, "failed": 1, "skipped": 0},
            "test_b": {"passed": 0, "failed": 1, "skipped": 1},
        },
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot read"), ("spikes", "is no XML"), ("<testsuites/>", "holds no test")],
)
def test_what_is_no_report_of_tests_is_refused(tmp_path: Path, text: str | None, words: str):
    if text is not None:
        (tmp_path / "tests.xml").write_text(text)
    with pytest.raises(EvidenceError, match=words) as error:
        junit.summary(tmp_path / "tests.xml")
    assert "--junit-xml" in str(error.value)
