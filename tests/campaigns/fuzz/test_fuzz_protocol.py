"""Wrong bytes on the link's two ends: no hang, no weight changed unasked, errors with a name."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from spikeloom.boards.host.device import DeviceError
from spikeloom.boards.host.link import LinkTransport
from spikeloom.golden.spec.link import (
    DIVIDER_MIN,
    FALLBACK_BITS,
    BoardFrame,
    HostFrame,
    Kind,
    Parser,
)
from spikeloom.hdl import link as hdl_link
from spikeloom.sim.rtl.transport import VerilatedTransport
from spikeloom.sim.rtl.verilate import build, to_verilog
from tests.campaigns.fuzz import board, host, kept, protocol, rig, sessions
from tests.campaigns.fuzz.case import CaseError
from tests.campaigns.fuzz.ear import Ear
from tests.campaigns.fuzz.hunt import hunt
from tests.campaigns.fuzz.script import Script
from tests.campaigns.fuzz.scripts import HELLO, scripts
from tests.campaigns.fuzz.session import Session, damaged
from tests.campaigns.fuzz.test_cli_fuzz import call
from tests.campaigns.fuzz.test_fuzz_differential import few
from tests.campaigns.mutation.planted import Mutant
from tests.paths import ROOT
from tests.support.golden_fault import planted
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


# The board


def test_a_board_survives_random_sessions():
    counts = tried(sessions.sessions(), 60)
    assert counts["board_sessions"] == 60
    assert counts["frames_damaged"] > 10
    assert counts["bytes_of_no_frame"] > 50
    assert counts["commands"] > 100


@pytest.mark.slow
def test_a_board_survives_many_sessions(seed: int):
    done = hunt(sessions.sessions(), board.replay, size=lambda case: 0, seed=seed, seconds=120)
    assert done.failure is None, f"{done.failure.error}\n{done.failure.example.describe()}"


def test_every_bit_of_a_frame_that_is_wrong_leaves_weights_and_counts_alone():
    write = ("write_weights", 1, 0, [[7, -7, 7]])
    length = 8 * len(HostFrame(Kind.DATA, 0, 0, 0, bytes(6 + 6)).pack())
    items = [
        item
        for bit in range(length)
        for item in (("commands", (write,), ("flip", bit)), ("quiet", 30))
    ]
    counts = board.replay(Session(False, 0, tuple(items)))
    assert counts["frames_damaged"] == length
    # the reading of weights, row by row, and the polls are not among the damaged ones
    assert counts["commands"] == 4 + 3 + 2


class Deaf:
    """A board that never says anything."""

    cycles = 0

    def transfer(self, data: bytes, reply: int) -> bytes:
        return bytes(reply)

    def close(self) -> None:
        pass


def test_a_board_that_does_not_answer_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rig, "transport", Deaf)
    with pytest.raises(board.BoardError, match="OPEN with tag 1 was not answered within 290 byte"):
        board.replay(Session(False, 0, ()))


def test_a_weight_that_differs_is_found(monkeypatch: pytest.MonkeyPatch):
    planted(monkeypatch)
    session = Session(False, 9, (("commands", (("train", 1),), None),))
    with pytest.raises(AssertionError, match="read_weights 1 3 1: core and golden differ"):
        board.replay(session)


FAULTS = [
    Mutant(
        "frames",
        "found.done.eq(heard.good & ~self.drop)",
        "found.done.eq(~self.drop)",
        "a frame with a bad CRC is obeyed",
    ),
    Mutant(
        "frames",
        "with m.If(self.drop | heard.error):",
        "with m.If(heard.error):",
        "a frame of which nothing comes any more is waited for",
    ),
]


@pytest.mark.usefixtures("unhurried")
@pytest.mark.slow
@pytest.mark.parametrize("mutant", FAULTS, ids=lambda mutant: mutant.why)
def test_a_fault_in_the_link_is_found_shrunk_and_kept(
    mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch, mutant.applied() as module:
        patch.setattr(hdl_link, "FrameReceiver", module.FrameReceiver)
        library = build(to_verilog(rig.Rig()))
        patch.setattr(rig, "transport", lambda: VerilatedTransport(library, idle_limit=100_000))
        done = hunt(
            sessions.sessions(),
            board.replay,
            size=lambda case: len(case.to_json()),
            seed=1,
            seconds=240,
            shrink_seconds=60,
        )
        assert done.failure is not None
        assert len(done.failure.example.items) <= 8
        path = kept.keep(done.failure.example, done.failure.error, tmp_path)
        with pytest.raises(AssertionError):
            kept.replay(kept.load(path))
    assert kept.replay(kept.load(path))


@pytest.fixture
def wire() -> Iterator[VerilatedTransport]:
    transport = rig.transport()
    yield transport
    transport.close()


def sent(wire: VerilatedTransport, data: bytes, quiet: int) -> bytes:
    """Send bytes, then nothing; return the board's."""
    records = b"".join(bytes([1, byte]) for byte in data) + bytes(2 * quiet)
    told = np.frombuffer(wire.transfer(records, 3 * len(records) // 2), np.uint8).reshape(-1, 3)
    return b"".join(bytes(row[1 : 1 + (row[0] & 3)]) for row in told)


def test_the_board_sends_nothing_but_frames(wire: VerilatedTransport):
    parser = Parser(BoardFrame)
    (hello,) = parser.feed(sent(wire, HostFrame(Kind.OPEN, 1).pack(), 60))
    assert hello.kind == Kind.HELLO
    assert parser.skipped == 0


def found_again(wire: VerilatedTransport, divider: int, quiet: int) -> bool:
    """Set a rate, say nothing for `quiet` byte times, and tell whether the board is found."""
    sent(wire, HostFrame(Kind.OPEN, 1).pack(), 60)
    sent(wire, HostFrame.rate(2, divider).pack(), 60)
    sent(wire, b"", quiet)
    frames = Parser(BoardFrame).feed(sent(wire, HostFrame(Kind.OPEN, 3).pack(), 60))
    return [frame.kind for frame in frames] == [Kind.HELLO]


def test_a_rate_at_which_nothing_comes_is_given_up_and_not_before(wire: VerilatedTransport):
    assert not found_again(wire, 2 * rig.DIVIDER, FALLBACK_BITS // 40)
    assert found_again(wire, 2 * rig.DIVIDER, FALLBACK_BITS // 20)


@pytest.mark.parametrize("divider", [0, 1, DIVIDER_MIN - 1])
def test_a_rate_whose_bits_hardly_end_is_given_up_at_once(divider: int, wire: VerilatedTransport):
    assert found_again(wire, divider, 60)


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
    done = hunt(scripts(), host.replay, size=lambda case: len(case.to_json()), seed=1, seconds=60)
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
