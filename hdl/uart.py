"""A UART, 8 data bits, no parity, 1 stop bit, that keeps a CRC-32 of what passes."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import DIVIDER_BITS

HALF = 1 << DIVIDER_BITS - 1
ONES = (1 << 32) - 1
POLYNOMIAL = int(f"{CRC32_ISO_HDLC.polynomial:032b}"[::-1], 2)
"""The lowest bit of each byte comes first, as on the line. Amaranth's own CRC has a reset, which
costs 15 LUTs of an iCE40 here."""

HEARD = wiring.Signature(
    {
        "valid": Out(1),
        "data": Out(8),
        "error": Out(1),
        "good": Out(1),
        "clear": In(1),
        "check": In(1),
    }
)
"""What a receiver tells of the line.

valid : `data` is a byte. error : a byte came without a stop bit. Both for one clock. clear : begins
the CRC anew, before the next byte's first bit. check : the byte that is coming is the CRC's next
one. good : the CRC's bytes that came since `clear` are those of the bytes before them.
"""

SAID = wiring.Signature(
    {"ready": In(1), "start": Out(1), "data": Out(8), "check": Out(1), "clear": Out(1)}
)
"""What a transmitter is told to send.

ready : it takes a byte in this clock. start : `data` is sent, or, where `check` is high, the next
byte of the CRC. clear : with `start`: begins the CRC anew with this byte.
"""


def _next(crc: Value, feedback: Value) -> Value:
    """Return the CRC register one bit on."""
    return crc >> 1 ^ Mux(feedback, POLYNOMIAL, 0)


class Receiver(wiring.Component):
    """Bytes from a pin.

    A bit is sampled once, half a bit after the middle of the clocks at which its start bit's edge
    may have come, within a clock either way: 5 clocks a bit leave 30 % of a bit to the two clocks'
    difference and to the edges.

    Members
    -------
    rx : In; the asynchronous pin. divider : In; added to a 16-bit accumulator every clock, a bit is
    over when it overflows. heard : Out; see `HEARD`. active : Out; a byte is coming, or the line is
    stuck low.

    Latency: `valid` comes in the middle of the stop bit, 2 clocks of synchronisation later.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "rx": In(1, init=1),
                "divider": In(DIVIDER_BITS),
                "heard": Out(HEARD),
                "active": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Wait for an edge, then count bits: 1 start, 2 to 9 data, 10 stop, 11 a line stuck low."""
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        phase, count = Signal(DIVIDER_BITS, init=HALF, reset_less=True), Signal(4)
        heard = self.heard
        crc, wrong = Signal(32, reset_less=True), Signal(reset_less=True)
        total = Signal(DIVIDER_BITS + 1)
        sample, byte = Signal(), Signal(8, reset_less=True)
        m.d.comb += [
            total.eq(phase + self.divider),
            self.active.eq(count != 0),
            sample.eq(self.active & total[-1]),
            heard.good.eq(~wrong),
            heard.data.eq(byte),
        ]
        # the first addition is made in the clock that sees the edge: a sample is not late
        m.d.sync += phase.eq(Mux(self.active | ~line, total[:-1], HALF))
        with m.If(count == 0):
            m.d.sync += count.eq(~line)
        with m.Elif(count == 11):
            with m.If(line):
                m.d.sync += count.eq(0)
        with m.Elif(sample):
            m.d.sync += count.eq(count + 1)
            with m.If(count == 1):
                with m.If(line):
                    m.d.sync += count.eq(0)
            with m.Elif(count == 10):
                m.d.comb += [heard.valid.eq(line), heard.error.eq(~line)]
                with m.If(line):
                    m.d.sync += count.eq(0)
            with m.Else():
                m.d.sync += byte.eq(Cat(byte[1:], line))
                m.d.sync += crc.eq(_next(crc, ~heard.check & (crc[0] ^ line)))
                m.d.sync += wrong.eq(wrong | heard.check & (crc[0] == line))
        with m.If(heard.clear):
            m.d.sync += [crc.eq(ONES), wrong.eq(0)]
        return m


class Transmitter(wiring.Component):
    """Bytes to a pin.

    Members
    -------
    tx : Out; the pin. divider : In; as of `Receiver`. said : In; see `SAID`. tick : Out; high for
    one clock per bit time, whether or not anything is sent.

    Throughput: a byte in 10 bit times and 1 clock.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "tx": Out(1, init=1),
                "divider": In(DIVIDER_BITS),
                "said": In(SAID),
                "tick": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Count bits down: 10 start, 9 to 2 data, 1 stop."""
        m = Module()
        phase, count = Signal(DIVIDER_BITS, reset_less=True), Signal(4)
        said, crc = self.said, Signal(32, reset_less=True)
        total = Signal(DIVIDER_BITS + 1)
        shift, checking = Signal(8, reset_less=True), Signal(reset_less=True)
        m.d.comb += [
            total.eq(phase + self.divider),
            self.tick.eq(total[-1]),
            said.ready.eq(count == 0),
        ]
        m.d.sync += phase.eq(total[:-1])
        with m.If(said.start & said.ready):
            # every byte's first bit begins a bit time: none is short
            m.d.sync += [phase.eq(0), count.eq(10), self.tx.eq(0)]
            m.d.sync += [shift.eq(said.data), checking.eq(said.check)]
            with m.If(said.clear):
                m.d.sync += crc.eq(ONES)
        with m.Elif(self.tick & ~said.ready):
            m.d.sync += [count.eq(count - 1), self.tx.eq(1)]
            with m.If(count > 2):
                m.d.sync += [
                    shift.eq(shift >> 1),
                    self.tx.eq(Mux(checking, ~crc[0], shift[0])),
                    crc.eq(_next(crc, ~checking & (crc[0] ^ shift[0]))),
                ]
        return m
