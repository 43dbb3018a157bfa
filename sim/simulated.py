"""A component as a simulator should see it: with a clock, and without a reset.

A synchronous reset makes the next value of every register hang on an input, and Verilator then
computes all of them once more for each change of any input: a fifth of the time of a core. A
simulation does not need it, registers start at their initial values.
"""

from __future__ import annotations

from amaranth import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped


class Simulated(wiring.Component):
    """A component's ports, and `clk` : In, the clock of its sync domain."""

    def __init__(self, component: wiring.Component) -> None:
        self._component = component
        super().__init__({**component.signature.members, "clk": In(1)})

    def elaborate(self, platform: object) -> Module:
        """Pass everything through."""
        m = Module()
        m.domains.sync = sync = ClockDomain(reset_less=True)
        m.submodules.core = inner = self._component
        m.d.comb += sync.clk.eq(self.clk)
        for name, member in inner.signature.members.items():
            ours, theirs = getattr(self, name), getattr(inner, name)
            if not member.is_port:
                connect(m, flipped(ours), theirs)
            elif member.flow is In:
                m.d.comb += theirs.eq(ours)
            else:
                m.d.comb += ours.eq(theirs)
        return m
