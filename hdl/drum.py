"""A vector of bits that two sweeps visit, in a memory: less logic than a `Wheel`."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import ceil_div
from spikeloom.hdl.hardware import DEFAULT, Hardware


class Drum(wiring.Component):
    """Holds `planes` bits per neuron, as a `Wheel` does, where the strides allow a memory.

    Sweeps go once round as a `Wheel`'s do. With equal strides either sweep may replace what goes
    by. With the first stride a multiple of the second, the first sweep reads and the second one
    replaces everything.

    Parameters
    ----------
    size, strides, planes : see `Wheel`; the vector is longer than the first stride.
    name, hardware : of the memory.

    Members
    -------
    low, turn, final, write, data, clear : see `Wheel`. `low` is that of the first stride.

    Latency: one clock; after a sweep of the second stride that replaced everything, `low` is valid
    in the clock after its final turn. Throughput: one turn per clock.
    """

    def __init__(
        self,
        size: int,
        strides: tuple[int, int],
        *,
        planes: int = 1,
        name: str = "drum",
        hardware: Hardware = DEFAULT,
    ) -> None:
        if not suits(size, strides):
            raise ValueError(f"strides {strides} of {size} bits do not share a memory's words")
        self._strides, self._planes = strides, planes
        self._words = ceil_div(size, strides[0])
        self._name, self._hardware = name, hardware
        bits = data.ArrayLayout(strides[0], planes)
        super().__init__(
            {
                "low": Out(bits),
                "turn": In(2),
                "final": In(1),
                "write": In(1),
                "data": In(bits),
                "clear": In(1),
            }
        )

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
    """Return whether a `Drum` can hold a vector: whole pieces per word, several words."""
    return strides[0] % strides[1] == 0 and size > strides[0]
