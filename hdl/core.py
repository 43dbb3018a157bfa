"""The core: the network behind two byte streams, as `golden.spec.protocol` lays down."""

from __future__ import annotations

from amaranth import Const, Module, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import machine
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.commands import Commands
from spikeloom.hdl.hardware import DEFAULT, Hardware
from spikeloom.hdl.network import Network
from spikeloom.hdl.rules import check_rule

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
        check_rule(config)
        self._config, self._hardware = config, hardware
        self._restart = Const(0) if reset is None else reset
        super().__init__(
            {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8)), "busy": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the network, and what gives it commands; each has a reset of its own."""
        m = Module()
        model = machine(self._config)
        net, control = Network(model, self._hardware), Commands(model, self._hardware)
        # one register for all its reasons: its fan-out is the whole network
        reset = Signal()
        m.d.sync += reset.eq(self._restart | control.restart)
        m.submodules.network = ResetInserter(reset)(net)
        m.submodules.control = ResetInserter(self._restart)(control)
        wiring.connect(m, control.network, net.host)
        m.d.comb += [control.reset.eq(reset), self.busy.eq(net.host.sample.busy)]
        if self._hardware.buffered:
            commands, replies = (SyncFIFO(width=8, depth=BUFFER) for _ in range(2))
            m.submodules.commands = ResetInserter(self._restart)(commands)
            m.submodules.replies = ResetInserter(self._restart)(replies)
            wiring.connect(m, wiring.flipped(self.i), commands.w_stream)
            wiring.connect(m, commands.r_stream, control.i)
            wiring.connect(m, control.o, replies.w_stream)
            wiring.connect(m, replies.r_stream, wiring.flipped(self.o))
        else:
            wiring.connect(m, wiring.flipped(self.i), control.i)
            wiring.connect(m, control.o, wiring.flipped(self.o))
        return m
