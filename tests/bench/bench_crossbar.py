"""Bench of `hdl.crossbar` against `golden.crossbar`: sums, writes, and every weight at the end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spikeloom.golden import crossbar as golden
from spikeloom.golden.spec.machine import LayerMachine
from spikeloom.hdl import crossbar as hdl
from spikeloom.hdl.hardware import Hardware
from tests.bench.bench import Bench, Case, Driver, Pins, Stalls, lanes
from tests.support import stimulus

LATENCY = 4  # clocks from an access to its sum, and to its write, with a register; else one less
REST = 4  # clocks after which a word of a row may be met again
HELD = 3  # clocks after a poke in which its number is held
STEPS = 14


class CrossbarBench(Bench):
    """Pokes every weight, then steps in random order of all kinds, then reads all weights back.

    A step reads a list of rows word by word, with a random signal per access, or columns, or a
    few weights by the host. Whatever lies on pins that do not matter is random.
    """

    def __init__(
        self,
        component: hdl.Crossbar,
        seed: int,
        *,
        layer: LayerMachine,
        transposed: bool,
        gap: bool = False,
        registered: bool = True,
    ) -> None:
        super().__init__(component, seed)
        self.layer, self.transposed, self.width = layer, transposed, component.width
        self.gap, self.latency = gap, LATENCY if registered else LATENCY - 1
        self.cleared = True  # there was a gap since the last sum's end
        self.bits = component.signature.members["sums"].shape.size // component.width
        self.shift = self.rng.choice((0, layer.weight_bits - 2, 15, self.rng.randint(0, 15)))
        self.wait = Stalls(self.rng, (0.0, 0.0, 0.0, 0.6))
        self.weights = np.zeros(layer.n_pre * layer.n_post, np.int16)
        self.open: list[dict[str, int]] = []  # accesses of the sum that is being collected
        self.due: dict[int, dict[str, int]] = {}  # by clock: what `done` shows
        self.sums_due: dict[int, list[int]] = {}
        self.soon_due: dict[int, dict[str, int]] = {}
        self.wrote_due: set[int] = set()
        self.store_due: set[int] = set()  # clocks in which a one-port memory is written
        self.moving: set[int] = set()  # clocks in which the sums may change
        self.before: Pins | None = None
        self.poked: dict[int, int] = {}  # by clock: the weight to write beside an access
        self.rested: dict[tuple[int, int], int] = {}

    # what is driven

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        yield from self.fill()
        for _ in range(STEPS):
            kind = self.rng.random()
            if self.transposed and kind < 0.4:
                yield from self.columns()
            elif kind < 0.5:
                for _ in range(3):
                    yield from self.poke(*self.place())
                yield from self.settle()
            else:
                yield from self.rows()
        for row in range(self.layer.n_pre):
            for word in range(self.layer.words):
                yield from self.access(row=row, word=word, host=1, valid=1, first=1, last=1)
        for _ in range(2 * LATENCY):
            yield {}

    def fill(self) -> Driver:
        """Write every weight, half of the crossbars at the rails."""
        limit, rails = self.layer.weight_max, self.rng.random() < 0.5
        places = [(i, j) for i in range(self.layer.n_pre) for j in range(self.layer.n_post)]
        self.rng.shuffle(places)
        for row, column in places:
            value = self.rng.choice((-limit, limit)) if rails else stimulus.edgy(self.rng, limit)
            yield from self.poke(row, column, value)
        yield from self.settle()

    def place(self) -> tuple[int, int, int]:
        row, column = self.rng.randrange(self.layer.n_pre), self.rng.randrange(self.layer.n_post)
        return row, column, stimulus.edgy(self.rng, self.layer.weight_max)

    def poke(self, row: int, column: int, value: int) -> Driver:
        word, column = divmod(column, self.layer.lanes)
        fields = {"row": row, "word": word, "column": column}
        yield from self.access({"poke": value}, host=1, poke=1, valid=1, first=1, last=1, **fields)
        for _ in range(HELD):
            yield {"poke": value & (1 << self.layer.weight_bits) - 1}

    def rows(self) -> Driver:
        """Read a list of rows, once per word, the last access with the last row or behind it."""
        layer = self.layer
        rows = stimulus.subset(self.rng, layer.n_pre)
        quiet = self.rng.random() < 0.3
        for word in range(layer.words):
            first = 1
            for k, row in enumerate(rows):
                last = k == len(rows) - 1 and self.rng.random() < 0.7
                signal = {} if quiet or self.rng.random() < 0.4 else self.signal(word)
                yield from self.access(signal, row=row, word=word, valid=1, first=first, last=last)
                first = int(last)
            if not rows or not last:
                yield from self.access(word=word, first=first, last=1)
        yield from self.settle()

    def signal(self, word: int) -> dict[str, int]:
        """Draw +1 and -1 for the columns of a word, none where there is no column."""
        there = min(self.layer.lanes, self.layer.n_post - word * self.layer.lanes)
        every = (1 << there) - 1
        up = self.rng.choice((0, every, self.rng.getrandbits(there)))
        down = self.rng.choice((0, every, self.rng.getrandbits(there))) & ~up
        keep = int(self.rng.random() < 0.8)
        return {"change__up": up, "change__down": down, "change__keep": keep}

    def columns(self) -> Driver:
        """Sum a set of columns, signed, for word after word of rows."""
        layer = self.layer
        columns = stimulus.subset(self.rng, layer.n_post)
        minus = self.rng.getrandbits(layer.n_post)
        for group in range(-(-layer.n_pre // self.width)):
            first = 1
            for k, column in enumerate(columns):
                word, lane = divmod(column, layer.lanes)
                yield from self.access(
                    row=group,
                    word=word,
                    column=lane,
                    valid=1,
                    transposed=1,
                    minus=minus >> column & 1,
                    first=first,
                    last=k == len(columns) - 1,
                )
                first = 0
            if not columns:
                yield from self.access(row=group, transposed=1, first=1, last=1)
        yield from self.settle()

    def settle(self) -> Driver:
        """Wait until all writes are in: a transposed access may meet any of them."""
        for _ in range(REST - 1):
            yield {}

    def access(self, pins: dict[str, int] | None = None, **fields: int) -> Driver:
        """Make one access, no sooner than the word's last one and a gap allow."""
        key = (fields.get("row", 0), fields.get("word", 0))
        while (
            self.wait()
            or (self.gap and not self.cleared)
            or (
                fields.get("valid")
                and not fields.get("transposed")
                and self.clock - self.rested.get(key, -REST) < REST
            )
        ):
            yield {}
        held = {"access": self.pack("access", **fields)} | self.masked(pins or {})
        if fields.get("host") or fields.get("transposed"):  # no signal counts
            signals = ("change__up", "change__down")
            held |= {name: self.rng.getrandbits(self.layer.lanes) for name in signals}
            held["change__keep"] = self.rng.getrandbits(1)
        seen = yield held
        while not seen["ready"]:
            seen = yield held
        self.rested[key] = self.clock - 1
        self.cleared = not fields.get("last")

    def masked(self, pins: dict[str, int]) -> dict[str, int]:
        step = {"change__step": min(1 << self.shift, 1 << self.layer.weight_bits)}
        if "poke" in pins:
            pins = pins | {"poke": pins["poke"] & (1 << self.layer.weight_bits) - 1}
        return step | pins

    def background(self) -> Iterable[Driver]:
        yield self.step()

    def step(self) -> Driver:
        """Hold the step: it is used some clocks behind the access."""
        while True:
            yield self.masked({})

    # what is expected

    def check(self, seen: Pins) -> None:
        clock = self.clock
        storing = clock in self.store_due and self.layer.ports == 1
        self.expect("ready", seen["ready"], int(not storing))
        self.expect("wrote", seen["wrote"], int(clock in self.wrote_due))
        if clock in self.soon_due:
            soon = self.soon_due.pop(clock)
            self.expect("soon", {name: seen[name] for name in soon}, soon)
        wanted = self.due.pop(clock, None)
        self.expect("done", seen["done"], int(wanted is not None))
        if wanted is not None:
            self.expect("what is done", {name: seen[name] for name in wanted}, wanted)
        if clock in self.sums_due:
            sums = self.sums_due.pop(clock)
            got = lanes(seen["sums"], self.bits, len(sums), signed=True)
            self.expect("sums", got, sums)
        if self.before is not None and clock not in self.moving:
            self.expect("held sums", seen["sums"], self.before["sums"])
        self.before = seen
        if clock in self.poked:
            self.write_poke(self.poked.pop(clock), seen["poke"])
        access = self.fields("access", seen["access"])
        if seen["ready"] and (access["valid"] or access["last"]):
            keep = seen["change__keep"]
            self.take(access, keep * seen["change__up"], keep * seen["change__down"])
        elif seen["ready"]:
            self.cleared = True

    def write_poke(self, place: int, value: int) -> None:
        half = 1 << self.layer.weight_bits - 1
        self.weights[place] = value - 2 * half if value >= half else value

    def take(self, access: dict[str, int], up: int, down: int) -> None:
        """Add an access to its sum; at the last one ask golden for it, then write."""
        layer, due = self.layer, self.clock + self.latency
        if layer.ports == 1:  # it waits for the memory while that is written
            while due - self.latency + 1 in self.store_due:
                due += 1
        self.moving |= {due - 1, due} if self.gap and access["first"] else {due}
        access |= {"up": up, "down": down}
        if access["first"]:
            self.open = []
        self.open.append(access)
        if access["valid"] and access["poke"]:
            column = access["word"] * layer.lanes + access["column"]
            self.poked[due - 1] = access["row"] * layer.n_post + column
            self.store_due.add(due)
        learns = access["valid"] and not access["host"] and not access["transposed"]
        if learns and (up or down):
            self.wrote_due.add(due)
            self.store_due.add(due)
        if access["last"]:
            self.complete(access, due)

    def complete(self, last: dict[str, int], due: int) -> None:
        """Note what shows in clock `due`, one clock before and from then on."""
        if last["poke"]:  # what it reads on the way is nobody's business
            return
        if last["transposed"]:
            self.sums_due[due] = self.column_sums(last["row"])
        else:
            self.sums_due[due] = self.row_sums(last["word"])
        if last["host"]:
            return
        self.due[due] = {
            "done_word": last["word"],
            "done_row": last["row"],
            "done_transposed": last["transposed"],
        }
        self.soon_due[due - 1] = {"soon_word": last["word"], "soon_row": last["row"]}

    def row_sums(self, word: int) -> list[int]:
        """Return the sums of a word of columns, then write the coincidences of its rows."""
        layer = self.layer
        read = [access for access in self.open if access["valid"]]
        rows = np.array([access["row"] for access in read], np.int32)
        current = np.zeros(layer.n_post, np.int32)
        golden.forward(self.weights, rows, len(read), current)
        first = word * layer.lanes
        for access in read:
            signal = np.zeros(layer.n_post, np.int8)
            for lane in range(min(layer.lanes, layer.n_post - first)):
                up, down = access["up"] >> lane & 1, access["down"] >> lane & 1
                signal[first + lane] = up - down
            if not access["host"]:
                self.write(access["row"], signal)
        return current[first : first + layer.lanes].tolist()

    def write(self, row: int, signal: np.ndarray) -> None:
        columns = np.flatnonzero(signal).astype(np.int32)
        golden.write(
            self.weights,
            np.array([row], np.int32),
            1,
            np.ones(1, np.uint8),
            signal,
            columns,
            len(columns),
            self.shift,
            self.layer.weight_max,
        )

    def column_sums(self, group: int) -> list[int]:
        """Return the sums of a word of rows."""
        layer = self.layer
        signal = np.zeros(layer.n_post, np.int8)
        for access in self.open:
            if access["valid"]:
                column = access["word"] * layer.lanes + access["column"]
                signal[column] = -1 if access["minus"] else 1
        columns = np.flatnonzero(signal).astype(np.int32)
        current = np.zeros(layer.n_pre, np.int32)
        golden.transposed(self.weights, signal, columns, len(columns), current)
        return current[group * self.width : (group + 1) * self.width].tolist()

    def finish(self) -> None:
        self.expect("sums that never came", self.due, {})


