"""What is upset: a core behind its serial link, which can be by-passed."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.link import CLOCKS_PER_BIT_MIN, DEFAULT_BAUD
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.core import Core
from spikeloom.hdl.link import Link

CLOCK_HZ = CLOCKS_PER_BIT_MIN * DEFAULT_BAUD
"""What the link takes its clock for: the fewest clocks to a bit, because each is simulated."""


class Rig(wiring.Component):
    """A core that is spoken to over its link, or directly.

    Parameters
    ----------
    config : of the core.

    Members
    -------
    direct : In; the core's streams are `i` and `o`, else those of the link.
    i, o : streams of bytes. restart : In, with `direct`; what the link does to the core on OPEN.
    rx, tx : the link's pins. busy : Out; a sample runs.
    """

    def __init__(self, config: NetworkConfig) -> None:
        self._config = config
        super().__init__(
            {
                "direct": In(1),
                "restart": In(1),
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Choose between the streams."""
        m = Module()
        m.submodules.link = link = Link(clock_hz=CLOCK_HZ)
        reset = Mux(self.direct, self.restart, link.reset)
        m.submodules.core = core = Core(self._config, reset=reset)
        m.d.comb += [
            link.rx.eq(self.rx),
            self.tx.eq(link.tx),
            self.busy.eq(core.busy),
            core.i.valid.eq(Mux(self.direct, self.i.valid, link.commands.valid)),
            core.i.payload.eq(Mux(self.direct, self.i.payload, link.commands.payload)),
            core.o.ready.eq(Mux(self.direct, self.o.ready, link.replies.ready)),
            self.i.ready.eq(core.i.ready),
            self.o.valid.eq(core.o.valid),
            self.o.payload.eq(core.o.payload),
            link.commands.ready.eq(core.i.ready & ~self.direct),
            link.replies.valid.eq(core.o.valid & ~self.direct),
            link.replies.payload.eq(core.o.payload),
        ]
        return m
