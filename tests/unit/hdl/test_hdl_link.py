# amaranth: UnusedElaboratable=no
"""The RTL's end of the link before the real host: nothing is lost, no state is a trap."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.sim import SimulatorContext

from spikeloom.boards.host.link import CoreStuckError, LinkTransport
from spikeloom.golden import datasets
from spikeloom.golden.spec import link, protocol
from spikeloom.golden.spec.link import BoardFrame, HostFrame, Kind, Parser
from spikeloom.hdl.link import Link
from tests.bench import bench_frames, bench_link, pysim
from tests.bench.bench import run_case
from tests.support.link_board import expected_replies
from tests.support.link_line import Noise, SimulatedLine
from tests.support.link_rig import FAST_HZ, SLOW_HZ, RtlBoard

QUIET = link.QUIET_BITS // 10 + 2
"""Byte times after which the board hunts for a frame."""


@pytest.fixture(scope="module")
def board():
    """The smallest link at 5 clocks a bit; every transport opens it anew."""
    board = RtlBoard(SLOW_HZ)
    yield board
    board.close()


@pytest.fixture(scope="module")
def fast_board():
    board = RtlBoard(FAST_HZ, slots=8, ring=1024)
    yield board
    board.close()


def check(host: LinkTransport, data: bytes, replied: int = 0) -> int:
    want = expected_replies(data, replied)
    assert host.transfer(data, len(want)) == want
    return replied + len(want)


# The UART


@pytest.mark.parametrize("case", bench_link.cases(), ids=lambda case: case.name)
def test_bytes_pass_between_clocks_that_differ(case, seed):
    run_case(case, seed)


# The link


@pytest.mark.parametrize("case", bench_frames.cases(), ids=lambda case: case.name)
def test_every_deed_of_a_host_is_answered(case, seed):
    run_case(case, seed)


# Streams


@pytest.mark.parametrize("which", ["board", "fast_board"])
def test_both_streams_pass_in_order(which, request):
    host, replied = LinkTransport(SimulatedLine(request.getfixturevalue(which))), 0
    for size in (0, 1, 127, 129, 2500):
        replied = check(host, random.Random(size).randbytes(size), replied)
    assert replied > link.OFFSETS
    assert (host.statistics.resent, host.statistics.crc_errors) == (0, 0)


@pytest.mark.parametrize("round_", range(6))
def test_random_faults_lose_nothing(board, round_, seed):
    rng = random.Random(100 * seed + round_)
    line = SimulatedLine(board)
    host = LinkTransport(line)
    rate = rng.choice((0.0002, 0.001))
    line.up = Noise(rng, *(rng.choice((0, rate)) for _ in range(5)))
    line.down = Noise(rng, *(rng.choice((0, rate)) for _ in range(5)))
    check(host, rng.randbytes(1200))


@pytest.mark.parametrize("ratio", [0.98, 1.02])
def test_both_streams_pass_where_the_clocks_differ(board, ratio):
    line = SimulatedLine(board)
    host = LinkTransport(line)
    divider = link.divider(SLOW_HZ, link.DEFAULT_BAUD)
    board.set_host_divider(round(divider * ratio))
    try:
        check(host, random.Random(1).randbytes(3000))
    finally:
        board.set_host_divider(divider)
    assert host.statistics.crc_errors == 0


def test_a_blocked_core_stops_the_host_and_goes_on(board):
    line = SimulatedLine(board)
    host = LinkTransport(line, patience=0.5)
    board.blocked = True
    with pytest.raises(CoreStuckError, match=r"0 of 9 reply bytes came and 256 of 900 bytes were"):
        host.transfer(bytes(900), 9)
    board.blocked = False
    host.reopen()
    check(host, b"\x77fine")


def test_replies_that_are_not_acknowledged_stop_the_core(board):
    host = LinkTransport(SimulatedLine(board))
    burst = bytes([0xFF] * 30)  # 1800 replies, a ring of 256
    want = expected_replies(burst)
    assert host.transfer(burst, 0) == b""
    for _ in range(300):
        board.step(None)
    assert host.transfer(b"", len(want)) == want


# No state is a trap


def listen(board: RtlBoard, data: bytes, quiet: int = 60) -> list[BoardFrame]:
    """Send bytes and then none; return the board's frames."""
    parser = Parser(BoardFrame)
    came = [frame for byte in data for frame in parser.feed(bytes(board.step(byte)))]
    for _ in range(quiet):
        came += parser.feed(bytes(board.step(None)))
    return came


