"""Bench of `hdl.fold`: a word's sums leave a few neurons at a time, in order, each once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from amaranth import signed

from spikeloom.hdl import fold as hdl
from tests.bench.bench import Bench, Case, Driver, Held, Pins, Stalls, join, lanes, ready
from tests.support import stimulus

BITS = 6
SWEEPS = 12


class FoldBench(Bench):
    """Sweeps over the words of a layer; each is owed, comes later, and is taken by and by.

    `soon` : in a clock without a load it is what `index` is in the next one.
    """

    def __init__(self, component: hdl.Fold, seed: int, *, neurons: int, size: int, wide: int):
        super().__init__(component, seed)
        self.size, self.neurons, self.wide = size, neurons, wide
        self.words = -(-size // wide)
        self.expected: deque[tuple[int, list[int]]] = deque()  # index, currents
        self.owed = 0
        self.soon: int | None = None
        self.held = Held(self, "currents")
        self.taken = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.words_of_sums()

    def background(self) -> Iterable[Driver]:
        yield ready("ready", Stalls(self.rng))

    def words_of_sums(self) -> Driver:
        """Owe a word as soon as that is allowed, send it as many clocks later as a crossbar may."""
        wait = Stalls(self.rng, (0.0, 0.0, 0.6))
        limit = (1 << BITS - 1) - 1
        for number in range(SWEEPS * self.words):
            seen = yield {}
            while not seen["free"] or wait():
                seen = yield {}
            yield {"owe": 1}
            for _ in range(self.rng.randint(2, 5)):
                yield {}
            drawn = [stimulus.edgy(self.rng, limit) for _ in range(self.wide)]
            yield {"load": 1, "word": number % self.words, "sums": join(drawn, BITS)}
        seen = yield {}
        while not seen["free"]:
            seen = yield {}

    def check(self, seen: Pins) -> None:
        self.expect("free", seen["free"], int(not self.owed and not self.expected))
        self.expect("valid", seen["valid"], int(bool(self.expected)))
        if self.soon is not None:
            self.expect("index, as soon said", seen["index"], self.soon)
        self.soon = seen["soon"]
        offered = (seen["index"], seen["currents"]) if seen["valid"] else None
        self.held.see(offered, bool(seen["ready"]))
        if seen["valid"]:
            index, wanted = self.expected[0]
            self.expect("index", seen["index"], index)
            got = lanes(seen["currents"], BITS, len(wanted), signed=True)
            self.expect("currents", got, wanted)
            if seen["ready"]:
                self.expected.popleft()
                self.taken += 1
        self.owed += seen["owe"] - seen["load"]
        if seen["load"]:
            self.load(seen["word"], lanes(seen["sums"], BITS, self.wide, signed=True))

    def load(self, word: int, sums: list[int]) -> None:
        """Expect the pieces of a word that hold neurons."""
        there = min(self.wide, self.size - word * self.wide)
        for first in range(0, there, self.neurons):
            index = (word * self.wide + first) // self.neurons
            self.expected.append((index, sums[first : first + self.neurons]))

    def finish(self) -> None:
        self.expect("pieces that never left", list(self.expected), [])
        self.expect("pieces", self.taken, SWEEPS * -(-self.size // self.neurons))


def case(size: int, wide: int, neurons: int, module=hdl) -> Case:
    """Return the fold of a layer of `size` neurons and `wide` lanes with its bench."""
    layer = stimulus.layer(3, size, lanes=wide)
    return Case(
        f"fold_{size}_{wide}_{neurons}",
        lambda: module.Fold(layer, neurons, signed(BITS)),
        lambda component, seed: FoldBench(
            component, seed, neurons=neurons, size=size, wide=layer.lanes
        ),
    )


def cases(module=hdl) -> list[Case]:
    """Return whole and short last words, one neuron and half a word at a time, a single word."""
    sizes = ((10, 4, 2), (8, 4, 1), (3, 3, 1), (12, 6, 3), (13, 6, 2), (1, 1, 1), (16, 8, 4))
    return [case(*size, module=module) for size in sizes]


def random_case(rng) -> Case:
    """Return a fold of any size."""
    wide = rng.randint(1, 12)
    neurons = rng.choice([n for n in range(1, wide + 1) if wide % n == 0])
    return case(rng.randint(wide, 40), wide, neurons)
