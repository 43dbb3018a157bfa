"""Jitter: an image to train on is shifted by a few pixels, which are drawn on the chip."""

from __future__ import annotations

from amaranth import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom.hdl.lfsr import random_words


class Jitter(wiring.Component):
    """Finds row and column of the pixels that are loaded; draws the shift of a sample.

    Parameters
    ----------
    shape : rows and columns of an image. radius : the most pixels of a shift, each way.

    Members
    -------
    empty : In; another image begins. load, index : In; a pixel, in raster order, held until
    ready : Out. place : Out, with both; its row and column.
    start, train : In; a sample begins. random : In; stream jitter, drawn from when training.
    begin : Out; down, right : Out; the shift is there from the next clock on, for the sample.
    busy : Out; it is being drawn.

    Latency: load to ready a clock per row that was gone down since the pixel before; start to begin
    two clocks, none when inferring, which shifts nothing. Golden: `golden.encoder.shift`.
    """

    def __init__(self, shape: tuple[int, int], radius: int) -> None:
        self.shape, self.radius = shape, radius
        self.pixels = shape[0] * shape[1]
        by = range(-radius, radius + 1)
        super().__init__(
            {
                "empty": In(1),
                "load": In(1),
                "index": In(range(max(self.pixels, 2))),
                "ready": Out(1),
                "place": Out(place_layout(shape)),
                "start": In(1),
                "train": In(1),
                "random": In(random_words()),
                "begin": Out(1),
                "busy": Out(1),
                "down": Out(by),
                "right": Out(by),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Catch up with the pixel row by row; take two words."""
        m = Module()
        first, row = Signal(range(self.pixels + 1)), Signal.like(self.place.row)
        column = (self.index - first)[: len(self.index)]
        m.d.comb += [
            self.ready.eq(column < self.shape[1]),
            self.place.row.eq(row),
            self.place.column.eq(column),
        ]
        with m.If(self.empty):
            m.d.sync += [first.eq(0), row.eq(0)]
        with m.Elif(self.load & ~self.ready):
            m.d.sync += [first.eq(first + self.shape[1]), row.eq(row + 1)]

        left = Signal(2)  # words to draw, a bit each
        m.d.comb += [
            self.busy.eq(left[0]),
            self.random.take.eq(left[0]),
            self.begin.eq((left == 1) | (self.start & ~self.train)),
        ]
        with m.If(self.start):
            m.d.sync += [left.eq(self.train.replicate(2)), self.down.eq(0), self.right.eq(0)]
        with m.Elif(left[0]):
            m.d.sync += [
                left.eq(left >> 1),
                self.down.eq(self.right),
                self.right.eq(self._offset()),
            ]
        return m

    def _offset(self) -> Value:
        """Return the shift that the word stands for (`golden.encoder.offset`)."""
        word, span = self.random.words[0], 2 * self.radius + 1
        return sum(word >= -(-(k << 16) // span) for k in range(1, span)) - self.radius

    def moved(self, m: Module, place: data.View, move: Value) -> tuple[Value, Value]:
        """Return a pixel's index, a clock after `move`, and whether it still is in the image."""
        inside, moved = [], []
        for size, now in zip(
            self.shape, (place.row + self.down, place.column + self.right), strict=True
        ):
            new = Signal(range(-self.radius, size + self.radius), name="moved", reset_less=True)
            with m.If(move):
                m.d.sync += new.eq(now)
            inside.append((new >= 0) & (new < size))
            moved.append(new)
        row, column = moved
        # a product by shifts: a multiplier is not worth it
        shifts = [k for k in range(self.shape[1].bit_length()) if self.shape[1] >> k & 1]
        return sum((row << k for k in shifts), column), inside[0] & inside[1]


def place_layout(shape: tuple[int, int]) -> data.StructLayout:
    """Return the row and column of a pixel in an image of `shape`."""
    return data.StructLayout(
        {name: range(max(size, 2)) for name, size in zip(("row", "column"), shape, strict=True)}
    )
