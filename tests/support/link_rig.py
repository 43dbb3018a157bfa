"""The RTL's `Link` before a small core, Verilated, one byte's time after the other."""

from __future__ import annotations

import struct

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec import link
from spikeloom.hdl.link import Link
from spikeloom.hdl.uart import Receiver, Transmitter
from tests.support.verilated import verilated

SLOW_HZ, FAST_HZ = 5_000_000, 15_000_000
"""Clocks that give 5 clocks to a bit at 1 and at 3 Mbaud: the least there may be."""
SEND, BROKEN, BLOCK, RATE = 1, 2, 4, 8
"""Bits of a record's first byte: send a byte; without a stop bit; the core is blocked; no byte's
time passes, the host's divider is set."""


class TestCore(wiring.Component):
    """`link_board.PythonCore` in hardware: a byte, and then its replies, one per clock."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "blocked": In(1),
                "reset": In(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        command, replied, left = Signal(8), Signal(8), Signal(6)
        m.d.comb += [
            self.i.ready.eq((left == 0) & ~self.blocked),
            self.o.valid.eq(left != 0),
            self.o.payload.eq(command + replied),
        ]
        with m.If(self.i.valid & self.i.ready):
            byte = self.i.payload
            count = Mux(byte < 0x40, 0, Mux(byte < 0xF0, 1, 4 * byte[:4]))
            m.d.sync += [command.eq(byte), left.eq(count)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [replied.eq(replied + 1), left.eq(left - 1)]
        with m.If(self.reset):
            m.d.sync += [replied.eq(0), left.eq(0)]
        return m


class Rig(wiring.Component):
    """A link with a core, and the host's UART on its pins.

    Takes records of 3 bytes, a byte's time each: flags, byte, unused (or flags and the divider).
    Gives 3 bytes for each: how many bytes came (and 128, if one came without a stop bit), and
    those bytes.
    """

    def __init__(self, clock_hz: int, slots: int, ring: int) -> None:
        self._clock_hz, self._slots, self._ring = clock_hz, slots, ring
        super().__init__(
            {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8)), "busy": Out(1)}
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.link = board = Link(
            clock_hz=self._clock_hz, slots=self._slots, ring=self._ring
        )
        m.submodules.core = core = TestCore()
        m.submodules.send = send = Transmitter()
        m.submodules.receive = receive = Receiver()
        wiring.connect(m, board.commands, core.i)
        wiring.connect(m, core.o, board.replies)
        divider = Signal(16, init=link.divider(self._clock_hz, link.DEFAULT_BAUD))
        record, have = Signal(24), Signal(2)
        came, broken = Signal(16), Signal()
        count, ticks = Signal(2), Signal(4)
        flags = record[:8]
        m.d.comb += [
            core.reset.eq(board.reset),
            receive.rx.eq(board.tx),
            send.divider.eq(divider),
            receive.divider.eq(divider),
            send.said.data.eq(record[8:16]),
            # the last bit's time low: a byte without a stop bit
            board.rx.eq(send.tx & ~((ticks == 9) & flags[1])),
        ]
        blocked = Signal()
        m.d.comb += core.blocked.eq(blocked)
        with m.If(receive.heard.valid | receive.heard.error):
            m.d.sync += [came.eq(Cat(came[8:], receive.heard.data)), count.eq(count + 1)]
            with m.If(receive.heard.error):
                m.d.sync += broken.eq(1)
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [record.eq(Cat(record[8:], self.i.payload)), have.eq(have + 1)]
                    with m.If(have == 2):
                        m.d.sync += have.eq(0)
                        m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.sync += [blocked.eq(flags[2]), ticks.eq(0)]
                m.d.comb += send.said.start.eq(flags[0] & ~flags[3])
                m.next = "PASS"
                with m.If(flags[3]):
                    m.d.sync += divider.eq(record[8:])
                    m.next = "GIVE"
            with m.State("PASS"):
                with m.If(send.tick):
                    m.d.sync += ticks.eq(ticks + 1)
                with m.If(ticks == 10):
                    m.next = "GIVE"
            with m.State("GIVE"):
                # a byte may come while its number is told: it is told with the next
                m.d.comb += self.o.valid.eq(1)
                m.d.comb += self.o.payload.eq(Cat(count, record[2:7] & 0, broken))
                with m.If(self.o.ready):
                    m.d.sync += [count.eq(receive.heard.valid | receive.heard.error), broken.eq(0)]
                    m.d.sync += record.eq(Cat(count, came))
                    m.next = "BYTES"
            with m.State("BYTES"):
                m.d.comb += self.o.valid.eq(1)
                # the older of two bytes is the lower one
                newest, older = record[10:18], record[2:10]
                first = Mux(record[:2] == 1, newest, older)
                m.d.comb += self.o.payload.eq(Mux(have == 0, first, newest))
                with m.If(self.o.ready):
                    m.d.sync += have.eq(have + 1)
                    with m.If(have == 1):
                        m.d.sync += have.eq(0)
                        m.next = "TAKE"
        return m


class RtlBoard:
    """A `Rig` as a board of `link_board`."""

    def __init__(self, clock_hz: int = SLOW_HZ, *, slots: int = 2, ring: int = 256) -> None:
        self._clock_hz = clock_hz
        self._rig = verilated(Rig(clock_hz, slots, ring))
        self.blocked = False
        self.baud = float(link.DEFAULT_BAUD)

    def step(self, byte: int | None, broken: bool = False) -> list[int]:
        flags = BLOCK * self.blocked
        if byte is not None:
            flags |= SEND | BROKEN * broken
        count, *came = self._rig.transfer(bytes([flags, byte or 0, 0]), 3)
        return [] if count & 128 else came[: count & 3]

    def idle(self, count: int) -> tuple[int, list[int]]:
        told = self._rig.transfer(bytes([BLOCK * self.blocked, 0, 0]) * count, 3 * count)
        counts = [told[i] & 3 for i in range(0, 3 * count, 3)]
        return count, [told[3 * i + 1 + k] for i, n in enumerate(counts) for k in range(n)]

    def set_host_baud(self, baud: int) -> None:
        self.set_host_divider(link.divider(self._clock_hz, baud))

    def set_host_divider(self, divider: int) -> None:
        self._rig.transfer(struct.pack("<BH", RATE, divider), 3)

    def close(self) -> None:
        self._rig.close()
