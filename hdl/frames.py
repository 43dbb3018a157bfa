"""Frames of the serial link: finds the host's among bytes, sends the board's."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import PAYLOAD_MAX, SOF, Hello, Kind

OFFSET = 16
"""Bits of a place in a stream."""
LENGTH = PAYLOAD_MAX.bit_length()


class Field(enum.Enum, shape=3):
    """Fields of the host's frames."""

    SOF = 0
    KIND = 1
    SEQ = 2
    ACK_LOW = 3
    ACK_HIGH = 4
    LENGTH = 5
    PAYLOAD = 6
    CRC = 7


class FrameReceiver(wiring.Component):
    """Finds the host's frames.

    Members
    -------
    valid, data, error, good : In; of `hdl.uart.Receiver`. clear : Out; to it.
    drop : In; forgets the frame that is coming, and hears nothing while high.
    expected : In; seq that a DATA frame must have; does not change while a frame is coming.
    start : Out; a frame begins. push : Out; `data` is a byte of its payload. done : Out; it was a
    good one. All for one clock. kind, tag, ack, in_order : Out; with `done`, and until the next
    frame begins.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1),
                "data": In(8),
                "error": In(1),
                "good": In(1),
                "clear": Out(1),
                "drop": In(1),
                "expected": In(8),
                "start": Out(1),
                "push": Out(1),
                "done": Out(1),
                "kind": Out(4),
                "tag": Out(4),
                "ack": Out(OFFSET),
                "in_order": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Go through the fields; whatever is wrong leads back to the hunt."""
        m = Module()
        data = self.data
        field = Signal(Field)  # whose byte comes next
        left = Signal(LENGTH)  # bytes of payload, then, from 0 down, of the CRC
        with m.If(self.valid):
            with m.Switch(field):
                with m.Case(Field.SOF), m.If(data == SOF):
                    m.d.comb += [self.clear.eq(1), self.start.eq(1)]
                    m.d.sync += field.eq(Field.KIND)
                with m.Case(Field.KIND):
                    m.d.sync += [self.kind.eq(data[:4]), self.tag.eq(data[4:])]
                    good = (data[:4] != 0) & (data[:4] <= Kind.RATE)
                    m.d.sync += field.eq(Mux(good, Field.SEQ, Field.SOF))
                with m.Case(Field.SEQ):
                    m.d.sync += self.in_order.eq(data == self.expected)
                    m.d.sync += field.eq(Field.ACK_LOW)
                with m.Case(Field.ACK_LOW):
                    m.d.sync += [self.ack[:8].eq(data), field.eq(Field.ACK_HIGH)]
                with m.Case(Field.ACK_HIGH):
                    m.d.sync += [self.ack[8:].eq(data), field.eq(Field.LENGTH)]
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


class FrameSender(wiring.Component):
    """Sends the board's frames, one after the other as long as `go` is high.

    Members
    -------
    ready : In. start, data, check, clear : Out; see `hdl.uart.Transmitter`.
    go : In; begin a frame. begun : Out; one begins in this clock. idle : Out; none is being sent.
    kind, tag, expected, taken, offset, waiting : In; the fields when they are sent: `taken` must
    stay where `hold` is high, `offset` while not idle but for `sent`. hello : In; the payload is
    that of `Hello`, else `waiting` bytes, at most `PAYLOAD_MAX`. read : Out; `byte` must be the
    payload's next byte in the next clock. sent : Out; that byte is on its way.

    A frame's length is fixed when it is sent, the last of the header: what comes to wait 7 bytes'
    time after a frame began still goes with it.
    """

    def __init__(self, hello: Hello) -> None:
        self._hello = hello.pack()
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
                "tag": In(4),
                "expected": In(8),
                "taken": In(OFFSET),
                "offset": In(OFFSET),
                "waiting": In(OFFSET),
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
        left = Signal(LENGTH)  # bytes of payload, then, from 0 down, of the CRC
        fetched = Signal()
        length = Mux(self.waiting >= PAYLOAD_MAX, PAYLOAD_MAX, self.waiting[: LENGTH - 1])
        length = Mux(self.hello, len(self._hello), length)
        rom = Array(self._hello[::-1].rjust(len(self._hello) + 1, b"\0"))
        fields = [
            ("KIND", Cat(self.kind, self.tag)),
            ("EXPECTED", self.expected),
            ("TAKEN-LOW", self.taken[:8]),
            ("TAKEN-HIGH", self.taken[8:]),
            ("OFFSET-LOW", self.offset[:8]),
            ("OFFSET-HIGH", self.offset[8:]),
            ("LENGTH", length),
        ]
        following = [name for name, _ in fields[1:]] + ["PAYLOAD"]
        with m.FSM(name="fields") as fsm:
            with m.State("IDLE"):
                m.d.comb += [self.idle.eq(self.ready), self.data.eq(SOF)]
                with m.If(self.ready & self.go):
                    m.d.comb += [self.start.eq(1), self.begun.eq(1)]
                    m.next = "KIND"
            for (name, value), after in zip(fields, following, strict=True):
                with m.State(name):
                    m.d.comb += self.data.eq(value)
                    with m.If(self.ready):
                        m.d.comb += self.start.eq(1)
                        m.next = after
            with m.State("PAYLOAD"):
                m.d.comb += self.data.eq(Mux(self.hello, rom[left], self.byte))
                with m.If(left == 0):
                    m.next = "CHECK"
                with m.Elif(self.ready):
                    m.d.comb += [self.read.eq(~fetched), self.start.eq(fetched)]
                    m.d.sync += fetched.eq(~fetched)
                    with m.If(fetched):
                        m.d.comb += self.sent.eq(~self.hello)
                        m.d.sync += left.eq(left - 1)
            with m.State("CHECK"):
                m.d.comb += self.check.eq(1)
                with m.If(self.ready):
                    m.d.comb += self.start.eq(1)
                    m.d.sync += left.eq(left - 1)
                    with m.If(left[:2] == 1):
                        m.next = "IDLE"
        with m.If(fsm.ongoing("LENGTH")):
            m.d.sync += left.eq(length)
        m.d.comb += [
            self.clear.eq(fsm.ongoing("KIND")),
            self.hold.eq(fsm.ongoing("TAKEN-HIGH")),
        ]
        return m
