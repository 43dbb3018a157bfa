"""The host's way to the weights: reading, writing, and the digest, one weight after another."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.hdl.crossbar import LATENCY
from spikeloom.hdl.hardware import BuiltLayer

CRC_POLYNOMIAL = 0xEDB88320  # reflected, the CRC-32 of zlib
SETTLE = LATENCY + 1
"""Clocks from an access to the first clock in which `Network.weight` shows the sum."""

REST = LATENCY + 1
"""Clocks between two writes: the first must be in the memory, and not there at that moment."""


def crc32(state: Value, word: Value) -> Value:
    """Return the CRC register after the bits of `word`, the lowest first.

    Each new bit is the parity of some old ones; which ones is found by running the register's
    definition over sets of bits.
    """
    width = len(state)
    bits = [1 << k for k in range(width)]
    for index in range(len(word)):
        low = bits[0] ^ 1 << (width + index)
        bits = [*bits[1:], 0]
        bits = [bit ^ low if CRC_POLYNOMIAL >> k & 1 else bit for k, bit in enumerate(bits)]
    together = Cat(state, word)
    return Cat((together & mask).xor() for mask in bits)


class WeightPort(wiring.Component):
    """Walks over weights row-major, crossbar by crossbar.

    Parameters
    ----------
    layers : the crossbars, as they are built.

    Members
    -------
    start : In, with mode_write, mode_digest, first_layer (from 1), first_row, rows (a digest
    walks over everything). done : Out, one clock. bad : Out; a row beyond the crossbar (its data
    are consumed and not written, or replied as zeros), or with done where there is no such layer.
    i_valid, i_data, i_ready, o_valid, o_data, o_ready : bytes, two per weight, the low one first.
    digest : Out with done. layer, row, word, column, valid, poke, data : Out, to the network;
    weight : In, lane `column` of the word accessed last: `SETTLE` clocks after valid, and one clock
    after column changes.

    Throughput: a weight read, or taken into the digest, in two clocks, and `SETTLE` more for each
    word of columns; a weight written in `REST` clocks, and one more for each word.
    """

    def __init__(self, layers: tuple[BuiltLayer, ...]) -> None:
        self._layers = layers
        depth = len(layers)
        super().__init__(
            {
                "start": In(1),
                "mode_write": In(1),
                "mode_digest": In(1),
                "first_layer": In(8),
                "first_row": In(16),
                "rows": In(16),
                "done": Out(1),
                "bad": Out(1),
                "i_valid": In(1),
                "i_data": In(8),
                "i_ready": Out(1),
                "o_valid": Out(1),
                "o_data": Out(8),
                "o_ready": In(1),
                "digest": Out(32),
                "layer": Out(range(depth + 1)),
                "row": Out(range(max(2, *(x.n_pre for x in layers)))),
                "word": Out(range(max(2, *(x.words for x in layers)))),
                "column": Out(range(max(2, *(x.lanes for x in layers)))),
                "valid": Out(1),
                "poke": Out(1),
                "data": Out(signed(16)),
                "weight": In(signed(16)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Walk; per weight give or take two bytes, or add it to the digest."""
        m = Module()
        table = [self._layers[0], *self._layers]
        columns = Array(layer.n_post for layer in table)[self.layer]
        lanes = Array(layer.lanes for layer in table)[self.layer]
        rows_there = Array(layer.n_pre for layer in table)[self.layer]
        writing, digesting, missing = Signal(), Signal(), Signal()
        rows_left = Signal(16)
        row = Signal(17)
        place = Signal(range(max(2, *(x.n_post for x in self._layers))))  # column within the row
        wait = Signal(range(SETTLE))
        low, high, crc = Signal(8), Signal(8), Signal(32)
        outside = Signal()  # of the row, known with it
        weight = Mux(outside, 0, self.weight)
        m.d.comb += [self.row.eq(row), self.digest.eq(~crc)]

        final, full = Signal(), Signal()  # the weight is its row's last one, its word's last one
        given = Signal(8)  # the byte that is read
        reading, passed = Signal(), Signal()
        m.d.comb += [
            self.o_data.eq(given),
            self.o_valid.eq(reading & ~digesting),
            passed.eq(reading & (digesting | self.o_ready)),
        ]
        with m.If(passed & digesting):
            m.d.sync += crc.eq(crc32(crc, given))

        def look() -> None:
            """Note where the weight stands, and go on to the next column."""
            at_end, word_end = place == columns - 1, self.column == lanes - 1
            m.d.sync += [
                final.eq(at_end),
                full.eq(word_end),
                place.eq(Mux(at_end, 0, place + 1)),
                self.column.eq(Mux(at_end | word_end, 0, self.column + 1)),
            ]

        def step(again: str) -> None:
            """Go on to the next weight, by way of FETCH where it lies in another word."""
            m.next = again
            with m.If(full):
                m.d.sync += self.word.eq(self.word + 1)
                m.next = "FETCH"
            with m.If(final):
                m.d.sync += [self.word.eq(0), row.eq(row + 1), rows_left.eq(rows_left - 1)]
                m.d.sync += outside.eq(row + 1 >= rows_there)
                m.next = "FETCH"
                with m.If(rows_left == 1):
                    m.next = "END"

        with m.FSM(name="walk"):
            with m.State("IDLE"), m.If(self.start):
                there = (self.first_layer != 0) & (self.first_layer <= len(self._layers))
                m.d.sync += [
                    writing.eq(self.mode_write),
                    digesting.eq(self.mode_digest),
                    self.layer.eq(Mux(self.mode_digest, 1, self.first_layer)),
                    row.eq(Mux(self.mode_digest, 0, self.first_row)),
                    rows_left.eq(Mux(self.mode_digest, self._layers[0].n_pre, self.rows)),
                    crc.eq(~0),
                    place.eq(0),
                    self.word.eq(0),
                    self.column.eq(0),
                ]
                m.next = "FETCH"
                first_rows = Array(layer.n_pre for layer in table)[self.first_layer]
                m.d.sync += outside.eq(~self.mode_digest & (self.first_row >= first_rows))
                m.d.sync += missing.eq(~self.mode_digest & ~there)
                with m.If(~self.mode_digest & (~there | (self.rows == 0))):
                    m.d.sync += self.layer.eq(1)
                    m.next = "DONE"
            with m.State("FETCH"):
                m.d.comb += [self.valid.eq(~writing & ~outside), self.bad.eq(outside)]
                m.d.sync += wait.eq(SETTLE - 1)
                m.next = "SETTLE"
                with m.If(writing):
                    m.next = "WRITE_LOW"
            with m.State("SETTLE"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 1):
                    m.next = "READ_LOW"
            with m.State("READ_LOW"):
                m.d.comb += [reading.eq(1), given.eq(weight[:8])]
                with m.If(passed):
                    m.d.sync += high.eq(weight[8:16])
                    look()
                    m.next = "READ_HIGH"
            with m.State("READ_HIGH"):
                m.d.comb += [reading.eq(1), given.eq(high)]
                with m.If(passed):
                    step("READ_LOW")
            with m.State("WRITE_LOW"):
                m.d.comb += self.i_ready.eq(1)
                with m.If(self.i_valid):
                    m.d.sync += low.eq(self.i_data)
                    m.next = "WRITE_HIGH"
            with m.State("WRITE_HIGH"):
                m.d.comb += self.i_ready.eq(1)
                with m.If(self.i_valid):
                    m.d.sync += self.data.eq(Cat(low, self.i_data))
                    m.next = "POKE"
            with m.State("POKE"):
                m.d.comb += [self.valid.eq(~outside), self.poke.eq(1)]
                m.d.sync += wait.eq(REST - 3)
                look()
                m.next = "REST"
            with m.State("REST"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 1):
                    step("WRITE_LOW")
            with m.State("END"):
                m.next = "DONE"
                with m.If(digesting & (self.layer != len(self._layers))):
                    m.d.sync += [self.layer.eq(self.layer + 1), row.eq(0), outside.eq(0)]
                    m.next = "NEXT"
            with m.State("NEXT"):
                m.d.sync += rows_left.eq(rows_there)
                m.next = "FETCH"
            with m.State("DONE"):
                m.d.comb += [self.done.eq(1), self.bad.eq(missing)]
                m.next = "IDLE"
        return m
