"""Bench of the UART: bytes at several rates, between clocks that differ, with their CRC."""

from __future__ import annotations

import zlib
from itertools import pairwise
from math import ceil

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import CRC_BYTES, DIVIDER_BITS
from spikeloom.hdl import uart
from tests.bench.bench import Bench, Case, InOrder


class Ear:
    """Bytes from a pin that is looked at once per clock; every bit must take its time."""

    def __init__(self) -> None:
        self._began: int | None = None
        self._levels: list[int] = []

    def clock(self, now: int, level: int, period: float) -> int | None:
        """Return the byte that ends now; `AssertionError` where an edge comes at a wrong clock."""
        if self._began is None:
            if level:
                return None
            self._began, self._levels = now, []
        self._levels.append(level)
        if len(self._levels) < ceil(9.5 * period):
            return None
        edges = [ceil(bit * period) for bit in range(10)]
        bits = [set(self._levels[a:b]) for a, b in pairwise([*edges, None])]
        assert all(len(bit) == 1 for bit in bits), f"clock {now}: a bit changes in its time"
        values = [bit.pop() for bit in bits]
        assert values[0] == 0, f"clock {now}: no start bit"
        assert values[9] == 1, f"clock {now}: a byte without a stop bit"
        self._began = None
        return sum(bit << place for place, bit in enumerate(values[1:9]))


class Pair(wiring.Component):
    """A transmitter on a receiver's pin, each with a divider of its own; `flip` inverts the pin."""

    def __init__(self, module=uart) -> None:
        self._module = module
        super().__init__(
            {
                "send": In(DIVIDER_BITS),
                "receive": In(DIVIDER_BITS),
                "said": In(uart.SAID),
                "heard": Out(uart.HEARD),
                "flip": In(1),
                "tx": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.sender = sender = self._module.Transmitter()
        m.submodules.receiver = receiver = self._module.Receiver()
        m.d.comb += [
            sender.divider.eq(self.send),
            receiver.divider.eq(self.receive),
            receiver.rx.eq(sender.tx ^ self.flip),
            self.tx.eq(sender.tx),
        ]
        wiring.connect(m, wiring.flipped(self.said), sender.said)
        wiring.connect(m, wiring.flipped(self.heard), receiver.heard)
        return m


class UartBench(Bench):
    """Send messages that end in their CRC; what the sender is given for the CRC does not matter.

    In every second message a bit of some byte is inverted on its way, the stop bit too. Latency: a
    byte is there in the middle of its stop bit, by the receiver's clock. Throughput: the line's.
    """

    clocks = 60_000
    messages = 6
    clocks_per_bit = 5.0
    mismatch = 1.0

    def __init__(self, component: Pair, seed: int) -> None:
        super().__init__(component, seed)
        self.bytes = InOrder(self, "byte")
        self.rates = {}
        self.set_rates()
        self.began: int | None = None  # clock of the byte that the receiver is to give
        self.length = self.left = 0
        self.came = 0
        self.verdicts = 0
        self.errors = self.broken = 0
        self.good = True
        self.ear = Ear()
        self.spoken = InOrder(self, "byte on the pin")

    def set_rates(self, slower: float = 1.0) -> None:
        step = (1 << DIVIDER_BITS) / self.clocks_per_bit / slower
        self.rates |= {"send": round(step), "receive": round(step * self.mismatch)}

    def drivers(self):
        yield self.talk()

    def background(self):
        yield self.listen()

    def talk(self):
        yield from self.wait(2)  # a reset in a byte's midst is an edge to the receiver
        for number in range(self.messages):
            size = self.rng.randint(1, 9)
            self.length, self.came = size, 0
            self.set_rates(self.rng.choice((1.0, self.rng.uniform(1.0, 3.0))))
            wrong, bit = self.rng.randrange(size + CRC_BYTES), self.rng.randint(1, 9)
            wrong = wrong if number % 2 else -1
            self.good = wrong < 0 or bit == 9
            message = self.rng.randbytes(size)
            crc = zlib.crc32(message).to_bytes(CRC_BYTES, "little")
            yield {**self.rates, "heard__clear": 1}
            for place in range(size + CRC_BYTES):
                seen = yield dict(self.rates)
                while not seen["said__ready"]:
                    seen = yield dict(self.rates)
                byte = message[place] if place < size else self.rng.getrandbits(8)
                flipped = 1 << bit - 1 if place == wrong else 0
                if place < size and flipped < 1 << 8:
                    self.bytes.expect(byte ^ flipped)
                self.broken += flipped == 1 << 8
                check = place >= size
                self.spoken.expect(crc[place - size] if check else byte)
                said = {"start": 1, "data": byte, "check": check, "clear": place == 0}
                pins = {f"said__{name}": value for name, value in said.items()}
                yield {**self.rates, **pins}
                if flipped:
                    yield from self.wait(bit)
                    yield from self.wait(1, flip=1)
                if flipped == 1 << 8:  # the line is idle before the next byte
                    yield from self.wait(3)
            yield from self.wait(14)

    def wait(self, bits: int, **pins: int):
        for _ in range(int(bits * (1 << DIVIDER_BITS) / self.rates["send"])):
            yield {**self.rates, **pins}

    def listen(self):
        while True:
            yield {"heard__check": self.came >= self.length}

    def check(self, seen):
        self.errors += seen["heard__error"]
        spoken = self.ear.clock(self.clock, seen["tx"], (1 << DIVIDER_BITS) / self.rates["send"])
        if spoken is not None:
            self.spoken.see(spoken)
        self.expect("a byte and an error", seen["heard__error"] & seen["heard__valid"], 0)
        if seen["heard__valid"] and self.came < self.length:
            self.bytes.see(seen["heard__data"])
        if self.began is None and not seen["tx"]:
            self.began = self.clock
        if seen["heard__valid"] or seen["heard__error"]:
            middle = ceil(9.5 * (1 << DIVIDER_BITS) / self.rates["receive"])
            self.expect("clocks from the edge", self.clock - self.began, middle + 1)
            self.began = None
            self.came += 1
            if self.came == self.length + CRC_BYTES:
                self.expect("good", seen["heard__good"], self.good)
                self.verdicts += 1

    def finish(self):
        self.bytes.finish()
        self.spoken.finish()
        self.expect("bytes without a stop bit", self.errors, self.broken)
        self.expect("messages", self.verdicts, self.messages)


def _bench(clocks: float, differ: float) -> type[UartBench]:
    return type("UartBench", (UartBench,), {"clocks_per_bit": clocks, "mismatch": differ})


def cases(module=uart) -> list[Case]:
    """Return a case for each of some rates, from 5 clocks a bit on, and clocks that differ."""
    pairs = [(5.0, 1.0), (5.0, 1.02), (5.0, 0.98), (6.67, 1.0), (8.68, 0.98), (12.0, 1.02)]
    return [
        Case(
            f"uart_{clocks}_{differ}".replace(".", "_"),
            lambda: Pair(module),
            _bench(clocks, differ),
        )
        for clocks, differ in pairs
    ]
