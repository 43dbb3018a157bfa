"""Benches of `hdl.spikes`: the list between two layers, and the scanner that fills it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from amaranth.lib import data

from spikeloom.hdl import spikes as hdl
from tests.bench.bench import Bench, Case, Driver, Held, Pins, Stalls
from tests.support import stimulus

STEPS = 25


def entry(rows: int) -> data.StructLayout:
    """Return the layout of an entry: a row and whether it may be written."""
    return data.StructLayout({"row": range(max(rows, 2)), "keep": 1})


class ListBench(Bench):
    """A writer that stalls, runs ahead or waits; a reader that takes each step several times.

    The contract in plain Python: entries that wait, in steps; `more`, `final` and `ended` say
    where the pointer stands in the first of them, one clock after the push.
    """

    def __init__(self, component: hdl.SpikeList, seed: int, *, rows: int) -> None:
        super().__init__(component, seed)
        self.rows = rows
        self.depth = max(2, 1 << (rows - 1).bit_length())
        self.ready = True  # known a clock before
        self.steps: deque[list[int]] = deque([[]])  # the last one is being written
        self.here = 0
        self.head: int | None = None
        self.released = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.write()
        yield self.read()

    def write(self) -> Driver:
        """Push steps; the end comes with the last spike, or where there is room behind it."""
        wait = Stalls(self.rng)
        for _ in range(STEPS):
            rows = stimulus.subset(self.rng, self.rows)
            entries = [self.pack("entry", row=row, keep=self.rng.randint(0, 1)) for row in rows]
            together = bool(rows) and (len(rows) == self.rows or self.rng.random() < 0.5)
            for k, entry in enumerate(entries):
                close = together and k == len(entries) - 1
                yield from self.send(wait, {"push": 1, "entry": entry, "close": close})
            if not together:
                yield from self.send(wait, {"close": 1})

    def send(self, wait: Stalls, pins: dict[str, int]) -> Driver:
        while wait():
            yield {"entry": self.rng.getrandbits(self.shapes["entry"].size)}
        seen = yield pins
        while not seen["ready"]:
            seen = yield pins

    def read(self) -> Driver:
        """Take every step in one to three passes, some of them cut short."""
        wait = Stalls(self.rng, (0.0, 0.5, 0.97))
        seen = yield {}
        while seen["ready"]:  # until the writer is as far ahead as it can
            seen = yield {}
        while self.released < STEPS:
            for left in reversed(range(self.rng.randint(1, 3))):
                yield from self.one_pass(wait, "rewind" if left else "release")
            self.released += 1

    def one_pass(self, wait: Stalls, end: str) -> Driver:
        """Read to the end of the step, or rewind early; act on pins as the layer does."""
        early = self.rng.randint(0, self.rows) if end == "rewind" else -1
        count = 0
        while True:
            more, final, ended = self.stand()
            if count == early and not (more and final) and not ended:
                yield {"rewind": 1}
                return
            if ended or (more and final):
                while wait():
                    yield {}
                yield {end: 1, "next": more}
                return
            if more and not wait():
                yield {"next": 1}
                count += 1
            else:
                yield {}

    def stand(self) -> tuple[bool, bool, bool]:
        """Return more, final and ended as the contract has them now."""
        first = self.steps[0]
        closed = len(self.steps) > 1
        more = self.here < len(first)
        return more, closed and self.here == len(first) - 1, closed and self.here == len(first)

    def check(self, seen: Pins) -> None:
        more, final, ended = self.stand()
        room, held = self.ready, sum(len(step) for step in self.steps)
        self.expect("ready", seen["ready"], int(room))
        self.expect("more", seen["more"], int(more))
        if more:
            self.expect("final", seen["final"], int(final))
        self.expect("ended", seen["ended"], int(ended))
        if self.head is not None:
            self.expect("head", seen["head"], self.head)
        if seen["next"]:
            self.head = self.steps[0][self.here]
            self.here += 1
        if seen["release"]:
            self.steps.popleft()
        if seen["release"] or seen["rewind"]:
            self.here = 0
        if room and seen["push"]:
            self.steps[-1].append(seen["entry"])
        if room and seen["close"]:
            self.steps.append([])
        held += room and seen["push"]  # what is released now is free a clock later
        self.ready = held < self.depth and len(self.steps) < 3

    def finish(self) -> None:
        self.expect("steps that were not released", list(self.steps), [[]])


class ScannerBench(Bench):
    """Vectors of every density, words that come late, a taker that stalls."""

    def __init__(self, component: hdl.Scanner, seed: int, *, lanes: int, neurons: int) -> None:
        super().__init__(component, seed)
        self.lanes, self.neurons = lanes, neurons
        self.words = -(-neurons // lanes)
        self.vector, self.given = 0, 0
        self.expected: deque[tuple[int | None, bool]] = deque()  # spike or none, end of the step
        self.held = Held(self, "spike or end")
        self.done = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.give()
        yield self.take()

    def give(self) -> Driver:
        """Offer a step's words one by one, the next vector when the step is over."""
        wait = Stalls(self.rng)
        for step in range(STEPS):
            while self.done < step:
                yield {}
            spikes = stimulus.subset(self.rng, self.neurons)
            self.vector, self.given = stimulus.bits_of(spikes), 0
            while self.given < self.words:
                if wait():
                    yield {}
                    continue
                seen = yield self.offer(self.given)
                while not seen["loaded"]:
                    seen = yield self.offer(self.given)
                self.given += 1

    def offer(self, word: int) -> dict[str, int]:
        bits = self.vector >> word * self.lanes & (1 << self.lanes) - 1
        return {"available": 1, "bits": bits}

    def take(self) -> Driver:
        wait = Stalls(self.rng)
        while self.done < STEPS:
            yield {"ready": not wait()}

    def check(self, seen: Pins) -> None:
        self.expect("valid without busy", seen["valid"] & ~seen["busy"] & 1, 0)
        offered = (seen["valid"] and seen["index"], seen["valid"], seen["last"])
        self.held.see(offered if seen["valid"] or seen["last"] else None, bool(seen["ready"]))
        if seen["ready"] and (seen["valid"] or seen["last"]):
            if not self.expected:
                raise AssertionError(f"clock {self.clock}: {offered}, expected none")
            spike = seen["index"] if seen["valid"] else None
            self.expect("spike, end", (spike, bool(seen["last"])), self.expected.popleft())
            self.done += seen["last"]
        if seen["loaded"]:
            self.expect("wanted word", seen["word"], self.given)
            self.model(self.given, seen["bits"])

    def model(self, word: int, bits: int) -> None:
        """Append the spikes of a word; the step's end goes with the last of its last word."""
        spikes = [word * self.lanes + lane for lane in range(self.lanes) if bits >> lane & 1]
        final = word == self.words - 1
        for k, spike in enumerate(spikes):
            self.expected.append((spike, final and k == len(spikes) - 1))
        if final and not spikes:
            self.expected.append((None, True))

    def finish(self) -> None:
        self.expect("spikes that never left", list(self.expected), [])


def list_case(rows: int, module=hdl) -> Case:
    """Return a list between two layers with its bench."""
    return Case(
        f"list_{rows}",
        lambda: module.SpikeList(rows, entry(rows)),
        lambda component, seed: ListBench(component, seed, rows=rows),
    )


def scanner_case(neurons: int, lanes: int, module=hdl) -> Case:
    """Return a scanner with its bench."""
    return Case(
        f"scanner_{neurons}_{lanes}",
        lambda: module.Scanner(lanes=lanes, words=-(-neurons // lanes), neurons=neurons),
        lambda component, seed: ScannerBench(component, seed, lanes=lanes, neurons=neurons),
    )


def cases(module=hdl) -> list[Case]:
    """Return lists of one row and more, powers of two and others; scanners of any word."""
    return [
        *(list_case(rows, module) for rows in (5, 8, 1, 2, 3)),
        *(scanner_case(*size, module) for size in ((7, 3), (8, 4), (1, 1), (6, 6), (5, 1))),
    ]
