"""Frames of the serial link: finds the host's among bytes, sends the board's."""

from __future__ import annotations

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import OFFSETS, PAYLOAD_MAX, SEQS, SOF, TAGS, Hello, Kind

PLACE = (OFFSETS - 1).bit_length()
"""Bits of a place in a stream."""
SEQ = (SEQS - 1).bit_length()
TAG = (TAGS - 1).bit_length()
LENGTH = PAYLOAD_MAX.bit_length()


class Field(enum.Enum, shape=3):
    """Fields of the host's frames."""

    SOF = 0
    KIND = 1
    LOW = 2
    HIGH = 3
    LENGTH = 4
    PAYLOAD = 5
    CRC = 6


class FrameReceiver(wiring.Component):
    """Finds the host's frames.

    Members
    -------
    valid, data, error, good : In; of `hdl.uart.Receiver`. clear, check : Out; to it.
    drop : In; forgets the frame that is coming, and hears nothing while high.
    expected : In; seq that a DATA frame must have; does not change while a frame is coming.
    start : Out; a frame begins. push : Out; `data` is a byte of its payload. done : Out; it was a
    good one. All for one clock. kind, tag, place, in_order : Out; with `done`, and until the next
    frame begins; `place` with the seq above it.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1),
                "data": In(8),
                "error": In(1),
                "good": In(1),
                "clear": Out(1),
                "check": Out(1),
                "drop": In(1),
                "expected": In(SEQ),
                "start": Out(1),
                "push": Out(1),
                "done": Out(1),
                "kind": Out(4),
                "tag": Out(TAG),
                "place": Out(SEQ + PLACE),
                "in_order": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Go through the fields; whatever is wrong leads back to the hunt."""
        m = Module()
        data = self.data
        field = Signal(Field)  # whose byte comes next
        left = Signal(LENGTH, reset_less=True)  # bytes of payload, then, from 0 down, of the CRC
        m.d.comb += self.check.eq(field == Field.CRC)
        with m.If(self.valid):
            with m.Switch(field):
                with m.Case(Field.SOF), m.If(data == SOF):
                    m.d.comb += [self.clear.eq(1), self.start.eq(1)]
                    m.d.sync += field.eq(Field.KIND)
                with m.Case(Field.KIND):
                    m.d.sync += [self.kind.eq(data[:4]), self.tag.eq(data[4:])]
                    good = (data[:4] != 0) & (data[:4] <= Kind.RATE)
                    m.d.sync += field.eq(Mux(good, Field.LOW, Field.SOF))
                with m.Case(Field.LOW):
                    m.d.sync += [self.place[:8].eq(data), field.eq(Field.HIGH)]
                with m.Case(Field.HIGH):
                    m.d.sync += [self.place[8:].eq(data), field.eq(Field.LENGTH)]
                    m.d.sync += self.in_order.eq(data[-SEQ:] == self.expected)
                with m.Case(Field.LENGTH):
                    m.d.sync += [left.eq(data), field.eq(Field.PAYLOAD)]
                    with m.If(data == 0):
                        m.d.sync += field.eq(Field.CRC)
                    with m.Elif((data > PAYLOAD_MAX) | (self.kind != Kind.DATA)):
                        m.d.sync += field.eq(Field.SOF)
                with m.Case(Field.PAYLOAD):
                    m.d.comb += self.push.eq(1)
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.d.sync += field.eq(Field.CRC)
                with m.Case(Field.CRC):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left[:2] == 1):
                        m.d.comb += self.done.eq(self.good & ~self.drop)
                        m.d.sync += field.eq(Field.SOF)
        with m.If(self.drop | self.error):
            m.d.sync += field.eq(Field.SOF)
        return m


class Sent(enum.Enum, shape=4):
    """Fields of the board's frames."""

    SOF = 0
    KIND = 1
    PLACE_LOW = 2
    PLACE_HIGH = 3
    TAKEN_LOW = 4
    TAKEN_HIGH = 5
    LENGTH = 6
    PAYLOAD = 7
    CRC = 15  # the last there can be: what comes after it is SOF


