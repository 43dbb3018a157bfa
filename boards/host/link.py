"""The host's end of the serial link: a transport that loses nothing (`golden.spec.link`)."""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from collections.abc import Callable
from typing import Self

from spikeloom.boards.host.frames import Frames, Line, LinkError, Statistics
from spikeloom.boards.host.port import Port
from spikeloom.golden.spec.link import (
    DEFAULT_BAUD,
    FLYING_MAX,
    OFFSETS,
    PAYLOAD_MAX,
    SEQS,
    BoardFrame,
    HostFrame,
    Kind,
    ahead,
)

SILENCE = 3.0
"""Seconds without a good frame, while the board is being asked, after which it is lost."""
PATIENCE = 60.0
"""Seconds in which no byte moves, while the board answers, after which its core is stuck; those of
a reply that was not asked for yet do not count, lest a core that babbles keep its host for ever."""

WAIT_FIRST, WAIT_MIN, WAIT_MAX = 0.1, 0.01, 0.5
"""Seconds after which a board that says nothing is asked: before its pace is known, and limits."""


class CoreStuckError(LinkError):
    """The board answers, but its core neither takes bytes nor sends any."""


class LinkTransport:
    """A core behind a serial line (`boards.host.device.Transport`).

    Making one finds the board, at whatever rate, and resets its link and its core: streams,
    registers and counters are as after power-up, weights stay.

    Parameters
    ----------
    line : carries bytes; it is closed with the transport.
    baud : bit rate to ask for once the board is found, None for the one it is found at.
    default : bit rate to look for the board at first.
    silence, patience : see `SILENCE` and `PATIENCE`.
    below : draws where tags and replies begin; the same numbers make the same bytes.

    Attributes
    ----------
    hello : what the board says of itself.
    statistics : of everything that passed since the transport was made.
    """

    def __init__(
        self,
        line: Line,
        *,
        baud: int | None = None,
        default: int = DEFAULT_BAUD,
        silence: float = SILENCE,
        patience: float = PATIENCE,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._line, self._wanted, self._default = line, baud, default
        self._silence, self._patience = silence, patience
        self._frames = Frames(line, below)
        self._closed = False
        self.reopen()

    @classmethod
    def open(
        cls, port: str, *, baud: int | None = None, default: int = DEFAULT_BAUD, **limits: float
    ) -> Self:
        """Open a serial port by name and find the board on it; `PortError`, `LinkError`.

        baud, default, limits (`silence` and `patience`) : see the class.
        """
        line = Port(port, default)
        try:
            return cls(line, baud=baud, default=default, **limits)
        except BaseException:
            line.close()
            raise

    @property
    def baud(self) -> int:
        """The bit rate; not the one asked for where the board did not answer at that."""
        return self._frames.baud

    @property
    def statistics(self) -> Statistics:
        """What went over the line since the transport was made."""
        return self._frames.statistics

    def reopen(self) -> None:
        """Find the board again and reset link and core, whatever state they are in."""
        self._out_of_step = False
        self.hello, self._start = self._frames.open(self._wanted, self._default)
        self._flying: deque[bytes] = deque()  # payloads from the oldest that may be lost
        self._first = 0  # number of the first of them
        self._next = 0  # number of the one to send next
        self._most = 0  # all below have been sent once
        self._end = 0  # bytes of all payloads before the next one to send
        self._taken = 0  # bytes that the core's side has taken from the board's buffer
        self._received = 0  # reply bytes
        self._acked = 0  # of them, what the board knows of
        self._inbox = bytearray()
        self._due = 0  # reply bytes that a transfer waits for
        self._syncing = False
        self._wait, self._smooth, self._spread = WAIT_FIRST, 0.0, 0.0

    def transfer(self, data: bytes, reply: int) -> bytes:
        """Send `data` and return the next `reply` bytes of the core.

        It returns once the board holds all of `data` and the reply is complete: further replies to
        `data` may be asked for in a later call, so that the next images travel meanwhile. Bytes
        that the core sent unasked are kept and come first.

        Raises
        ------
        LinkError : the board does not answer. CoreStuckError : the core does not. After either, or
            any other exception out of a transfer, core and host are out of step: `reopen`.
        """
        if reply < 0:
            raise ValueError(f"a reply of {reply} bytes cannot be waited for")
        if self._closed:
            raise LinkError(f"{self._line.name} is closed: open it again")
        if self._out_of_step:
            raise LinkError(f"a transfer over {self._line.name} was broken off: open it again")
        limit = PAYLOAD_MAX
        data = bytes(data)
        self._flying += [data[i : i + limit] for i in range(0, len(data), limit)]
        self._out_of_step = True
        began = self._line.now()
        self._run(reply, len(data))
        self.statistics.seconds += self._line.now() - began
        self.statistics.payload_out += len(data)
        self.statistics.payload_in += reply
        self._out_of_step = False
        result = bytes(self._inbox[:reply])
        del self._inbox[:reply]
        return result

    def _run(self, reply: int, size: int) -> None:
        """Move bytes until no frame is under way and the reply is there."""
        frames, now = self._frames, self._line.now()
        self._heard = self._moved = now
        self._due = reply
        self._ask_at = now + self._wait
        while self._flying or len(self._inbox) < reply:
            self._send()
            errors = self.statistics.crc_errors
            for frame in frames.receive(max(0.0, self._ask_at - now)):
                self._see(frame)
            now = self._line.now()
            if self.statistics.crc_errors > errors and not self._syncing:
                self._ask(Kind.POLL)  # at once: what was lost may have been the last
            if now < self._ask_at:
                self._moves(now, reply, size)  # frames that say the same put off asking for ever
                continue
            for frame in frames.give_up():
                self._see(frame)
            if now - self._heard > self._silence:
                raise LinkError(self._says("the board fell silent", reply, size))
            self._moves(now, reply, size)
            if self._syncing:
                self._wait = min(2 * self._wait, WAIT_MAX)
            self._ask(Kind.POLL, again=self._syncing)

    def _moves(self, now: float, reply: int, size: int) -> None:
        """Raise `CoreStuckError` where nothing has moved for too long, whatever the board says."""
        if now - self._moved > self._patience:
            seconds = f"for {self._patience:g} s; the command may be malformed"
            raise CoreStuckError(self._says(f"the core stands still {seconds}", reply, size))

    def _says(self, what: str, reply: int, size: int) -> str:
        """Return an error message: what came and what did not."""
        counts = self.statistics
        left = sum(map(len, self._flying))
        return (
            f"{self._line.name}: {what}: {len(self._inbox)} of {reply} reply bytes came and "
            f"{size - left} of {size} bytes were taken; {counts.resent} of {counts.frames} frames "
            f"were sent again, {counts.crc_errors} came with errors"
        )

    def _send(self) -> None:
        """Send what the board has room for, or tell it what has come."""
        frames = []
        while not self._syncing and self._next < self._first + len(self._flying):
            payload = self._flying[self._next - self._first]
            behind = self._next - self._first >= FLYING_MAX
            if behind or self._end + len(payload) - self._taken > self.hello.commands:
                break
            seq = self._next % SEQS
            frames.append(HostFrame(Kind.DATA, self._frames.tag, seq, self._ack(), payload))
            self.statistics.resent += self._next < self._most
            self._next += 1
            self._most = max(self._most, self._next)
            self._end += len(payload)
        if not frames and self._received - self._acked >= self.hello.replies // 4:
            frames.append(HostFrame(Kind.POLL, self._frames.tag, 0, self._ack()))
        if frames:
            self._frames.send(*frames)
            self._ask_later()

    def _ack(self) -> int:
        self._acked = self._received
        return (self._start + self._received) % OFFSETS

    def _ask(self, kind: Kind, *, again: bool = False) -> None:
        """Ask where the board is; until it answers no DATA frame is sent."""
        tag = self._frames.tag if again else self._frames.next_tag()
        self._asked = None if again else self._line.now()
        self._syncing = True
        self.statistics.asked += 1
        self._frames.send(HostFrame(kind, tag, 0, self._ack()))
        self._ask_later()

    def _ask_later(self) -> None:
        """Put off asking: something is under way that will be answered."""
        now = self._line.now()
        idle = min(WAIT_MAX, (now - self._moved) / 4)  # a core that works long is asked seldom
        flying = self._end - self._taken + 2 * PAYLOAD_MAX
        self._ask_at = now + max(self._wait, idle) + self._frames.byte_times(1.2 * flying)

    def _see(self, frame: BoardFrame) -> None:
        """Learn from a good frame of the board."""
        if frame.kind == Kind.HELLO:
            return  # to an OPEN that was asked twice
        now = self._line.now()
        self._heard = now
        fresh = frame.tag == self._frames.tag
        gap = self._count(frame, fresh)
        if not fresh:
            self._ask_later()
        elif self._syncing:
            self._syncing = False
            self._measure(now)
            back = itertools.islice(self._flying, self._next - self._first)
            self._next, self._end = self._first, self._end - sum(map(len, back))
            if gap:
                self._ask(Kind.REWIND)
            else:
                self._ask_later()
        elif gap or frame.kind == Kind.REFUSED:
            self._ask(Kind.REWIND if gap else Kind.POLL)
        else:
            self._ask_later()

    def _measure(self, now: float) -> None:
        """Learn how soon the board answers, from a question that was asked once."""
        if self._asked is not None:
            took = now - self._asked
            known = self._smooth or took
            self._spread += (abs(took - known) - self._spread) / 4 if self._smooth else took / 2
            self._smooth = known + (took - known) / 8
        if self._smooth:
            self._wait = min(max(self._smooth + 4 * self._spread, WAIT_MIN), WAIT_MAX)

    def _count(self, frame: BoardFrame, fresh: bool) -> bool:
        """Take over the board's three counts and its replies; return whether replies are missing.

        `LinkError` if a fresh frame says what cannot be: the board has been reset.
        """
        arrived = ahead(frame.expected, self._first, SEQS)
        taken = ahead(frame.taken, self._taken)
        place = ahead(frame.offset, self._start + self._received)
        sent = self._next - self._first
        possible = arrived <= sent and taken <= self._end - self._taken
        likely = possible and arrived >= 0 and taken >= 0 and abs(place) <= self.hello.replies
        if fresh and not likely:
            raise LinkError(
                f"the board on {self._line.name} has lost its place: it was reset, loaded anew, or "
                "opened by another program; open it again"
            )
        if not possible:  # a stale frame of another time: it moves nothing, whatever it says
            arrived = taken = 0
        for _ in range(arrived):
            self._flying.popleft()
            self._first += 1
        self._taken += max(taken, 0)
        new = frame.payload[-place:] if place < 0 else frame.payload
        new = new if -len(frame.payload) < place <= 0 else b""
        awaited = bool(new) and len(self._inbox) < self._due
        self._inbox += new
        self._received += len(new)
        if awaited or arrived > 0 or taken > 0:
            self._moved = self._heard
        return place > 0

    def close(self) -> None:
        """Give the line back; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
