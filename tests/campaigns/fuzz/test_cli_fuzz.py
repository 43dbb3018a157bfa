"""`make fuzz`: what it refuses, tells, writes and keeps, also when it is stopped."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.campaigns.app import app
from tests.campaigns.fuzz import differential, record
from tests.campaigns.fuzz.case import Case, CaseError
from tests.campaigns.fuzz.hunt import hunt
from tests.support import command_line
from tests.support.golden_fault import planted

call = partial(command_line.call, "fuzz", app=app)


def test_the_command_writes_what_it_tried(tmp_path: Path):
    path = tmp_path / "new" / "fuzz.json"
    result = call("--minutes", "0.02", "--seed", 7, "--results", path, "--json")
    values = json.loads(path.read_text())["differential"]
    assert {**values, "target": "differential"} == json.loads(result.stdout)
    assert values["seed"] == 7
    assert values["failures"] == 0
    assert values["kept"] is None
    assert values["stopped"] is False
    assert values["cases"] >= values["configurations"] >= 1
    assert values["images"] == values["trained"] + values.get("inferred", 0)
    assert values.keys() >= {"commands", "seconds", "commit", "date", "command"}


def test_the_command_keeps_what_fails_and_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        differential, "hunt", lambda *a, **k: hunt(*a, **{**k, "shrink_seconds": 0.0})
    )
    with monkeypatch.context() as patch:
        planted(patch)
        result = call("--minutes", 1e6, "--seed", 1, "--cases", tmp_path, "--json", status=1)
        (path,) = tmp_path.glob("*.json")
        assert json.loads(result.stdout)["kept"] == path.name
        for text in (
            "core and golden differ",
            "sizes = [",
            f"make fuzz FUZZ='--case {path}'",
        ):
            assert text in result.stderr
        assert "FAILED: DifferenceError" in call("--case", path, status=1).stdout
    assert f"{path} passes" in call("--case", path).stdout


def test_results_that_are_something_else_are_not_overwritten(tmp_path: Path):
    path = tmp_path / "fuzz.json"
    path.write_text("[1]")
    assert "holds no entries by target" in call("--results", path, status=2).stderr
    path.write_text("1, 2")
    assert "cannot take results" in call("--results", path, status=2).stderr
    with pytest.raises(CaseError, match="cannot take results"):
        record.check(tmp_path)


def refusal(*arguments: object) -> str:
    return " ".join(call(*arguments, status=2).stderr.replace("│", " ").split())


def test_outputs_that_cannot_be_written_are_refused_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(differential, "fuzz", lambda **_: pytest.fail("it was searched"))
    taken = tmp_path / "taken"
    taken.write_text("")
    assert "error: cannot write in" in refusal("--cases", taken / "x")
    words = ("--cases", tmp_path, "--results", taken / "x.json")
    assert "error: cannot write" in refusal(*words)


@pytest.mark.parametrize(("minutes", "message"), [("inf", "inf never ends"), ("nan", "greater")])
def test_a_search_without_an_end_is_refused(minutes: str, message: str):
    assert message in refusal("--minutes", minutes)


def stop_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come while the next case runs."""
    replies = iter([Counter(commands=1, spikes=2, errors=3)] * count)

    def replay(case: Case) -> Counter[str]:
        if (found := next(replies, None)) is None:
            raise KeyboardInterrupt
        return found.copy()

    monkeypatch.setattr(differential, "replay", replay)


def test_ctrl_c_tells_and_writes_what_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stop_after(3, monkeypatch)
    path = tmp_path / "fuzz.json"
    result = call("--minutes", 1, "--seed", 7, "--results", path, status=130)
    assert "seed 7: 1 minute of differential cases" in result.stderr
    assert "1 case, 1 command, " in result.stderr
    rows = [line.strip("│ ").split("│") for line in result.stdout.splitlines() if "│" in line]
    assert [" ".join("".join(row).split()) for row in rows] == [
        *("cases 3", "configurations 3", "commands 3", "forward spikes 6", "error spikes 9"),
    ]
    assert re.search(r"stopped: nothing failed in \d+ s \(seed 7\)", result.stdout)
    values = json.loads(path.read_text())["differential"]
    assert (values["cases"], values["seed"], values["stopped"]) == (3, 7, True)
    assert (values["spikes"], values["errors"]) == (6, 9)


def test_ctrl_c_before_the_first_case_leaves_the_results_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stop_after(0, monkeypatch)
    path = tmp_path / "fuzz.json"
    result = call("--seed", 7, "--results", path, status=130)
    assert "stopped: no case was finished (seed 7)" in result.stdout
    assert not path.exists()


def test_ctrl_c_while_a_failure_is_shrunk_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    errors = iter([ValueError("broken")])

    def replay(case: Case) -> Counter[str]:
        raise next(errors, KeyboardInterrupt())

    monkeypatch.setattr(differential, "replay", replay)
    path = tmp_path / "fuzz.json"
    result = call("--cases", tmp_path / "kept", "--results", path, status=1)
    assert "FAILED: ValueError: broken" in result.stdout
    values = json.loads(path.read_text())["differential"]
    assert (values["cases"], values["failures"], values["stopped"]) == (0, 1, True)
    assert (tmp_path / "kept" / values["kept"]).is_file()


def test_without_hypothesis_the_command_says_how_to_get_it():
    code = (
        "import sys; sys.modules['hypothesis'] = None; from tests.campaigns.app import app; "
        "app(['fuzz', '--minutes', '0.01'])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 2
    assert "'.[fuzz]'" in found.stderr
