"""Bench of the board's end of the link: a host on its pins, which says right and wrong things."""

from __future__ import annotations

import zlib

from spikeloom.golden.spec import link as spec
from spikeloom.golden.spec.link import HostFrame, Kind
from spikeloom.hdl import link
from tests.bench.bench import Case, Driver
from tests.support.frames_board import BUILT, FALLBACK, RING, WINDOW, Board
from tests.support.frames_host import PATIENCE, Host, Said

DIVIDERS = (BUILT, 1 << 13, 10_923)


class LinkBench(Host):
    """Some deeds of a host, each of which is answered as `golden.spec.link` says.

    Latency: an answer ends within two frames' time. Throughput: as fast as the line.
    """

    clocks = 600_000
    deeds = 10

    def drivers(self):
        yield self.talk()

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
