"""The host's way to the weights: reading, writing, and the digest, one weight after another."""

from __future__ import annotations

from amaranth import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import Machine

CRC_POLYNOMIAL = 0xEDB88320  # reflected, the CRC-32 of zlib
SETTLE = 3  # clocks from an access to its sum


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

    Members
    -------
    start : In, with mode_write, mode_digest, first_layer (from 1), first_row, rows (a digest
    walks over everything). done : Out, one clock. bad : Out; a row beyond the crossbar (its data
    are consumed and not written, or replied as zeros), or with done where there is no such layer.
    i_valid, i_data, i_ready, o_valid, o_data, o_ready : bytes, two per weight, the low one first.
    digest : Out with done. layer, row, word, column, valid, poke, data : Out, to the network;
    weight : In, lane `column` of the word accessed last, from the third clock after valid on.

    Throughput: a weight read in two clocks (bytes) or one (digest), and three more for each word of
    columns; a weight written in three clocks, which is how long a weight just poked must rest, and
    one more for each word.
    """

    def __init__(self, machine: Machine) -> None:
        self._layers = machine.layers
        layers = self._layers
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
        low, crc = Signal(8), Signal(32)
        outside = row >= rows_there
        weight = Mux(outside, 0, self.weight)
        m.d.comb += [self.row.eq(row), self.digest.eq(~crc)]

        def step(again: str) -> None:
            """Go on to the next weight, by way of FETCH where it lies in another word."""
            last, full = place == columns - 1, self.column == lanes - 1
            m.d.sync += [place.eq(place + 1), self.column.eq(self.column + 1)]
            m.next = again
            with m.If(last | full):
                m.d.sync += [self.column.eq(0), self.word.eq(self.word + 1)]
                m.next = "FETCH"
            with m.If(last):
                m.d.sync += [place.eq(0), self.word.eq(0), row.eq(row + 1)]
                m.d.sync += rows_left.eq(rows_left - 1)
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
                m.d.sync += missing.eq(~self.mode_digest & ~there)
                with m.If(~self.mode_digest & (~there | (self.rows == 0))):
                    m.d.sync += self.layer.eq(1)
                    m.next = "DONE"
            with m.State("FETCH"):
                m.d.comb += [self.valid.eq(~writing & ~outside), self.bad.eq(outside)]
                m.d.sync += wait.eq(SETTLE - 1)
                m.next = "SETTLE"
                with m.If(writing):
                    m.next = "LOW"
            with m.State("SETTLE"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 1):
                    m.next = "LOW"
                    with m.If(digesting):
                        m.next = "DIGEST"
            with m.State("DIGEST"):
                m.d.sync += crc.eq(crc32(crc, weight[:16]))
                step("DIGEST")
            with m.State("LOW"):
                m.d.comb += [
                    self.i_ready.eq(writing),
                    self.o_valid.eq(~writing),
                    self.o_data.eq(weight[:8]),
                ]
                with m.If(Mux(writing, self.i_valid, self.o_ready)):
                    m.d.sync += low.eq(self.i_data)
                    m.next = "HIGH"
            with m.State("HIGH"):
                m.d.comb += [
                    self.i_ready.eq(writing),
                    self.o_valid.eq(~writing),
                    self.o_data.eq(weight[8:16]),
                ]
                with m.If(writing & self.i_valid):
                    m.d.sync += self.data.eq(Cat(low, self.i_data))
                    m.next = "POKE"
                with m.If(~writing & self.o_ready):
                    step("LOW")
            with m.State("POKE"):
                m.d.comb += [self.valid.eq(~outside), self.poke.eq(1)]
                step("LOW")
            with m.State("END"):
                m.next = "DONE"
                with m.If(digesting & (self.layer != len(self._layers))):
                    m.d.sync += [self.layer.eq(self.layer + 1), row.eq(0)]
                    m.next = "NEXT"
            with m.State("NEXT"):
                m.d.sync += rows_left.eq(rows_there)
                m.next = "FETCH"
            with m.State("DONE"):
                m.d.comb += [self.done.eq(1), self.bad.eq(missing)]
                m.next = "IDLE"
        return m
