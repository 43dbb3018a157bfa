"""Wrong bytes on the link's two ends: no hang, no weight changed unasked, errors with a name."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from math import inf
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from spikeloom.boards.host.device import DeviceError
from spikeloom.boards.host.link import LinkTransport
from spikeloom.golden.spec.link import (
    HostFrame,
    Kind,
)
from tests.campaigns.fuzz import host, kept, protocol, sessions
from tests.campaigns.fuzz.case import CaseError
from tests.campaigns.fuzz.ear import Ear
from tests.campaigns.fuzz.hunt import hunt
from tests.campaigns.fuzz.script import Script
from tests.campaigns.fuzz.scripts import HELLO, scripts
from tests.campaigns.fuzz.session import Session, damaged
from tests.campaigns.fuzz.test_cli_fuzz import call
from tests.campaigns.fuzz.test_fuzz_differential import few
from tests.paths import ROOT
from tests.support.link_board import PythonCore, ReferenceBoard

FOLDER = ROOT / "tests/campaigns/fuzz/regressions"
KEPT = sorted([*FOLDER.glob("board-*.json"), *FOLDER.glob("host-*.json")])
BABBLE = Script(
    0,
    ("transfer",),
    (HELLO, ("answer", 0, 0, 0, 0, 0, Kind.STATE, "", None)),
)
"""A board that says again and again that nothing has happened."""


def tried(strategy: st.SearchStrategy[Any], count: int) -> Counter[str]:
    total: Counter[str] = Counter()
    few(count)(hypothesis.given(strategy)(lambda case: total.update(protocol.replay(case))))()
    return total


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_once_failed_passes(path: Path):
    assert kept.replay(kept.load(path))


def test_sessions_and_scripts_are_kept_as_they_were_drawn(tmp_path: Path):
    @few(40)
    @hypothesis.given(st.one_of(sessions.sessions(), scripts()))
    def check(case: Session | Script) -> None:
        path = kept.keep(case, ValueError("why"), tmp_path)
        again = kept.load(path)
        assert again.to_json() == dataclasses.replace(case, found="ValueError: why").to_json()
        assert type(again) is type(case)

    check()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"kind": "board"}, "KeyError"),
        ({"items": [["fly", 1]]}, "'fly' with 1 fields is no item"),
        ({"items": [["bytes", "xy"]]}, "non-hexadecimal"),
        ({"items": [["commands", [], ["melt", 1]]]}, r"\('melt', 1\) is no damage"),
        ({"items": [["frame", 0, 0, 0, "", None]]}, "0 is not a valid Kind"),
        ({"kind": "host", "events": [], "deeds": ["fly"]}, r"\['fly'\] are no deeds"),
        ({"kind": "host", "events": [["fly"]], "deeds": []}, "'fly' with 0 fields is no event"),
        ({"kind": "host", "events": [["echo", -1]], "deeds": []}, r"a wait of -1 is outside 0\.\."),
        ({"kind": "host", "events": [["echo", "1"]], "deeds": []}, "'1' is no whole number"),
        ({"items": [["quiet", 1e9]]}, r"1000000000\.0 is no whole number"),
        ({"items": [["frame", 1, None, 0, "", None]]}, "None is no whole number"),
        ({"items": [], "start": -1}, r"start = -1 is outside 0\.\."),
        ({"items": [], "start": "0", "found": ""}, "start is '0', which was read as 0"),
        ({"items": [], "stray": "no", "found": ""}, "stray is 'no', which was read as True"),
        ({"items": [], "found": "", "speed": 1}, "speed is no part of it"),
        ({"items": [["bytes", "ff"]], "found": 3}, "found is 3, which was read as '3'"),
    ],
)
def test_a_file_that_is_no_session_is_refused(parts: dict[str, Any], message: str, tmp_path: Path):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"kind": "board", "stray": False, "start": 0, **parts}))
    with pytest.raises(CaseError, match=message):
        kept.load(path)


# What the board must hear


@few(300)
@hypothesis.given(
    st.lists(
        st.one_of(
            st.tuples(st.just("bytes"), sessions.noise()),
            st.tuples(st.just("poll"), sessions.damages(2)),
            st.tuples(st.just("data"), sessions.damages(2)),
            st.tuples(st.just("quiet"), st.none()),
        ),
        max_size=12,
    )
)
def test_the_model_hears_the_frames_that_the_tests_own_board_hears(items: list[tuple[str, Any]]):
    heard: list[HostFrame] = []
    other: list[HostFrame] = []
    ear, reference_board = Ear(), ReferenceBoard(PythonCore())
    reference_board._obey = other.append
    good = {"poll": HostFrame(Kind.POLL, 3), "data": HostFrame(Kind.DATA, 4, 5, 6, b"seven")}
    for name, what in items:
        if name == "quiet":
            ear.quiet()
            for _ in range(26):
                reference_board._hear(None, False)
            continue
        wire = damaged(what if name == "bytes" else good[name].pack(), None)
        for byte, broken in wire if name == "bytes" else damaged(good[name].pack(), what):
            reference_board._hear(byte, broken)
            if frame := ear.byte(byte, broken=broken):
                heard.append(frame)
    assert heard == other


@pytest.mark.parametrize(
    ("damage", "wanted"),
    [
        (None, "a5 32"),
        (("cut", 1), "a5"),
        (("flip", 9), "a5 30"),
        (("set", 1, 7), "a5 07"),
        (("insert", 1, 7), "a5 07 32"),
        (("drop", 0), "32"),
        (("double", 3), "a5 32 32"),
        (("broken", 0), "a5! 32"),
    ],
)
def test_damage_is_as_documented(damage: tuple[Any, ...] | None, wanted: str):
    wire = damaged(b"\xa5\x32", damage)
    assert " ".join(f"{byte:02x}{'!' * broken}" for byte, broken in wire) == wanted


# The host


def test_a_host_survives_random_lines():
    counts = tried(scripts(), 250)
    assert counts["host_scripts"] == 250
    for ended in ("deeds_done", "ended_LinkError", "ended_DeviceError"):
        assert counts[ended] >= 1, counts
    assert counts["transfers"] > 100


def test_a_board_that_says_the_same_for_ever_is_given_up():
    assert host.replay(BABBLE)["ended_CoreStuckError"]


def test_an_error_without_a_name_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(LinkTransport, "_measure", lambda *_: {}["nothing"])
    done = hunt(scripts(), host.replay, size=lambda case: len(case.to_json()), seed=1, seconds=inf)
    assert str(done.failure.error) == "the host raised KeyError: 'nothing'"
    assert len(done.failure.example.events) <= 4


def test_errors_of_the_driver_have_names(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise DeviceError("no")

    monkeypatch.setattr(LinkTransport, "__init__", refuse)
    assert host.replay(BABBLE)["ended_DeviceError"] == 1


# The command


def test_the_command_writes_what_it_tried(tmp_path: Path):
    path = tmp_path / "fuzz.json"
    path.write_text('{"differential": {"cases": 1}}')
    call("--target", "protocol", "--minutes", "0.05", "--seed", 7, "--results", path)
    values = json.loads(path.read_text())
    assert values["differential"] == {"cases": 1}
    both = values["protocol"]
    assert both["cases"] == both.get("board_sessions", 0) + both.get("host_scripts", 0) > 0


def test_noise_is_any_bytes():
    """Huge lengths among them, which no frame may have."""
    found = []
    few(200)(hypothesis.given(sessions.noise())(lambda data: found.append(data)))()
    assert any(data[:2] == b"\xa5\x11" and len(data) == 5 and data[4] > 128 for data in found)
