"""The register bank: one read multiplexer and one write strobe per register of the map."""

from __future__ import annotations

from amaranth import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine
from spikeloom.golden.spec.registers import Access, registers

REGISTER_ACCESS = wiring.Signature(
    {"address": Out(8), "write": Out(1), "value": Out(32), "data": In(32)}
)
"""The host's way to the register bank.

address, write, value : a write happens in the clock with `write`. data : the register at `address`,
one clock later.
"""


class RegisterBank(wiring.Component):
    """Decodes the host's accesses to the map of `golden.spec.registers`.

    A register that nothing exposes reads as 0.

    Members
    -------
    host : In; see `REGISTER_ACCESS`.

    Use `strobe` and `expose` while elaborating the parent,
    before this component is elaborated.
    """

    def __init__(self, machine: Machine) -> None:
        self._map = registers(machine)
        self._strobes = {
            name: Signal(name=f"write_{name}")
            for name, register in self._map.items()
            if register.access is not Access.READ
        }
        self._values: dict[str, Value] = {}
        super().__init__({"host": In(REGISTER_ACCESS)})

    def strobe(self, name: str) -> Signal:
        """Return the signal that is high while the host writes register `name`."""
        return self._strobes[name]

    def expose(self, name: str, value: Value) -> None:
        """Let the host read `value` as register `name`."""
        self._values[name] = value

    def elaborate(self, platform: object) -> Module:
        """Decode writes, select reads."""
        m = Module()
        with m.Switch(self.host.address):
            for name, register in self._map.items():
                with m.Case(register.address):
                    m.d.sync += self.host.data.eq(self._values.get(name, 0))
                    if name in self._strobes:
                        m.d.comb += self._strobes[name].eq(self.host.write)
            with m.Default():
                m.d.sync += self.host.data.eq(0)
        return m
