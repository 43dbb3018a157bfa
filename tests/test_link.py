"""The link loses nothing: its frames, its parser, and the host before a board written in Python."""

from __future__ import annotations

import doctest
import random
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_board import Noise, PythonCore, ReferenceBoard, SimulatedLine, expected_replies

from spikeloom.boards.host import frames as host_frames
from spikeloom.boards.host.frames import LinkError
from spikeloom.boards.host.link import CoreStuckError, LinkTransport
from spikeloom.golden import datasets
from spikeloom.golden.spec import link, protocol
from spikeloom.golden.spec.link import (
    BoardFrame,
    FrameError,
    Hello,
    HostFrame,
    Kind,
    Parser,
    ahead,
    divider,
)

PAYLOADS = st.binary(max_size=link.PAYLOAD_MAX)
TAGS, PLACES = st.integers(0, 15), st.integers(0, 4095)
HOST_FRAMES = st.one_of(
    st.builds(HostFrame, st.just(Kind.DATA), TAGS, TAGS, PLACES, PAYLOADS),
    st.builds(
        HostFrame, st.sampled_from((Kind.POLL, Kind.REWIND, Kind.OPEN)), TAGS, st.just(0), PLACES
    ),
    st.builds(HostFrame.rate, TAGS, st.integers(1, 65535)),
)
STATES = st.sampled_from((Kind.STATE, Kind.REFUSED))
BOARD_FRAMES = st.builds(BoardFrame, STATES, TAGS, TAGS, PLACES, PLACES, PAYLOADS)


# Frames


def test_the_worked_examples_are_right():
    assert doctest.testmod(link).failed == 0


@given(frame=HOST_FRAMES)
def test_a_frame_of_the_host_comes_back_as_it_was(frame):
    assert Parser(HostFrame).feed(frame.pack()) == [frame]
    assert len(frame.pack()) == 9 + len(frame.payload)


@given(frame=BOARD_FRAMES)
def test_a_frame_of_the_board_comes_back_as_it_was(frame):
    assert Parser(BoardFrame).feed(frame.pack()) == [frame]
    assert len(frame.pack()) == 11 + len(frame.payload)


def test_the_crc_is_that_of_zlib_bit_by_bit():
    data = HostFrame(Kind.DATA, 5, 3, 1000, b"spikes").pack()[1:]
    crc = 0xFFFFFFFF
    for byte in data[: -link.CRC_BYTES]:
        for bit in range(8):
            feedback = (crc ^ byte >> bit) & 1
            crc = crc >> 1 ^ link.CRC_POLYNOMIAL * feedback
    assert (crc ^ 0xFFFFFFFF).to_bytes(4, "little") == data[-link.CRC_BYTES :]
    assert zlib.crc32(data[: -link.CRC_BYTES]) == crc ^ 0xFFFFFFFF


def test_a_payload_that_is_too_long_is_refused():
    with pytest.raises(FrameError, match="129 bytes do not fit a frame of kind DATA: it carries 1"):
        HostFrame(Kind.DATA, 0, payload=bytes(129)).pack()
    with pytest.raises(FrameError, match="1 bytes do not fit a frame of kind POLL: it carries 0"):
        HostFrame(Kind.POLL, 0, payload=bytes(1)).pack()


@pytest.mark.parametrize("commands", [128, 256, 512, 1024])
@pytest.mark.parametrize("replies", [128, 1024])
def test_a_board_says_what_it_is(commands, replies):
    hello = Hello(link.VERSION, commands, replies, 25_125_000)
    sizes, taken = hello.pack()
    frame = BoardFrame(Kind.HELLO, 7, sizes, 99, taken)
    (read,) = Parser(BoardFrame).feed(frame.pack())
    assert Hello.unpack(read) == hello


@pytest.mark.parametrize("place", [0, 100, 2048, 4000])
def test_places_compare_across_the_wrap(place):
    for far in (-1024, -1, 0, 1, 1024):
        assert ahead((place + far) % link.OFFSETS, place) == far


