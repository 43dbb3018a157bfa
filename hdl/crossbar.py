"""The crossbar: weight memory, row and column sums, read-modify-write of coincidences.

Two memories behind one contract. The plain one holds a word of columns per row; it serves the
first crossbar, which nothing reads back. The transposed one spreads the weights over `banks`
memories so that a row and a column both come out whole::

    bank(i, c) = (i + c) mod banks          c = column within its word J, i = row
    address    = (J, i div banks, c)        the same word for all of a tile's diagonal

A row access asks every bank for another c, a column access asks all banks for the same c; either
way lane x is found in bank (x + turn) mod banks, with turn = i or c.
"""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import LayerMachine, clog2


def access_layout(layer: LayerMachine) -> data.StructLayout:
    """Return the fields of one access.

    row : pre-synaptic neuron (transposed: word of rows, in units of banks). word : word of
    columns. column : within the word (transposed, host). valid : something is read at all.
    first, last : of a sum. transposed, minus : of an error spike. host : no part of a sample (no
    `done`); with it, poke : replace the weight in `column` by the number beside the access.
    """
    return data.StructLayout(
        {
            "row": range(max(layer.n_pre, 2)),
            "word": range(max(layer.words, 2)),
            "column": range(max(layer.lanes, 2)),
            "valid": 1,
            "first": 1,
            "last": 1,
            "transposed": 1,
            "minus": 1,
            "host": 1,
            "poke": 1,
        }
    )


