"""Bench of `hdl.weights`: reading, writing and the digest, against arrays and `zlib`."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import reduce

import numpy as np
from amaranth import Array, Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from spikeloom.golden.spec.machine import LayerMachine, Machine
from spikeloom.golden.spec.protocol import weights_digest
from spikeloom.hdl import weights as hdl
from tests.bench.bench import Bench, Case, Driver, Held, InOrder, Pins, Stalls, join, ready
from tests.support import stimulus

SETTLE = 5  # clocks from an access to its weights
REST = 5  # clocks between two pokes
WORD = 16
OPERATIONS = 14


class Reading(wiring.Component):
    """A weight port whose `weight` is the lane asked for a clock ago of the word `lanes`."""

    def __init__(self, port: wiring.Component, most: int) -> None:
        self._port = port
        members = dict(port.signature.members)
        del members["weight"]
        super().__init__({**members, "lanes": In(data.ArrayLayout(signed(WORD), most))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.port = port = self._port
        chosen = Array(self.lanes)[port.access.column]
        for path, member, ours in self.signature.flatten(self):
            if path != ("lanes",):
                theirs = reduce(getattr, path, port)
                m.d.comb += theirs.eq(ours) if member.flow is In else ours.eq(theirs)
        m.d.sync += port.weight.eq(chosen)
        return m


class WeightBench(Bench):
    """Operations in random order over the crossbars, rows beyond them and layers that are not."""

    clocks = 60_000

    def __init__(self, component: Reading, seed: int, *, machine: Machine) -> None:
        super().__init__(component, seed)
        self.layers = machine.layers
        self.weights = [self.crossbar(layer) for layer in self.layers]
        self.most = self.shapes["lanes"].length
        self.shown: dict[int, list[int]] = {}  # by clock: the word that the network shows from then
        self.lanes: list[int] = [0] * self.most
        self.settled = 0
        self.bytes_out = InOrder(self, "byte of a reply")
        self.held = Held(self, "byte of a reply")
        self.pokes = InOrder(self, "poke")
        self.poked = -REST
        self.bad, self.done = False, False
        self.expected_digest: int | None = None
        self.pending: list[int] = []  # bytes to send

    def crossbar(self, layer: LayerMachine) -> np.ndarray:
        drawn = [
            stimulus.edgy(self.rng, layer.weight_max) for _ in range(layer.n_pre * layer.n_post)
        ]
        return np.array(drawn, np.int16).reshape(layer.n_pre, layer.n_post)

    def drivers(self) -> Iterable[Driver]:
        yield self.operate()

    def background(self) -> Iterable[Driver]:
        yield ready("o__ready", Stalls(self.rng))
        yield self.send()
        yield self.network()

    def network(self) -> Driver:
        """Show the word accessed last in time, anything before."""
        while True:
            self.lanes = self.shown.pop(self.clock, self.lanes)
            words = self.lanes
            if self.clock < self.settled:
                words = [self.rng.getrandbits(WORD) for _ in range(self.most)]
            yield {"lanes": join(words, WORD)}

    def send(self) -> Driver:
        wait = Stalls(self.rng)
        while True:
            if not self.pending or wait():
                yield {"i__payload": self.rng.getrandbits(8)}
                continue
            seen = yield {"i__valid": 1, "i__payload": self.pending[0]}
            while not seen["i__ready"]:
                seen = yield {"i__valid": 1, "i__payload": self.pending[0]}
            self.pending.pop(0)

    def operate(self) -> Driver:
        for _ in range(OPERATIONS):
            kind = self.rng.randrange(5)
            index = self.rng.choice((0, len(self.layers) + 1, 255)) if kind == 0 else 1
            if kind:
                index = self.rng.randint(1, len(self.layers))
            layer = self.layers[min(max(index, 1), len(self.layers)) - 1]
            first = self.rng.choice((0, layer.n_pre - 1, self.rng.randint(0, layer.n_pre + 1)))
            first = self.rng.choice((first, first, first, 65535))
            rows = self.rng.choice((0, 1, layer.n_pre, self.rng.randint(1, 3)))
            write, digest = kind == 1, kind == 2
            self.bad = self.done = False
            there = 1 <= index <= len(self.layers)
            if digest:
                self.expected_digest = weights_digest([w.tobytes() for w in self.weights])
            elif there:
                self.plan(layer, index, first, rows, write=write)
            yield {
                "start": 1,
                "write": write,
                "digest": digest,
                "first_layer": index,
                "first_row": first,
                "rows": rows,
            }
            while not self.done:
                yield {}
            beyond = not digest and (not there or (rows > 0 and first + rows > layer.n_pre))
            self.expect("bad", self.bad, beyond)
            self.expect("bytes left over", self.pending, [])
            self.bytes_out.finish()
            self.pokes.finish()
            for _ in range(SETTLE):
                yield {}

    def plan(self, layer, index: int, first: int, rows: int, *, write: bool) -> None:
        """Expect the replies of a read, or the pokes of a write."""
        for row in range(first, first + rows):
            for column in range(layer.n_post):
                inside = row < layer.n_pre
                if not write:
                    value = int(self.weights[index - 1][row, column]) if inside else 0
                    for byte in struct.pack("<h", value):
                        self.bytes_out.expect(byte)
                    continue
                value = stimulus.edgy(self.rng, layer.weight_max)
                self.pending.extend(struct.pack("<h", value))
                if inside:
                    word, lane = divmod(column, layer.lanes)
                    self.pokes.expect((index, row, word, lane, value & 0xFFFF))

    def check(self, seen: Pins) -> None:
        self.bad |= bool(seen["bad"])
        if seen["done"]:
            self.expect("done before the end", self.done, False)
            self.done = True
            if self.expected_digest is not None:
                self.expect("digest", seen["sum"], self.expected_digest)
                self.expected_digest = None
        self.held.see(seen["o__payload"] if seen["o__valid"] else None, bool(seen["o__ready"]))
        if seen["o__valid"] and seen["o__ready"]:
            self.bytes_out.see(seen["o__payload"])
        if seen["access__valid"]:
            place = (
                seen["access__layer"],
                seen["access__row"],
                seen["access__word"],
                seen["access__column"],
            )
            if seen["access__poke"]:
                self.expect("a poke too soon", self.clock - self.poked < REST, False)
                self.poked = self.clock
                self.pokes.see((*place, seen["access__data"]))
                self.write(*place, seen["access__data"])
            self.access(*place[:3])

    def write(self, layer: int, row: int, word: int, lane: int, value: int) -> None:
        signed_value = value - (1 << WORD) if value >> WORD - 1 else value
        self.weights[layer - 1][row, word * self.layers[layer - 1].lanes + lane] = signed_value

    def access(self, layer: int, row: int, word: int) -> None:
        lanes = self.layers[layer - 1].lanes
        columns = self.weights[layer - 1][row, word * lanes : (word + 1) * lanes]
        self.settled = self.clock + SETTLE - 1  # and a clock more to the port
        self.shown = {self.settled: [*columns.tolist(), *[0] * (self.most - len(columns))]}


def machine(*shapes: tuple[int, int, int, int]) -> Machine:
    """Return a machine of crossbars (rows, columns, lanes, weight bits)."""
    layers = tuple(
        stimulus.layer(n_pre, n_post, lanes=lanes, weight_bits=bits, index=index + 1)
        for index, (n_pre, n_post, lanes, bits) in enumerate(shapes)
    )
    return stimulus.machine(layers)


def case(*shapes: tuple[int, int, int, int], module=hdl) -> Case:
    """Return a weight port with its bench."""
    described = machine(*shapes)
    most = max(2, *(layer.lanes for layer in described.layers))
    return Case(
        "weights_" + "_".join(f"{n_pre}x{n_post}" for n_pre, n_post, _, _ in shapes),
        lambda: Reading(module.WeightPort(described.layers), most),
        lambda component, seed: WeightBench(component, seed, machine=described),
    )


SHAPES = (
    ((5, 4, 2, 8), (4, 3, 3, 12)),
    ((1, 1, 1, 8),),
    ((6, 7, 3, 16), (7, 5, 1, 8), (5, 2, 2, 4)),
)


def cases(module=hdl) -> list[Case]:
    """Return one to three crossbars, lanes that divide the columns and that do not."""
    return [case(*shapes, module=module) for shapes in SHAPES]
