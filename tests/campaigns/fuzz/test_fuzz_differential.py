"""The differential fuzzer: what it draws, that it finds faults, and what it once found."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from math import inf
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.campaigns.fuzz import differential, kept, reference, simulate
from tests.campaigns.fuzz.case import Case, CaseError, Stalls
from tests.campaigns.fuzz.commands import cases
from tests.campaigns.fuzz.hunt import Hunt, hunt
from tests.paths import ROOT
from tests.support.core_faults import FAULTS, replaced
from tests.support.golden_fault import planted

KEPT = sorted((ROOT / "tests/campaigns/fuzz/regressions").glob("differential-*.json"))
SOON: dict[str, Any] = {"seconds": 480.0, "shrink_seconds": 60.0}


def few(count: int) -> hypothesis.settings:
    """Return settings that draw the same cases every time: others are those of `make fuzz`."""
    return hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def drawn(count: int) -> list[Case]:
    found: list[Case] = []
    few(count)(hypothesis.given(cases())(lambda case: found.append(case)))()
    return found


# What is kept


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_once_failed_passes(path: Path):
    assert kept.replay(kept.load(path))["weights_compared"]


def test_cases_of_faults_are_kept():
    assert KEPT


def test_a_kept_case_is_the_one_that_was_drawn(tmp_path: Path):
    for case in drawn(20):
        path = kept.keep(case, ValueError("why"), tmp_path)
        assert kept.load(path) == dataclasses.replace(case, found="ValueError: why")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON file"),
        ("[" * 100_000, "is no JSON file"),
        ("[]", "its kind is none of differential"),
        ('{"kind": "x"}', "its kind is none of differential"),
        ('{"kind": "differential"}', "a part is missing or malformed: KeyError"),
    ],
)
def test_a_file_that_is_no_case_is_refused(text: str, message: str, tmp_path: Path):
    path = tmp_path / "case.json"
    path.write_text(text)
    with pytest.raises(CaseError, match=message):
        kept.load(path)


def test_a_case_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(CaseError, match=r"cannot read .*absent\.json: No such file"):
        kept.load(tmp_path / "absent.json")


def test_a_case_too_large_to_be_one_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kept, "LARGEST", 10)
    path = tmp_path / "case.json"
    path.write_text('{"kind": "differential"}')
    with pytest.raises(CaseError, match="it has 24 bytes, a case has at most 10"):
        kept.load(path)


def test_a_case_with_a_part_out_of_range_is_refused():
    (case,) = drawn(1)
    parts = json.loads(case.to_json())
    parts["stalls"]["replies"] = 256
    with pytest.raises(CaseError, match=r"stalls: replies = 256 is outside 0\.\.250"):
        Case.from_parts(parts)
    parts["stalls"]["replies"], parts["config"]["steps"] = 0, 0
    with pytest.raises(CaseError, match="config: steps = 0"):
        Case.from_parts(parts)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("fly",), "fly: there is no command 'fly'"),
        (("read", "altitude"), "read: 'altitude'"),
        (("train",), "train: .*missing 1 required"),
        (("opcode", 5), "opcode: 5 is TRAIN, which has a name of its own"),
        (("tokens", "0901"), "tokens: 0901 does not end with the first header 00"),
        (("image", []), "image: 0 pixels, the network has"),
    ],
)
def test_a_command_that_is_none_is_refused(command: tuple[Any, ...], message: str):
    (case,) = drawn(1)
    with pytest.raises(CaseError, match=message):
        simulate.run(dataclasses.replace(case, commands=(command,)))


# What is drawn


def test_drawn_cases_reach_every_option_and_event():
    """Otherwise all of this would compare silence with silence."""
    found: Counter[str] = Counter()
    every = drawn(600)
    for case in every:
        config, hardware = case.config, case.hardware
        found.update(
            {
                *(
                    f"{name} {getattr(hardware, name)}"
                    for name in ("neurons", "counters", "registered", "buffered", "parts", "drums")
                ),
                *(f"{name} {getattr(case.stalls, name)}" for name in ("commands", "replies")),
                *(f"layer of {size}" for size in config.sizes[1:-1]),
                *(f"{each.weight_bits} bits" for each in config.layers),
                *(f"ports {ports}" for ports in hardware.ports),
                f"depth {config.depth}",
                f"{hardware.draws} draws",
                f"label {config.label.train}",
                f"wta {config.wta.kind}",
                f"gate {config.error.gate}",
                f"membranes {config.error.membranes}",
                f"reset {config.neuron.reset}",
                *(f"command {command[0]}" for command in case.commands),
            }
        )
    for case in every:
        found.update(name for name, n in simulate.exchanges(case)[1].events.items() if n)
    expected = {
        *("depth 1", "depth 2", "depth 3", "depth 4"),
        *(f"layer of {size}" for size in (*range(1, 10), 16, 17, 33, 36)),
        *(f"{bits} bits" for bits in range(2, 17)),
        *(f"{draws} draws" for draws in range(1, 9)),
        *("wta none", "wta lateral", "wta feedforward", "wta recurrent"),
        *("gate open", "gate hold", "gate discard", "reset subtract", "reset zero"),
        *("membranes shared", "membranes separate", "ports 1", "ports 2"),
        *("label constant", "label front", "label random", "label random-front"),
        *("commands 0", "commands 230", "replies 0", "replies 230"),
        *(
            "parts 1",
            "parts 2",
            "parts 3",
            "drums True",
            "counters False",
            "registered False",
            "buffered False",
        ),
        *(f"command {name[4:]}" for name in dir(reference.Reference) if name.startswith("_do_")),
        *("trained", "inferred", "spikes", "errors", "rows_written", "stopped"),
    }
    assert {name: found[name] for name in expected if not found[name]} == {}


def test_the_same_seed_draws_the_same_cases():
    def names(seed: int) -> list[str]:
        found: list[str] = []

        def run(case: Case) -> Counter[str]:
            found.append(case.to_json())
            if len(found) == 10:
                raise ValueError("enough")
            return Counter()

        hunt(cases(), run, size=lambda case: 0, seed=seed, seconds=inf, shrink_seconds=0)
        return found

    assert names(5) == names(5) != names(6)


# On the RTL


def test_a_few_cases_agree():
    for case in drawn(4):
        assert differential.replay(case)["commands"]


def find(number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Hunt[Case], Path]:
    """Hunt with a fault in the RTL; return what was found and kept."""
    with monkeypatch.context() as patch:
        replaced(FAULTS[number][0], patch)
        done = differential.fuzz(seed=number, **SOON)
        assert done.failure is not None, FAULTS[number][0].why
        path = kept.keep(done.failure.example, done.failure.error, folder)
        with pytest.raises(simulate.DifferenceError):
            kept.replay(kept.load(path))
    assert kept.replay(kept.load(path))["commands"], "the sound RTL passes"
    return done, path


@pytest.mark.usefixtures("unhurried")
def test_a_fault_in_the_rtl_is_found_shrunk_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    done, path = find(0, tmp_path, monkeypatch)  # ties go to the highest class
    case = done.failure.example
    assert len(case.config.sizes) == 2
    assert sum(command[0] in ("train", "infer") for command in case.commands) == 1
    assert "core and golden differ" in json.loads(path.read_text())["found"]


@pytest.mark.usefixtures("unhurried")
@pytest.mark.slow
@pytest.mark.parametrize("number", [3, 4, 6, 9])
def test_more_faults_in_the_rtl_are_found(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    find(number, tmp_path, monkeypatch)


def test_a_fault_in_golden_is_found(monkeypatch: pytest.MonkeyPatch):
    planted(monkeypatch)
    done = differential.fuzz(seed=1, seconds=inf, shrink_seconds=0)
    assert isinstance(done.failure.error, simulate.DifferenceError)
    assert "read_weights 1 0" in str(done.failure.error)


def test_a_core_that_stops_is_no_hang_of_the_fuzzer(monkeypatch: pytest.MonkeyPatch):
    (case,) = drawn(1)
    monkeypatch.setattr(simulate, "cycle_limit", lambda *_: 50)
    with pytest.raises(simulate.DifferenceError, match="the core hangs: not finished after 50"):
        simulate.run(case)


def test_stalls_change_nothing():
    (case, *_) = drawn(3)[::-1]
    for commands, replies, pause in ((250, 0, 0), (0, 250, 7)):
        stalls = Stalls(1, commands, replies, pause)
        assert differential.replay(dataclasses.replace(case, stalls=stalls))["commands"]
