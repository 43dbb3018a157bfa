"""Bench of `hdl.vectors` against a plain list of bits, visited in sweeps."""

from __future__ import annotations

from collections.abc import Iterable

from spikeloom.hdl import vectors as hdl
from tests.bench.bench import Bench, Case, Driver, Pins, Stalls, join, lanes

SWEEPS = 60


class VectorBench(Bench):
    """Whole sweeps of any stride in random order, read or replaced, cleared in between.

    Parameters
    ----------
    size, strides, planes : of the component.
    together : any sweep may replace. Else the first one reads and the second one replaces all, and
        what shows while the second one is on its way is nobody's business.
    late : a clock is left after a sweep of the first stride.
    """

    def __init__(
        self,
        component,
        seed: int,
        *,
        size: int,
        strides: tuple,
        planes: int,
        together: bool,
        late: bool = False,
    ) -> None:
        super().__init__(component, seed)
        self.size, self.strides, self.planes, self.together = size, strides, planes, together
        self.widest, self.late = max(strides), late
        self.bits: list[list[int]] | None = None  # unknown until they are cleared
        self.place = 0  # first neuron of the turn to come
        self.swept: int | None = None  # the kind of the sweep that is on its way
        self.turns = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        yield {"clear": 1}
        for _ in range(SWEEPS):
            if self.rng.random() < 0.15:
                yield {"clear": 1}
            kind = self.rng.randrange(len(self.strides))
            yield from self.sweep(kind)
            if self.late and kind == 0 and self.rng.random() < 0.7:
                yield {}
                while self.rng.random() < 0.3:
                    yield {}
            elif self.late and kind == 0:
                yield from self.sweep(0)
                yield {}

    def sweep(self, kind: int) -> Driver:
        """Go once round; bits of the padding and of other kinds' lanes are random."""
        wait = Stalls(self.rng, (0.0, 0.0, 0.6))
        write = self.rng.random() < 0.5 if self.together else kind == 1
        count = -(-self.size // self.strides[kind])
        density = self.rng.choice((0.0, 0.1, 0.5, 1.0))
        self.swept = kind
        for turn in range(count):
            while wait():
                yield {"data": self.data(0.5)}
            yield {
                "turn": 1 << kind,
                "final": turn == count - 1,
                "write": write,
                "data": self.data(density),
            }
        self.swept = None

    def data(self, density: float) -> int:
        planes = [
            sum((self.rng.random() < density) << lane for lane in range(self.widest))
            for _ in range(self.planes)
        ]
        return join(planes, self.widest)

    def check(self, seen: Pins) -> None:
        turn = seen["turn"].bit_length() - 1
        if self.bits is not None and (self.together or (turn != 1 and self.swept != 1)):
            self.compare(seen["low"], self.strides[max(turn, 0)])
        if turn >= 0:
            stride = self.strides[turn]
            if seen["write"]:
                self.replace(seen["data"], stride)
            self.place = 0 if seen["final"] else self.place + stride
            self.turns += 1
        if seen["clear"]:
            self.bits = [[0] * self.size for _ in range(self.planes)]

    def compare(self, low: int, stride: int) -> None:
        """Look at the bits of the coming turn that belong to neurons."""
        for plane, bits in enumerate(lanes(low, self.widest, self.planes)):
            wanted = self.bits[plane][self.place : self.place + stride]
            got = [bits >> lane & 1 for lane in range(len(wanted))]
            self.expect(f"bits from {self.place} on, plane {plane},", got, wanted)

    def replace(self, given: int, stride: int) -> None:
        for plane, bits in enumerate(lanes(given, self.widest, self.planes)):
            for lane, place in enumerate(range(self.place, min(self.place + stride, self.size))):
                self.bits[plane][place] = bits >> lane & 1

    def finish(self) -> None:
        self.expect("whether any sweep went", self.turns > 0, True)


def register_case(
    size: int, strides: tuple, planes: int = 1, *, late: bool = False, module=hdl
) -> Case:
    """Return a vector in registers with its bench."""
    name = "_".join(map(str, (size, *strides, planes)))
    return Case(
        f"register_{name}{'_late' * late}",
        lambda: module.RegisterVector(size, strides, planes=planes, late=late),
        lambda component, seed: VectorBench(
            component,
            seed,
            size=size,
            strides=strides,
            planes=planes,
            together=not late,
            late=late,
        ),
    )


def memory_case(size: int, strides: tuple, planes: int = 1, *, module=hdl) -> Case:
    """Return a vector in a memory with its bench."""
    name = "_".join(map(str, (size, *strides, planes)))
    return Case(
        f"memory_{name}",
        lambda: module.MemoryVector(size, strides, planes=planes),
        lambda component, seed: VectorBench(
            component,
            seed,
            size=size,
            strides=strides,
            planes=planes,
            together=strides[0] == strides[1],
        ),
    )


def as_memory(size: int, strides: tuple, planes: int = 1) -> Case:
    """Return a vector in registers with the bench of the memory that could take its place."""
    return Case(
        f"{register_case(size, strides, planes).name}_as_memory",
        register_case(size, strides, planes).component,
        memory_case(size, strides, planes).bench,
    )


MEMORIES = (
    (10, (4, 4), 1),
    (12, (4, 4), 2),
    (5, (1, 1), 2),
    (13, (4, 2), 1),
    (16, (8, 2), 2),
    (17, (8, 1), 2),
    (9, (3, 1), 1),
    (33, (16, 4), 2),
)


def register_cases(module=hdl) -> list[Case]:
    """Return strides that divide the size, each other, and neither; one, two and three of them."""
    sizes = (
        (10, (4, 2), 1),
        (8, (4, 4), 2),
        (7, (3, 2), 1),
        (1, (1, 1), 1),
        (11, (5,), 2),
        (20, (8, 3, 1), 1),
        (5, (8, 2), 2),
    )
    late = ((10, (4, 2), 1), (7, (3, 2), 2), (20, (8, 3), 1), (5, (8, 2), 2))
    return [
        *(register_case(*size, module=module) for size in sizes),
        *(register_case(*size, late=True, module=module) for size in late),
    ]


def memory_cases(module=hdl) -> list[Case]:
    """Return equal strides, and first strides of several pieces; whole and short last words."""
    return [memory_case(*size, module=module) for size in MEMORIES]


def random_register(rng) -> Case:
    """Return a vector in registers of any size."""
    strides = tuple(rng.randint(1, 9) for _ in range(rng.randint(1, 3)))
    late = len(strides) == 2 and rng.random() < 0.5
    return register_case(rng.randint(1, 40), strides, rng.randint(1, 2), late=late)


def random_memory(rng) -> tuple:
    """Return size, strides and planes that suit a vector in a memory."""
    narrow = rng.randint(1, 5)
    wide = narrow * rng.choice((1, 1, 2, 3, 4))
    return rng.randint(wide + 1, 5 * wide + 3), (wide, narrow), rng.randint(1, 2)
