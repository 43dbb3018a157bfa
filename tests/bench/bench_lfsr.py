"""Bench of `hdl.lfsr`: every word and every state against `golden.lfsr`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spikeloom.golden.lfsr import fill, parameters, to_signed
from spikeloom.golden.spec.lfsr import CATALOG, WORD_BITS
from spikeloom.hdl import lfsr as hdl
from tests.bench.bench import Bench, Case, Driver, Pins, lanes
from tests.support.stimulus import random_state

CLOCKS = 120


class GeneratorBench(Bench):
    """Random takes, host writes, states of 0, and both states where there is a second one.

    Latency: the words are those of the state that `take` left a clock ago. Throughput: `take` is
    the number of draws every other clock.
    """

    def __init__(
        self, component: hdl.Generator, seed: int, *, name: str, seeds: tuple, revives: bool
    ) -> None:
        super().__init__(component, seed)
        self.revives = revives
        self.lfsr = CATALOG[name]
        self.p = parameters(self.lfsr)
        self.draws = component.draws
        self.two = seeds[1] is not None
        self.seeds = seeds
        self.main, self.other, self.second = seeds[0], seeds[1], seeds[1]

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        rng = self.rng
        for _ in range(CLOCKS):
            pins = {"infer": rng.random() < 0.4, "restart": rng.random() < 0.1} if self.two else {}
            kind = rng.random()
            write = "write_seed" if self.two and rng.random() < 0.5 else "write"
            if kind < 0.1:
                value = random_state(self.lfsr, rng) & 0xFFFFFFFF
                yield pins | {write: rng.randint(1, 3), "value": value | 1}
            elif kind < 0.2:
                yield pins | ({write: 3, "value": 0} if kind < 0.15 else {})
                yield from self.begin(pins)
            else:
                yield pins | {
                    "random__take": rng.choice((0, self.draws, rng.randint(0, self.draws)))
                }

        for bit in rng.sample(range(self.lfsr.degree), 16):  # states that are nearly 0
            for write in ("write", "write_seed")[: 1 + self.two]:
                for half in range(2):
                    yield {write: 1 << half, "value": (1 << bit) >> 32 * half & 0xFFFFFFFF}
            yield from self.begin({})

    def begin(self, pins: Pins) -> Driver:
        yield {}
        yield {}
        yield pins | {"begin": 1}

    def check(self, seen: Pins) -> None:
        infer = bool(self.two and seen["infer"])
        before = self.second
        if seen["begin"] and self.revives:
            self.second = self.second or self.seeds[1]
        state = self.other if infer else self.main
        words = np.zeros(self.draws, np.uint16)
        fill(to_signed(state), self.p, words, self.draws)
        self.expect("words", lanes(seen["random__words"], WORD_BITS, self.draws), words.tolist())
        self.expect("state", seen["state"], self.main)
        state = fill(to_signed(state), self.p, words, seen["random__take"]) & self.lfsr.mask
        if self.two:
            self.expect("seed", seen["seed"], before)
            if infer:
                self.other = state
            if seen["restart"]:
                self.other = self.second
            self.second = self.written(self.second, seen["write_seed"], seen["value"])
        if not infer:
            self.main = state
        if seen["begin"] and self.revives:
            self.main = self.main or self.seeds[0]
        self.main = self.written(self.main, seen["write"], seen["value"])

    def written(self, state: int, halves: int, value: int) -> int:
        for half in range(2):
            if halves >> half & 1:
                state = state & ~(0xFFFFFFFF << 32 * half) | value << 32 * half
        return state & self.lfsr.mask


def case(name: str, draws: int, *, two: bool, revives: bool = True, module=hdl) -> Case:
    """Return a generator of the catalogue with its bench."""
    lfsr = CATALOG[name]
    seeds = (0x9E3779B97F4A7C15 & lfsr.mask, 0xBF58476D1CE4E5B9 & lfsr.mask if two else None)
    return Case(
        f"{name}_{draws}{'_two' if two else ''}{'' if revives else '_stays'}",
        lambda: module.Generator(
            lfsr, seed=seeds[0], draws=draws, second=seeds[1], revives=revives
        ),
        lambda component, seed: GeneratorBench(
            component, seed, name=name, seeds=seeds, revives=revives
        ),
    )


def cases(module=hdl) -> list[Case]:
    """Return every generator, from 1 to 8 draws, with and without a second state."""
    every = [case(name, 1 + k % 4, two=k % 2 == 1, module=module) for k, name in enumerate(CATALOG)]
    stays = case("lfsr16", 2, two=True, revives=False, module=module)
    return [*every, case("lfsr64", 8, two=True, module=module), stays]