def case(
    n_pre: int,
    n_post: int,
    lanes_: int,
    bits: int,
    ports: int,
    *,
    transposed: bool,
    gap: bool = False,
    registered: bool = True,
    module=hdl,
) -> Case:
    """Return a crossbar with its bench."""
    layer = stimulus.layer(n_pre, n_post, lanes=lanes_, weight_bits=bits, ports=ports)
    hardware = Hardware(registered=registered)
    kinds = (
        "transposed" if transposed else "plain",
        *["gap"] * gap,
        *["direct"] * (not registered),
    )
    return Case(
        f"crossbar_{'_'.join(kinds)}_{n_pre}_{n_post}_{lanes_}_{bits}_{ports}",
        lambda: module.Crossbar(layer, transposed=transposed, gap=gap, hardware=hardware),
        lambda component, seed: CrossbarBench(
            component, seed, layer=layer, transposed=transposed, gap=gap, registered=registered
        ),
    )


# rows, columns, lanes, weight bits, ports
PLAIN = ((1, 1, 1, 8, 2), (7, 5, 2, 8, 2), (6, 6, 6, 4, 1), (9, 4, 1, 16, 1), (5, 10, 4, 2, 2))
TRANSPOSED = (
    (7, 5, 2, 8, 2),
    (6, 5, 3, 8, 1),
    (1, 1, 1, 12, 2),
    (9, 3, 1, 16, 1),
    (4, 6, 6, 4, 2),
    (17, 4, 4, 2, 1),
    (3, 9, 5, 12, 1),
)


def cases(module=hdl) -> list[Case]:
    """Return both memories, one and two ports, lanes that divide the columns and that do not.

    Every size has one of the four pairs of a gap or none and of a register or none, in turn.
    """
    sizes = [(size, True) for size in TRANSPOSED] + [(size, False) for size in PLAIN]
    return [
        case(
            *size,
            transposed=transposed,
            gap=k // 2 % 2 == 1,
            registered=k % 2 == 0,
            module=module,
        )
        for k, (size, transposed) in enumerate(sizes)
    ]


def random_case(rng) -> Case:
    """Return a crossbar of any size."""
    size = (rng.randint(1, 12), rng.randint(1, 9), rng.randint(1, 9))
    return case(
        *size,
        rng.randint(2, 16),
        rng.randint(1, 2),
        transposed=rng.random() < 0.6,
        gap=rng.random() < 0.5,
        registered=rng.random() < 0.5,
    )
