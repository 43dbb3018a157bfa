"""`make mutants` mutates what computes in golden, in a copy, and counts what is not noticed."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.campaigns.mutation import report
from tests.campaigns.mutation.__main__ import main
from tests.campaigns.mutation.golden import subject
from tests.campaigns.mutation.golden.command import told
from tests.campaigns.mutation.golden.explained import EXPLAINED, REASONS, reason
from tests.campaigns.mutation.golden.plain import Wide, compiled
from tests.campaigns.mutation.golden.skipped import is_skipped, uncomputed
from tests.paths import ROOT

SOURCE = """\
@compiled(inline="always")
def f(a: int | None, b: int = 1) -> int:
    x: int = a | b
    return x
"""

LOADED = """\
import sys
from pathlib import Path
import spikeloom.golden
from tests.campaigns.mutation.golden import subject
subject.copy(Path(sys.argv[1]))
subject.load_from(Path(sys.argv[1]))
from spikeloom.golden import network
from tests.support import configurations
print(network.__file__, configurations.__file__)
assert "numba" not in sys.modules
"""


def fate(outcome: str, line: str = "z = 2") -> tuple[SimpleNamespace, SimpleNamespace]:
    mutation = SimpleNamespace(
        module_path=ROOT / "wta.py", start_pos=(5, 0), operator_name="core/NumberReplacer"
    )
    return mutation, SimpleNamespace(is_killed=outcome == "killed", diff=f"-z = 1\n+{line}")


def explained_fate() -> tuple[SimpleNamespace, SimpleNamespace]:
    _, old, new = next(key for key in REASONS if key[0] == "wta")
    mutation, result = fate("survived")
    result.diff = f"-    {old}\n+    {new}"
    return mutation, result


@pytest.mark.parametrize(
    ("start", "skipped"),
    [((1, 16), True), ((2, 13), True), ((2, 28), False), ((2, 36), True), ((3, 15), False)],
)
def test_decorators_and_annotations_are_skipped_and_values_are_not(start, skipped):
    assert is_skipped("core/NumberReplacer", start, uncomputed(SOURCE)) == skipped


@pytest.mark.parametrize(
    ("operator", "skipped"),
    [
        ("RemoveDecorator", True),
        ("ReplaceComparisonOperator_Eq_Is", True),
        ("ReplaceComparisonOperator_Is_Eq", True),
        ("ReplaceComparisonOperator_Is_IsNot", False),
        ("ReplaceComparisonOperator_Eq_LtE", False),
        ("ReplaceBinaryOperator_Add_Sub", False),
    ],
)
def test_identity_is_not_put_in_the_place_of_equality(operator, skipped):
    assert is_skipped(f"core/{operator}", (1, 0), []) == skipped


def test_numbers_are_computed_in_64_bits_and_wrap_where_they_are_stored():
    @compiled(inline="always")
    def double(values: Wide, out: Wide, by: int) -> int:
        for j in range(values.size):
            out[j] = values[j] + values[j] + by
        return by << 63

    out = np.zeros(2, np.int16)
    assert double(np.array([32767, -32768], np.int16), out, 1) == -(2**63)
    assert out.tolist() == [-1, 1]


def test_a_copy_is_loaded_in_the_place_of_model_and_tests_and_has_no_numba(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = (subject.MODEL / "network.py", "tests/support/configurations.py")
    assert done.stdout.split() == [str(tmp_path / file) for file in loaded]
    assert (tmp_path / subject.TESTS / "test_network.py").is_file()


def test_every_module_that_computes_is_mutated():
    others = {"__init__", "activity", "compiled", "files", "samples"}  # nothing is computed there
    every = [*(ROOT / "golden").glob("*.py"), *(ROOT / "golden" / "rules").glob("*.py")]
    named = {path.relative_to(ROOT / "golden").with_suffix("").as_posix() for path in every}
    assert named - others - {"rules/__init__"} == set(subject.SUBJECTS)


@pytest.mark.parametrize("module", sorted({entry[0] for entry in EXPLAINED}))
def test_what_is_explained_still_stands_in_the_model(module):
    lines = [line.strip() for line in (ROOT / "golden" / f"{module}.py").read_text().splitlines()]
    stale = [old for named, _, old, _ in EXPLAINED if named == module and old not in lines]
    assert stale == []


def test_only_a_mutant_that_was_argued_has_a_reason():
    assert reason("wta", explained_fate()[1].diff).startswith("equivalent")
    assert reason("wta", "-a = 1\n+a = 2") is None


def test_the_file_keeps_other_modules_lists_survivors_and_adds_up(tmp_path):
    path = tmp_path / "mutants-golden.json"
    stamped = {"command": "c", "commit": "1", "date": "2026-11-23T00:00:00+00:00"}
    runs = {
        "neuron": [fate("killed"), fate("killed")],
        "wta": [fate("killed"), fate("survived"), explained_fate()],
    }
    for module, fates in runs.items():
        ended = [told(module, each) for each in fates]
        report.save(module, report.summary(ended, stamped), path)
    found = json.loads(path.read_text())
    names = ("mutants", "killed", "equivalent", "survived", "score")
    assert [found[name] for name in names] == [5, 3, 1, 1, 0.75]
    (survivor,) = found["blocks"]["wta"]["survivors"]
    assert (survivor["file"], survivor["line"]) == ("golden/wta.py", 5)
    assert survivor["diff"] == "-z = 1\n+z = 2"
    assert found["blocks"]["wta"]["equivalents"][0]["reason"]


def test_a_module_that_is_not_there_is_named(capsys):
    assert main(["golden", "wat"]) == 2
    assert "no part wat of golden; there are: lfsr, crossbar" in capsys.readouterr().out


def test_without_cosmic_ray_the_command_says_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cosmic_ray", None)
    assert main(["golden", "wta"]) == 2
    told = "error: cosmic-ray is not installed: run pip install --editable '.[mutants]'"
    assert told in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.extra("mutants")
def test_a_bounded_run_goes_on_where_it_was_stopped(tmp_path):
    command = [sys.executable, "-m", "tests.campaigns.mutation", "golden"]
    for most in (3, 6):
        out = tmp_path / f"{most}.json"
        words = ["--sessions", tmp_path, "--most", str(most), "--out", out, "wta"]
        done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True)
        assert done.returncode in (0, 1), done.stderr
        assert json.loads(out.read_text())["blocks"]["wta"]["mutants"] == most
    assert len(list(tmp_path.glob("wta-*.sqlite"))) == 1
