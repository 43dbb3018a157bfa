"""Sessions on the RTL of a board: it answers, it changes no weight unasked, and it never hangs.

A model hears the same bytes (`Ear`) and hands golden the commands of the frames that the board must
take. After every session the board is asked, and must say what the model says: how many frames and
bytes it has taken, every reply, and at last every weight.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from spikeloom.golden.spec.link import (
    OFFSETS,
    PAYLOAD_MAX,
    SEQS,
    TAGS,
    BoardFrame,
    HostFrame,
    Kind,
    Parser,
    ahead,
)
from spikeloom.golden.spec.machine import machine
from spikeloom.sim.rtl.transport import TransportError
from tests.campaigns.fuzz import rig
from tests.campaigns.fuzz.ear import QUIET, Ear
from tests.campaigns.fuzz.reference import Exchange, Reference
from tests.campaigns.fuzz.session import Item, Session, Wire, damaged

LONGEST = PAYLOAD_MAX + 11
"""Bytes of the board's longest frame."""
NOT_QUIET = 20
"""Byte times that a frame may pause: the rig's have 11 bits."""
ANSWER = 2 * LONGEST + 12
"""Byte times in which a good frame is answered: the board may have begun a frame, its answer may
be as long, and its UART rests a clock behind each byte."""
ASKED = 40
"""How often a board is asked, at most, before all that it owes has come: seven full rings."""
WINDOW = rig.SLOTS * PAYLOAD_MAX


class BoardError(AssertionError):
    """A board that hangs, or has taken what it must not take, or not what it must take."""


