"""A board in Python, written from the link's specification alone."""

from __future__ import annotations

import random
from collections import deque
from typing import Protocol

from spikeloom.golden.spec import link
from spikeloom.golden.spec.link import BoardFrame, Hello, HostFrame, Kind

MODULUS = link.OFFSETS
IDLE = 32
"""Byte times that are passed at once where nothing happens."""


def answers(command: int) -> int:
    """Return how many bytes the tests' core replies to a command byte."""
    if command < 0x40:
        return 0
    return 1 if command < 0xF0 else 4 * (command & 15)


def expected_replies(data: bytes, start: int = 0) -> bytes:
    """Return the core's replies; `start` is how many it has sent before."""
    out = bytearray()
    for command in data:
        for _ in range(answers(command)):
            out.append((command + start + len(out)) & 255)
    return bytes(out)


class PythonCore:
    """The tests' core: every reply byte tells which one it is.

    `pace` is how many command bytes it takes in a byte's time on the line; 0 blocks it.
    """

    def __init__(self) -> None:
        self.pace = 8
        self.commands: list[int] = []  # since the last reset
        self.resets = 0
        self.reset()

    def reset(self) -> None:
        self.commands.clear()
        self.resets += 1
        self.replied = self._left = 0

    def step(self, incoming: deque[int], room: int) -> list[int]:
        """Run for one byte's time: take from `incoming`, return at most `room` replies."""
        out: list[int] = []
        for _ in range(self.pace):
            while self._left and len(out) < room:
                out.append((self.commands[-1] + self.replied) & 255)
                self.replied += 1
                self._left -= 1
            if self._left or not incoming:
                break
            self.commands.append(incoming.popleft())
            self._left = answers(self.commands[-1])
        return out


class Board(Protocol):
    """What hangs on a simulated line, one byte's time after the other."""

    baud: float

    def step(self, byte: int | None, broken: bool = False) -> list[int]:
        """Pass one byte's time: what comes (`broken`: without a stop bit); what it sends."""

    def idle(self, count: int) -> tuple[int, list[int]]:
        """Pass some bytes' time at most; return how many it was and what came."""

    def set_host_baud(self, baud: int) -> None:
        """Say at which rate the host now reads and writes."""


