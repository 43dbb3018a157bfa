"""Wrong bytes on the board's end of the link: it answers the next good frame, no weight changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

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
from tests.campaigns.fuzz import board, kept, protocol, rig, sessions
from tests.campaigns.fuzz.hunt import hunt
from tests.campaigns.fuzz.session import Session
from tests.campaigns.fuzz.test_fuzz_differential import few
from tests.campaigns.mutation.planted import Mutant
from tests.support.golden_fault import planted


def tried(strategy: st.SearchStrategy[Any], count: int) -> Counter[str]:
    total: Counter[str] = Counter()
    few(count)(hypothesis.given(strategy)(lambda case: total.update(protocol.replay(case))))()
    return total


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
            seconds=inf,
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
