"""Bench of the UART: bytes at several rates, between clocks that differ, with their CRC."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import CRC_BYTES, DIVIDER_BITS
from spikeloom.hdl import uart
from spikeloom.sim.bench import Bench, Case, InOrder


class Pair(wiring.Component):
    """A transmitter on a receiver's pin, each with a divider of its own."""

    def __init__(self, module=uart) -> None:
        self._module = module
        super().__init__(
            {
                "send": In(DIVIDER_BITS),
                "receive": In(DIVIDER_BITS),
                "start": In(1),
                "data": In(8),
                "check": In(1),
                "clear": In(1),
                "ready": Out(1),
                "valid": Out(1),
                "got": Out(8),
                "error": Out(1),
                "good": Out(1),
                "rx_clear": In(1),
                "rx_check": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.sender = sender = self._module.Transmitter()
        m.submodules.receiver = receiver = self._module.Receiver()
        m.d.comb += [
            sender.divider.eq(self.send),
            receiver.divider.eq(self.receive),
            receiver.rx.eq(sender.tx),
            receiver.clear.eq(self.rx_clear),
            receiver.check.eq(self.rx_check),
            self.valid.eq(receiver.valid),
            self.got.eq(receiver.data),
            self.error.eq(receiver.error),
            self.good.eq(receiver.good),
        ]
        for name in ("start", "data", "check", "clear"):
            m.d.comb += getattr(sender, name).eq(getattr(self, name))
        m.d.comb += self.ready.eq(sender.ready)
        return m


class UartBench(Bench):
    """Send messages that end in their CRC; what the sender is given for the CRC does not matter."""

    clocks = 60_000
    messages = 5
    clocks_per_bit = 5.0
    mismatch = 1.0

    def __init__(self, component: Pair, seed: int) -> None:
        super().__init__(component, seed)
        self.bytes = InOrder(self, "byte")
        step = (1 << DIVIDER_BITS) / self.clocks_per_bit
        self.rates = {"send": round(step), "receive": round(step * self.mismatch)}
        self.length = self.left = 0
        self.came = 0
        self.verdicts = 0

    def drivers(self):
        yield self.talk()

    def background(self):
        yield self.listen()

    def talk(self):
        for _ in range(self.messages):
            size = self.rng.randint(1, 9)
            self.length, self.came = size, 0
            yield {**self.rates, "rx_clear": 1}
            for place in range(size + CRC_BYTES):
                seen = yield dict(self.rates)
                while not seen["ready"]:
                    seen = yield dict(self.rates)
                byte = self.rng.getrandbits(8)
                if place < size:
                    self.bytes.expect(byte)
                check = place >= size
                pins = {"start": 1, "data": byte, "check": check, "clear": place == 0}
                yield {**self.rates, **pins}
            for _ in range(int(14 * self.clocks_per_bit)):
                yield dict(self.rates)

    def listen(self):
        while True:
            yield {"rx_check": self.came >= self.length}

    def check(self, seen):
        self.expect("error", seen["error"], 0)
        if seen["valid"]:
            if self.came < self.length:
                self.bytes.see(seen["got"])
            self.came += 1
            if self.came == self.length + CRC_BYTES:
                self.expect("good", seen["good"], 1)
                self.verdicts += 1

    def finish(self):
        self.bytes.finish()
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
