"""The host's way to the weights: reading, writing, and the digest, one weight after another."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Mux, ResetInserter, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from spikeloom.hdl.crossbar import LATENCY
from spikeloom.hdl.hardware import BuiltLayer

SETTLE = LATENCY + 1
"""Clocks from an access to the first clock in which `weight` shows the sum."""

REST = LATENCY + 1
"""Clocks between two writes: the first must be in the memory, and not there at that moment."""


def weight_access(layers: tuple[BuiltLayer, ...]) -> wiring.Signature:
    """Return the bundle by which the host accesses one word of columns, while no sample runs.

    layer (from 1), row, word : which. valid : access it. column : lane of it. poke : with valid;
    replace that lane's weight by `data`, held for three clocks more. What comes back beside it is
    lane `column` of the word accessed last: `SETTLE` clocks after valid, and one clock after column
    changes.
    """
    return wiring.Signature(
        {
            "layer": Out(range(len(layers) + 1)),
            "row": Out(range(max(2, *(x.n_pre for x in layers)))),
            "word": Out(range(max(2, *(x.words for x in layers)))),
            "column": Out(range(max(2, *(x.lanes for x in layers)))),
            "valid": Out(1),
            "poke": Out(1),
            "data": Out(signed(16)),
        }
    )


class Cursor(wiring.Component):
    """Where a walk stands: row-major, crossbar by crossbar.

    Members
    -------
    begin : In, with first_layer, first_row, rows. look : In; note whether the weight is its row's
    or its word's last one, and go on to the next column. step : In, after `look`; go on to the
    weight that comes next. down : In; go on to the first row of the next crossbar.
    layer, row, word, column : Out. outside : Out; the row is beyond the crossbar.
    final, full : Out; the weight is its row's last one, its word's. last : Out; this is the last
    row.
    """

    def __init__(self, layers: tuple[BuiltLayer, ...]) -> None:
        self._layers = layers
        places = weight_access(layers).members
        super().__init__(
            {
                "begin": In(1),
                "first_layer": In(8),
                "first_row": In(16),
                "rows": In(16),
                "look": In(1),
                "step": In(1),
                "down": In(1),
                **{name: places[name] for name in ("layer", "row", "word", "column")},
                "outside": Out(1),
                "final": Out(1),
                "full": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Count, by the tables of what a crossbar has."""
        m = Module()
        layers = [self._layers[0], *self._layers]
        rows_of = Array(layer.n_pre for layer in [*layers, layers[-1]])
        columns = Array(layer.n_post for layer in layers)[self.layer]
        lanes = Array(layer.lanes for layer in layers)[self.layer]
        row, rows_left = Signal(17), Signal(16)
        place = Signal(range(max(2, *(x.n_post for x in layers))))  # column within the row
        m.d.comb += [self.row.eq(row), self.last.eq(rows_left == 1)]
        with m.If(self.look):
            at_end, word_end = place == columns - 1, self.column == lanes - 1
            m.d.sync += [
                self.final.eq(at_end),
                self.full.eq(word_end),
                place.eq(Mux(at_end, 0, place + 1)),
                self.column.eq(Mux(at_end | word_end, 0, self.column + 1)),
            ]
        with m.If(self.step & self.full):
            m.d.sync += self.word.eq(self.word + 1)
        with m.If(self.step & self.final):
            m.d.sync += [self.word.eq(0), row.eq(row + 1), rows_left.eq(rows_left - 1)]
            m.d.sync += self.outside.eq(row + 1 >= rows_of[self.layer])
        with m.If(self.down):
            m.d.sync += [self.layer.eq(self.layer + 1), row.eq(0), self.outside.eq(0)]
            m.d.sync += rows_left.eq(rows_of[self.layer + 1])
        with m.If(self.begin):
            m.d.sync += [
                self.layer.eq(self.first_layer),
                row.eq(self.first_row),
                rows_left.eq(self.rows),
                place.eq(0),
                self.word.eq(0),
                self.column.eq(0),
                self.outside.eq(self.first_row >= rows_of[self.first_layer]),
            ]
        return m