@pytest.mark.parametrize("clock_hz", [12e6, 16e6, 20e6, 25e6, 27e6, 48e6, 50e6, 75e6, 100e6])
def test_usual_rates_are_met(clock_hz):
    for baud in link.USUAL_BAUDS:
        if baud * link.CLOCKS_PER_BIT_MIN <= clock_hz:
            real = link.rate(int(clock_hz), divider(int(clock_hz), baud))
            assert abs(real / baud - 1) <= 0.007


def test_a_rate_that_a_clock_cannot_give_is_refused():
    with pytest.raises(
        ValueError, match=r"3000000 baud cannot be had from 12 MHz: at most 2400000"
    ):
        divider(12_000_000, 3_000_000)
    message = r"1200 baud cannot be had from 100 MHz: the nearest is 1526 baud"
    with pytest.raises(ValueError, match=message):
        divider(100_000_000, 1200)


# The parser


@given(frames=st.lists(BOARD_FRAMES, max_size=6), data=st.data())
def test_frames_are_found_whatever_is_around_them(frames, data):
    noise = st.binary(max_size=40).map(lambda junk: junk.replace(bytes([link.SOF]), b""))
    stream = bytearray()
    for frame in frames:
        stream += data.draw(noise) + frame.pack()
    parser, found = Parser(BoardFrame), []
    while stream:
        size = data.draw(st.integers(1, 200))
        found += parser.feed(bytes(stream[:size]))
        del stream[:size]
    assert found == frames
    assert parser.bad == 0


@given(frames=st.lists(BOARD_FRAMES, min_size=1, max_size=4), junk=st.binary(max_size=300))
def test_false_starts_cost_no_frame_that_follows(frames, junk):
    parser = Parser(BoardFrame)
    stream = bytes([link.SOF]) + junk + b"".join(frame.pack() for frame in frames)
    assert (parser.feed(stream) + parser.quiet())[-len(frames) :] == frames


