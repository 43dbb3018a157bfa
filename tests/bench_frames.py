"""Bench of the board's end of the link: a host on its pins, which says right and wrong things."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

from amaranth import Fragment, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from bench_link import Ear

from spikeloom.golden.spec import link as spec
from spikeloom.golden.spec.link import BoardFrame, HostFrame, Kind, Parser
from spikeloom.hdl import link
from spikeloom.sim.bench import Bench, Case, Driver, InOrder, Pins, Stalls

CLOCK_HZ = 5 * spec.DEFAULT_BAUD
BUILT = spec.divider(CLOCK_HZ, spec.DEFAULT_BAUD)
DIVIDERS = (BUILT, 1 << 13, 10_923)
SLOTS, RING = 2, 128
WINDOW = SLOTS * spec.PAYLOAD_MAX
FALLBACK = 1 << 10
"""Bit times, in place of `FALLBACK_BITS`: each clock is simulated."""
PATIENCE = 320
"""Byte times within which a good frame is answered: two of the longest frames."""


class Board(wiring.Component):
    """A link with pins only."""

    def __init__(self, module=link) -> None:
        self._module = module
        super().__init__(
            {
                "rx": In(1),
                "tx": Out(1),
                "reset": Out(1),
                "command": Out(8),
                "command_valid": Out(1),
                "command_ready": In(1),
                "reply": In(8),
                "reply_valid": In(1),
                "reply_ready": Out(1),
            }
        )

    def elaborate(self, platform) -> Fragment:
        with mock.patch.object(self._module, "FALLBACK_BITS", FALLBACK):
            return Fragment.get(self._wired(), platform)

    def _wired(self) -> Module:
        m = Module()
        m.submodules.link = inner = self._module.Link(clock_hz=CLOCK_HZ, slots=SLOTS, ring=RING)
        m.d.comb += [
            inner.rx.eq(self.rx),
            self.tx.eq(inner.tx),
            self.reset.eq(inner.reset),
            self.command.eq(inner.commands.payload),
            self.command_valid.eq(inner.commands.valid),
            inner.commands.ready.eq(self.command_ready),
            inner.replies.payload.eq(self.reply),
            inner.replies.valid.eq(self.reply_valid),
            self.reply_ready.eq(inner.replies.ready),
        ]
        return m


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


class LinkBench(Bench):
    """Some deeds of a host, each of which is answered as `golden.spec.link` says.

    Latency: an answer ends within two frames' time. Throughput: as fast as the line.
    """

    clocks = 600_000
    deeds = 10

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

    def drivers(self):
        yield self.talk()

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

    def talk(self) -> Driver:
        yield from self.quiet(20)
        yield from self.open()
        deeds = [
            *[self.data, self.data, self.poll, self.poll, self.burst, self.rewind, self.open],
            *[self.out_of_order, self.damage, self.cut, self.no_frame, self.fill, self.overflow],
            *[self.rate, self.lost_rate, self.late_rate, self.no_rate],
        ]
        for deed in self.rng.choices(deeds, k=self.deeds):
            yield from deed()
        self.held = False
        yield from self.quiet(20)
        while self.delivered < self.accepted:
            yield {}
        enough = self.given + 2 * RING
        for _ in range(2 * RING):
            if self.given < enough:
                yield from self.poll()
        self.expect("replies go on", self.given >= enough, True)

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

    def good(self, size: int) -> tuple[HostFrame, Said]:
        """Return a DATA frame as it should be, whose bytes the board may give to the core."""
        payload = self.rng.randbytes(size)
        frame, said = self.packed(Kind.DATA, seq=self.said[-1].expected, payload=payload)
        if self.accepted + size > self.delivered + WINDOW + 1:  # one waits to be taken
            said.refused = True
        else:
            said.expected = (said.expected + 1) % spec.SEQS
            self.accepted += size
            for byte in payload:
                self.commands.expect(byte)
        return frame, said

    def room(self) -> Driver:
        """Wait until the buffer is empty."""
        self.held = False
        while self.delivered < self.accepted:
            yield {}

    def data(self) -> Driver:
        yield from self.room()
        yield from self.ask(*self.good(self.rng.choice((1, 2, self.rng.randint(1, 40)))))

    def burst(self) -> Driver:
        """Say some frames before the first is answered."""
        yield from self.room()
        for _ in range(self.rng.randint(2, 4)):
            frame, said = self.good(self.rng.randint(1, 20))
            yield from self.send(frame.pack()[:-1])
            self.said.append(said)
            yield from self.send(frame.pack()[-1:])
        yield from self.answered(said)

    def overflow(self) -> Driver:
        """Fill the buffer to its last byte, and more, while nobody takes any."""
        yield from self.room()
        self.held = True
        yield from self.quiet(20)
        for size in (128, self.rng.randint(100, 128), 128, 40):
            yield from self.ask(*self.good(size))
        left = WINDOW + 1 + self.delivered - self.accepted
        while left:
            yield from self.ask(*self.good(min(left, 60)))
            left -= min(left, 60)
        yield from self.ask(*self.good(1))
        self.held = self.rng.random() < 0.2

    def fill(self) -> Driver:
        """Acknowledge nothing until no reply is taken any more."""
        yield from self.quiet(300)

    def rewind(self) -> Driver:
        frame, said = self.packed(Kind.REWIND)
        said.start = self.acked
        yield from self.ask(frame, said)

    def open(self) -> Driver:
        start = self.rng.randrange(spec.OFFSETS)
        said = Said(Kind.OPEN, self.tag(), 0, start=start)
        frame = HostFrame(Kind.OPEN, said.tag, ack=start)
        yield from self.send(frame.pack()[:-1])
        self.silent, before = True, self.resets
        yield from self.send(frame.pack()[-1:])
        self.said.append(said)
        while self.resets == before:  # a frame is sent to its end first
            assert self.said[0] is not said, f"clock {self.clock}: OPEN without a reset"
            yield {}
        self.first = self.acked = start
        yield from self.answered(said)
        self.silent, self.opened = False, self.resets

    def unheard(self, data: bytes, broken: int | None = None) -> Driver:
        """Say what must be as if it had not been said."""
        yield from self.send(data, broken)
        yield from self.quiet(spec.QUIET_BITS + 30)
        yield from self.poll()

    def out_of_order(self) -> Driver:
        frame, said = self.packed(
            Kind.DATA,
            seq=(self.said[-1].expected + self.rng.randint(1, 15)) % spec.SEQS,
            payload=self.rng.randbytes(self.rng.randint(1, 20)),
        )
        said.refused = True
        yield from self.ask(frame, said)

    def bad(self) -> bytes:
        """Return a frame that would be taken."""
        frame, _ = self.packed(
            self.rng.choice((Kind.DATA, Kind.OPEN, Kind.REWIND, Kind.RATE, Kind.POLL)),
            seq=self.said[-1].expected,
        )
        if frame.kind != Kind.DATA:
            return frame.pack()
        size = self.rng.randint(1, 12)
        return HostFrame(Kind.DATA, frame.tag, frame.seq, frame.ack, bytes(size)).pack()

    def damage(self) -> Driver:
        data = bytearray(self.bad())
        place = self.rng.randrange(1, len(data))
        if self.rng.random() < 0.3:
            yield from self.unheard(bytes(data), broken=place)
        else:
            data[place] ^= 1 << self.rng.randrange(8)
            yield from self.unheard(bytes(data))

    def cut(self) -> Driver:
        data = self.bad()
        yield from self.unheard(data[: self.rng.randrange(1, len(data))])

    def no_frame(self) -> Driver:
        """Say what has a right CRC and is none: a kind, or a length, that there is not."""
        kind, length = self.rng.choice(((0, 0), (self.rng.randint(6, 15), 0), (2, 1), (5, 3)))
        body = bytes([self.tag() << 4 | kind, 0, 0, length, *bytes(length)])
        whole = bytes([spec.SOF]) + body + zlib.crc32(body).to_bytes(4, "little")
        long = bytes([spec.SOF, self.tag() << 4 | Kind.DATA, 0, 0, 129, *bytes(133)])
        yield from self.unheard(self.rng.choice((whole, long, self.rng.randbytes(1) * 3)))

    def set_rate(self, divider: int) -> Driver:
        yield from self.room()  # what is taken later is told at the old rate, after the answer
        said = Said(Kind.RATE, self.tag(), self.said[-1].expected)
        yield from self.ask(HostFrame.rate(said.tag, divider), said)

    def rate(self) -> Driver:
        divider = self.rng.choice(DIVIDERS)
        yield from self.set_rate(divider)
        self.divider = divider
        yield from self.quiet(1.5 * spec.QUIET_BITS)
        yield from self.poll()

    def late_rate(self) -> Driver:
        """Set a rate and use it just before it is given up."""
        divider = self.rng.choice(DIVIDERS[1:])
        yield from self.set_rate(divider)
        self.divider = divider
        yield from self.quiet(FALLBACK - 600)  # two frames of the board took a part of it
        yield from self.poll()
        yield from self.quiet(FALLBACK + spec.QUIET_BITS)
        yield from self.poll()

    def lost_rate(self) -> Driver:
        """Set a rate and do not use it."""
        yield from self.hush()  # it is not known in which clock the rate is given up
        yield from self.set_rate(divider := self.rng.choice(DIVIDERS[1:]))
        self.divider = divider
        yield from self.quiet(FALLBACK + spec.QUIET_BITS + 20)
        self.divider, self.silent = BUILT, False
        yield from self.poll()

    def hush(self) -> Driver:
        """Wait until the board has nothing to say."""
        self.silent = True
        yield from self.poll()
        yield from self.quiet(PATIENCE * 10)

    def no_rate(self) -> Driver:
        yield from self.hush()  # for a clock, the bits of the wrong rate pass
        yield from self.set_rate(self.rng.choice((0, 1, spec.DIVIDER_MIN - 1)))
        self.divider, self.silent = BUILT, False
        yield from self.quiet(20)
        yield from self.poll()


def cases(module=link) -> list[Case]:
    """Return the one case: the smallest link."""
    return [Case("link", lambda: Board(module), LinkBench)]