class WeightPort(wiring.Component):
    """Carries weights, two bytes each, the low one first, or takes the digest of them all.

    Parameters
    ----------
    layers : the crossbars, as they are built.

    Members
    -------
    start : In, with write, digest, first_layer (from 1), first_row, rows (a digest walks over
    everything). done : Out, one clock. bad : Out; a row beyond the crossbar (its data are consumed
    and not written, or replied as zeros), or with done where there is no such layer.
    i, o : streams of bytes. sum : Out with done, of a digest. access : Out, weight : In; see
    `weight_access`.

    Throughput: a weight read, or taken into the digest, in two clocks, and `SETTLE` more for each
    word of columns; a weight written in `REST` clocks, and one more for each word.
    """

    def __init__(self, layers: tuple[BuiltLayer, ...]) -> None:
        self._layers = layers
        super().__init__(
            {
                "start": In(1),
                "write": In(1),
                "digest": In(1),
                "first_layer": In(8),
                "first_row": In(16),
                "rows": In(16),
                "done": Out(1),
                "bad": Out(1),
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(8)),
                "sum": Out(32),
                "access": Out(weight_access(layers)),
                "weight": In(signed(16)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Walk; per weight give or take two bytes, or add it to the digest."""
        m = Module()
        access, layers = self.access, self._layers
        m.submodules.cursor = cursor = Cursor(layers)
        begin, writing, digesting, missing = Signal(), Signal(), Signal(), Signal()
        wait = Signal(range(SETTLE))
        m.d.comb += [
            cursor.begin.eq(begin),
            cursor.first_layer.eq(Mux(self.digest, 1, self.first_layer)),
            cursor.first_row.eq(Mux(self.digest, 0, self.first_row)),
            cursor.rows.eq(Mux(self.digest, layers[0].n_pre, self.rows)),
            access.layer.eq(cursor.layer),
            access.row.eq(cursor.row),
            access.word.eq(cursor.word),
            access.column.eq(cursor.column),
        ]
        given, passed = self._bytes(m, begin, digesting)
        with m.FSM(name="walk"):
            with m.State("IDLE"), m.If(self.start):
                there = (self.first_layer != 0) & (self.first_layer <= len(layers))
                m.d.comb += begin.eq(1)
                m.d.sync += [
                    writing.eq(self.write),
                    digesting.eq(self.digest),
                    missing.eq(~self.digest & ~there),
                ]
                m.next = "FETCH"
                with m.If(~self.digest & (~there | (self.rows == 0))):
                    m.next = "DONE"
            with m.State("FETCH"):
                m.d.comb += access.valid.eq(~writing & ~cursor.outside)
                m.d.comb += self.bad.eq(cursor.outside)
                m.d.sync += wait.eq(SETTLE - 1)
                m.next = "SETTLE"
                with m.If(writing):
                    m.next = "WRITE_LOW"
            with m.State("SETTLE"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 1):
                    m.next = "READ_LOW"
            self._read(m, cursor, given, passed)
            self._write(m, cursor, wait)
            with m.State("END"):
                m.next = "DONE"
                with m.If(digesting & (cursor.layer != len(layers))):
                    m.d.comb += cursor.down.eq(1)
                    m.next = "FETCH"
            with m.State("DONE"):
                m.d.comb += [self.done.eq(1), self.bad.eq(missing)]
                m.next = "IDLE"
        return m

    def _bytes(self, m: Module, begin: Value, digesting: Value) -> tuple[data.View, Value]:
        """Send bytes that are read, or digest them; return them, and whether they go on."""
        given = Signal(data.StructLayout({"valid": 1, "byte": 8}))
        passed = given.valid & (digesting | self.o.ready)
        crc = CRC32_ISO_HDLC(data_width=8).create()
        m.submodules.crc = ResetInserter(begin)(crc)  # cheaper than its `start`
        m.d.comb += [
            self.o.payload.eq(given.byte),
            self.o.valid.eq(given.valid & ~digesting),
            crc.data.eq(given.byte),
            crc.valid.eq(given.valid & digesting),
            self.sum.eq(crc.crc),
        ]
        return given, passed

    def _read(self, m: Module, cursor: Cursor, given: data.View, passed: Value) -> None:
        """Give a weight's two bytes."""
        weight, high = Mux(cursor.outside, 0, self.weight), Signal(8)
        with m.State("READ_LOW"):
            m.d.comb += [given.valid.eq(1), given.byte.eq(weight[:8]), cursor.look.eq(passed)]
            with m.If(passed):
                m.d.sync += high.eq(weight[8:16])
                m.next = "READ_HIGH"
        with m.State("READ_HIGH"):
            m.d.comb += [given.valid.eq(1), given.byte.eq(high)]
            with m.If(passed):
                self._step(m, cursor, "READ_LOW")

    def _write(self, m: Module, cursor: Cursor, wait: Signal) -> None:
        """Take a weight's two bytes and poke it."""
        access, low = self.access, Signal(8)
        with m.State("WRITE_LOW"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += low.eq(self.i.payload)
                m.next = "WRITE_HIGH"
        with m.State("WRITE_HIGH"):
            m.d.comb += self.i.ready.eq(1)
            with m.If(self.i.valid):
                m.d.sync += access.data.eq(Cat(low, self.i.payload))
                m.next = "POKE"
        with m.State("POKE"):
            m.d.comb += [access.valid.eq(~cursor.outside), access.poke.eq(1), cursor.look.eq(1)]
            m.d.sync += wait.eq(REST - 3)
            m.next = "REST"
        with m.State("REST"):
            m.d.sync += wait.eq(wait - 1)
            with m.If(wait == 1):
                self._step(m, cursor, "WRITE_LOW")

    @staticmethod
    def _step(m: Module, cursor: Cursor, again: str) -> None:
        """Go on to the next weight, by way of FETCH where it lies in another word."""
        m.d.comb += cursor.step.eq(1)
        m.next = again
        with m.If(cursor.full | cursor.final):
            m.next = "FETCH"
        with m.If(cursor.final & cursor.last):
            m.next = "END"
