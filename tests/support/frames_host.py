"""A host on the pins of the board: what it has said, and what the board must answer to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.lib import wiring

from spikeloom.golden.spec import link as spec
from spikeloom.golden.spec.link import BoardFrame, HostFrame, Kind, Parser
from tests.bench.bench import Bench, Driver, InOrder, Pins, Stalls
from tests.bench.bench_link import Ear
from tests.support.frames_board import BUILT, CLOCK_HZ, RING, WINDOW

PATIENCE = 320
"""Byte times within which a good frame is answered: two of the longest frames."""


@dataclass
class Said:
    """A good frame of the host: what a frame of the board that bears its tag must say.

    Attributes
    ----------
    start : where replies go on with it; None for where they are.
    """

    kind: Kind
    tag: int
    expected: int
    refused: bool = False
    start: int | None = None


class Host(Bench):
    """Keeps what it has said, and judges every byte that the board gives for it.

    What is said comes from the benches that are made of it.
    """

    def __init__(self, component: wiring.Component, seed: int) -> None:
        super().__init__(component, seed)
        self.levels: deque[int] = deque()
        self.divider = BUILT
        self.ear, self.parser = Ear(), Parser(BoardFrame)
        self.commands = InOrder(self, "command byte")
        self.delivered = self.accepted = 0  # command bytes since OPEN
        self.at_start = 0  # of the frame that is coming: delivered
        self.held = False  # nobody takes command bytes
        self.silent = True  # a core that was reset says nothing unasked
        self.replies: list[int] = []  # that the board has taken since OPEN
        self.given = 0  # replies, ever
        self.first = 0  # place of the first one
        self.place = self.acked = 0  # of the next one to come; what the board may forget
        self.resets = self.opened = 0
        self.said = [Said(Kind.POLL, 0, 0)]  # from the one last answered on

    @property
    def period(self) -> float:
        """Clocks to a bit."""
        return (1 << spec.DIVIDER_BITS) / self.divider

    # Pins

    def background(self):
        yield self.wire()
        yield self.take()
        yield self.give()

    def wire(self) -> Driver:
        while True:
            yield {"rx": self.levels.popleft() if self.levels else 1}

    def take(self) -> Driver:
        stalls = Stalls(self.rng)
        while True:
            yield {"command_ready": not stalls() and not self.held}

    def give(self) -> Driver:
        gap = left = 0
        while True:
            if not left:
                gap, left = self.rng.choice((0, 3, 60, 800)), self.rng.randint(1, 100)
            left -= 1
            for _ in range(gap):
                yield {}
            while self.silent:
                yield {}
            byte, taken = self.rng.getrandbits(8), False
            while not taken and not self.silent:
                seen = yield {"reply": byte, "reply_valid": 1}
                taken = seen["reply_ready"]
            if taken:
                self.replies.append(byte)
                self.given += 1

    def check(self, seen: Pins) -> None:
        if seen["reset"]:
            self.resets += 1
            self.commands = InOrder(self, "command byte")
            self.delivered = self.accepted = 0
            self.replies.clear()
        elif seen["command_valid"] and seen["command_ready"]:
            self.commands.see(seen["command"])
            self.delivered += 1
        if seen["reply_valid"] and seen["reply_ready"]:
            room = self.acked + RING - self.first - len(self.replies)
            self.expect("room for a reply", room > 0, True)
        byte = self.ear.clock(self.clock, seen["tx"], self.period)
        if byte is None:
            return
        if not self.parser._pending:
            self.at_start = self.delivered
        for frame in self.parser.feed(bytes([byte])):
            self.hear(frame)
        self.expect("bytes of no frame", self.parser.skipped, 0)

    def finish(self) -> None:
        self.commands.finish()
        self.expect("resets", self.resets, self.opened)

    # What the board says

    def hear(self, frame: BoardFrame) -> None:
        tags = [said.tag for said in self.said]
        self.expect("a known tag", frame.tag in tags, True)
        found = tags.index(frame.tag)
        if found and self.said[found].start is not None:
            self.place = self.said[found].start
        del self.said[:found]
        now = self.said[0]
        self.expect("kind", frame.kind, self.kind_of(now, found))
        if frame.kind == Kind.HELLO:
            said = spec.Hello.unpack(frame)
            self.expect("hello", said, spec.Hello(spec.VERSION, WINDOW, RING, CLOCK_HZ))
            self.expect("offset", frame.offset, self.place % spec.OFFSETS)
            return
        self.expect("expected", frame.expected in {said.expected for said in self.said}, True)
        ahead = spec.ahead(frame.taken, self.at_start % spec.OFFSETS)
        self.expect("taken", 0 <= ahead <= self.delivered + 1 - self.at_start, True)
        self.expect("offset", frame.offset, self.place % spec.OFFSETS)
        begin = self.place - self.first
        self.expect("payload", [*frame.payload], self.replies[begin : begin + len(frame.payload)])
        self.place += len(frame.payload)

    def kind_of(self, said: Said, found: int) -> Kind:
        """Return the kind of a frame that bears a tag; `found`: it is the first to do so."""
        if said.kind == Kind.OPEN and found:
            return Kind.HELLO
        return Kind.REFUSED if said.refused else Kind.STATE

    # What the host says

    def quiet(self, bits: float) -> Driver:
        """Say nothing for some bit times."""
        for _ in range(int(bits * self.period)):
            yield {}

    def line(self, data: bytes, broken: int | None = None) -> Iterator[int]:
        """Return the pin's levels for some bytes, one of them without a stop bit."""
        begun = ended = 0.0
        for place, byte in enumerate(data):
            for bit in (0, *(byte >> k & 1 for k in range(8)), place != broken):
                ended += self.period
                yield from [int(bit)] * (int(ended) - int(begun))
                begun = ended

    def send(self, data: bytes, broken: int | None = None) -> Driver:
        """Say some bytes; the last stop bit's end is not waited for."""
        self.levels += self.line(data, broken)
        while len(self.levels) > self.period:
            yield {}

    def ask(self, frame: HostFrame, said: Said) -> Driver:
        """Say a good frame and wait until it is answered."""
        yield from self.send(frame.pack()[:-1])
        self.said.append(said)
        yield from self.send(frame.pack()[-1:])
        yield from self.answered(said)

    def answered(self, said: Said) -> Driver:
        until = self.clock + PATIENCE * 10 * self.period
        while self.said[0] is not said:
            assert self.clock < until, f"clock {self.clock}: tag {said.tag} is not answered"
            yield {}

    def tag(self) -> int:
        return (self.said[-1].tag + 1) % spec.TAGS

    def ack(self) -> int:
        """Acknowledge what has come, or less."""
        self.acked = self.rng.choice((self.place, self.rng.randint(self.acked, self.place)))
        return self.acked % spec.OFFSETS

    def packed(self, kind: Kind, **fields: object) -> tuple[HostFrame, Said]:
        """Return a frame that is no OPEN, and what it must bring about."""
        said = Said(kind, self.tag(), self.said[-1].expected)
        return HostFrame(kind, said.tag, ack=self.ack(), **fields), said

    def poll(self) -> Driver:
        yield from self.ask(*self.packed(Kind.POLL))
