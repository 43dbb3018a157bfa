"""Spikes between two layers: a list of indices per step, read as often as there are words."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import clog2
from spikeloom.hdl.hardware import DEFAULT, Hardware


def lowest(bits: Signal) -> tuple[Cat, Cat]:
    """Return (index of the lowest set bit, `bits` without it); index 0 where none is set."""
    width = len(bits)
    alone = bits & (~bits + 1)[:width]
    index = Cat(
        (alone & sum(1 << i for i in range(width) if i >> k & 1)).any() for k in range(clog2(width))
    )
    return index, bits & (bits - 1)[:width]


def spike_port(neurons: int) -> wiring.Signature:
    """Return the bundle by which a layer's spikes go on to the next one, a step after the other.

    push, row : a spike. close : the step ends, after this clock's spike if any. ready : both are
    taken in this clock.
    """
    row = range(max(neurons, 2))
    return wiring.Signature({"push": Out(1), "row": Out(row), "close": Out(1), "ready": In(1)})


def error_port(lanes: int) -> wiring.Signature:
    """Return the bundle by which a layer's waiting error spikes are read, word after word.

    positive, negative : a word of them. read : it is used in this clock, and the next one shows.
    end : with read; it was the layer's last.
    """
    return wiring.Signature(
        {"read": Out(1), "end": Out(1), "positive": In(lanes), "negative": In(lanes)}
    )


class SpikeList(wiring.Component):
    """A ring of entries, cut into steps; the writer may run up to two steps ahead.

    Parameters
    ----------
    size : neurons of the layer; a whole step of them fits.
    entry : layout of an entry. name, hardware : of the memory.

    Members
    -------
    push, entry : In; append a spike. close : In; the step ends, after this clock's push if any.
    ready : Out; push and close are taken in this clock.
    more : Out; an entry is waiting at the pointer. final : Out; it is known to be the step's last.
    ended : Out; the step is closed and the pointer stands behind its last entry.
    next : In, with `more`; read the entry into `head`, step on. rewind : In; the pointer goes
    back to the step's start. release : In, with `final & next` or `ended`; the step is done with.
    head : Out; the entry read last, held.

    Latency: push to `more` one clock, `next` to `head` one clock. Throughput: one entry per clock
    on either side.
    """

    def __init__(
        self,
        size: int,
        entry: data.StructLayout,
        *,
        name: str = "list",
        hardware: Hardware = DEFAULT,
    ) -> None:
        self._name, self._hardware = name, hardware
        self._depth = 1 << clog2(max(size, 2))
        self.entry_shape = entry
        super().__init__(
            {
                "push": In(1),
                "entry": In(self.entry_shape),
                "close": In(1),
                "ready": Out(1),
                "more": Out(1),
                "final": Out(1),
                "ended": Out(1),
                "next": In(1),
                "rewind": In(1),
                "release": In(1),
                "head": Out(self.entry_shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the ring, its pointers (one bit more than the address) and two step ends."""
        m = Module()
        depth = self._depth
        memory = self._hardware.memory(m, self._name, self.entry_shape, depth)
        write, read = memory.write_port(), memory.read_port()

        def pointer(name: str) -> Signal:
            return Signal(range(2 * depth), name=name)

        end, start, here = pointer("end"), pointer("start"), pointer("here")
        closed = [pointer("closed0"), pointer("closed1")]
        steps = Signal(range(3))
        after = Signal(range(2 * depth), init=1)  # here + 1, a register: all reading hangs on it
        pushed = pointer("pushed")
        held = Signal(range(2 * depth))
        m.d.comb += [
            held.eq(pushed - start),
            write.addr.eq(end),
            write.data.eq(self.entry),
            write.en.eq(self.push & self.ready),
            read.addr.eq(here),
            read.en.eq(self.next),
            self.head.eq(read.data),
            pushed.eq(Mux(write.en, end + 1, end)),
            self.more.eq(Mux(steps == 0, here != end, here != closed[0])),
            self.final.eq((steps != 0) & (after == closed[0])),
            self.ended.eq((steps != 0) & (here == closed[0])),
        ]
        m.d.sync += end.eq(pushed)
        with m.If(self.release):
            m.d.sync += [start.eq(closed[0]), here.eq(closed[0]), after.eq(closed[0] + 1)]
        with m.Elif(self.rewind):
            m.d.sync += [here.eq(start), after.eq(start + 1)]
        with m.Elif(self.next):
            m.d.sync += [here.eq(after), after.eq(after + 1)]
        closing = Signal()
        left = Signal(range(3))
        m.d.comb += [closing.eq(self.close & self.ready), left.eq(steps - self.release)]
        m.d.sync += steps.eq(left + closing)
        # a register, because whoever pushes hangs on it; room that a release makes shows later
        ready = Signal(init=1)
        m.d.comb += self.ready.eq(ready)
        m.d.sync += ready.eq((held != depth) & ((left + closing) != 2))
        with m.If(self.release):
            m.d.sync += closed[0].eq(closed[1])
        with m.If(closing):
            with m.If(left == 0):
                m.d.sync += closed[0].eq(pushed)
            with m.Else():
                m.d.sync += closed[1].eq(pushed)
        return m


class Scanner(wiring.Component):
    """Turns the words of a layer's spike vector into a list of indices, ascending.

    Parameters
    ----------
    lanes, words : width and number of the words of a step.

    Members
    -------
    bits : In; word `word` of the vector. available : In; it is there.
    word : Out; the word wanted next.
    index : Out; the spiking neuron. valid : Out. last : Out; the step ends with this clock (also
    where no spike is left to pass). ready : In; the clock's spike or end is taken.
    busy : Out; a word is being read out. loaded : Out; the wanted word is taken in this clock.

    Latency: word to first index one clock. Throughput: one spike, or one empty word, per clock.
    """

    def __init__(self, *, lanes: int, words: int, neurons: int) -> None:
        self._lanes, self._words = lanes, words
        super().__init__(
            {
                "bits": In(lanes),
                "available": In(1),
                "word": Out(range(max(words, 2))),
                "index": Out(range(max(neurons, 2))),
                "valid": Out(1),
                "last": Out(1),
                "ready": In(1),
                "busy": Out(1),
                "loaded": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Hold a word, take its bits away from the lowest on."""
        m = Module()
        bits, base = Signal(self._lanes), Signal(range(self._words * self._lanes))
        final = Signal()
        lane, rest = lowest(bits)
        m.d.comb += [
            self.index.eq(base + lane),
            self.valid.eq(self.busy & bits.any()),
            self.last.eq(self.busy & final & ~rest.any()),
        ]
        step = Signal()
        m.d.comb += [
            step.eq(~self.busy | (self.ready & ~rest.any())),
            self.loaded.eq(step & self.available),
        ]
        with m.If(self.busy & self.ready):
            m.d.sync += bits.eq(rest)
        with m.If(step):
            m.d.sync += self.busy.eq(self.available)
            with m.If(self.available):
                at_end = self.word == self._words - 1
                m.d.sync += [
                    bits.eq(self.bits),
                    base.eq(self.word * self._lanes),
                    final.eq(at_end),
                    self.word.eq(Mux(at_end, 0, self.word + 1)),
                ]
        return m
