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

from itertools import pairwise

from amaranth import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.hdl import Shape, ShapeLike
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom.golden.spec.machine import ceil_div, clog2
from spikeloom.hdl.arithmetic import clip
from spikeloom.hdl.hardware import DEFAULT, BuiltLayer, Hardware

LATENCY = 4
"""Clocks from an access to its sum, where no write of a one-port memory comes between; one less
where the hardware has no register behind the memory."""


def access_layout(layer: BuiltLayer) -> data.StructLayout:
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


def request_port(layer: BuiltLayer) -> wiring.Signature:
    """Return the bundle of one of those who share a crossbar.

    access : the next one, held with `asked` until it is taken: in a clock with `ready`.
    """
    return wiring.Signature({"access": Out(access_layout(layer)), "asked": Out(1), "ready": In(1)})


def change_port(layer: BuiltLayer) -> wiring.Signature:
    """Return what a learning rule asks of the access that is made.

    up, down : the columns of its word to change by +step / -step. keep : its row may be written.
    step : held for a sample at least.
    """
    lanes = layer.lanes
    step = Out(layer.weight_bits + 1)
    return wiring.Signature({"keep": Out(1), "up": Out(lanes), "down": Out(lanes), "step": step})


def sum_shape(layer: BuiltLayer) -> Shape:
    """Return the shape of a sum of a network's crossbar: all but the first are read back too."""
    bits = layer.current_bits
    return signed(bits if layer.index == 1 else max(bits, layer.error_current_bits))


def sums_port(shape: ShapeLike, lanes: int, words: int) -> wiring.Signature:
    """Return the bundle of sums on their way to neurons, a word of lanes at a time.

    valid : a word's sums have come. word : which. soon : what `word` may be in the next clock.
    """
    word = range(max(words, 2))
    currents = data.ArrayLayout(shape, lanes)
    return wiring.Signature(
        {"valid": Out(1), "word": Out(word), "soon": Out(word), "currents": Out(currents)}
    )


