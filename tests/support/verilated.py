"""Any component, simulated."""

from __future__ import annotations

from amaranth.lib import wiring

from spikeloom.sim.rtl.transport import IDLE_LIMIT, VerilatedTransport
from spikeloom.sim.rtl.verilate import build, to_verilog


def verilated(
    component: wiring.Component, *, trace: bool = False, idle_limit: int = IDLE_LIMIT
) -> VerilatedTransport:
    """Return a transport to a component with the ports of a core; a fault of its own included."""
    library = build(to_verilog(component), trace=trace)
    return VerilatedTransport(library, idle_limit=idle_limit)
