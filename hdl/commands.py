"""The command decoder: two byte streams on one side, the network's ports on the other."""

from __future__ import annotations

from amaranth import Array, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.protocol import (
    IDENTITY_BYTES,
    LITERAL_BITS,
    Feature,
    Opcode,
    Status,
)
from spikeloom.golden.spec.registers import identity
from spikeloom.hdl.hardware import Hardware
from spikeloom.hdl.network import network_port
from spikeloom.hdl.weights import WeightPort

LENGTHS = {
    Opcode.READ: 1,
    Opcode.WRITE: 5,
    Opcode.TRAIN: 2,
    Opcode.READ_WEIGHTS: 5,
    Opcode.WRITE_WEIGHTS: 5,
}
"""Bytes of an opcode's argument, where it has one."""


class Commands(wiring.Component):
    """Obeys the host, one command after the other, as `golden.spec.protocol` lays down.

    Parameters
    ----------
    machine, hardware : the network, and how it is built.

    Members
    -------
    i : In, stream of command bytes. o : Out, stream of reply bytes.
    network : Out; see `hdl.network.network_port`.
    restart : Out, for a clock; the host asks for a reset of the network. reset : In; it is reset.
    """

    def __init__(self, machine: Machine, hardware: Hardware) -> None:
        self._machine, self._hardware = machine, hardware
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "network": Out(network_port(machine, hardware)),
                "restart": Out(1),
                "reset": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Decode; results are owed before the next command is obeyed."""
        m, net = Module(), self.network
        m.submodules.weights = weights = WeightPort(self._hardware.of(self._machine))
        wiring.connect(m, weights.access, wiring.flipped(net.weights))
        m.d.comb += weights.weight.eq(net.weight)
        opcode, count = Signal(8), Signal(range(IDENTITY_BYTES))
        argument = Signal(40)  # bytes after the opcode, the first one lowest
        free = ~net.sample.busy & ~self._results(m)
        m.d.comb += [
            net.registers.address.eq(argument[:8]),
            net.registers.value.eq(argument[8:40]),
            weights.first_layer.eq(argument[:8]),
            weights.first_row.eq(argument[8:24]),
            weights.rows.eq(argument[24:40]),
            weights.write.eq(opcode == Opcode.WRITE_WEIGHTS),
            weights.digest.eq(opcode == Opcode.DIGEST),
            net.sample.train.eq(opcode == Opcode.TRAIN),
        ]
        # a clock late: writes reach all over the network
        m.d.sync += net.registers.write.eq(0)
        wrong = Signal(4)  # in this clock; what is cleared in the same clock was before it
        m.d.sync += net.status.eq(Mux(net.clear | self.reset, 0, net.status) | wrong)
        last = Signal()  # this byte ends the argument
        with m.Switch(opcode):
            for code, length in LENGTHS.items():
                with m.Case(code):
                    m.d.comb += last.eq(count == length - 1)
        with m.FSM(name="commands"):
            with m.State("OPCODE"), m.If(self._take(m)):
                m.d.sync += [opcode.eq(self.i.payload), count.eq(0)]
                self._decode(m, wrong)
            with m.State("ARGUMENT"), m.If(self._take(m)):
                m.d.sync += [
                    argument.word_select(count, 8).eq(self.i.payload),
                    count.eq(count + 1),
                ]
                with m.If(last):
                    m.d.sync += count.eq(0)
                    m.next = "FREE"
            with m.State("FREE"), m.If(free):
                self._execute(m, opcode, argument, weights, wrong)
            with m.State("REPLY"):
                m.d.comb += [
                    self.o.payload.eq(self._reply(opcode, count, weights)),
                    self.o.valid.eq(1),
                ]
                with m.If(self.o.ready):
                    m.d.sync += count.eq(count + 1)
                    whole = Mux(opcode == Opcode.IDENTIFY, IDENTITY_BYTES - 1, 3)
                    with m.If(count == whole):
                        m.next = "OPCODE"
            with m.State("WEIGHTS"):
                wiring.connect(m, wiring.flipped(self.i), weights.i)
                wiring.connect(m, weights.o, wiring.flipped(self.o))
                with m.If(weights.bad):
                    m.d.comb += wrong.eq(Status.BAD_ROW)
                with m.If(weights.done):
                    m.next = "OPCODE"
                    with m.If(opcode == Opcode.DIGEST):
                        m.next = "REPLY"
            with m.State("STRAY"):  # the code that is left, where only an upset leads
                m.next = "OPCODE"
            self._image(m, wrong)
        return m

    def _take(self, m: Module, ready: Value | int = 1) -> Value:
        """Use the command byte of this clock, if there is one; return whether it is used."""
        m.d.comb += self.i.ready.eq(ready)
        return self.i.valid & ready

    def _decode(self, m: Module, wrong: Signal) -> None:
        """Say what follows an opcode."""
        m.next = "FREE"
        with m.Switch(self.i.payload):
            with m.Case(*LENGTHS):
                m.next = "ARGUMENT"
            with m.Case(Opcode.NOP):
                m.next = "OPCODE"
            with m.Case(Opcode.IMAGE):
                m.d.comb += self.network.image.empty.eq(1)
                m.next = "TOKEN"
            with m.Case(Opcode.IDENTIFY, Opcode.INFER, Opcode.DIGEST, Opcode.RESET):
                pass
            with m.Default():
                m.d.comb += wrong.eq(Status.BAD_OPCODE)
                m.next = "OPCODE"

    def _reply(self, opcode: Value, count: Value, weights: WeightPort) -> Value:
        """Return byte `count` of what a command is replied."""
        features = Feature.COUNTERS if self._hardware.counters else Feature(0)
        said = identity(self._machine, features).pack()
        number = Mux(opcode == Opcode.DIGEST, weights.sum, self.network.registers.data)
        return Mux(opcode == Opcode.IDENTIFY, Array(said)[count], number.word_select(count[:2], 8))

    def _execute(
        self, m: Module, opcode: Value, argument: Value, weights: WeightPort, wrong: Signal
    ) -> None:
        """Start what a complete command asks for, now that no sample runs."""
        sample, label = self.network.sample, argument[:16]
        m.next = "OPCODE"
        with m.Switch(opcode):
            with m.Case(Opcode.IDENTIFY, Opcode.READ):
                m.next = "REPLY"
            with m.Case(Opcode.WRITE):
                m.d.sync += self.network.registers.write.eq(1)
            with m.Case(Opcode.TRAIN):
                m.d.comb += [sample.start.eq(1), sample.label.eq(label)]
                with m.If(label >= self._machine.config.sizes[-1]):
                    m.d.comb += sample.label.eq(0)
                    m.d.comb += wrong.eq(Status.BAD_LABEL)
            with m.Case(Opcode.INFER):
                m.d.comb += sample.start.eq(1)
            with m.Case(Opcode.READ_WEIGHTS, Opcode.WRITE_WEIGHTS, Opcode.DIGEST):
                m.d.comb += weights.start.eq(1)
                m.next = "WEIGHTS"
            with m.Case(Opcode.RESET):
                m.d.comb += self.restart.eq(1)

    def _image(self, m: Module, wrong: Signal) -> None:
        """Decode image tokens into the spare buffer; runs beside a sample."""
        image, pixels = self.network.image, self._machine.config.sizes[0]
        place = Signal(range(2 * (pixels + 256)))
        literals = Signal(LITERAL_BITS)
        inside = place < pixels
        with m.State("TOKEN"), m.If(self._take(m)):
            m.d.sync += literals.eq(self.i.payload[:LITERAL_BITS])
            with m.If(inside):
                m.d.sync += place.eq(place + self.i.payload[LITERAL_BITS:])
            with m.If(self.i.payload[:LITERAL_BITS] != 0):
                m.next = "LITERAL"
            with m.If(self.i.payload == 0):
                m.d.sync += place.eq(0)
                m.next = "OPCODE"
        with m.State("LITERAL"):
            m.d.comb += [
                image.load.eq(self.i.valid & inside & (self.i.payload != 0)),
                image.index.eq(place),
                image.value.eq(self.i.payload),
            ]
            with m.If(self._take(m, image.ready | ~image.load)):
                with m.If(inside):
                    m.d.sync += place.eq(place + 1)
                with m.Else():
                    m.d.comb += wrong.eq(Status.BAD_PIXEL)
                m.d.sync += literals.eq(literals - 1)
                with m.If(literals == 1):
                    m.next = "TOKEN"

    def _results(self, m: Module) -> Value:
        """Send counts, class and steps of a sample that has ended; return whether any is owed."""
        sample, classes = self.network.sample, self._machine.config.sizes[-1]
        owed, running = Signal(), Signal()
        m.d.sync += running.eq(sample.busy & ~self.reset)  # a sample cut short owes nothing
        index, high = Signal(range(classes + 2)), Signal()
        value = Signal(16)
        best, winner = Signal.like(sample.count), Signal(range(classes))
        rest = Mux(index == classes, winner, sample.ran)
        m.d.comb += [sample.place.eq(index), value.eq(Mux(index < classes, sample.count, rest))]
        with m.If(running & ~sample.busy):
            m.d.sync += [owed.eq(1), index.eq(0), high.eq(0), best.eq(0), winner.eq(0)]
        with m.If(owed):
            m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(value.word_select(high, 8))]
            with m.If(self.o.ready):
                m.d.sync += high.eq(~high)
                with m.If(high):
                    m.d.sync += index.eq(index + 1)
                    with m.If((index < classes) & (value > best)):
                        m.d.sync += [best.eq(value), winner.eq(index)]
                    with m.If(index == classes + 1):
                        m.d.sync += owed.eq(0)
        return owed | running
