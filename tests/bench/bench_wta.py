"""Bench of `hdl.wta` against `golden.wta`: counted spikes per step, currents in every clock."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from amaranth import signed

from spikeloom.golden import wta as golden
from spikeloom.golden.spec.machine import SPIKE, LayerMachine
from spikeloom.golden.spec.wta import START
from spikeloom.hdl import wta as hdl
from tests.bench.bench import Bench, Case, Driver, Pins, Stalls, join, lanes
from tests.support import stimulus

EVERY = 2  # clocks between two steps
STEPS = 40


class WtaBench(Bench):
    """Samples of steps as dense as allowed, raw spikes held for two clocks; sums in every clock."""

    def __init__(self, component: hdl.Wta, seed: int, *, kind: str, layer: LayerMachine, bits: int):
        super().__init__(component, seed)
        self.kind, self.layer, self.bits = golden.KINDS[kind], layer, bits
        self.wide = component.current.width
        self.latency = 1 if kind in ("none", "lateral") else 2
        self.counted = np.zeros(layer.n_post, np.uint8)
        self.stage = np.full(layer.n_post, START, np.int32)
        self.due: dict[int, int] = {}  # counted spikes by the clock that shows them
        self.shown = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.steps()

    def background(self) -> Iterable[Driver]:
        yield self.sums()

    def steps(self) -> Driver:
        wait = Stalls(self.rng, (0.0, 0.0, 0.5))
        n = self.layer.n_post
        for _ in range(STEPS):
            if self.rng.random() < 0.1:
                yield {}
                yield {"start": 1}
            raw = stimulus.bits_of(stimulus.subset(self.rng, n))
            yield {"valid": 1, "raw": raw}
            for _ in range(EVERY - 1):
                yield {"raw": raw}
            while wait():
                yield {"raw": self.rng.getrandbits(n)}

    def sums(self) -> Driver:
        limit = (1 << self.bits - 1) - 1
        while True:
            drawn = [stimulus.edgy(self.rng, limit) for _ in range(self.layer.lanes)]
            word = self.rng.randrange(self.layer.words)
            yield {"word": word, "sums": join(drawn, self.bits)}

    def check(self, seen: Pins) -> None:
        wanted = self.due.pop(self.clock, None)
        self.expect("done", seen["done"], int(wanted is not None))
        self.shown = self.shown if wanted is None else wanted
        self.expect("counted", seen["counted"], self.shown)
        self.check_currents(seen)
        if seen["start"]:
            self.counted[:], self.stage[:], self.shown = 0, START, 0
        if seen["valid"]:
            n = self.layer.n_post
            raw = np.array([seen["raw"] >> j & 1 for j in range(n)], np.uint8)
            golden.stage(self.kind, self.layer.inhibition, raw, self.counted, self.stage)
            counted = stimulus.bits_of(np.flatnonzero(self.counted).tolist())
            self.due[self.clock + self.latency] = counted

    def check_currents(self, seen: Pins) -> None:
        """Inhibit a word of sums by the spikes shown, those of the step before."""
        layer = self.layer
        first = seen["word"] * layer.lanes
        there = min(layer.lanes, layer.n_post - first)
        current = np.zeros(layer.n_post, np.int32)
        sums = lanes(seen["sums"], self.bits, there, signed=True)
        current[first : first + there] = sums
        before = np.array([self.shown >> j & 1 for j in range(layer.n_post)], np.uint8)
        golden.inhibit(self.kind, layer.inhibition, before, current)
        got = lanes(seen["currents"], self.wide, there, signed=True)
        self.expect("currents", got, current[first : first + there].tolist())


def case(kind: str, n: int, lanes_: int, inhibition: int, bits: int = 10, module=hdl) -> Case:
    """Return a winner-take-all stage with its bench."""
    layer = stimulus.layer(4, n, lanes=lanes_, inhibition=inhibition)
    machine = stimulus.machine((layer,), wta__kind=kind)
    return Case(
        f"wta_{kind}_{n}_{lanes_}_{inhibition}",
        lambda: module.Wta(machine, layer, signed(bits), lanes=layer.lanes),
        lambda component, seed: WtaBench(component, seed, kind=kind, layer=layer, bits=bits),
    )


KINDS = ("none", "lateral", "feedforward", "recurrent")
STRENGTHS = (0, 1, SPIKE // 4, SPIKE, 16 * SPIKE)
SHAPES = ((2, 1), (10, 4), (7, 7), (11, 3), (3, 2))


def cases(module=hdl) -> list[Case]:
    """Return all kinds, each without strength, weak, and far beyond what a neuron can hold."""
    return [
        case(kind, *SHAPES[(k + i) % len(SHAPES)], strength, module=module)
        for i, strength in enumerate(STRENGTHS)
        for k, kind in enumerate(KINDS)
    ]
