"""Vectors of bits over a layer's neurons that sweeps visit, in registers or in a memory."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import ceil_div
from spikeloom.hdl.hardware import DEFAULT, Hardware


class Vector(wiring.Component):
    """Holds `planes` bits per neuron; sweeps of some strides see them in order and replace them.

    A sweep always goes once round: `ceil_div(size, stride)` turns, `final` with the last one, then
    it stands at neuron 0 again. One sweep at a time.

    Parameters
    ----------
    stride : of `low`. strides : how many kinds of sweep there are. planes : bits per neuron.

    Members
    -------
    low : Out; per plane the bits that the sweep stands at.
    turn : In, a bit per kind of sweep; go on by its stride. final : In, with turn; the last one.
    write, data : In, with turn; replace the bits of each plane that go by.
    clear : In; all bits to 0 (and no turn). A reset is none.
    """

    def __init__(self, stride: int, strides: int, planes: int) -> None:
        bits = data.ArrayLayout(stride, planes)
        super().__init__(
            {
                "low": Out(bits),
                "turn": In(strides),
                "final": In(1),
                "write": In(1),
                "data": In(bits),
                "clear": In(1),
            }
        )


class RegisterVector(Vector):
    """A vector in a register that turns: for any strides, `low` is as wide as the largest.

    No decoder and no multiplexer over the whole vector: a turn moves every bit by a fixed distance.

    Parameters
    ----------
    size : neurons. strides : one per kind of sweep. planes : see `Vector`.
    late : sweeps of the first stride never write; they turn the register a clock late, behind a
        multiplexer at `low`: what asks for a turn may come late in its clock. The next sweep of
        another stride leaves a clock.

    Latency: one clock. Throughput: one turn per clock.
    """

    def __init__(
        self, size: int, strides: tuple[int, ...], *, planes: int = 1, late: bool = False
    ) -> None:
        self._strides, self._planes, self._late = strides, planes, late
        self._size = max(ceil_div(size, stride) * stride for stride in strides)
        self._turns = tuple(ceil_div(size, stride) for stride in strides)
        super().__init__(max(strides), len(strides), planes)

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


class MemoryVector(Vector):
    """A vector in a memory, which is less logic, where two strides allow it (see `suits`).

    With equal strides either sweep may replace what goes by. With the first stride a multiple of
    the second, the first sweep reads and the second one replaces everything. `low` is that of the
    first stride.

    Parameters
    ----------
    size, strides, planes : see `RegisterVector`. name, hardware : of the memory.

    Latency: one clock; after a sweep of the second stride that replaced everything, `low` is valid
    in the clock after its final turn. Throughput: one turn per clock.
    """

    def __init__(
        self,
        size: int,
        strides: tuple[int, int],
        *,
        planes: int = 1,
        name: str = "vector",
        hardware: Hardware = DEFAULT,
    ) -> None:
        if not suits(size, strides):
            raise ValueError(f"strides {strides} of {size} bits do not share a memory's words")
        self._strides, self._planes = strides, planes
        self._words = ceil_div(size, strides[0])
        self._name, self._hardware = name, hardware
        super().__init__(strides[0], 2, planes)

    def elaborate(self, platform: object) -> Module:
        """Read ahead; until the first sweep after `clear` is over, everything reads as 0."""
        m = Module()
        wide, narrow = self._strides
        shape = data.ArrayLayout(wide, self._planes)
        memory = self._hardware.memory(m, self._name, shape, self._words)
        read, store = memory.read_port(), memory.write_port()
        address = range(max(self._words, 2))
        here, following = Signal(address), Signal(address)
        blank = Signal(init=1)
        together = wide == narrow
        going = self.turn.any() if together else self.turn[0]
        m.d.comb += [
            following.eq(here),
            read.addr.eq(following),
            self.low.as_value().eq(Mux(blank, 0, read.data.as_value())),
        ]
        with m.If(going):
            m.d.comb += following.eq(Mux(self.final, 0, here + 1))
        m.d.sync += here.eq(following)
        replacing = self.turn.any() & self.write
        if together:
            m.d.comb += [
                store.addr.eq(here),
                store.data.eq(self.data),
                store.en.eq(replacing),
            ]
        else:
            self._assemble(m, store, replacing)
        with m.If(replacing & self.final):
            m.d.sync += blank.eq(0)
        with m.If(self.clear):
            m.d.sync += blank.eq(1)
        return m

    def _assemble(self, m: Module, store: object, replacing: object) -> None:
        """Collect narrow pieces until a word of the memory is whole."""
        wide, narrow = self._strides
        pieces = wide // narrow
        piece, word = Signal(range(pieces)), Signal(range(max(self._words, 2)))
        kept = Signal(data.ArrayLayout(wide, self._planes))
        whole = Signal.like(kept)
        m.d.comb += [whole.eq(kept), store.addr.eq(word), store.data.eq(whole)]
        with m.If(replacing):
            for plane in range(self._planes):
                now = whole[plane].word_select(piece, narrow)
                m.d.comb += now.eq(self.data[plane][:narrow])
            full = self.final | (piece == pieces - 1)
            m.d.comb += store.en.eq(full)
            m.d.sync += [
                kept.as_value().eq(Mux(full, 0, whole.as_value())),
                piece.eq(Mux(full, 0, piece + 1)),
                word.eq(Mux(self.final, 0, word + full)),
            ]


def suits(size: int, strides: tuple[int, int]) -> bool:
    """Return whether a `MemoryVector` can hold a vector: whole pieces per word, several words."""
    return strides[0] % strides[1] == 0 and size > strides[0]