class Bench:
    """A board and its model.

    Attributes
    ----------
    counts : of what was sent: frames, damaged frames, bytes, and so on.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._transport = rig.transport()
        self._parser, self._ear = Parser(BoardFrame), Ear()
        numbers = machine(rig.network())
        self._golden = Reference(numbers)
        self._known: dict[bytes, tuple[Item, ...]] = {}  # payload: its commands
        self._answers: list[BoardFrame] = []
        self._tag = 0
        self._silent = 0  # byte times since something came
        self.counts: Counter[str] = Counter()
        self._open(session.start)

    def close(self) -> None:
        """Free the simulated board."""
        self._transport.close()

    # The line

    def _pass(self, wire: Wire, quiet: int = 0) -> list[HostFrame]:
        """Send bytes, then nothing for a while; return the good frames that the board heard."""
        records = b"".join(bytes([1 | broken << 1, byte]) for byte, broken in wire)
        length = len(wire) + quiet
        try:
            told = self._transport.transfer(records + bytes(2 * quiet), 3 * length)
        except TransportError as error:
            raise BoardError(f"the rig itself stopped: {error}") from None
        counts = np.frombuffer(told, np.uint8).reshape(-1, 3)
        if (counts[:, 0] & 128).any():
            raise BoardError("the board sent a byte without a stop bit")
        came = b"".join(bytes(row[1 : 1 + (row[0] & 3)]) for row in counts if row[0])
        found = self._parser.feed(came)
        self.counts["answers"] += len(found)
        if self._parser.skipped:
            raise BoardError(f"the board sent {came.hex(' ')}: not all of it is frames")
        for frame in found:
            self._take(frame)
        self._answers += found
        self.counts["byte_times"] += length
        self.counts["bytes"] += len(wire)
        heard = []
        for byte, broken in wire:
            frame = self._ear.byte(byte, broken=broken)
            if frame is not None:
                heard.append(frame)
        self._silent = quiet + (0 if wire else self._silent)
        if self._silent > QUIET:
            self._ear.quiet()
        return heard

    def _take(self, frame: BoardFrame) -> None:
        """Take over the replies in a frame of the board, and what it has taken."""
        if frame.kind == Kind.HELLO:
            return
        self._taken = max(self._taken, self._taken + ahead(frame.taken, self._taken))
        place = ahead(frame.offset, (self._start + len(self._replies)) % OFFSETS)
        if place <= 0 and -place < len(frame.payload):
            self._replies += frame.payload[-place:] if place else frame.payload

    def _ask(self, kind: Kind = Kind.POLL, ack: int | None = None) -> BoardFrame:
        """Send a good frame behind a quiet time and return its answer; `BoardError` without."""
        self._pass([], QUIET + 4)
        self._tag = (self._tag + 1) % TAGS
        self._answers.clear()
        frame = HostFrame(kind, self._tag, 0, self._place() if ack is None else ack)
        self._pass(damaged(frame.pack(), None), ANSWER)
        for answer in self._answers:
            if answer.tag == self._tag:
                return answer
        raise BoardError(
            f"{kind.name} with tag {self._tag} was not answered within {ANSWER} byte times behind "
            f"{QUIET + 4} quiet ones; what came: {self._answers}"
        )

    def _place(self) -> int:
        return (self._start + len(self._replies)) % OFFSETS

    def _open(self, start: int) -> None:
        """Open the link and begin all counts anew."""
        self._start, self._replies = start % OFFSETS, bytearray()
        self._expected = self._sent = self._taken = 0
        self._owed: list[Exchange] = []
        answer = self._ask(Kind.OPEN, self._start)
        if answer.kind != Kind.HELLO or answer.offset != self._start:
            raise BoardError(f"OPEN at {self._start} was answered by {answer}")
        self._replies.clear()
        self._taken = 0
        self._golden.answer(("reset",))

    # Items

    def do(self, item: Item) -> None:
        """Carry out one item of a session."""
        match item:
            case ["commands", commands, damage]:
                payload = b"".join(map(self._golden.encode, commands))
                self._known[payload] = commands
                if self._sent + len(payload) - self._taken > WINDOW:
                    if self._session.stray:
                        return
                    self.settle()
                seq = self._expected % SEQS
                self._send(HostFrame(Kind.DATA, self._tag, seq, self._place(), payload), damage)
            case ["frame", kind, seq, ack, text, damage]:
                if not self._session.stray:
                    ack, kind = 0, Kind.POLL if kind == Kind.OPEN else kind
                number, payload = (self._expected + seq) % SEQS, bytes.fromhex(text)
                if kind != Kind.DATA or seq % SEQS == 0:  # it might be a command to the core
                    payload = b""
                place = (self._place() + ack) % OFFSETS
                frame = HostFrame(Kind(kind), self._tag, number, place, payload)
                if kind == Kind.RATE:  # to the rate that the line has
                    frame = HostFrame.rate(self._tag, rig.DIVIDER)
                self._send(frame, damage)
            case ["bytes", text]:
                self.counts["bytes_of_no_frame"] += len(text) // 2
                self._heard(self._pass(damaged(bytes.fromhex(text), None)))
            case ["quiet", times]:
                self._pass([], times if self._silent + times <= NOT_QUIET else QUIET + 4)

    def _send(self, frame: HostFrame, damage: Item | None) -> None:
        self.counts["frames"] += 1
        self.counts["frames_damaged"] += damage is not None
        self._heard(self._pass(damaged(frame.pack(), damage)))

    def _heard(self, frames: list[HostFrame]) -> None:
        """Do what the board must do about good frames."""
        for frame in frames:
            self.counts["frames_heard"] += 1
            if frame.kind == Kind.DATA:
                self._data(frame)
            elif frame.kind in (Kind.OPEN, Kind.REWIND, Kind.RATE):
                self._pass([], ANSWER)  # it is deaf until it has sent what it sends
                if frame.kind == Kind.OPEN:
                    self._golden.answer(("reset",))
                    self._start = frame.ack
                    self._expected = self._sent = self._taken = 0
                    self._replies.clear()
                    self._owed.clear()

    def _data(self, frame: HostFrame) -> None:
        fits = self._sent + len(frame.payload) - self._taken <= WINDOW
        if frame.seq != self._expected % SEQS or not fits:
            self.counts["frames_refused"] += 1
            return
        self._expected += 1
        self._sent += len(frame.payload)
        for command in self._known.get(frame.payload, ()):
            self.counts["commands"] += 1
            self._owed.append(self._golden.answer(command))

    # What must hold

    def settle(self) -> None:
        """Ask until all that is owed has come, and compare it with golden's."""
        for _ in range(ASKED):
            answer = self._ask()
            self._compare_counts(answer)
            wanted = sum(exchange.reply.nbytes for exchange in self._owed)
            if len(self._replies) >= wanted and self._taken == self._sent:
                break
        else:
            raise BoardError(
                f"asked {ASKED} times, the board has taken {self._taken} of {self._sent} command "
                f"bytes and sent {len(self._replies)} of {wanted} replies"
            )
        place = 0
        for exchange in self._owed:
            exchange.check(bytes(self._replies[place : place + exchange.reply.nbytes]))
            place += exchange.reply.nbytes
        if place != len(self._replies):
            raise BoardError(f"the core sent {len(self._replies) - place} bytes unasked")
        self._start = self._place()
        self._replies.clear()
        self._owed.clear()

    def _compare_counts(self, answer: BoardFrame) -> None:
        if answer.kind == Kind.HELLO:
            raise BoardError(f"POLL was answered by {answer}")
        if answer.expected != self._expected % SEQS:
            raise BoardError(
                f"the board expects frame {answer.expected}, of the frames that it was sent it "
                f"must expect {self._expected % SEQS}"
            )

    def finish(self) -> None:
        """Compare all weights with golden's."""
        if self._session.stray:
            self._ask()
            self._open(self._session.start + 1)
        self.settle()
        for layer in self._golden.machine.layers:
            for row in range(layer.n_pre):
                self.do(("commands", (("read_weights", layer.index, row, 1),), None))
        self.do(("commands", (("digest",), ("identify",)), None))
        self.settle()


def replay(session: Session) -> Counter[str]:
    """Run a session and count what it sent; `AssertionError` where the board fails."""
    bench = Bench(session)
    try:
        for item in session.items:
            bench.do(item)
        bench.finish()
    finally:
        bench.close()
    return Counter({"board_sessions": 1}) + bench.counts
