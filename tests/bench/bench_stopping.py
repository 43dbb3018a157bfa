"""Bench of `hdl.stopping` against `golden.stopping`: what is known and decided, in every clock."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spikeloom.golden import stopping as golden
from spikeloom.hdl import stopping as hdl
from tests.bench.bench import Bench, Case, Driver, Pins
from tests.support import stimulus

SAMPLES = 30


class StoppingBench(Bench):
    """Samples as `hdl.sample` runs them: no step but known ones, two clocks each at least."""

    def __init__(self, component: hdl.Stopping, seed: int, *, classes: int, steps: int):
        super().__init__(component, seed)
        self.classes, self.most = classes, steps
        self.known = self.goal = self.sure = 0
        self.left = 0  # clocks until it is decided
        self.counts: list[int] = []  # as they were looked at

    def drivers(self) -> Iterable[Driver]:
        yield self.samples()

    def samples(self) -> Driver:
        for _ in range(SAMPLES):
            yield from self.sample()
            for _ in range(self.rng.randrange(4, 9)):
                yield {}

    def sample(self) -> Driver:
        rng = self.rng
        full = (1 << self.most.bit_length()) - 1
        margins = [min(full, rng.choice((0, 1, 2, 3, 8, self.most, full))) for _ in range(2)]
        held = {
            "stop__train": margins[0],
            "stop__infer": margins[1],
            "stop__least": min(full, rng.choice((0, 1, 1, 2, 5, self.most, full))),
            "steps": rng.randint(1, self.most),
            "train": rng.randrange(2),
            "label": rng.randrange(self.classes),
        }
        chances = [rng.choice((0.05, 0.2, 0.5, 1.0)) for _ in range(self.classes)]
        counts = [0] * self.classes
        yield held | {"begin": 1}
        for ran in range(1, held["steps"] + 1):
            seen = yield held
            while seen["known"] < ran:
                seen = yield held
            for _ in range(rng.choice((2, 2, 3, 9))):
                seen = yield held
            look = ran == seen["known"] < held["steps"]
            yield held | {"look": int(look)}
            counts = [count + (rng.random() < p) for count, p in zip(counts, chances, strict=True)]
            if look:
                for count in counts:
                    yield held | {"count": count}
                yield held | {"count": rng.randint(0, self.most)}
                if (yield held)["sure"]:
                    return

    def check(self, seen: Pins) -> None:
        self.expect("known", seen["known"], self.known)
        self.expect("busy", seen["busy"], int(self.left > 0))
        if self.left > 1:
            self.expect("place", seen["place"], len(self.counts))
            self.counts.append(seen["count"])
        elif self.left:
            self.decide(seen)
        else:
            self.expect("sure", seen["sure"], self.sure)
        self.left = max(0, self.left - 1)
        if not self.left and self.known < self.goal:
            self.known += 1
        if seen["begin"]:
            self.known = self.goal = 0
            self.counts, self.left = [0] * self.classes, 1
        elif seen["look"]:
            self.counts, self.left = [], self.classes + 1

    def decide(self, seen: Pins) -> None:
        """Find the first step after which the sample can be sure, as the text has it."""
        counts = np.array(self.counts, np.int32)
        lead = int(golden.lead(counts, seen["label"] if seen["train"] else -1))
        margin = seen["stop__train"] if seen["train"] else seen["stop__infer"]
        ran, least, steps = self.known, seen["stop__least"], seen["steps"]
        self.sure = int(0 < margin <= lead and least <= ran > 0)
        self.goal = min(steps, max(least, ran + margin - lead)) if margin else steps


def case(classes: int, steps: int, module=hdl) -> Case:
    """Return the block for so many classes and steps, with its bench."""
    machine = stimulus.machine(sizes=(4, classes), steps=steps)
    return Case(
        f"stopping_{classes}_{steps}",
        lambda: module.Stopping(machine),
        lambda component, seed: StoppingBench(component, seed, classes=classes, steps=steps),
    )


def cases(module=hdl) -> list[Case]:
    """Return two classes and more, a single step and many."""
    return [case(*shape, module=module) for shape in ((2, 12), (3, 1), (5, 40), (10, 64))]
