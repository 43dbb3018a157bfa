"""Opening a link: the board is found, at whatever rate, and what is no board of ours is refused."""

from __future__ import annotations

import pytest

from spikeloom.boards.host.frames import LinkError
from spikeloom.boards.host.link import LinkTransport
from spikeloom.golden.spec import link
from spikeloom.golden.spec.link import BoardFrame, Kind, Parser
from tests.support.link_board import PythonCore, ReferenceBoard, expected_replies
from tests.support.link_host import Link, randoms
from tests.support.link_line import SimulatedLine


@pytest.mark.parametrize("start", [0, 4095])
def test_streams_begin_where_opening_says(start):
    Link(below=lambda most: start % most).check(randoms(10, 500))


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
    message = "the board on simulated speaks version 3 of the link, this host 2: build its bitstr"
    with pytest.raises(LinkError, match=message):
        Link(board=ReferenceBoard(PythonCore(), version=3))


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
