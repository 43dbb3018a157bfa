"""Buffers of the serial link: command bytes until the core takes them, replies until they came."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom.hdl.frames import FOUND, PLACE, REPLIES


class Buffers(wiring.Component):
    """Both buffers in one memory, whose ports the UART's side has first.

    No clock reads the address that it writes: a byte is read once its frame was found good, or
    once it counts as waiting.

    Parameters
    ----------
    window, ring : bytes of the commands' buffer and of the replies'; powers of two.

    Members
    -------
    commands : Out, stream of bytes for the core. replies : In, stream of bytes from it.
    reset : Out; high in the clock after `opened`, and while this is reset: neither is looked at.
    found : In; of `hdl.frames.FrameReceiver`. sent : Out; to `hdl.frames.FrameSender`.
    fits : Out; there was room for the whole frame. accept : In, with `found.done`; its bytes are
    commands. acked : In; the host has the replies before `found.place`. rewound : In; they are sent
    again from there on. opened : In; both streams begin there. told : Out; the host should hear
    how much was taken: another quarter of the buffer.
    """

    def __init__(self, window: int, ring: int) -> None:
        self._window, self._ring = window, ring
        super().__init__(
            {
                "commands": Out(stream.Signature(8)),
                "replies": In(stream.Signature(8)),
                "reset": Out(1, init=1),
                "found": In(FOUND),
                "sent": Out(REPLIES),
                "fits": Out(1),
                "accept": In(1),
                "acked": In(1),
                "rewound": In(1),
                "opened": In(1),
                "told": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Share the memory: what comes from the line is written, what goes there is read, first."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=self._window + self._ring, init=[])
        write, read = memory.write_port(), memory.read_port()
        found, sent, replies = self.found, self.sent, self.replies
        taken, coming, full, fetch = self._commands(m, read.data)
        head, place = self._replies(m)
        m.d.comb += [
            write.en.eq(Mux(found.push, ~full, replies.valid & replies.ready)),
            write.addr.eq(Mux(found.push, self._command(coming), self._reply(head))),
            write.data.eq(Mux(found.push, found.data, replies.payload)),
            read.en.eq(fetch | sent.read),
            sent.pointer.eq(Mux(sent.replying, place, taken)),
            read.addr.eq(
                Mux(sent.replying, self._reply(sent.pointer), self._command(sent.pointer))
            ),
            sent.byte.eq(read.data),
        ]
        return m

    def _commands(self, m: Module, byte: Value) -> tuple[Signal, Signal, Value, Signal]:
        """Return the places taken and coming, whether the buffer is full, and when to read."""
        found, sent, out = self.found, self.sent, self.commands
        # taken <= whole <= coming, counted modulo twice the buffer (or more)
        bits = (2 * self._window - 1).bit_length()
        taken, whole, coming = Signal(PLACE), Signal(bits), Signal(bits)
        fits, fetched = Signal(reset_less=True), Signal()
        fetch = Signal()
        full = coming == taken[:bits] ^ self._window
        with m.If(found.start):
            m.d.sync += [coming.eq(whole), fits.eq(1)]
        with m.If(found.push):
            with m.If(full):
                m.d.sync += fits.eq(0)
            with m.Else():
                m.d.sync += coming.eq(coming + 1)
        with m.If(self.accept):
            m.d.sync += whole.eq(coming)
        m.d.comb += [
            self.fits.eq(fits),
            fetch.eq((whole != taken[:bits]) & ~out.valid & ~fetched & ~sent.replying & ~sent.hold),
            self.told.eq(fetch & taken[: bits - 3].all()),
        ]
        m.d.sync += fetched.eq(fetch)
        with m.If(out.valid & out.ready):
            m.d.sync += out.valid.eq(0)
        with m.If(fetched):
            m.d.sync += [out.payload.eq(byte), out.valid.eq(1)]
        with m.If(fetch):
            m.d.sync += taken.eq(taken + 1)
        with m.If(self.opened):
            m.d.sync += [taken.eq(0), whole.eq(0), fetched.eq(0), out.valid.eq(0)]
        return taken, coming, full, fetch

    def _replies(self, m: Module) -> tuple[Signal, Signal]:
        """Return the place of the next reply, and that of the next one to send."""
        found, replies = self.found, self.replies
        # kept <= sent <= head
        bits = (2 * self._ring - 1).bit_length()
        kept, sent, head = Signal(bits), Signal(PLACE), Signal(bits)
        m.d.sync += self.reset.eq(self.opened)
        m.d.comb += [
            self.sent.waiting.eq((head - sent)[:bits]),
            replies.ready.eq((head != kept ^ self._ring) & ~found.push & ~self.reset),
        ]
        with m.If(replies.valid & replies.ready):
            m.d.sync += head.eq(head + 1)
        with m.If(self.sent.sent):
            m.d.sync += sent.eq(sent + 1)
        with m.If(self.acked):
            m.d.sync += kept.eq(found.place)
        with m.If(self.rewound | self.opened):
            m.d.sync += sent.eq(found.place)
        with m.If(self.opened):
            m.d.sync += [kept.eq(found.place), head.eq(found.place)]
        return head, sent

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
