"""The link loses nothing, whatever happens to its bytes, and says why where it cannot go on."""

from __future__ import annotations

import random

import numpy as np
import pytest

from spikeloom.boards.host.frames import LinkError
from spikeloom.boards.host.link import CoreStuckError, LinkTransport
from spikeloom.golden import datasets
from spikeloom.golden.spec import link, protocol
from spikeloom.golden.spec.link import HostFrame, Kind
from tests.support.link_board import PythonCore, ReferenceBoard, expected_replies
from tests.support.link_host import Link, randoms
from tests.support.link_line import Noise, SimulatedLine


@pytest.mark.parametrize("commands", [256, 1024])
@pytest.mark.parametrize("replies", [128, 1024])
def test_both_streams_pass_in_order(commands, replies):
    found = Link(commands=commands, replies=replies)
    for size in (0, 1, 2, 127, 128, 129, 6000):  # counts of frames, places and replies wrap
        found.check(randoms(size, size))
    counts = found.host.statistics
    assert (counts.resent, counts.crc_errors, counts.asked) == (0, 0, 0)
    assert counts.payload_out == len(found.sent)
    assert counts.payload_in == found.replied > link.OFFSETS


@pytest.mark.parametrize("round_", range(12))
def test_random_faults_lose_nothing(round_, seed):
    rng = random.Random(1000 * seed + round_)
    found = Link(commands=rng.choice((256, 512)), replies=rng.choice((128, 512)))
    rate = rng.choice((0.0002, 0.001, 0.003))
    found.line.up = Noise(rng, *(rng.choice((0, rate)) for _ in range(5)))
    found.line.down = Noise(rng, *(rng.choice((0, rate)) for _ in range(5)))
    for _ in range(3):
        found.core.pace = rng.choice((1, 8))
        found.check(rng.randbytes(rng.randrange(700)))


def flip(byte: int) -> list[int | None]:
    return [byte ^ 0x10]