class ReferenceBoard:
    """The board's end of the link, byte by byte, for a `PythonCore`."""

    def __init__(
        self,
        core: PythonCore,
        *,
        commands: int = 256,
        replies: int = 256,
        clock_hz: int = 12_000_000,
        baud: int = link.DEFAULT_BAUD,
        version: int = link.VERSION,
    ) -> None:
        self.hello = Hello(version, commands, replies, clock_hz)
        self.core = core
        self.built = self.baud = float(baud)
        self.host_baud = float(baud)
        self.rng = random.Random(0)
        self.power_up()

    def power_up(self) -> None:
        """Forget everything, as when its supply fails."""
        self.baud = self.built
        self._frame: bytearray | None = None  # what has come of a frame, without its SOF
        self._out: deque[int] = deque()  # what is left of the frame that is being sent
        self._obeying: HostFrame | None = None
        self._answered = False  # RATE
        self._quiet, self._trial = 0, False
        self._tag, self._refused, self._owed = 0, False, False
        self._hello_owed = False
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._expected = self._taken = 0
        self._buffer: deque[int] = deque()
        self._kept = self._sent = start  # not modulo anything
        self._replies: deque[int] = deque()  # from _kept on

    def set_host_baud(self, baud: int) -> None:
        self.host_baud = float(baud)

    def step(self, byte: int | None, broken: bool = False) -> list[int]:
        deaf = abs(self.host_baud - self.baud) > 0.03 * self.baud
        if deaf and byte is not None:
            byte, broken = self.rng.getrandbits(8), self.rng.random() < 0.4
        self._hear(byte, broken)
        self._run_core()
        sent = self._say()
        return [self.rng.getrandbits(8)] if deaf and sent else sent

    def idle(self, count: int) -> tuple[int, list[int]]:
        for passed in range(1, count + 1):
            if sent := self.step(None):
                return passed, sent
        return count, []

    def _hear(self, byte: int | None, broken: bool) -> None:
        if byte is None:
            self._quiet += 10
            if self._quiet >= link.QUIET_BITS:
                self._frame = None
            if self._trial and self._quiet >= link.FALLBACK_BITS:
                self.baud, self._trial = self.built, False
            return
        self._quiet = 0
        if broken or self._obeying:
            self._frame = None
        elif self._frame is None:
            self._frame = bytearray() if byte == link.SOF else None
        else:
            self._frame.append(byte)
            self._check()

    def _check(self) -> None:
        got, head = self._frame, HostFrame.HEADER.size
        if got[0] & 15 not in HostFrame.KINDS:
            self._frame = None
        elif len(got) >= head:
            length = got[head - 1]
            if length > HostFrame.length_max(got[0] & 15):
                self._frame = None
            elif len(got) == head + length + link.CRC_BYTES:
                self._frame = None
                frame = HostFrame.unpack(bytes(got[: -link.CRC_BYTES]))
                if frame.pack()[1:] == bytes(got):
                    self._obey(frame)

    def _obey(self, frame: HostFrame) -> None:
        self._trial = self._refused = False
        if frame.kind in (Kind.DATA, Kind.POLL, Kind.REWIND):
            free = link.ahead(frame.ack, self._kept)
            if free <= len(self._replies):  # else this host does not know that it was reset
                for _ in range(free):
                    self._replies.popleft()
                self._kept += free
        if frame.kind == Kind.DATA:
            fits = len(self._buffer) + len(frame.payload) <= self.hello.commands
            if frame.seq == self._expected and fits:
                self._expected = (self._expected + 1) % link.SEQS
                self._buffer += frame.payload
            else:
                self._refused = True
        if frame.kind in (Kind.DATA, Kind.POLL):
            self._tag, self._owed = frame.tag, True
        else:
            self._obeying = frame

    def _run_core(self) -> None:
        before, quarter = self._taken, self.hello.commands // 4
        held = len(self._buffer)
        room = self.hello.replies - len(self._replies)
        self._replies += self.core.step(self._buffer, room)
        self._taken += held - len(self._buffer)
        self._owed |= before // quarter != self._taken // quarter

    def _say(self) -> list[int]:
        if not self._out and self._obeying:
            self._between()
        waiting = self._kept + len(self._replies) - self._sent
        if not self._out and (self._owed or waiting) and not self._obeying:
            self._out += self._answer(waiting)
        return [self._out.popleft()] if self._out else []

    def _between(self) -> None:
        """Do what waits for the end of a frame."""
        frame = self._obeying
        self._tag = frame.tag
        if frame.kind == Kind.RATE and not self._answered:
            self._answered = True
            self._out += self._answer(0)
            return
        self._obeying, self._answered = None, False
        if frame.kind == Kind.RATE:
            self.baud, self._trial = self.built, True
            if frame.divider >= link.DIVIDER_MIN:
                self.baud = link.rate(self.hello.clock_hz, frame.divider)
            return
        self._owed = True
        if frame.kind == Kind.OPEN:
            self._begin(frame.ack)
            self.core.reset()
            self._hello_owed = True
        else:
            self._sent = self._kept

    def _answer(self, waiting: int) -> bytes:
        self._owed = False
        place = self._sent % MODULUS
        if self._hello_owed:
            self._hello_owed = False
            sizes, taken = self.hello.pack()
            return BoardFrame(Kind.HELLO, self._tag, sizes, place, taken).pack()
        counts = (self._expected, place, self._taken % MODULUS)
        first = self._sent - self._kept
        payload = bytes(list(self._replies)[first : first + min(waiting, link.PAYLOAD_MAX)])
        self._sent += len(payload)
        kind = Kind.REFUSED if self._refused else Kind.STATE
        return BoardFrame(kind, self._tag, *counts, payload).pack()