class Crossbar(wiring.Component):
    """Sums rows or columns of the weight matrix, and writes where a row meets error spikes.

    Parameters
    ----------
    layer : sizes, weight width, lanes, ports. transposed : columns can be read back.
    hardware : what the memories are made of.
    gap : the caller leaves a clock with `ready` after each access with `last`: the sums are cleared
    then, which saves a multiplexer per bit.

    Members
    -------
    access : In; one access, taken in every clock with `ready`. change : In, with a row access; see
    `change_port`.
    poke : In, held for three clocks after its access too; the weight to write.
    ready : Out; low for the one clock in which a one-port memory writes.
    sums : Out, signed, a lane each; valid with `done`, held until the next access is summed (with
    a gap: until one clock before).
    done : Out; a sum is complete; `done_transposed`, `done_word`, `done_row` say which.
    soon_word, soon_row : Out; what `done_word`, `done_row` may be in the next clock.
    wrote : Out; a word was written by learning.

    Latency: access to done four clocks (`LATENCY`), access to write four clocks; a one-port memory
    adds the clocks of writes in between. A row is not read again before its write: the caller
    leaves four clocks with `ready` between accesses to one word of one row. Throughput: one access
    per clock, one-port memories one less per write. Golden: `golden.crossbar`.
    """

    def __init__(
        self,
        layer: BuiltLayer,
        *,
        transposed: bool,
        gap: bool = False,
        hardware: Hardware = DEFAULT,
    ) -> None:
        self._layer, self._transposed, self._hardware = layer, transposed, hardware
        self._gap = gap
        self._latency = LATENCY if hardware.registered else LATENCY - 1
        self.width = layer.banks if transposed else layer.lanes
        bits = layer.current_bits
        if transposed:
            bits = max(bits, layer.error_current_bits)
        super().__init__(
            {
                "access": In(access_layout(layer)),
                "change": In(change_port(layer)),
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
        """Stage 1: address. Stage 2: the memory reads. Stage 3: sum, saturate. Stage 4: write.

        Without the register behind the memory, stages 2 and 3 are one.
        """
        m = Module()
        layer, width = self._layer, self.width
        late = range(1, self._latency)
        stages = [Signal(access_layout(layer), name=f"access{k}") for k in late]
        ups = [Signal(width, name=f"up{k}", reset_less=True) for k in late]
        downs = [Signal(width, name=f"down{k}", reset_less=True) for k in late]
        access, up, down = stages[-1], ups[-1], downs[-1]
        keep = Signal()
        move = Signal()  # stage 1 goes on into the memory
        write = Signal()
        turned = access.row[: clog2(width)] if self._transposed else None
        chosen, poked = Signal(width), Signal(width)  # the host's lane
        m.d.comb += [
            move.eq(~write if layer.ports == 1 else 1),
            self.ready.eq(move),
            chosen.eq(access.poke << access.column),
            poked.eq(_turned(chosen, turned, width)),
            self.soon_word.eq(access.word),
            self.soon_row.eq(access.row),
        ]
        with m.If(move):
            m.d.sync += [
                stages[0].eq(self.access),
                ups[0].eq(self.change.up),
                downs[0].eq(self.change.down),
                keep.eq(self.change.keep & ~self.access.host),
            ]
        for values in (stages, ups, downs):
            m.d.sync += [new.eq(old) for old, new in pairwise(values)]
        # row AND columns, a clock late: the list tells late which row, and whether it is kept
        turn = stages[0].row[: clog2(width)] if self._transposed else None
        for bits in (ups, downs):
            m.d.sync += bits[1].eq(_turned(bits[0], turn, width) & keep.replicate(width))
        with m.If(~move):
            m.d.sync += [stages[1].valid.eq(0), stages[1].last.eq(0)]

        words = [
            Signal(signed(layer.weight_bits), name=f"word{lane}", reset_less=True)
            for lane in range(width)
        ]
        domain = m.d.sync if self._hardware.registered else m.d.comb
        lanes: list[Value] = list(words)
        if self._transposed:
            read, store = self._banks(m, move)
            lanes = [Signal.like(word, name=f"lane{lane}") for lane, word in enumerate(words)]
            reading = stages[-2] if self._hardware.registered else access
            side = Mux(reading.transposed, reading.column, reading.row)[: clog2(width)]
            turned_back = _unturned(m, read, side, layer.weight_bits)
            domain += [lane.eq(now) for lane, now in zip(lanes, turned_back, strict=True)]
        else:
            read, store = self._plain(m, move)
        domain += [word.eq(now) for word, now in zip(words, read, strict=True)]
        sums = self._sum(m, access, lanes)
        if self._gap:
            before = stages[-2]
            goes_on = 1 if self._hardware.registered else move
            with m.If(goes_on & before.first & (before.valid | before.last)):
                m.d.sync += sums.eq(0)

        changed = Signal(data.ArrayLayout(signed(layer.weight_bits), width))
        minus = Signal(signed(layer.weight_bits + 2))  # the step is held for a sample at least
        m.d.sync += minus.eq(-self.change.step)
        # where there is a stage before the one that adds, it chooses what to add
        early = -2 if self._hardware.registered else -1
        for lane in range(width):
            change = Signal.like(minus, name=f"change{lane}", reset_less=True)
            domain += change.eq(
                Mux(ups[early][lane], self.change.step, Mux(downs[early][lane], minus, 0))
            )
            word = clip(words[lane] + change, layer.weight_max)
            m.d.comb += changed[lane].eq(Mux(poked[lane], self.poke, word))
        learn = (up | down).any() & ~access.transposed
        stored = Signal.like(changed, reset_less=True)
        m.d.sync += [
            write.eq(access.valid & (learn | access.poke)),
            self.wrote.eq(access.valid & learn),
            stored.eq(changed),
        ]
        store(write, stored)
        return m

    def _sum(self, m: Module, access: Value, lanes: list[Value]) -> Signal:
        """Add the words read to the running sums, and return these; the first one starts anew."""
        sums = Signal.like(self.sums, reset_less=True)
        m.d.comb += self.sums.eq(sums)
        with m.If(access.valid | (0 if self._gap else access.last)):
            for lane, word in enumerate(lanes):
                before, term = sums[lane], word
                if not self._gap:
                    before, term = Mux(access.first, 0, before), Mux(access.valid, term, 0)
                if self._transposed:
                    # -x is ~x + 1, and the 1 is carried in from below: one adder
                    minus = access.minus
                    term = Cat(minus, term ^ minus.replicate(len(term)).as_signed()).as_signed()
                    before = Cat(Const(1, 1), before).as_signed()
                    m.d.sync += sums[lane].eq((before + term)[1:].as_signed())
                else:
                    m.d.sync += sums[lane].eq(before + term)
        with m.If(access.valid | access.last):
            m.d.sync += [
                self.done_word.eq(access.word),
                self.done_row.eq(access.row),
                self.done_transposed.eq(access.transposed),
            ]
        m.d.sync += self.done.eq(access.last & ~access.host)
        return sums

    def _delayed(self, m: Module, address: Signal, move: Value, *, init: int = 0) -> list[Signal]:
        """Return an address as the stages see it, the write's last; they start at `init`."""
        late, start = range(1, self._latency + 1), init % (1 << len(address))
        stages = [
            Signal(len(address), name=f"{address.name}_{k}", init=start, reset_less=True)
            for k in late
        ]
        with m.If(move):
            m.d.sync += stages[0].eq(address)
        m.d.sync += [new.eq(old) for old, new in pairwise(stages)]
        return stages

    def _connect(
        self, m: Module, memory: Memory, first: Value, back: Value, move: Value
    ) -> tuple[Value, Value]:
        """Give a memory its read address and its write address; return (data read, write port)."""
        read, port = memory.read_port(), memory.write_port()
        m.d.comb += read.en.eq(move)
        if self._layer.ports == 1:
            both = Mux(move, first, back)
            m.d.comb += [read.addr.eq(both), port.addr.eq(both)]
        else:
            m.d.comb += [read.addr.eq(first), port.addr.eq(back)]
        return read.data, port

    def _plain(self, m: Module, move: Value) -> tuple[list[Value], object]:
        """One memory, or several for a share of the lanes; a word is `lanes` columns of one row."""
        layer, bits = self._layer, self._layer.weight_bits
        depth, name = layer.n_pre * layer.words, f"layer{layer.index}.weights"
        parts = min(self._hardware.parts, layer.lanes)
        ends = [part * layer.lanes // parts for part in range(parts + 1)]
        words, ports = [], []
        for part, lanes in enumerate(range(*ends) for ends in pairwise(ends)):
            shape, size = data.ArrayLayout(signed(bits), len(lanes)), depth + part
            memory = self._hardware.memory(m, f"{name}{part}" if parts > 1 else name, shape, size)
            # synthesis makes one register of bits that hold the same: each part lies a word further
            # up, where every other one has the same lowest bit again, and starts otherwise
            base = Array(word * layer.n_pre + part for word in range(layer.words))[self.access.word]
            address = Signal(range(size), name=f"address{part}" if part else "address")
            m.d.comb += address.eq(base + self.access.row)
            first, *_, back = self._delayed(m, address, move, init=-(part >> 1 & 1))
            read, port = self._connect(m, memory, first, back, move)
            words += [read[lane] for lane in range(len(lanes))]
            ports.append((port, lanes))

        def store(write: Value, stored: Value) -> None:
            for port, lanes in ports:
                m.d.comb += port.en.eq(write)
                m.d.comb += [port.data[k].eq(stored[lane]) for k, lane in enumerate(lanes)]

        return words, store

    def _banks(self, m: Module, move: Value) -> tuple[list[Value], object]:
        """`banks` memories; a row's or a column's weights lie in different ones."""
        layer, banks = self._layer, self.width
        bits = clog2(banks)
        groups = ceil_div(layer.n_pre, banks)
        tiles = layer.words * groups
        tile = Signal(range(max(tiles, 2)))
        row = Signal(range(max(layer.n_pre, 2)))
        high = Mux(self.access.transposed, self.access.row, self.access.row >> bits)
        base = Array(word * groups for word in range(layer.words))[self.access.word]
        m.d.comb += [row.eq(self.access.row), tile.eq(base + high)]
        tile1, *_, tile4 = self._delayed(m, tile, move)
        low = self._delayed(m, row, move)[-2][:bits]
        words, ports = [], []
        for bank in range(banks):
            name = f"layer{layer.index}.weights{bank}"
            memory = self._hardware.memory(m, name, signed(layer.weight_bits), tiles * banks)
            column1 = Signal(bits, name=f"column{bank}")
            column4 = Signal(bits, name=f"back{bank}")
            with m.If(move):
                m.d.sync += column1.eq(
                    Mux(self.access.transposed, self.access.column, bank - row[:bits])
                )
            m.d.sync += column4.eq(bank - low)
            first, back = Cat(column1, tile1), Cat(column4, tile4)
            read, port = self._connect(m, memory, first, back, move)
            words.append(read)
            ports.append(port)

        def store(write: Value, stored: Value) -> None:
            for bank, port in enumerate(ports):
                m.d.comb += [port.en.eq(write), port.data.eq(stored[bank])]

        return words, store


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
