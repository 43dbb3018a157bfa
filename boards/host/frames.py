"""Frames over a line: counting them, finding the board, agreeing on a bit rate."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from spikeloom.errors import SpikeloomError
from spikeloom.golden.spec.link import (
    FALLBACK_BITS,
    OFFSETS,
    QUIET_BITS,
    TAGS,
    USUAL_BAUDS,
    VERSION,
    BoardFrame,
    Hello,
    HostFrame,
    Kind,
    Parser,
    divider,
)

FIRST_SECONDS = 0.4
OTHER_SECONDS = 0.25
AGAIN_SECONDS = 0.6
"""How long to wait for an answer to OPEN: at the first rate, at the others, in the second round."""
RATE_SECONDS = 0.3
"""How long to wait for an answer to RATE, and for one at the new rate."""
HEARD = 4096
"""Of what came during the search for a board, the last bytes are kept to say what is wrong."""
TRIES = 3
"""How often to ask at a new rate, and how often to ask for it."""


class LinkError(SpikeloomError, RuntimeError):
    """A board that does not answer, or not as the link lays down."""


class Line(Protocol):
    """Raw bytes both ways: a serial port (`boards.host.port.Port`) or a simulated line."""

    name: str

    def read(self, timeout: float) -> bytes:
        """Return what has come, at once if there is any, else b"" after `timeout` seconds."""

    def write(self, data: bytes) -> None:
        """Send bytes; need not wait until they are on the line."""

    def set_baud(self, baud: int) -> None:
        """Change the bit rate, after what was written before has left."""

    def now(self) -> float:
        """Return seconds, as `time.monotonic` does."""

    def close(self) -> None:
        """Give the line back."""


@dataclass
class Statistics:
    """What went over the line since the transport was made.

    Attributes
    ----------
    frames, received : frames to the board, and good ones from it.
    resent : DATA frames sent again. asked : POLL and REWIND frames with a new tag.
    crc_errors : wrong frames from the board. skipped : bytes from it that were in no good frame.
    bytes_out, bytes_in : bytes on the line. payload_out, payload_in : bytes of the streams, once.
    seconds : spent in `LinkTransport.transfer`.
    """

    frames: int = 0
    received: int = 0
    resent: int = 0
    asked: int = 0
    crc_errors: int = 0
    skipped: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    payload_out: int = 0
    payload_in: int = 0
    seconds: float = 0.0


class Frames:
    """Frames to and from a board on a line.

    Parameters
    ----------
    below : draws a number from 0 to below its argument: the first tag, where replies begin.

    Attributes
    ----------
    statistics : of everything that passed.
    baud : bit rate of the line. tag : of the frames to the board.
    """

    def __init__(self, line: Line, below: Callable[[int], int] = secrets.randbelow) -> None:
        self.line = line
        self.statistics = Statistics()
        self.baud = 0
        self._below = below
        self.tag = below(TAGS)
        self._parser = Parser(BoardFrame)
        self._before = (0, 0)
        self._heard = bytearray()

    def send(self, *frames: HostFrame) -> None:
        """Send frames in one piece."""
        data = b"".join(frame.pack() for frame in frames)
        self.statistics.frames += len(frames)
        self.statistics.bytes_out += len(data)
        self.line.write(data)

    def receive(self, timeout: float) -> list[BoardFrame]:
        """Return the good frames that have come; wait for a first byte, at most `timeout`."""
        data = self._read(timeout)
        return self._count(self._parser.feed(data))

    def _read(self, timeout: float) -> bytes:
        data = self.line.read(timeout)
        self.statistics.bytes_in += len(data)
        self._heard = (self._heard + data)[-HEARD:]
        return data

    def give_up(self) -> list[BoardFrame]:
        """Return what good frames there are in one that will not come to its end."""
        return self._count(self._parser.quiet())

    def _count(self, frames: list[BoardFrame]) -> list[BoardFrame]:
        self.statistics.received += len(frames)
        self.statistics.crc_errors += self._parser.bad - self._before[0]
        self.statistics.skipped += self._parser.skipped - self._before[1]
        self._before = self._parser.bad, self._parser.skipped
        return frames

    def next_tag(self) -> int:
        """Return a tag that no frame has had of late; it is the tag from now on."""
        self.tag = (self.tag + 1) % TAGS
        return self.tag

    def byte_times(self, count: float) -> float:
        """Return how many seconds bytes take on the line."""
        return 10 * count / self.baud

    def set_baud(self, baud: int) -> None:
        """Change the rate; what comes at the old one is forgotten, and so is it by the board."""
        self.line.set_baud(baud)
        self.baud = baud
        self.hush(1.5 * QUIET_BITS / baud)
        self._parser = Parser(BoardFrame)
        self._before = (0, 0)

    def hush(self, seconds: float) -> None:
        """Send nothing for a while, and forget what comes."""
        end = self.line.now() + seconds
        while (left := end - self.line.now()) > 0:
            self._read(left)

    def ask(
        self, frame: HostFrame, seconds: float, wanted: Callable[[BoardFrame], bool]
    ) -> BoardFrame | None:
        """Send a frame and return the first wanted one that comes within some seconds."""
        self.send(frame)
        end = self.line.now() + seconds + self.byte_times(320)  # behind a frame of the board's own
        while (left := end - self.line.now()) > 0:
            for answer in self.receive(left):
                if wanted(answer):
                    return answer
        return next(filter(wanted, self.give_up()), None)

    def open(self, baud: int | None, default: int) -> tuple[Hello, int]:
        """Find the board, reset it, and bring it to a bit rate.

        Parameters
        ----------
        baud : the rate wanted; None for the one at which the board answers.
        default : where to look first.

        Returns
        -------
        The board's own words, and where its reply stream begins. `self.baud` is the rate wanted,
        or, where the board does not answer at that, the one at which it was found.
        """
        hello, start = self._find(baud, default)
        if baud is None or baud == self.baud:
            return hello, start
        try:
            wanted = divider(hello.clock_hz, baud)
        except ValueError as error:
            raise LinkError(f"{self.line.name}: {error}; ask for another rate") from None
        for _ in range(TRIES):
            if self._change(baud, wanted, start):
                return hello, start
            self.hush(1.2 * FALLBACK_BITS / baud)
            hello, start = self._find(None, default)
        return hello, start

    def _change(self, baud: int, wanted: int, start: int) -> bool:
        """Ask for a rate and go there; return whether the board is there too."""
        tag = self.next_tag()
        self.ask(HostFrame.rate(tag, wanted), RATE_SECONDS, lambda f: f.tag == tag)
        self.set_baud(baud)  # with or without an answer: it may be what was lost
        for _ in range(TRIES):
            tag = self.next_tag()
            poll = HostFrame(Kind.POLL, tag, ack=start)
            within = min(RATE_SECONDS, FALLBACK_BITS / baud / (TRIES + 1))
            if self.ask(poll, within, lambda f, tag=tag: f.tag == tag):
                return True
        return False

    def _find(self, baud: int | None, default: int) -> tuple[Hello, int]:
        others = list(dict.fromkeys(b for b in (baud, *USUAL_BAUDS) if b not in (None, default)))
        rounds = [(default, FIRST_SECONDS)] * 2 + [(other, OTHER_SECONDS) for other in others]
        rounds += [(rate, AGAIN_SECONDS) for rate in (default, *others)]
        self._heard.clear()
        for rate, seconds in rounds:
            self.set_baud(rate)
            start = self._below(OFFSETS)
            frame = HostFrame(Kind.OPEN, self.next_tag(), ack=start)
            answer = self.ask(frame, seconds, functools.partial(_answers, start))
            if answer is not None:
                return self._hello(answer), start
        raise LinkError(self._nobody([default, *others]))

    def _nobody(self, rates: list[int]) -> str:
        """Return what is wrong with a port on which no board was found."""
        name = self.line.name
        if Parser(HostFrame).feed(bytes(self._heard)):
            return f"{name} sends back what is sent to it: no board, or its TX is wired to its RX"
        if self._heard:
            return (
                f"something on {name} sends bytes ({self._heard[:8].hex(' ')} ...), but it is no "
                "spikeloom board: is this the right port, and the board flashed?"
            )
        return (
            f"nothing answers on {name}, at none of {', '.join(map(str, rates))} baud: is this the "
            "right port, the board flashed and powered, RX wired to TX?"
        )

    def _hello(self, frame: BoardFrame) -> Hello:
        hello = Hello.unpack(frame)
        if hello.version != VERSION:
            raise LinkError(
                f"the board on {self.line.name} speaks version {hello.version} of the link, this "
                f"host {VERSION}: build its bitstream with this version of spikeloom"
            )
        return hello


def _answers(start: int, frame: BoardFrame) -> bool:
    """Say whether a frame answers the OPEN that began the reply stream at `start`."""
    return frame.kind == Kind.HELLO and frame.offset == start