class Crossbar(wiring.Component):
    """Sums rows or columns of the weight matrix, and writes where a row meets error spikes.

    Parameters
    ----------
    layer : sizes, weight width, lanes, ports. transposed : columns can be read back.

    Members
    -------
    access : In; one access, taken in every clock with `ready`. up, down : In, with a row access:
    the columns of the word to change by +step / -step. step : In, held; see `learning.Step`.
    poke : In, in the clock after its access too; the weight to write.
    ready : Out; low for the one clock in which a one-port memory writes.
    sums : Out, signed, a lane each; valid with `done`, held until the next access is summed.
    done : Out; a sum is complete; `done_transposed`, `done_word`, `done_row` say which.
    soon_word, soon_row : Out; what `done_word`, `done_row` may be in the next clock.
    wrote : Out; a word was written by learning.

    Latency: access to done two clocks, access to write two clocks (a row is not read again before
    that: the caller leaves two clocks between accesses to one word of one row). Throughput: one
    access per clock, one-port memories one less per write. Golden: `golden.crossbar`.
    """

    def __init__(self, layer: LayerMachine, *, transposed: bool) -> None:
        self._layer, self._transposed = layer, transposed
        self.width = layer.banks if transposed else layer.lanes
        bits = layer.current_bits
        if transposed:
            bits = max(bits, layer.error_current_bits)
        super().__init__(
            {
                "access": In(access_layout(layer)),
                "up": In(layer.lanes),
                "down": In(layer.lanes),
                "step": In(layer.weight_bits + 1),
                "poke": In(signed(layer.weight_bits)),
                "ready": Out(1),
                "sums": Out(data.ArrayLayout(signed(bits), self.width)),
                "done": Out(1),
                "done_word": Out(range(max(layer.words, 2))),
                "done_row": Out(range(max(layer.n_pre, 2))),
                "done_transposed": Out(1),
                "soon_word": Out(range(max(layer.words, 2))),
                "soon_row": Out(range(max(layer.n_pre, 2))),
                "wrote": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Stage 0: addresses. Stage 1: words are read; sum, saturate. Stage 2: write."""
        m = Module()
        layer, width = self._layer, self.width
        write = Signal()
        learn = Signal()
        access1 = Signal(access_layout(layer))
        up1, down1 = Signal(width), Signal(width)
        write1 = Signal()
        chosen = Signal(width)  # the host's lane
        taken = Signal()
        m.d.comb += [
            self.ready.eq(~write if layer.ports == 1 else 1),
            taken.eq(self.ready & (self.access.valid | self.access.last)),
            learn.eq((self.up | self.down).any() & ~self.access.transposed & ~self.access.host),
            chosen.eq(self.access.poke << self.access.column),
            self.soon_word.eq(access1.word),
            self.soon_row.eq(access1.row),
        ]
        turn = self.access.row[: clog2(width)] if self._transposed else None
        poked1 = Signal(width)
        with m.If(taken):
            m.d.sync += [
                access1.eq(self.access),
                up1.eq(_turned(Mux(self.access.host, 0, self.up), turn, width)),
                down1.eq(_turned(Mux(self.access.host, 0, self.down), turn, width)),
                poked1.eq(_turned(chosen, turn, width)),
                write1.eq(self.access.valid & (learn | self.access.poke)),
            ]
        with m.Else():
            m.d.sync += [access1.valid.eq(0), access1.last.eq(0), write1.eq(0)]

        if self._transposed:
            words, store = self._banks(m, taken)
            turn1 = Mux(access1.transposed, access1.column, access1.row)[: clog2(width)]
            lanes = _unturned(m, words, turn1, layer.weight_bits)
        else:
            words, store = self._plain(m, taken)
            lanes = words
        self._sum(m, access1, lanes)

        new = data.ArrayLayout(signed(layer.weight_bits), width)
        changed = Signal(new)
        for lane in range(width):
            word = self._changed(words[lane], up1[lane], down1[lane])
            m.d.comb += changed[lane].eq(Mux(poked1[lane], self.poke, word))
        stored = Signal(new)
        m.d.sync += write.eq(write1)
        m.d.sync += self.wrote.eq(write1 & ~access1.host)
        with m.If(write1):
            m.d.sync += stored.eq(changed)
        store(write, stored)
        return m

    def _changed(self, word: Value, up: Value, down: Value) -> Value:
        """Return the weight after the step, held between the rails."""
        limit = self._layer.weight_max
        change = Mux(up, self.step, Mux(down, -self.step, 0))
        wide = word + change
        return Mux(wide > limit, limit, Mux(wide < -limit, -limit, wide))

    def _sum(self, m: Module, access1: Value, lanes: list[Value]) -> None:
        """Add the words read to the running sums; the first one starts anew."""
        with m.If(access1.valid | access1.last):
            for lane, word in enumerate(lanes):
                before = Mux(access1.first, 0, self.sums[lane])
                term = Mux(access1.valid, word, 0)
                if self._transposed:
                    term = Mux(access1.minus, -term, term)
                m.d.sync += self.sums[lane].eq(before + term)
            m.d.sync += [
                self.done_word.eq(access1.word),
                self.done_row.eq(access1.row),
                self.done_transposed.eq(access1.transposed),
            ]
        m.d.sync += self.done.eq(access1.last & ~access1.host)

    def _plain(self, m: Module, taken: Value) -> tuple[list[Value], object]:
        """One memory; a word is `lanes` columns of one row."""
        layer = self._layer
        shape = data.ArrayLayout(signed(layer.weight_bits), layer.lanes)
        memory = Memory(shape=shape, depth=layer.n_pre * layer.words, init=[])
        m.submodules.memory = memory
        read, port = memory.read_port(), memory.write_port()
        address = Signal(range(layer.n_pre * layer.words))
        back1, back2 = Signal.like(address), Signal.like(address)
        m.d.comb += [
            address.eq(self.access.word * layer.n_pre + self.access.row),
            read.en.eq(taken & self.access.valid),
        ]
        with m.If(taken):
            m.d.sync += back1.eq(address)
        m.d.sync += back2.eq(back1)

        def store(write: Value, stored: Value) -> None:
            m.d.comb += [port.en.eq(write), port.data.eq(stored)]
            if layer.ports == 1:
                both = Mux(write, back2, address)
                m.d.comb += [read.addr.eq(both), port.addr.eq(both)]
            else:
                m.d.comb += [read.addr.eq(address), port.addr.eq(back2)]

        return [read.data[lane] for lane in range(layer.lanes)], store

    def _banks(self, m: Module, taken: Value) -> tuple[list[Value], object]:
        """`banks` memories; a row's or a column's weights lie in different ones."""
        layer, banks = self._layer, self.width
        bits = clog2(banks)
        tiles = layer.words * -(-layer.n_pre // banks)
        tile, back1_tile, back2_tile = (Signal(range(max(tiles, 2))) for _ in range(3))
        row = Signal(range(max(layer.n_pre, 2)))
        high = Mux(self.access.transposed, self.access.row, self.access.row >> bits)
        m.d.comb += [
            row.eq(self.access.row),
            tile.eq(self.access.word * -(-layer.n_pre // banks) + high),
        ]
        with m.If(taken):
            m.d.sync += back1_tile.eq(tile)
        m.d.sync += back2_tile.eq(back1_tile)
        ports = []
        for bank in range(banks):
            depth = tiles * banks
            memory = Memory(shape=signed(layer.weight_bits), depth=depth, init=[])
            m.submodules[f"bank{bank}"] = memory
            read, port = memory.read_port(), memory.write_port()
            column, back1, back2 = (Signal(bits, name=f"{n}{bank}") for n in ("c", "d", "e"))
            address = Cat(column, tile)
            back = Cat(back2, back2_tile)
            m.d.comb += [
                column.eq(Mux(self.access.transposed, self.access.column, bank - row[:bits])),
                read.en.eq(taken & self.access.valid),
            ]
            with m.If(taken):
                m.d.sync += back1.eq(column)
            m.d.sync += back2.eq(back1)
            ports.append((read, port, address, back))

        def store(write: Value, stored: Value) -> None:
            for bank, (read, port, address, back) in enumerate(ports):
                m.d.comb += [port.en.eq(write), port.data.eq(stored[bank])]
                if layer.ports == 1:
                    both = Mux(write, back, address)
                    m.d.comb += [read.addr.eq(both), port.addr.eq(both)]
                else:
                    m.d.comb += [read.addr.eq(address), port.addr.eq(back)]

        return [read.data for read, _, _, _ in ports], store


def _turned(lanes: Value, turn: Value | None, width: int) -> Value:
    """Return bit lanes in bank order: bank (x + turn) mod width takes lane x."""
    if turn is None or width == 1:
        return lanes
    shifted = (lanes << turn)[: 2 * width]
    return shifted[:width] | shifted[width:]


def _unturned(m: Module, words: list[Value], turn: Value, bits: int) -> list[Value]:
    """Return words in lane order: lane x takes bank (x + turn) mod width; a log shifter."""
    width = len(words)
    stage = list(words)
    for k in range(clog2(width)):
        moved = [Signal(signed(bits), name=f"turn{k}_{x}") for x in range(width)]
        for x in range(width):
            m.d.comb += moved[x].eq(Mux(turn[k], stage[(x + (1 << k)) % width], stage[x]))
        stage = moved
    return stage