class FrameSender(wiring.Component):
    """Sends the board's frames, one after the other as long as `go` is high.

    Members
    -------
    ready : In. start, data, check, clear : Out; see `hdl.uart.Transmitter`.
    go : In; begin a frame. begun : Out; one begins in this clock. idle : Out; none is being sent.
    kind, tag, expected, waiting : In; the fields when they are sent. pointer : In; the place of the
    next byte where `replying` is high, else what is taken. replying : Out. hold : Out; what is
    taken must stay as it is; the place must, while not idle, but for `sent`. hello : In; the frame
    is HELLO: `expected`, what is taken and `waiting` must be 0. read : Out; `byte` must be the
    payload's next byte in the next clock. sent : Out; that byte is on its way.

    A frame's length is fixed when it is sent, the last of the header: what comes to wait 6 bytes'
    time after a frame began still goes with it.
    """

    def __init__(self, hello: Hello) -> None:
        self._sizes, self._clock = hello.pack()
        super().__init__(
            {
                "ready": In(1),
                "start": Out(1),
                "data": Out(8),
                "check": Out(1),
                "clear": Out(1),
                "go": In(1),
                "begun": Out(1),
                "idle": Out(1),
                "kind": In(4),
                "tag": In(TAG),
                "expected": In(SEQ),
                "pointer": In(PLACE),
                "replying": Out(1),
                "waiting": In(PLACE),
                "hold": Out(1),
                "hello": In(1),
                "read": Out(1),
                "byte": In(8),
                "sent": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Give the transmitter a field whenever it is ready."""
        m = Module()
        field = Signal(Sent)  # that is sent next
        left = Signal(LENGTH, reset_less=True)  # bytes of payload, then, from 0 down, of the CRC
        fetched = Signal(reset_less=True)
        length = Mux(self.waiting >= PAYLOAD_MAX, PAYLOAD_MAX, self.waiting[: LENGTH - 1])
        count = Signal(16)  # the 16-bit field that is sent
        placing = (field == Sent.PLACE_LOW) | (field == Sent.PLACE_HIGH)
        fixed = Cat(C(0, PLACE), Mux(placing, self.expected, 0))
        hello = Mux(placing, self._sizes << PLACE, self._clock)
        m.d.comb += [
            count.eq(self.pointer | fixed | Mux(self.hello, hello, 0)),
            self.clear.eq(field == Sent.KIND),
            self.check.eq(field == Sent.CRC),
            # from the clock that reads its low byte on, the count must stay
            self.hold.eq((field == Sent.TAKEN_HIGH) | ((field == Sent.TAKEN_LOW) & self.ready)),
            self.replying.eq(self.ready & placing | self.read),
            self.start.eq(self.ready),
        ]
        with m.If(self.ready):
            m.d.sync += field.eq(field.as_value() + 1)
        with m.Switch(field):
            with m.Case(Sent.SOF):
                m.d.comb += [self.data.eq(SOF), self.idle.eq(self.ready)]
                m.d.comb += [self.start.eq(self.ready & self.go), self.begun.eq(self.start)]
                with m.If(~self.go):
                    m.d.sync += field.eq(Sent.SOF)
            with m.Case(Sent.KIND):
                m.d.comb += self.data.eq(Cat(self.kind, self.tag))
            with m.Case(Sent.PLACE_LOW, Sent.TAKEN_LOW):
                m.d.comb += self.data.eq(count[:8])
            with m.Case(Sent.PLACE_HIGH, Sent.TAKEN_HIGH):
                m.d.comb += self.data.eq(count[8:])
            with m.Case(Sent.LENGTH):
                m.d.comb += self.data.eq(length)
                m.d.sync += left.eq(length)
            with m.Case(Sent.PAYLOAD):
                m.d.comb += [self.data.eq(self.byte), self.start.eq(self.ready & fetched)]
                m.d.sync += field.eq(Sent.PAYLOAD)
                with m.If(left == 0):
                    m.d.comb += self.start.eq(0)
                    m.d.sync += field.eq(Sent.CRC)
                with m.Elif(self.ready):
                    m.d.comb += [self.read.eq(~fetched), self.sent.eq(fetched)]
                    m.d.sync += fetched.eq(~fetched)
            with m.Case(Sent.CRC):
                with m.If((left[:2] != 1) | ~self.ready):
                    m.d.sync += field.eq(Sent.CRC)
        with m.If(self.sent | self.check & self.ready):
            m.d.sync += left.eq(left - 1)
        return m
