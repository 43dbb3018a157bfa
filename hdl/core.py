"""The core: the network behind two byte streams, as `golden.spec.protocol` lays down."""

from __future__ import annotations

from amaranth import Array, Const, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.golden.spec.protocol import (
    IDENTITY_BYTES,
    LITERAL_BITS,
    Feature,
    Opcode,
    Status,
)
from spikeloom.golden.spec.registers import identity
from spikeloom.golden.spec.schema import ConfigError
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.network import Network
from spikeloom.hdl.weights import WeightPort

BUFFER = 2
"""Bytes held on the way in and on the way out."""


class Core(wiring.Component):
    """What is simulated and synthesised: no pins, no clock frequency, one clock domain.

    Parameters
    ----------
    config : the network; the rate form is refused by name, it exists in golden only.
    hardware : how it is built; see `hdl.hardware`.
    reset : puts everything back to its start, beside the domain's own reset; the network follows a
        clock later.

    Members
    -------
    i : In, stream of command bytes. o : Out, stream of reply bytes. Both take a byte in a clock
    with valid and ready. busy : Out; a sample is running.

    Latency: a register read replies after 4 clocks, pin to pin, 2 where the core has no buffers of
    its own; a sample's counts follow its last step at once. Throughput: one byte per clock and
    direction; the next image loads while one runs.
    """

    def __init__(
        self, config: NetworkConfig, hardware: Hardware = DEFAULT, *, reset: Value | None = None
    ) -> None:
        if config.learning.form != "coincidence":
            raise ConfigError(
                f"learning.form = {config.learning.form!r} exists in the golden model only: "
                'the RTL needs learning.form = "coincidence"'
            )
        self._config, self._hardware = config, hardware
        self._restart = Const(0) if reset is None else reset
        super().__init__(
            {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8)), "busy": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the network, and what gives it commands; each has a reset of its own."""
        m = Module()
        model = machine(self._config)
        self._net = net = Network(model, self._hardware)
        # one register for all its reasons: its fan-out is the whole network
        self._reset, self._resetting = Signal(), Signal()
        m.d.sync += self._reset.eq(self._restart | self._resetting)
        m.submodules.network = ResetInserter(self._reset)(net)
        control = self._control(model)
        m.submodules.control = ResetInserter(self._restart)(control)
        return m

    def _control(self, model: Machine) -> Module:
        """Build the command decoder around the network and the weight port."""
        m, net = Module(), self._net
        m.submodules.weights = weights = WeightPort(self._hardware.of(model))
        self._i, self._o = self.i, self.o
        if self._hardware.buffered:
            m.submodules.commands = commands = SyncFIFO(width=8, depth=BUFFER)
            m.submodules.replies = replies = SyncFIFO(width=8, depth=BUFFER)
            wiring.connect(m, wiring.flipped(self.i), commands.w_stream)
            wiring.connect(m, replies.r_stream, wiring.flipped(self.o))
            self._i, self._o = commands.r_stream, replies.w_stream
        self._status = Signal(4)
        self._taken = Signal()  # a command byte is used in this clock
        self._argument = Signal(40)  # bytes after the opcode, the first one lowest
        replying = self._results(m)
        self._write = Signal()  # a clock before its register: writes reach all over the network
        m.d.sync += net.write.eq(self._write)
        free = ~net.busy & ~replying
        m.d.comb += [
            self.busy.eq(net.busy),
            self._i.ready.eq(self._taken),
            net.status.eq(self._status),
            net.host_layer.eq(weights.layer),
            net.host_row.eq(weights.row),
            net.host_word.eq(weights.word),
            net.host_column.eq(weights.column),
            net.host_valid.eq(weights.valid),
            net.host_poke.eq(weights.poke),
            net.host_data.eq(weights.data),
            weights.weight.eq(net.weight),
            net.address.eq(self._argument[:8]),
            net.register_value.eq(self._argument[8:40]),
        ]
        with m.If(net.clear | self._reset):
            m.d.sync += self._status.eq(0)
        self._commands(m, weights, free)
        return m

    def _take(self, m: Module) -> Value:
        """Use the command byte of this clock, if there is one; return whether there is."""
        m.d.comb += self._taken.eq(1)
        return self._i.valid

    def _commands(self, m: Module, weights: WeightPort, free: Value) -> None:
        net = self._net
        opcode, count = Signal(8), Signal(range(IDENTITY_BYTES))
        lengths = {
            Opcode.READ: 1,
            Opcode.WRITE: 5,
            Opcode.TRAIN: 2,
            Opcode.READ_WEIGHTS: 5,
            Opcode.WRITE_WEIGHTS: 5,
        }
        last = Signal()  # this byte ends the argument, or the reply
        with m.Switch(opcode):
            for code, length in lengths.items():
                with m.Case(code):
                    m.d.comb += last.eq(count == length - 1)
        features = Feature.COUNTERS if self._hardware.counters else Feature(0)
        said = identity(machine(self._config), features).pack()
        number = Mux(opcode == Opcode.DIGEST, weights.digest, net.register_data)
        reply = Mux(opcode == Opcode.IDENTIFY, Array(said)[count], number.word_select(count[:2], 8))
        with m.FSM(name="commands"):
            with m.State("OPCODE"), m.If(self._take(m)):
                m.d.sync += [opcode.eq(self._i.payload), count.eq(0)]
                m.next = "FREE"
                with m.Switch(self._i.payload):
                    with m.Case(*lengths):
                        m.next = "ARGUMENT"
                    with m.Case(Opcode.NOP):
                        m.next = "OPCODE"
                    with m.Case(Opcode.IMAGE):
                        m.d.comb += net.empty.eq(1)
                        m.next = "TOKEN"
                    with m.Case(Opcode.IDENTIFY, Opcode.INFER, Opcode.DIGEST, Opcode.RESET):
                        pass
                    with m.Default():
                        m.d.sync += self._status.eq(self._status | Status.BAD_OPCODE)
                        m.next = "OPCODE"
            with m.State("ARGUMENT"), m.If(self._take(m)):
                m.d.sync += [
                    self._argument.word_select(count, 8).eq(self._i.payload),
                    count.eq(count + 1),
                ]
                with m.If(last):
                    m.d.sync += count.eq(0)
                    m.next = "FREE"
            with m.State("FREE"), m.If(free):
                self._execute(m, opcode, weights)
            with m.State("REPLY"):
                m.d.comb += [self._o.payload.eq(reply), self._o.valid.eq(1)]
                with m.If(self._o.ready):
                    m.d.sync += count.eq(count + 1)
                    whole = Mux(opcode == Opcode.IDENTIFY, IDENTITY_BYTES - 1, 3)
                    with m.If(count == whole):
                        m.next = "OPCODE"
            with m.State("WEIGHTS"):
                m.d.comb += [
                    self._taken.eq(weights.i_ready),
                    weights.i_valid.eq(self._i.valid),
                    weights.i_data.eq(self._i.payload),
                    self._o.valid.eq(weights.o_valid),
                    self._o.payload.eq(weights.o_data),
                    weights.o_ready.eq(self._o.ready),
                ]
                with m.If(weights.bad):
                    m.d.sync += self._status.eq(self._status | Status.BAD_ROW)
                with m.If(weights.done):
                    m.next = "OPCODE"
                    with m.If(opcode == Opcode.DIGEST):
                        m.next = "REPLY"
            with m.State("STRAY"):  # the code that is left, where only an upset leads
                m.next = "OPCODE"
            self._image(m)

    def _execute(self, m: Module, opcode: Signal, weights: WeightPort) -> None:
        """Start what a complete command asks for, now that no sample runs."""
        net, argument = self._net, self._argument
        config = self._config
        m.next = "OPCODE"
        m.d.comb += [
            weights.first_layer.eq(argument[:8]),
            weights.first_row.eq(argument[8:24]),
            weights.rows.eq(argument[24:40]),
            weights.mode_write.eq(opcode == Opcode.WRITE_WEIGHTS),
            weights.mode_digest.eq(opcode == Opcode.DIGEST),
        ]
        with m.Switch(opcode):
            with m.Case(Opcode.IDENTIFY, Opcode.READ):
                m.next = "REPLY"
            with m.Case(Opcode.WRITE):
                m.d.comb += self._write.eq(1)
            with m.Case(Opcode.TRAIN):
                m.d.comb += [net.start.eq(1), net.train.eq(1), net.label.eq(argument[:16])]
                with m.If(argument[:16] >= config.sizes[-1]):
                    m.d.comb += net.label.eq(0)
                    m.d.sync += self._status.eq(self._status | Status.BAD_LABEL)
            with m.Case(Opcode.INFER):
                m.d.comb += net.start.eq(1)
            with m.Case(Opcode.READ_WEIGHTS, Opcode.WRITE_WEIGHTS, Opcode.DIGEST):
                m.d.comb += weights.start.eq(1)
                m.next = "WEIGHTS"
            with m.Case(Opcode.RESET):
                m.d.comb += self._resetting.eq(1)

    def _image(self, m: Module) -> None:
        """Decode image tokens into the spare buffer; runs beside a sample."""
        net, pixels = self._net, self._config.sizes[0]
        place = Signal(range(2 * (pixels + 256)))
        literals = Signal(LITERAL_BITS)
        inside = place < pixels
        with m.State("TOKEN"), m.If(self._take(m)):
            m.d.sync += literals.eq(self._i.payload[:LITERAL_BITS])
            with m.If(inside):
                m.d.sync += place.eq(place + self._i.payload[LITERAL_BITS:])
            with m.If(self._i.payload[:LITERAL_BITS] != 0):
                m.next = "LITERAL"
            with m.If(self._i.payload == 0):
                m.d.sync += place.eq(0)
                m.next = "OPCODE"
        with m.State("LITERAL"), m.If(self._take(m)):
            m.d.comb += [
                net.load.eq(inside & (self._i.payload != 0)),
                net.index.eq(place),
                net.value.eq(self._i.payload),
            ]
            with m.If(inside):
                m.d.sync += place.eq(place + 1)
            with m.Else():
                m.d.sync += self._status.eq(self._status | Status.BAD_PIXEL)
            m.d.sync += literals.eq(literals - 1)
            with m.If(literals == 1):
                m.next = "TOKEN"

    def _results(self, m: Module) -> Value:
        """Send counts and class of a sample that has ended; return whether any is owed."""
        net = self._net
        classes = self._config.sizes[-1]
        owed, running = Signal(), Signal()
        m.d.sync += running.eq(net.busy & ~self._reset)  # a sample cut short owes nothing
        index, high = Signal(range(classes + 1)), Signal()
        value = Signal(16)
        best, winner = Signal.like(net.counts[0]), Signal(range(classes))
        counts = Array([*(net.counts[j] for j in range(classes)), winner])
        m.d.comb += value.eq(counts[index])
        with m.If(running & ~net.busy):
            m.d.sync += [owed.eq(1), index.eq(0), high.eq(0), best.eq(0), winner.eq(0)]
        with m.If(owed):
            m.d.comb += [self._o.valid.eq(1), self._o.payload.eq(value.word_select(high, 8))]
            with m.If(self._o.ready):
                m.d.sync += high.eq(~high)
                with m.If(high):
                    m.d.sync += index.eq(index + 1)
                    with m.If((index != classes) & (value > best)):
                        m.d.sync += [best.eq(value), winner.eq(index)]
                    with m.If(index == classes):
                        m.d.sync += owed.eq(0)
        return owed | running
