"""The virtual board's line: bits at the host's rate, faults that are drawn, a cable to pull."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
import serial
from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from spikeloom.sim.rtl.verilate import build, to_verilog
from spikeloom.sim.rtl.virtual_board import CLOCKS_PER_BIT, HARNESS, Faults
from tests.support.virtual_board import BenchBoard

BAUD = 1_000_000
CLOCK = CLOCKS_PER_BIT * BAUD


class Echo(wiring.Component):
    """Receives bytes of a fixed number of clocks per bit and sends each of them back."""

    def __init__(self) -> None:
        super().__init__({"rx": In(1), "tx": Out(1, init=1), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rx = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, rx, init=1)
        wait, left, byte = Signal(range(2 * CLOCKS_PER_BIT)), Signal(4), Signal(8)
        with m.If((left == 0) & ~rx):
            m.d.sync += [left.eq(9), wait.eq(CLOCKS_PER_BIT * 3 // 2 - 2)]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Elif(left != 0):
            m.d.sync += [wait.eq(CLOCKS_PER_BIT - 1), left.eq(left - 1)]
            m.d.sync += byte.eq(Mux(left == 1, byte, byte >> 1 | rx << 7))
        tick, bits, frame = Signal(range(CLOCKS_PER_BIT)), Signal(4), Signal(10, init=0x3FF)
        m.d.comb += self.tx.eq(frame[0])
        with m.If((left == 1) & (wait == 0)):
            m.d.sync += [frame.eq(byte << 1 | 0x200), bits.eq(9), tick.eq(CLOCKS_PER_BIT - 1)]
        with m.Elif(tick != 0):
            m.d.sync += tick.eq(tick - 1)
        with m.Elif(bits != 0):
            m.d.sync += [frame.eq(frame >> 1 | 0x200), bits.eq(bits - 1)]
            m.d.sync += tick.eq(CLOCKS_PER_BIT - 1)
        return m


def echoing() -> BenchBoard:
    return BenchBoard(build(to_verilog(Echo()), harness=HARNESS), clock_hz=CLOCK)


@pytest.fixture
def board():
    with echoing() as made:
        yield made


QUIET = 100_000
"""Clocks of the board, all noise and stalls over, in which nothing more comes of what was sent."""


def passed(board: BenchBoard) -> tuple[int, int]:
    """Return how many bytes the board's line has taken of a host, and has given to one."""
    there, back = board.traffic()
    return (
        there.bytes + there.drops - there.doubles,
        back.bytes - back.drops + back.doubles - back.lost,
    )


def exchange(board: BenchBoard, data: bytes, baud: int = BAUD) -> bytes:
    """Send `data` through pyserial; return all that comes of it, however long that takes."""
    taken, given = passed(board)
    with serial.Serial(board.port, baud, timeout=0.01, exclusive=True) as port:
        port.write(data)
        found, moved = b"", board.cycles
        while True:
            more = port.read(4096)
            found += more
            now = passed(board)
            if more or now[0] < taken + len(data) or now[1] > given + len(found):
                moved = board.cycles
            elif board.cycles - moved > QUIET:
                return found


def test_every_byte_passes_both_ways(board: BenchBoard):
    data = bytes(range(256)) * 8
    assert exchange(board, data) == data
    there, back = board.traffic()
    assert (there.bytes, back.bytes) == (len(data), len(data))
    assert there.faults == back.faults == back.lost == 0


def test_another_rate_of_the_host_reads_as_garbage(board: BenchBoard):
    data = bytes(range(64))
    found = exchange(board, data, 2 * BAUD)
    assert board.baud == 2 * BAUD
    assert found != data
    assert exchange(board, data) == data


