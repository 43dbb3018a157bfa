"""The board's end of the serial link, as `golden.spec.link` lays down: pins to byte streams."""

from __future__ import annotations

from amaranth import C, Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
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
from spikeloom.hdl.buffers import Buffers
from spikeloom.hdl.frames import SEQ, TAG, FrameReceiver, FrameSender
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
        m.submodules.received = received = FrameReceiver()
        m.submodules.sender = sender = FrameSender(self.hello)
        m.submodules.buffers = buffers = Buffers(self._window, self._ring)
        wiring.connect(m, uart_in.heard, received.heard)
        wiring.connect(m, uart_out.said, sender.said)
        wiring.connect(m, received.found, buffers.found)
        wiring.connect(m, sender.replies, buffers.sent)
        wiring.connect(m, wiring.flipped(self.commands), buffers.commands)
        wiring.connect(m, wiring.flipped(self.replies), buffers.replies)
        m.d.comb += [
            uart_in.rx.eq(self.rx),
            self.tx.eq(uart_out.tx),
            self.reset.eq(buffers.reset),
        ]
        quiet, lost = self._timers(m, uart_in.active, uart_out.tick)
        switch = self._control(m, received, sender, buffers, quiet)
        divider = self._rate(m, received.found, switch, lost)
        m.d.comb += [uart_in.divider.eq(divider), uart_out.divider.eq(divider)]
        return m

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

    def _control(
        self,
        m: Module,
        received: FrameReceiver,
        sender: FrameSender,
        buffers: Buffers,
        quiet: Value,
    ) -> Value:
        """Obey good frames; return what is high in the clock in which the rate must change."""
        found, header = received.found, sender.header
        expected, tag = Signal(SEQ), Signal(TAG, reset_less=True)
        refused, hello = Signal(), Signal()
        owed = Signal()  # a frame, whether or not replies wait
        pending = Signal()  # a frame that is obeyed between two frames to the host
        switching = Signal()  # RATE is being answered
        m.d.comb += [
            received.drop.eq(quiet | pending | switching),
            received.expected.eq(expected),
            buffers.accept.eq(
                found.done & (found.kind == Kind.DATA) & found.in_order & buffers.fits
            ),
            buffers.acked.eq(found.done & (found.kind <= Kind.REWIND)),
            header.kind.eq(Cat(refused, hello, C(Kind.STATE >> 2, 2))),
            header.tag.eq(tag),
            header.expected.eq(expected),
            header.hello.eq(hello),
        ]
        with m.If(sender.begun):
            m.d.sync += owed.eq(0)
        with m.If(buffers.told):
            m.d.sync += owed.eq(1)
        with m.If(sender.said.check):
            m.d.sync += hello.eq(0)
        with m.If(found.done):
            m.d.sync += refused.eq((found.kind == Kind.DATA) & ~buffers.accept)
            with m.If(found.kind <= Kind.POLL):
                m.d.sync += [owed.eq(1), tag.eq(found.tag)]
            with m.Else():
                m.d.sync += pending.eq(1)
        with m.If(buffers.accept):
            m.d.sync += expected.eq(expected + 1)
        with m.If(pending & sender.idle):
            m.d.comb += [
                buffers.opened.eq(found.kind == Kind.OPEN),
                buffers.rewound.eq(found.kind == Kind.REWIND),
            ]
            m.d.sync += [pending.eq(0), owed.eq(1), tag.eq(found.tag)]
            m.d.sync += switching.eq(found.kind == Kind.RATE)
        with m.If(buffers.opened):
            m.d.sync += [hello.eq(1), expected.eq(0)]
        m.d.comb += sender.go.eq(~pending & (owed | (buffers.sent.waiting != 0) & ~switching))
        switch = switching & sender.idle & ~owed
        with m.If(switch):
            m.d.sync += switching.eq(0)
        return switch

    def _rate(self, m: Module, found: wiring.PureInterface, switch: Value, lost: Value) -> Signal:
        """Return the divider; one that brings no good frame, or is upset, is given up."""
        current, trial = Signal(DIVIDER_BITS, init=self._divider), Signal()
        odd, switched = Signal(), Signal()
        m.d.sync += [odd.eq(current.xor()), switched.eq(switch)]
        with m.If(found.done):
            m.d.sync += trial.eq(0)
        with m.If(switch):
            m.d.sync += [current.eq(found.place), trial.eq(1)]
        upset = ~switched & (odd != current.xor())
        with m.If(lost & trial | upset | (current < DIVIDER_MIN)):
            m.d.sync += [current.eq(self._divider), trial.eq(0)]
        return current
