"""Frames of the serial link: finds the host's among bytes, sends the board's."""

from __future__ import annotations

from amaranth import C, Cat, Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import OFFSETS, PAYLOAD_MAX, SEQS, SOF, TAGS, Hello, Kind
from spikeloom.hdl.uart import HEARD, SAID

PLACE = (OFFSETS - 1).bit_length()
"""Bits of a place in a stream."""
SEQ = (SEQS - 1).bit_length()
TAG = (TAGS - 1).bit_length()
LENGTH = PAYLOAD_MAX.bit_length()

FOUND = wiring.Signature(
    {
        "start": Out(1),
        "push": Out(1),
        "data": Out(8),
        "done": Out(1),
        "kind": Out(4),
        "tag": Out(TAG),
        "place": Out(SEQ + PLACE),
        "in_order": Out(1),
    }
)
"""A frame of the host.

start : it begins. push : `data` is a byte of its payload. done : it was a good one. All for one
clock. kind, tag, place, in_order : with `done`, and until the next frame begins; `place` with the
seq above it.
"""

HEADER = wiring.Signature({"kind": Out(4), "tag": Out(TAG), "expected": Out(SEQ), "hello": Out(1)})
"""Fields of a frame to the host, when they are sent.

hello : the frame is HELLO: `expected`, what is taken and `waiting` must be 0.
"""

