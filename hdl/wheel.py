"""A vector of bits that several sweeps of different strides visit: a rotating register."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import ceil_div


class Wheel(wiring.Component):
    """Holds `planes` bits per neuron; sweeps of any stride see them in order and replace them.

    A sweep always goes once round: `ceil_div(size, stride)` turns, `final` with the last one, then
    neuron 0 is at the bottom again. One sweep at a time. No decoder and no multiplexer over the
    whole vector: a turn moves every bit by a fixed distance.

    Parameters
    ----------
    size : neurons. strides : one per kind of sweep. planes : bits per neuron.
    late : sweeps of the first stride never write; they turn the register a clock late, behind a
        multiplexer at `low`: what asks for a turn may come late in its clock. The next sweep of
        another stride leaves a clock.

    Members
    -------
    low : Out; per plane the bits that the sweep stands at, as many as the largest stride.
    turn : In, a bit per stride; go on by that stride. final : In, with turn; the sweep's last one.
    write, data : In, with turn; replace the `stride` bits of each plane that go by.
    clear : In; all bits to 0 (and no turn). A reset is none.

    Latency: one clock. Throughput: one turn per clock.
    """

    def __init__(
        self, size: int, strides: tuple[int, ...], *, planes: int = 1, late: bool = False
    ) -> None:
        self._strides, self._planes, self._late = strides, planes, late
        self._size = max(ceil_div(size, stride) * stride for stride in strides)
        self._turns = tuple(ceil_div(size, stride) for stride in strides)
        widest = max(strides)
        super().__init__(
            {
                "low": Out(data.ArrayLayout(widest, planes)),
                "turn": In(len(strides)),
                "final": In(1),
                "write": In(1),
                "data": In(data.ArrayLayout(widest, planes)),
                "clear": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the register; the padding of a stride is skipped with its final turn."""
        m = Module()
        turn, final = self.turn, self.final
        if self._late:
            turned, ended = Signal(), Signal()
            m.d.sync += [turned.eq(self.turn[0]), ended.eq(self.final)]
            turn, final = Cat(turned, self.turn[1:]), Mux(turned, ended, self.final)
        for plane in range(self._planes):
            self._turn(m, plane, turn, final)
        return m

    def _turn(self, m: Module, plane: int, turn: Value, final: Value) -> None:
        """Build one plane."""
        bits = Signal(self._size, name=f"bits{plane}", reset_less=True)
        m.d.comb += self.low[plane].eq(bits)
        for number, (stride, turns) in enumerate(zip(self._strides, self._turns, strict=True)):
            late = self._late and number == 0
            passed = Signal(stride, name=f"passed{number}_{plane}")
            replaced = Mux(self.write, self.data[plane], bits[:stride])
            m.d.comb += passed.eq(bits[:stride] if late else replaced)
            round_ = Cat(passed, bits[stride:])
            rest = self._size - turns * stride
            following = round_.rotate_right(stride)
            if rest:
                following = Mux(final, round_.rotate_right(stride + rest), following)
            with m.If(turn[number]):
                m.d.sync += bits.eq(following)
                if late:
                    m.d.comb += self.low[plane].eq(following)
        with m.If(self.clear):
            m.d.sync += bits.eq(0)
