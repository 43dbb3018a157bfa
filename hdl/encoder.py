"""Pixels to spike trains: two image buffers of non-zero pixels, scanned several per clock."""

from __future__ import annotations

from amaranth import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import RAMP_ONE, Machine, clog2
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.jitter import Jitter
from spikeloom.hdl.lfsr import random_words
from spikeloom.hdl.spikes import lowest, spike_port


def image_port(machine: Machine) -> wiring.Signature:
    """Return the bundle that fills the spare image buffer.

    empty : forget what it holds. load, index, value : append a non-zero pixel, in raster order.
    ready : it is taken, always but with jitter.
    """
    index = range(max(machine.config.sizes[0], 2))
    pixel = {"index": Out(index), "value": Out(8)}
    return wiring.Signature({"empty": Out(1), "load": Out(1), **pixel, "ready": In(1)})


class Encoder(wiring.Component):
    """Draws the input spikes of a sample, step after step, as fast as the list takes them.

    Parameters
    ----------
    machine : image size, ramp tables, dropout, jitter.
    hardware : `draws` pixels are looked at per clock; what the memories are made of.

    Members
    -------
    image : In; see `image_port`.
    swap : In; the filled buffer becomes the scanned one, the other is emptied.
    start : In, after swap; begin a sample of `steps` steps. train : In, held for the sample.
    known : In, where a sample can end early; no step is drawn but the first so many, see
    `hdl.stopping`.
    random : In; the input stream. drop : In; stream dropout0. jitter : In, where there is jitter;
    its stream. spikes : Out; see `spike_port`.
    busy : Out; steps remain to be drawn.

    Latency: start to first spike 5 clocks, 4 where the hardware has no register behind the memories
    (where the input has dropout: one more, and training one more per pixel; training with jitter
    two more). Throughput: `draws` pixels or one spike per clock, whichever is slower.
    Golden: `golden.encoder.encode`.
    """

    def __init__(self, machine: Machine, hardware: Hardware = DEFAULT) -> None:
        self._machine, self._hardware = machine, hardware
        config = machine.config
        self.draws = hardware.draws
        pixels = config.sizes[0]
        self._index = range(max(pixels, 2))
        steps = range(config.steps + 1)
        self._jitter = Jitter(config.image, config.input.jitter) if config.input.jitter else None
        super().__init__(
            {
                "image": In(image_port(machine)),
                "swap": In(1),
                "start": In(1),
                "train": In(1),
                "steps": In(steps),
                **({"known": In(steps)} if config.stop.used else {}),
                "random": In(random_words(self.draws)),
                "drop": In(random_words()),
                **({"jitter": In(random_words())} if self._jitter else {}),
                "spikes": Out(spike_port(pixels)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build buffers, then the scan: address, product, comparison, spikes one by one."""
        m = Module()
        machine, draws = self._machine, self.draws
        pixels, config = machine.config.sizes[0], machine.config
        group = Signal(range(-(-pixels // draws) + 1))
        advance = Signal()
        entries, active = self._buffers(m, group, advance)

        # stage 0: address of the group; the next step's first group follows its last at once
        running = Signal()
        step, last_group = Signal(range(config.steps + 1)), Signal()
        drawing = running & (step != self.known) if config.stop.used else running
        ramps = Array(machine.ramp_train), Array(machine.ramp_infer)
        ramp = Signal(range(RAMP_ONE + 1))
        place = Signal(range(pixels + draws))  # entries before this group
        m.d.comb += [
            last_group.eq(place + draws >= active),
            ramp.eq(Mux(self.train, ramps[0][step], ramps[1][step])),
        ]
        begin, shifting = self._begin(m)
        dropped, dropping = self._dropout(m, begin, running, active)
        with m.If(drawing & advance):
            m.d.sync += [group.eq(group + 1), place.eq(place + draws)]
            with m.If(last_group):
                m.d.sync += [group.eq(0), place.eq(0), step.eq(step + 1)]
                with m.If(step + 1 == self.steps):
                    m.d.sync += running.eq(0)
        with m.If(self.start):
            m.d.sync += [step.eq(0), group.eq(0), place.eq(0)]

        # stage 1: entries are read. Stage 2: multiply. Stage 3: compare with the stream's words.
        # Without the register behind the memory, stages 1 and 2 are one
        there0 = Cat(place + d < active for d in range(draws))
        drop0 = Cat(dropped.bit_select(place + d, 1) for d in range(draws))
        stage = data.StructLayout({"valid": 1, "end": 1, "there": draws, "drop": draws})
        registered = self._hardware.registered
        stages = [Signal(stage, name=f"stage{k}") for k in range(3 if registered else 2)]
        ramps1 = [Signal.like(ramp, name=f"ramp{k}") for k in range(len(stages) - 1)]
        with m.If(advance):
            for values, now in (
                (stages, Cat(drawing, last_group, there0, drop0)),
                (ramps1, ramp),
            ):
                m.d.sync += [new.eq(old) for new, old in zip(values, [now, *values], strict=False)]
        last = stages[-1]
        hits = []
        taken = Signal(range(draws + 1))
        index3: list[Value] = []
        for d in range(draws):
            product = Signal(range(255 * RAMP_ONE + 1), name=f"product{d}", reset_less=True)
            read = entries[d]
            if registered:
                read = Signal(entries[d].shape(), name=f"entry{d}", reset_less=True)
                with m.If(advance):
                    m.d.sync += read.eq(entries[d])
            with m.If(advance):
                m.d.sync += product.eq(read.value * ramps1[-1])
            index, inside = self._moved(m, d, read.where, advance)
            hits.append(last.there[d] & ~last.drop[d] & (self.random.words[d] < product) & inside)
            index3.append(index)
        m.d.comb += taken.eq(sum(last.there[d] for d in range(draws)))
        with m.If(last.valid & advance):
            m.d.comb += self.random.take.eq(taken)

        # stage 4: spikes leave one by one, the step's end with its last one
        valid4, end4, spikes = Signal(), Signal(), Signal(draws)
        index4 = [Signal(self._index, name=f"leaving{d}") for d in range(draws)]
        chosen, rest = lowest(spikes)
        more = rest.any()
        m.d.comb += [
            self.spikes.row.eq(Array(index4)[chosen] if draws > 1 else index4[0]),
            self.spikes.push.eq(valid4 & spikes.any()),
            self.spikes.close.eq(valid4 & end4 & ~more),
            advance.eq(
                ~valid4 | ((self.spikes.ready | (~self.spikes.push & ~self.spikes.close)) & ~more)
            ),
        ]
        with m.If(advance):
            m.d.sync += [valid4.eq(last.valid), end4.eq(last.end), spikes.eq(Cat(hits))]
            m.d.sync += [index4[d].eq(index3[d]) for d in range(draws)]
        with m.Elif(self.spikes.ready):
            m.d.sync += spikes.eq(rest)
        waiting = Cat(stage.valid for stage in stages).any()
        m.d.comb += self.busy.eq(running | waiting | valid4 | dropping | shifting)
        return m

    def _buffers(self, m: Module, group: Signal, advance: Signal) -> tuple[list[data.View], Signal]:
        """Return the pixels of the group asked for with `advance`, and how many there are."""
        pixels, draws = self._machine.config.sizes[0], self.draws
        groups = -(-pixels // draws)
        jitter, index = self._jitter, self.image.index
        where = jitter.place if jitter else index
        entry = data.StructLayout({"where": where.shape(), "value": 8})
        span = 1 << clog2(groups)
        front = Signal()  # the buffer being scanned
        filled, active = Signal(range(pixels + 1)), Signal(range(pixels + 1))

        slot, lane = Signal(range(groups + 1)), Signal(range(max(draws, 2)))
        loaded = self.image.load & self.image.ready
        with m.If(loaded):
            last_lane = lane == draws - 1
            m.d.sync += [
                filled.eq(filled + 1),
                lane.eq(Mux(last_lane, 0, lane + 1)),
                slot.eq(slot + last_lane),
            ]
        with m.If(self.swap):
            m.d.sync += [front.eq(~front), active.eq(filled)]
        with m.If(self.swap | self.image.empty):
            m.d.sync += [filled.eq(0), lane.eq(0), slot.eq(0)]

        entries = []
        for d in range(draws):
            memory = self._hardware.memory(m, f"encoder.pixels{d}", entry, 2 * span)
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                write.addr.eq(Cat(slot[: clog2(groups)], ~front)),
                write.data.where.eq(where),
                write.data.value.eq(self.image.value),
                write.en.eq(loaded & (lane == d)),
                read.addr.eq(Cat(group[: clog2(groups)], front)),
                read.en.eq(advance),
            ]
            entries.append(read.data)
        return entries, active

    def _begin(self, m: Module) -> tuple[Value, Value]:
        """Connect the jitter; return what is high when the shift is drawn, and what until then."""
        if not (jitter := self._jitter):
            m.d.comb += self.image.ready.eq(1)
            return self.start, Const(0)
        m.submodules.jitter = jitter
        wiring.connect(m, wiring.flipped(self.jitter), jitter.random)
        m.d.comb += [
            jitter.empty.eq(self.swap | self.image.empty),
            jitter.load.eq(self.image.load),
            jitter.index.eq(self.image.index),
            self.image.ready.eq(jitter.ready),
            jitter.start.eq(self.start),
            jitter.train.eq(self.train),
        ]
        return jitter.begin, jitter.busy

    def _moved(self, m: Module, lane: int, where: Value, advance: Value) -> tuple[Value, Value]:
        """Return the index of a pixel, a clock later, and whether it is in the image."""
        if self._jitter:
            return self._jitter.moved(m, where, advance)
        index = Signal(self._index, name=f"index{lane}", reset_less=True)
        with m.If(advance):
            m.d.sync += index.eq(where)
        return index, Const(1)

    def _dropout(
        self, m: Module, begin: Value, running: Signal, active: Signal
    ) -> tuple[Signal, Signal]:
        """Draw which pixels stay silent (one per clock) before `running` may begin."""
        dropping = Signal()
        if self._machine.config.stop.used:  # the sample before may have ended early
            with m.If(self.start):
                m.d.sync += running.eq(0)
        if not self._machine.input_dropout:
            with m.If(begin):
                m.d.sync += running.eq(1)
            return Signal(name="nothing_dropped"), dropping
        dropped = Signal(self._machine.config.sizes[0])
        count = Signal.like(active)
        with m.If(begin):
            m.d.sync += [dropped.eq(0), count.eq(0), dropping.eq(1)]
        with m.If(dropping):
            with m.If((count == active) | ~self.train):
                m.d.sync += [dropping.eq(0), running.eq(1)]
            with m.Else():
                hit = self.drop.words[0] < self._machine.input_dropout
                m.d.sync += [dropped.bit_select(count, 1).eq(hit), count.eq(count + 1)]
                m.d.comb += self.drop.take.eq(1)
        return dropped, dropping
