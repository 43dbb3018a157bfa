"""The board's end of the serial link, as `golden.spec.link` lays down: pins to byte streams."""

from __future__ import annotations

from amaranth import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import (
    BUFFER_MAX,
    DEFAULT_BAUD,
    DIVIDER_BITS,
    DIVIDER_MIN,
    FALLBACK_BITS,
    PAYLOAD_MAX,
    QUIET_BITS,
    VERSION,
    Hello,
    Kind,
    divider,
)
from spikeloom.hdl.frames import PLACE, SEQ, TAG, FrameReceiver, FrameSender
from spikeloom.hdl.uart import Receiver, Transmitter


class Link(wiring.Component):
    """Carries a core's byte streams over a UART.

    Parameters
    ----------
    clock_hz : of the sync domain; `ValueError` if the rate cannot be had from it.
    baud : bit rate after power-up.
    slots : the command buffer holds this many times `PAYLOAD_MAX` bytes; 2, 4 or 8.
    ring : bytes of the reply buffer; a power of two, 128 to 1024. Both buffers lie in one memory:
        2 slots and a ring of 256 fill an EBR of an iCE40 (512 x 8).

    Attributes
    ----------
    hello : what it tells the host of itself.

    Members
    -------
    rx : In; the asynchronous pin, idle high. tx : Out; the pin. commands : Out, stream of bytes for
    the core. replies : In, stream of bytes from it. reset : Out; high for one clock when the host
    opens the link, and while the link itself is reset: resets the core, whose streams are not
    looked at in that clock.

    Latency: a command byte is offered 3 clocks after its frame's last byte has come (`hdl.uart`). A
    frame of replies begins a clock after the first of them was taken. Throughput: a command byte in
    3 clocks; a reply byte per clock until the buffer is full, but for one clock per byte received.
    """

    def __init__(
        self,
        *,
        clock_hz: int,
        baud: int = DEFAULT_BAUD,
        slots: int = 8,
        ring: int = 1024,
    ) -> None:
        limits = (("slots", slots, 2, BUFFER_MAX // PAYLOAD_MAX), ("ring", ring, 128, BUFFER_MAX))
        for name, value, least, most in limits:
            if not least <= value <= most or value & value - 1:
                raise ValueError(f"{name} = {value} is no power of two from {least} to {most}")
        self._divider = divider(clock_hz, baud)
        self._window, self._ring = slots * PAYLOAD_MAX, ring
        self.hello = Hello(VERSION, self._window, ring, clock_hz)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "commands": Out(stream.Signature(8)),
                "replies": In(stream.Signature(8)),
                "reset": Out(1, init=1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build UART, frames and buffers, and the control between them."""
        m = Module()
        m.submodules.uart_in = uart_in = Receiver()
        m.submodules.uart_out = uart_out = Transmitter()
        m.submodules.received = self._received = FrameReceiver()
        m.submodules.sender = self._sender = FrameSender(self.hello)
        for member in ("valid", "data", "error", "good"):
            m.d.comb += getattr(self._received, member).eq(getattr(uart_in, member))
        for member in ("start", "data", "check", "clear"):
            m.d.comb += getattr(uart_out, member).eq(getattr(self._sender, member))
        m.d.comb += [
            uart_in.rx.eq(self.rx),
            self.tx.eq(uart_out.tx),
            uart_in.clear.eq(self._received.clear),
            uart_in.check.eq(self._received.check),
            self._sender.ready.eq(uart_out.ready),
        ]
        self._opened = Signal()  # OPEN is obeyed in this clock
        self._rewound = Signal()  # REWIND is
        self._waiting = Signal(PLACE)  # reply bytes that have not been sent
        owed = Signal()  # a frame, whether or not replies wait
        m.d.sync += self.reset.eq(self._opened)
        with m.If(self._sender.begun):
            m.d.sync += owed.eq(0)
        self._buffers(m, owed)
        quiet, lost = self._timers(m, uart_in.active, uart_out.tick)
        switch = self._control(m, owed, quiet)
        self._rate(m, switch, lost, uart_in, uart_out)
        return m

    def _buffers(self, m: Module, owed: Signal) -> None:
        """Both buffers in one memory, whose ports the UART's side has first.

        No clock reads the address that it writes: a byte is read once its frame was found good, or
        once it counts as waiting.
        """
        depth = self._window + self._ring
        m.submodules.memory = memory = Memory(shape=8, depth=depth, init=[])
        write, read = memory.write_port(), memory.read_port()
        got, sender = self._received, self._sender

        # commands: taken <= whole <= coming, counted modulo twice the buffer (or more)
        bits = (2 * self._window - 1).bit_length()
        taken, whole, coming = Signal(PLACE), Signal(bits), Signal(bits)
        fits, fetched = Signal(reset_less=True), Signal()
        fetch = Signal()
        full = coming == taken[:bits] ^ self._window
        with m.If(got.start):
            m.d.sync += [coming.eq(whole), fits.eq(1)]
        with m.If(got.push):
            with m.If(full):
                m.d.sync += fits.eq(0)
            with m.Else():
                m.d.sync += coming.eq(coming + 1)
        self._fits = fits
        self._accept = Signal()
        with m.If(self._accept):
            m.d.sync += whole.eq(coming)
        out = self.commands
        m.d.comb += fetch.eq(
            (whole != taken[:bits]) & ~out.valid & ~fetched & ~sender.replying & ~sender.hold
        )
        m.d.sync += fetched.eq(fetch)
        with m.If(out.valid & out.ready):
            m.d.sync += out.valid.eq(0)
        with m.If(fetched):
            m.d.sync += [out.payload.eq(read.data), out.valid.eq(1)]
        with m.If(fetch):
            m.d.sync += taken.eq(taken + 1)
            with m.If(taken[: bits - 3].all()):  # another quarter of the buffer
                m.d.sync += owed.eq(1)

        # replies: kept <= sent <= head
        bits = (2 * self._ring - 1).bit_length()
        kept, sent, head = Signal(bits), Signal(PLACE), Signal(bits)
        room = head != kept ^ self._ring
        m.d.comb += [
            self._waiting.eq((head - sent)[:bits]),
            self.replies.ready.eq(room & ~got.push & ~self.reset),
        ]
        with m.If(self.replies.valid & self.replies.ready):
            m.d.sync += head.eq(head + 1)
        with m.If(sender.sent):
            m.d.sync += sent.eq(sent + 1)
        with m.If(got.done & (got.kind <= Kind.REWIND)):
            m.d.sync += kept.eq(got.place)
        with m.If(self._rewound | self._opened):
            m.d.sync += sent.eq(got.place)
        with m.If(self._opened):
            m.d.sync += [kept.eq(got.place), head.eq(got.place)]
            m.d.sync += [taken.eq(0), whole.eq(0), fetched.eq(0), out.valid.eq(0)]

        m.d.comb += [
            write.en.eq(Mux(got.push, ~full, self.replies.valid & self.replies.ready)),
            write.addr.eq(Mux(got.push, self._command(coming), self._reply(head))),
            write.data.eq(Mux(got.push, got.data, self.replies.payload)),
            read.en.eq(fetch | sender.read),
            sender.pointer.eq(Mux(sender.replying, sent, taken)),
            read.addr.eq(
                Mux(sender.replying, self._reply(sender.pointer), self._command(sender.pointer))
            ),
            sender.byte.eq(read.data),
            sender.waiting.eq(self._waiting),
        ]

    def _command(self, place: Value) -> Value:
        """Return a command byte's address: the larger buffer lies at the bottom."""
        return self._address(place, self._window, self._ring, above=self._window < self._ring)

    def _reply(self, place: Value) -> Value:
        """Return a reply byte's address."""
        return self._address(place, self._ring, self._window, above=self._window >= self._ring)

    @staticmethod
    def _address(place: Value, size: int, other: int, *, above: bool) -> Value:
        low = place[: (size - 1).bit_length()]
        return low | other if above else low

    def _timers(self, m: Module, active: Signal, tick: Signal) -> tuple[Value, Value]:
        """Return what is high once per `QUIET_BITS`, and per `FALLBACK_BITS`, of a quiet line."""
        short = Signal(range(QUIET_BITS), reset_less=True)
        long = Signal(range(FALLBACK_BITS // QUIET_BITS), reset_less=True)
        with m.If(active):
            m.d.sync += [short.eq(0), long.eq(0)]
        with m.Elif(tick):
            m.d.sync += short.eq(short + 1)
            with m.If(short.all()):
                m.d.sync += long.eq(long + 1)
        quiet = tick & ~active & short.all()
        return quiet, quiet & long.all()

    def _control(self, m: Module, owed: Signal, quiet: Value) -> Value:
        """Obey good frames; return what is high in the clock in which the rate must change."""
        got, sender = self._received, self._sender
        expected, tag = Signal(SEQ), Signal(TAG, reset_less=True)
        refused, hello = Signal(), Signal()
        pending = Signal()  # a frame that is obeyed between two frames to the host
        switching = Signal()  # RATE is being answered
        m.d.comb += [
            got.drop.eq(quiet | pending | switching),
            got.expected.eq(expected),
            self._accept.eq(got.done & (got.kind == Kind.DATA) & got.in_order & self._fits),
            sender.kind.eq(Cat(refused, hello, C(Kind.STATE >> 2, 2))),
            sender.tag.eq(tag),
            sender.expected.eq(expected),
            sender.hello.eq(hello),
        ]
        with m.If(sender.check):
            m.d.sync += hello.eq(0)
        with m.If(got.done):
            m.d.sync += refused.eq((got.kind == Kind.DATA) & ~self._accept)
            with m.If(got.kind <= Kind.POLL):
                m.d.sync += [owed.eq(1), tag.eq(got.tag)]
            with m.Else():
                m.d.sync += pending.eq(1)
        with m.If(self._accept):
            m.d.sync += expected.eq(expected + 1)
        with m.If(pending & sender.idle):
            m.d.comb += [
                self._opened.eq(got.kind == Kind.OPEN),
                self._rewound.eq(got.kind == Kind.REWIND),
            ]
            m.d.sync += [pending.eq(0), owed.eq(1), tag.eq(got.tag)]
            m.d.sync += switching.eq(got.kind == Kind.RATE)
        with m.If(self._opened):
            m.d.sync += [hello.eq(1), expected.eq(0)]
        m.d.comb += sender.go.eq(~pending & (owed | (self._waiting != 0) & ~switching))
        switch = switching & sender.idle & ~owed
        with m.If(switch):
            m.d.sync += switching.eq(0)
        return switch

    def _rate(
        self, m: Module, switch: Value, lost: Value, uart_in: Receiver, uart_out: Transmitter
    ) -> None:
        """Hold the divider; one that brings no good frame, or is upset, is given up."""
        current, trial = Signal(DIVIDER_BITS, init=self._divider), Signal()
        m.d.comb += [uart_in.divider.eq(current), uart_out.divider.eq(current)]
        odd, switched = Signal(), Signal()
        m.d.sync += [odd.eq(current.xor()), switched.eq(switch)]
        with m.If(self._received.done):
            m.d.sync += trial.eq(0)
        with m.If(switch):
            m.d.sync += [current.eq(self._received.place), trial.eq(1)]
        upset = ~switched & (odd != current.xor())
        with m.If(lost & trial | upset | (current < DIVIDER_MIN)):
            m.d.sync += [current.eq(self._divider), trial.eq(0)]