def test_the_board_sleeps_while_nothing_moves(board: BenchBoard, monkeypatch: pytest.MonkeyPatch):
    assert exchange(board, b"awake") == b"awake"
    run, found = board._api.board_run, []

    def noted(*arguments: object) -> None:
        run(*arguments)
        found.append((board.cycles, time.process_time()))

    monkeypatch.setattr(board._api, "board_run", noted)
    while len(found) < 10 or found[-10][0] != found[-1][0]:
        time.sleep(0.01)
    (before, first), *_, (after, last) = found[-10:]
    assert after == before, "nine waits, of 50 ms each"
    assert last - first < 0.1
    assert exchange(board, b"awake again") == b"awake again"


@pytest.mark.parametrize("direction", ["to_board", "to_host"])
@pytest.mark.parametrize(
    ("fault", "count"),
    [
        ({"flips": 0.01}, "flips"),
        ({"drops": 0.05}, "drops"),
        ({"doubles": 0.05}, "doubles"),
        ({"bursts": 0.02, "burst_bits": 35}, "bursts"),
    ],
)
def test_faults_change_what_arrives(
    board: BenchBoard, direction: str, fault: dict[str, float], count: str
):
    data = bytes(range(256)) * 2
    board.faults(**{direction: Faults(seed=3, **fault)})
    assert exchange(board, data) != data
    there, back = board.traffic()
    assert getattr(there if direction == "to_board" else back, count) > 0
    assert (back if direction == "to_board" else there).faults == 0


@pytest.mark.parametrize("direction", ["to_board", "to_host"])
def test_a_lost_byte_is_missing_and_a_doubled_one_comes_twice(board: BenchBoard, direction: str):
    data = bytes(range(200))
    board.faults(**{direction: Faults(seed=3, drops=0.05)})
    found = exchange(board, data)
    assert len(found) < len(data)
    assert set(found) < set(data)
    board.faults(**{direction: Faults(seed=3, doubles=0.05)})
    found = exchange(board, data)
    assert len(found) > len(data)
    assert bytes(sorted(set(found))) == data


@pytest.mark.parametrize("direction", ["to_board", "to_host"])
def test_a_stall_loses_nothing(board: BenchBoard, direction: str):
    data = bytes(range(200))
    board.faults(**{direction: Faults(seed=3, stalls=0.05, stall_bits=3000)})
    started = board.cycles
    assert exchange(board, data) == data
    there, back = board.traffic()
    stalls = there.stalls + back.stalls
    assert stalls > 0
    assert board.cycles - started > 3000 * CLOCKS_PER_BIT


def test_the_same_seed_draws_the_same_faults(board: BenchBoard):
    data = bytes(range(256)) * 2
    found = []
    for seed in (7, 7, 8):
        board.faults(to_board=Faults(seed=seed, flips=0.002, drops=0.01))
        found.append(exchange(board, data))
    assert found[0] == found[1] != found[2]


def test_what_the_boards_thread_cannot_do_is_raised_and_the_board_lives(
    board: BenchBoard, monkeypatch: pytest.MonkeyPatch
):
    def none_left() -> tuple[int, int]:
        raise OSError(errno.ENOSPC, "no terminal left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "openpty", none_left)
        with pytest.raises(OSError, match="no terminal left"):
            board.plug()
    board.plug()
    assert exchange(board, b"alive") == b"alive"


def test_a_pulled_cable_ends_the_port_and_another_takes_its_place(board: BenchBoard):
    first = board.port
    with serial.Serial(first, BAUD, timeout=5, exclusive=True) as port:
        board.pull()
        with pytest.raises((OSError, serial.SerialException)):
            port.read(1)
    assert not Path(first).exists()
    board.plug()
    assert exchange(board, b"back") == b"back"


def test_a_closed_board_says_so():
    board = echoing()
    board.close()
    board.close()
    with pytest.raises(ValueError, match="this virtual board is closed: make another"):
        board.pull()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"flips": 1.5}, r"flips = 1\.5: a chance lies in 0\.\.1"),
        ({"stall_bits": 0}, r"stall_bits = 0: give 1 to 4294967295"),
    ],
)
def test_faults_that_cannot_be_are_refused(wrong: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        Faults(**wrong)