def opened(board: RtlBoard) -> None:
    (hello,) = listen(board, HostFrame(Kind.OPEN, 1, 0, 0x5A5).pack(), 300)[-1:]
    assert (hello.kind, hello.offset) == (Kind.HELLO, 0x5A5)


DATA = HostFrame(Kind.DATA, 2, 0, 0x5A5, bytes(range(0x30, 0x3C)))


def test_a_cut_frame_is_forgotten_after_a_quiet_time(board):
    opened(board)
    whole = DATA.pack()
    for cut in range(len(whole)):
        tag = cut % 16
        listen(board, whole[:cut], QUIET)
        (answer,) = listen(board, HostFrame(Kind.POLL, tag, 0, 0x5A5).pack(), 20)
        assert (answer.kind, answer.tag, answer.expected) == (Kind.STATE, tag, 0)


def test_frames_get_through_behind_a_cut_one_without_a_quiet_time(board):
    opened(board)
    poll = HostFrame(Kind.POLL, 3, 0, 0x5A5).pack()
    for cut in range(1, 20):
        length = DATA.pack()[:cut]
        # the longest frame that a cut one can be taken for, and a poll in full behind that
        polls = -(-(link.PAYLOAD_MAX + 9) // len(poll)) + 2
        answers = listen(board, length + poll * polls)
        assert [answer.tag for answer in answers][-1:] == [3]


def test_no_wrong_bit_reaches_the_core(board):
    opened(board)
    good = DATA.pack()
    for bit in range(8, 8 * len(good)):
        wrong = bytearray(good)
        wrong[bit // 8] ^= 1 << bit % 8
        assert listen(board, bytes(wrong), QUIET) == []
    (answer,) = listen(board, HostFrame(Kind.POLL, 3, 0, 0x5A5).pack())
    assert (answer.expected, answer.taken, answer.offset) == (0, 0, 0x5A5)
    last = listen(board, good)[-1]
    assert (last.expected, last.taken) == (1, len(DATA.payload))


@pytest.mark.parametrize("place", range(0, 21, 4))
def test_a_byte_without_a_stop_bit_ends_its_frame(board, place):
    opened(board)
    for at, byte in enumerate(DATA.pack()):
        assert board.step(byte, broken=at == place) == []
    assert listen(board, b"", QUIET) == []


def test_a_frame_out_of_order_or_too_long_for_the_buffer_is_refused(board):
    opened(board)
    (answer,) = listen(board, HostFrame(Kind.DATA, 4, 1, 0x5A5, b"x").pack())
    assert (answer.kind, answer.tag, answer.expected, answer.taken) == (Kind.REFUSED, 4, 0, 0)
    board.blocked = True
    frames = [HostFrame(Kind.DATA, 4, seq, 0x5A5, bytes(128)) for seq in range(3)]
    came = [listen(board, frame.pack())[-1] for frame in frames]
    board.blocked = False
    assert [answer.kind for answer in came] == [Kind.STATE, Kind.STATE, Kind.REFUSED]
    assert [answer.expected for answer in came] == [1, 2, 2]


@pytest.mark.parametrize(
    "wrong",
    [
        bytes([0x10 | Kind.STATE, 0, 0, 0]),
        bytes([0x10, 0, 0, 0]),
        bytes([0x10 | Kind.POLL, 0, 0, 1, 7]),
        bytes([0x10 | Kind.DATA, 0, 0, 129, *bytes(129)]),
    ],
)
def test_a_wrong_kind_or_length_is_no_frame(board, wrong):
    opened(board)
    data = bytes([link.SOF]) + wrong + zlib.crc32(wrong).to_bytes(4, "little")
    assert listen(board, data, QUIET) == []


@pytest.mark.parametrize("cut", [1, 3, 5, 11, 20])
def test_opening_heals_a_cut_frame_and_a_core_in_the_middle_of_a_burst(board, cut):
    host = LinkTransport(SimulatedLine(board))
    host.transfer(bytes([0xFF] * 20), 3)
    for byte in DATA.pack()[:cut]:
        board.step(byte)
    check(LinkTransport(SimulatedLine(board)), random.Random(cut).randbytes(100))


# Rates


def test_the_rate_is_changed_and_found_again(fast_board):
    line = SimulatedLine(fast_board)
    host = LinkTransport(line, baud=3_000_000)
    assert host.baud == 3_000_000
    check(host, random.Random(2).randbytes(2000))
    assert host.statistics.crc_errors == 0
    found = LinkTransport(SimulatedLine(fast_board))
    assert found.baud == 3_000_000
    check(found, random.Random(3).randbytes(100))
    back = LinkTransport(SimulatedLine(fast_board), baud=1_000_000)
    assert back.baud == 1_000_000
    check(back, random.Random(4).randbytes(100))


def test_a_rate_at_which_nothing_arrives_is_given_up(fast_board):
    line = SimulatedLine(fast_board)
    line.up = lambda byte: [byte if line._baud < 2e6 else byte ^ 1]
    host = LinkTransport(line, baud=3_000_000)
    assert host.baud == 1_000_000
    check(host, random.Random(5).randbytes(100))


# Throughput and latency


def test_the_line_is_busy_and_a_digit_takes_at_most_215_bytes(board):
    images = datasets.load(train=160, test=1).train.images
    digits = [protocol.encode_image(image.tobytes()) + protocol.train(3) for image in images]
    quiet = b"".join(digits).translate(bytes(byte % 0x40 for byte in range(256)))
    line = SimulatedLine(board, latency=2)
    host = LinkTransport(line)
    busy, steps, before = line.busy, line.steps, host.statistics.bytes_out
    host.transfer(quiet, 0)  # bytes that the core takes and does not answer
    assert (line.busy - busy) / (line.steps - steps) >= 0.95
    assert (host.statistics.bytes_out - before) / len(digits) <= 215


def pins(frame: HostFrame) -> list[int]:
    """Return the levels that a frame gives the pin, clock by clock, at 5 clocks a bit."""
    levels = []
    for byte in frame.pack():
        bits = [0, *(byte >> bit & 1 for bit in range(8)), 1]
        levels += [level for level in bits for _ in range(5)]
    return levels


def test_latency_and_throughput_are_as_promised():
    dut = Link(clock_hz=SLOW_HZ, slots=2, ring=128)
    opened, sent = HostFrame(Kind.OPEN, 1), HostFrame(Kind.DATA, 1, payload=b"abcd")
    offered, resets, begun = [], [], []

    async def bench(ctx: SimulatorContext) -> None:
        clock = 0

        async def run(levels: list[int]) -> None:
            nonlocal clock
            for level in levels:
                ctx.set(dut.rx, level)
                await ctx.tick()
                clock += 1
                if ctx.get(dut.reset):
                    resets.append(clock)
                if ctx.get(dut.commands.valid):
                    offered.append(clock)
                if not ctx.get(dut.tx):
                    begun.append(clock)

        ctx.set(dut.commands.ready, 1)
        await run([1] * 20 + pins(opened) + [1] * 1200)
        assert len(resets) == 1
        start = clock
        await run(pins(sent) + [1] * 1200)
        # the last byte has come in the middle of its stop bit, 2 clocks later behind the pin
        come = start + 5 * 10 * len(sent.pack()) - 3 + 2
        assert [clock - come for clock in offered] == [3, 6, 9, 12]
        ctx.set(dut.replies.valid, 1)
        assert ctx.get(dut.replies.ready)
        begun.clear()
        taken = clock + 1
        await run([1])
        ctx.set(dut.replies.valid, 0)
        await run([1] * 10)
        assert begun[0] - taken == 1

    pysim.run(dut, bench)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slots": 3}, "slots = 3 is no power of two from 2 to 8"),
        ({"ring": 64}, "ring = 64 is no power of two from 128 to 1024"),
        ({"baud": 3_000_000}, "3000000 baud cannot be had from 12 MHz: at most 2400000 baud"),
    ],
)
def test_a_link_that_cannot_be_built_is_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Link(clock_hz=12_000_000, **options)


SMALLEST = """
import sys
from pyosys import libyosys as ys
from spikeloom.boards.synthesis import prepare
source, result = sys.argv[1:]
design = ys.Design()
for command in (*prepare(source), "synth_ice40 -top top", f"tee -q -o {result} stat -json"):
    ys.run_pass(command, design)
"""


def test_the_smallest_link_takes_a_tenth_of_a_small_fpga(tmp_path: Path):
    source, result = tmp_path / "top.il", tmp_path / "cells.json"
    dut = Link(clock_hz=12_000_000, slots=2, ring=256)
    source.write_text(rtlil.convert(dut, name="top", emit_src=False))
    command = [sys.executable, "-c", SMALLEST, str(source), str(result)]
    subprocess.run(command, capture_output=True, check=True)
    cells = json.loads(result.read_text())["design"]["num_cells_by_type"]
    flip_flops = sum(count for name, count in cells.items() if name.startswith("SB_DFF"))
    assert cells["SB_RAM40_4K"] == 1
    assert cells["SB_LUT4"] <= 500
    assert flip_flops <= 300