FAULTS = {
    "flip": flip,
    "drop": lambda byte: [],
    "double": lambda byte: [byte, byte],
    "broken": lambda byte: [None],
    "sof": lambda byte: [link.SOF, byte],
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", ["up", "down"])
def test_one_fault_anywhere_loses_nothing(fault, way):
    data = bytes([0x11, 0xF9]) * 80
    for place in range(0, 330, 9):
        found, seen = Link(), iter(range(10**9))

        def once(byte: int, seen=seen, place=place) -> list[int | None]:
            return FAULTS[fault](byte) if next(seen) == place else [byte]

        setattr(found.line, way, once)
        found.check(data)


def test_lost_answers_are_asked_for():
    found = Link()
    found.check(b"abc")
    lost = iter(range(10**9))
    found.line.down = lambda byte: [] if next(lost) < 60 else [byte]
    found.check(randoms(1, 400))
    assert found.host.statistics.asked > 0


def test_frames_that_come_twice_are_taken_once():
    found = Link()
    write = found.line.write
    found.line.write = lambda data: write(data * 2)
    found.check(randoms(2, 1000))


def test_garbage_before_and_between_is_skipped(seed):
    rng = random.Random(seed)
    found = Link()
    write = found.line.write
    found.line.write = lambda data: write(rng.randbytes(rng.randrange(9)) + data)
    found.check(randoms(3, 500))


def test_a_slow_line_is_waited_for():
    found = Link(latency=400)
    found.check(randoms(4, 2000))
    assert found.host.statistics.resent == 0


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_opening_heals_a_board_in_the_middle_of_a_frame(cut):
    core = PythonCore()
    board = ReferenceBoard(core)
    stale = HostFrame(Kind.DATA, 1, 0, 0, bytes(range(30))).pack()
    for byte in stale[:cut]:
        board.step(byte)
    found = Link(board=board)
    found.core = core
    found.check(b"fine")


def test_opening_resets_a_core_in_the_middle_of_a_command():
    found = Link()
    found.core.pace = 0
    found.host.transfer(randoms(5, 200), 0)
    found.core.pace = 8
    again = Link(board=found.board)
    again.core = found.core
    assert found.core.resets >= 3  # made, opened, opened again
    again.check(randoms(6, 300))


def test_replies_may_be_asked_for_later():
    found = Link()
    first, second = bytes([0xF9] * 9), bytes([0x77] * 300)
    want = expected_replies(first + second)
    assert found.host.transfer(first, 0) == b""
    assert found.host.transfer(second, 100) == want[:100]
    assert found.host.transfer(b"", len(want) - 100) == want[100:]


def test_a_core_that_works_long_is_no_error():
    found = Link(patience=30.0)
    step, line = found.line.step, found.line

    def wake(most: int = 1) -> None:
        found.core.pace = 8 * (line.now() > 5.0)
        step(most)

    line.step = wake
    found.check(randoms(7, 900))


def test_a_core_that_stands_still_is_an_error():
    found = Link(patience=2.0)
    found.core.pace = 0
    message = (
        "simulated: the core stands still for 2 s; the command may be malformed: 0 of 5 reply "
        r"bytes came and 256 of 900 bytes were taken; \d+ of \d+ frames were sent again, 0 came"
    )
    with pytest.raises(CoreStuckError, match=message):
        found.host.transfer(bytes(900), 5)
    with pytest.raises(LinkError, match="a transfer over simulated was broken off: open it again"):
        found.host.transfer(b"", 0)
    found.core.pace = 8
    found.host.reopen()
    found.check(b"fine")


def test_a_silent_board_is_an_error():
    found = Link()
    found.line.down = lambda byte: []
    with pytest.raises(LinkError, match=r"the board fell silent: 0 of 1 reply bytes came and 0 of"):
        found.host.transfer(b"\x77", 1)
    assert found.line.now() < 6


@pytest.mark.parametrize("start", range(0, 4096, 500))
def test_a_board_that_was_reset_is_an_error(start):
    found = Link(below=lambda most: start % most)
    found.check(randoms(8, 500))
    found.board.power_up()
    message = "the board on simulated has lost its place: it was reset, loaded anew, or opened by"
    with pytest.raises(LinkError, match=message):
        found.host.transfer(randoms(9, 500), 0)


def test_a_closed_link_is_not_used():
    found = Link()
    with found.host:
        found.check(b"fine")
    assert found.line.closed
    found.host.close()
    with pytest.raises(LinkError, match="simulated is closed: open it again"):
        found.host.transfer(b"", 0)


def test_a_reply_of_less_than_nothing_is_refused():
    with pytest.raises(ValueError, match="a reply of -1 bytes cannot be waited for"):
        Link().host.transfer(b"", -1)


# Throughput


@pytest.fixture(scope="module")
def digits() -> list[bytes]:
    """Commands that train on the packaged digits."""
    images = datasets.load(train=640, test=1).train.images
    return [protocol.encode_image(image.tobytes()) + protocol.train(3) for image in images]


class FastCore(PythonCore):
    """Takes images as they come; counts follow each, 22 bytes."""

    def reset(self) -> None:
        super().reset()
        self.ends: list[int] = []

    def step(self, incoming, room):
        took = len(incoming)
        self.replied += took
        incoming.clear()
        out = []
        while self.ends and self.ends[0] <= self.replied and len(out) + 22 <= room:
            self.ends.pop(0)
            out += bytes(22)
        return out


@pytest.mark.parametrize("commands", [256, 512])
def test_the_line_is_busy_and_a_digit_takes_at_most_215_bytes(commands, digits):
    core = FastCore()
    line = SimulatedLine(ReferenceBoard(core, commands=commands), latency=2)
    host = LinkTransport(line)
    core.ends = list(np.cumsum([len(digit) for digit in digits]))
    busy, steps, before = line.busy, line.steps, host.statistics.bytes_out
    for first in range(0, len(digits), 320):
        part = digits[first : first + 320]
        assert host.transfer(b"".join(part), 22 * len(part)) == bytes(22 * len(part))
    assert (line.busy - busy) / (line.steps - steps) >= 0.95
    assert (host.statistics.bytes_out - before) / len(digits) <= 215
