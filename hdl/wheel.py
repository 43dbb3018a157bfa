"""A vector of bits that several sweeps of different strides visit: a rotating register."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import ceil_div


class Wheel(wiring.Component):
    """Holds one bit per neuron; a sweep of any stride sees them in order and may replace them.

    A sweep always goes once round: `ceil_div(size, stride)` turns, `final` with the last one, then
    neuron 0 is at the bottom again. One sweep at a time. No decoder and no multiplexer over the
    whole vector: a turn moves every bit by a fixed distance.

    Parameters
    ----------
    size : bits. strides : one per kind of sweep.

    Members
    -------
    low : Out; the bits that the sweep stands at, as many as the largest stride.
    turn : In, a bit per stride; go on by that stride. final : In, with turn; the sweep's last one.
    write, data : In, with turn; replace the `stride` bits that go by.
    clear : In; all bits to 0 (and no turn).

    Latency: one clock. Throughput: one turn per clock.
    """

    def __init__(self, size: int, strides: tuple[int, ...]) -> None:
        self._strides = strides
        self._size = max(ceil_div(size, stride) * stride for stride in strides)
        self._turns = tuple(ceil_div(size, stride) for stride in strides)
        widest = max(strides)
        super().__init__(
            {
                "low": Out(widest),
                "turn": In(len(strides)),
                "final": In(1),
                "write": In(1),
                "data": In(widest),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the register; the padding of a stride is skipped with its final turn."""
        m = Module()
        bits = Signal(self._size)
        m.d.comb += self.low.eq(bits)
        for number, (stride, turns) in enumerate(zip(self._strides, self._turns, strict=True)):
            passed = Signal(stride, name=f"passed{number}")
            m.d.comb += passed.eq(Mux(self.write, self.data, bits[:stride]))
            replaced = Cat(passed, bits[stride:])
            rest = self._size - turns * stride
            with m.If(self.turn[number]):
                m.d.sync += bits.eq(replaced.rotate_right(stride))
                if rest:
                    with m.If(self.final):
                        m.d.sync += bits.eq(replaced.rotate_right(stride + rest))
        with m.If(self.clear):
            m.d.sync += bits.eq(0)
        return m