REPLIES = wiring.Signature(
    {
        "pointer": Out(PLACE),
        "waiting": Out(PLACE),
        "byte": Out(8),
        "replying": In(1),
        "hold": In(1),
        "read": In(1),
        "sent": In(1),
    }
)
"""Bytes for the host, and how far both streams are.

pointer : the place of the next byte where `replying` is high, else what is taken. waiting : bytes
that have not been sent. hold : what is taken must stay as it is; the place must, while a frame is
sent, but for `sent`. read : `byte` must be the payload's next byte in the next clock. sent : that
byte is on its way.
"""


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
    heard : In; of `hdl.uart.Receiver`. found : Out; see `FOUND`.
    drop : In; forgets the frame that is coming, and hears nothing while high.
    expected : In; seq that a DATA frame must have; does not change while a frame is coming.
    """

    def __init__(self) -> None:
        super().__init__(
            {"heard": In(HEARD), "found": Out(FOUND), "drop": In(1), "expected": In(SEQ)}
        )

    def elaborate(self, platform: object) -> Module:
        """Go through the fields; whatever is wrong leads back to the hunt."""
        m = Module()
        heard, found = self.heard, self.found
        data = heard.data
        field = Signal(Field)  # whose byte comes next
        left = Signal(LENGTH, reset_less=True)  # bytes of payload, then, from 0 down, of the CRC
        m.d.comb += [found.data.eq(data), heard.check.eq(field == Field.CRC)]
        with m.If(heard.valid):
            with m.Switch(field):
                with m.Case(Field.SOF), m.If(data == SOF):
                    m.d.comb += [heard.clear.eq(1), found.start.eq(1)]
                    m.d.sync += field.eq(Field.KIND)
                with m.Case(Field.KIND):
                    m.d.sync += [found.kind.eq(data[:4]), found.tag.eq(data[4:])]
                    good = (data[:4] != 0) & (data[:4] <= Kind.RATE)
                    m.d.sync += field.eq(Mux(good, Field.LOW, Field.SOF))
                with m.Case(Field.LOW):
                    m.d.sync += [found.place[:8].eq(data), field.eq(Field.HIGH)]
                with m.Case(Field.HIGH):
                    m.d.sync += [found.place[8:].eq(data), field.eq(Field.LENGTH)]
                    m.d.sync += found.in_order.eq(data[-SEQ:] == self.expected)
                with m.Case(Field.LENGTH):
                    m.d.sync += [left.eq(data), field.eq(Field.PAYLOAD)]
                    with m.If(data == 0):
                        m.d.sync += field.eq(Field.CRC)
                    with m.Elif((data > PAYLOAD_MAX) | (found.kind != Kind.DATA)):
                        m.d.sync += field.eq(Field.SOF)
                with m.Case(Field.PAYLOAD):
                    m.d.comb += found.push.eq(1)
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.d.sync += field.eq(Field.CRC)
                with m.Case(Field.CRC):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left[:2] == 1):
                        m.d.comb += found.done.eq(heard.good & ~self.drop)
                        m.d.sync += field.eq(Field.SOF)
        with m.If(self.drop | heard.error):
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
    said : Out; to `hdl.uart.Transmitter`. header : In; see `HEADER`. replies : In; see `REPLIES`.
    go : In; begin a frame. begun : Out; one begins in this clock. idle : Out; none is being sent.

    A frame's length is fixed when it is sent, the last of the header: what comes to wait 6 bytes'
    time after a frame began still goes with it.
    """

    def __init__(self, hello: Hello) -> None:
        self._sizes, self._clock = hello.pack()
        super().__init__(
            {
                "said": Out(SAID),
                "header": In(HEADER),
                "replies": In(REPLIES),
                "go": In(1),
                "begun": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Give the transmitter a field whenever it is ready."""
        m = Module()
        said, header, replies = self.said, self.header, self.replies
        field = Signal(Sent)  # that is sent next
        left = Signal(LENGTH, reset_less=True)  # bytes of payload, then, from 0 down, of the CRC
        fetched = Signal(reset_less=True)
        length = Mux(replies.waiting >= PAYLOAD_MAX, PAYLOAD_MAX, replies.waiting[: LENGTH - 1])
        count = Signal(16)  # the 16-bit field that is sent
        placing = (field == Sent.PLACE_LOW) | (field == Sent.PLACE_HIGH)
        fixed = Cat(C(0, PLACE), Mux(placing, header.expected, 0))
        hello = Mux(placing, self._sizes << PLACE, self._clock)
        m.d.comb += [
            count.eq(replies.pointer | fixed | Mux(header.hello, hello, 0)),
            said.clear.eq(field == Sent.KIND),
            said.check.eq(field == Sent.CRC),
            # from the clock that reads its low byte on, the count must stay
            replies.hold.eq((field == Sent.TAKEN_HIGH) | ((field == Sent.TAKEN_LOW) & said.ready)),
            replies.replying.eq(said.ready & placing | replies.read),
            said.start.eq(said.ready),
        ]
        with m.If(said.ready):
            m.d.sync += field.eq(field.as_value() + 1)
        with m.Switch(field):
            with m.Case(Sent.SOF):
                m.d.comb += [said.data.eq(SOF), self.idle.eq(said.ready)]
                m.d.comb += [said.start.eq(said.ready & self.go), self.begun.eq(said.start)]
                with m.If(~self.go):
                    m.d.sync += field.eq(Sent.SOF)
            with m.Case(Sent.KIND):
                m.d.comb += said.data.eq(Cat(header.kind, header.tag))
            with m.Case(Sent.PLACE_LOW, Sent.TAKEN_LOW):
                m.d.comb += said.data.eq(count[:8])
            with m.Case(Sent.PLACE_HIGH, Sent.TAKEN_HIGH):
                m.d.comb += said.data.eq(count[8:])
            with m.Case(Sent.LENGTH):
                m.d.comb += said.data.eq(length)
                m.d.sync += left.eq(length)
            with m.Case(Sent.PAYLOAD):
                m.d.comb += [said.data.eq(replies.byte), said.start.eq(said.ready & fetched)]
                m.d.sync += field.eq(Sent.PAYLOAD)
                with m.If(left == 0):
                    m.d.comb += said.start.eq(0)
                    m.d.sync += field.eq(Sent.CRC)
                with m.Elif(said.ready):
                    m.d.comb += [replies.read.eq(~fetched), replies.sent.eq(fetched)]
                    m.d.sync += fetched.eq(~fetched)
            with m.Case(Sent.CRC):
                with m.If((left[:2] != 1) | ~said.ready):
                    m.d.sync += field.eq(Sent.CRC)
        with m.If(replies.sent | said.check & said.ready):
            m.d.sync += left.eq(left - 1)
        return m