@pytest.mark.parametrize("kind", [HostFrame, BoardFrame])
def test_no_wrong_bit_passes(kind):
    if kind is HostFrame:
        frame = HostFrame(Kind.DATA, 3, 2, 77, bytes(range(20)))
    else:
        frame = BoardFrame(Kind.STATE, 3, 2, 77, 99, bytes(range(20)))
    good = frame.pack()
    for bit in range(8, 8 * len(good)):
        wrong = bytearray(good)
        wrong[bit // 8] ^= 1 << bit % 8
        parser = Parser(kind)
        assert parser.feed(bytes(wrong)) + parser.quiet() == []


def test_what_was_skipped_is_counted():
    parser = Parser(BoardFrame)
    good = BoardFrame(Kind.STATE, 1).pack()
    wrong = good[:-1] + bytes([good[-1] ^ 1])
    assert len(parser.feed(b"abc" + wrong + good)) == 1
    assert (parser.bad, parser.skipped) == (1, 3 + len(wrong))


# The host before a board


class Link:
    """A host, a line, a board and a core."""

    def __init__(self, *, commands=256, replies=256, latency=0, board=None, **options):
        self.core = PythonCore()
        self.board = board or ReferenceBoard(self.core, commands=commands, replies=replies)
        self.line = SimulatedLine(self.board, latency=latency)
        self.host = LinkTransport(self.line, **options)
        self.sent = bytearray()
        self.replied = 0

    def check(self, data: bytes) -> None:
        """Send commands; compare all that arrives at either end."""
        want = expected_replies(data, self.replied)
        assert self.host.transfer(data, len(want)) == want
        self.sent += data
        self.replied += len(want)
        assert bytes(self.core.commands) == self.sent


def randoms(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


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
def test_a_board_that_was_reset_is_an_error(start, monkeypatch):
    monkeypatch.setattr(host_frames.secrets, "randbelow", lambda most: start % most)
    found = Link()
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


# Finding the board, and its rate


@pytest.mark.parametrize("start", [0, 4095])
def test_streams_begin_where_opening_says(start, monkeypatch):
    monkeypatch.setattr(host_frames.secrets, "randbelow", lambda most: start % most)
    Link().check(randoms(10, 500))


def test_an_answer_to_another_opening_does_not_count():
    class Forgetful(ReferenceBoard):
        """Answers the first OPEN with what it was asked before."""

        stale = True

        def _answer(self, waiting):
            data = super()._answer(waiting)
            if self.stale and data[1] & 15 == Kind.HELLO:
                self.stale = False
                (frame,) = Parser(BoardFrame).feed(data)
                return BoardFrame(Kind.HELLO, 0, 0, frame.offset ^ 1, 0).pack()
            return data

    core = PythonCore()
    found = Link(board=Forgetful(core))
    found.core = core
    assert found.host.hello.commands == 256
    found.check(b"fine")


@pytest.mark.parametrize("baud", link.USUAL_BAUDS)
def test_a_board_is_found_at_any_usual_rate(baud):
    core = PythonCore()
    found = Link(board=ReferenceBoard(core, clock_hz=24_000_000, baud=baud))
    found.core = core
    assert found.host.baud == baud
    found.check(randoms(11, 300))


@pytest.mark.parametrize("lost", [None, Kind.RATE, "answer"])
def test_the_rate_is_changed(lost):
    core = PythonCore()
    board = ReferenceBoard(core, clock_hz=24_000_000)
    line = SimulatedLine(board)
    write, cut = line.write, []

    def cut_once(data: bytes) -> None:
        if data[1] & 15 == Kind.RATE and not cut:
            cut.append(data)
            data = data[:-1]
        write(data)

    if lost == Kind.RATE:
        line.write = cut_once
    if lost == "answer":
        line.down = lambda byte: [] if board._obeying and board._answered else [byte]
    host = LinkTransport(line, baud=3_000_000)
    assert host.baud == 3_000_000
    assert round(board.baud) == 3_000_000
    want = expected_replies(b"\x77" * 200)
    assert host.transfer(b"\x77" * 200, 200) == want


def test_a_rate_at_which_nothing_arrives_is_given_up():
    core = PythonCore()
    board = ReferenceBoard(core, clock_hz=24_000_000)
    line = SimulatedLine(board)
    line.up = lambda byte: [byte if board.host_baud < 2e6 else byte ^ 1]
    host = LinkTransport(line, baud=3_000_000)
    assert host.baud == board.baud == 1_000_000
    assert host.transfer(b"\x77", 1) == expected_replies(b"\x77")


def test_a_rate_that_the_boards_clock_cannot_give_is_refused():
    message = "simulated: 3000000 baud cannot be had from 12 MHz: at most 2400000 baud; ask for an"
    with pytest.raises(LinkError, match=message):
        Link(baud=3_000_000)


def test_another_version_of_the_link_is_refused():
    message = "the board on simulated speaks version 2 of the link, this host 1: build its bitstr"
    with pytest.raises(LinkError, match=message):
        Link(board=ReferenceBoard(PythonCore(), version=2))


class Other:
    """Something else than a board."""

    baud = 1e6

    def __init__(self, answer) -> None:
        self._answer = answer

    def step(self, byte, broken=False):
        return self._answer(byte)

    def idle(self, count):
        return count, []

    def set_host_baud(self, baud):
        pass


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda byte: [],
            r"nothing answers on simulated, at none of 1000000, 3000000, .* baud: is",
        ),
        (lambda byte: [byte], "simulated sends back what is sent to it: no board, or its TX is"),
        (
            lambda byte: [0x55],
            r"something on simulated sends bytes \(55 55 55 55 55 55 55 55 \.\.\.",
        ),
    ],
)
def test_a_port_without_a_board_is_an_error(answer, message):
    with pytest.raises(LinkError, match=message):
        LinkTransport(SimulatedLine(Other(answer)))


# Throughput


@pytest.fixture(scope="module")
def digits() -> list[bytes]:
    """Commands that train on the packaged digits."""
    images = datasets.load(train=640, test=1).train_images
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
