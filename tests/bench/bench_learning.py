"""Benches of `hdl.learning`: thinning, coincidence and step against `golden.learning_forms`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spikeloom.golden import crossbar
from spikeloom.golden import learning_forms as golden
from spikeloom.golden.lfsr import parameters
from spikeloom.golden.spec.learning import CERTAIN, MAX_SHIFT
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.hdl import learning as hdl
from tests.bench.bench import Bench, Case, Driver, Pins
from tests.support import stimulus

LFSR = CATALOG["lfsr16"]
P = parameters(LFSR)
CLOCKS = 150


class ThinningBench(Bench):
    """Spikes, training or not, at any probability; words that equal it. Latency: none."""

    def __init__(self, component: hdl.Thinning, seed: int) -> None:
        super().__init__(component, seed)
        self.state = stimulus.random_state(LFSR, self.rng)

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        rng = self.rng
        for _ in range(CLOCKS):
            probability = rng.choice((0, 1, CERTAIN, CERTAIN - 1, rng.randint(0, CERTAIN)))
            if probability and rng.random() < 0.5:  # the word of equality, or one less
                word = max(1, min(CERTAIN - 1, probability) - rng.randint(0, 1))
                self.state = stimulus.state_before(LFSR, word, rng)
            words, keep = np.zeros(1, np.uint16), np.zeros(1, np.uint8)
            after = golden.thin(self.state, P, probability, 1, words, keep)
            seen = yield {
                "word": int(words[0]),
                "train": rng.random() < 0.8,
                "probability": probability,
                "spike": rng.random() < 0.7,
            }
            if seen["take"]:
                self.state = after

    def check(self, seen: Pins) -> None:
        if not seen["train"]:
            self.expect("take, keep", (seen["take"], seen["keep"]), (0, 0))
            return
        self.expect("take", seen["take"], seen["spike"])
        if seen["spike"]:
            words, keep = np.zeros(1, np.uint16), np.zeros(1, np.uint8)
            golden.thin(self.state, P, seen["probability"], 1, words, keep)
            self.expect("keep", seen["keep"], int(keep[0]))


class CoincidenceBench(Bench):
    """Every combination of a kept row and of the error spikes of three columns."""

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        for bits in range(1 << 7):
            yield {"spike": bits & 1, "positive": bits >> 1 & 7, "negative": bits >> 4}

    def check(self, seen: Pins) -> None:
        """The weights, 0 before, are the signs that golden writes."""
        columns = 3
        signal = [(seen["positive"] >> j & 1) - (seen["negative"] >> j & 1) for j in range(columns)]
        weights, row = np.zeros(columns, np.int16), np.zeros(1, np.int32)
        active = np.flatnonzero(signal).astype(np.int32)
        keep = np.array([seen["spike"]], np.uint8)
        signs = np.array(signal, np.int8)
        crossbar.write(weights, row, 1, keep, signs, active, len(active), 0, 127)
        up, down = (seen["keep"] * seen[name] for name in ("up", "down"))
        got = [(up >> j & 1, down >> j & 1) for j in range(columns)]
        self.expect("up, down", got, [(int(w > 0), int(w < 0)) for w in weights])


class StepBench(Bench):
    """Writes in any order; the step follows the shift a clock later."""

    def __init__(self, component: hdl.Step, seed: int, *, bits: int, shift: int, chance: int):
        super().__init__(component, seed)
        self.bits = bits
        self.shift, self.chance, self.step = shift, chance, None

    def drivers(self) -> Iterable[Driver]:
        yield self.use()

    def use(self) -> Driver:
        rng = self.rng
        for _ in range(CLOCKS):
            kind = rng.randrange(4)
            if kind == 0:
                yield {"write_shift": 1, "value": rng.randint(0, MAX_SHIFT)}
            elif kind == 1:
                yield {
                    "write_probability": 1,
                    "value": rng.choice((0, CERTAIN, rng.getrandbits(16))),
                }
            else:
                yield {"value": rng.getrandbits(32)}

    def check(self, seen: Pins) -> None:
        self.expect("shift", seen["shift"], self.shift)
        self.expect("probability", seen["probability"], self.chance)
        if self.step is not None:
            self.expect("step", seen["step"], self.step)
        self.step = min(1 << self.shift, 1 << self.bits)
        if seen["write_shift"]:
            self.shift = seen["value"]
        if seen["write_probability"]:
            self.chance = seen["value"]


def step_case(bits: int, module=hdl) -> Case:
    """Return the step of a layer of `bits` weights with its bench."""
    layer = stimulus.layer(3, 3, lanes=1, weight_bits=bits)
    init = {"shift": bits % 5, "probability": CERTAIN - bits}
    return Case(
        f"step_{bits}",
        lambda: module.Step(layer, **init),
        lambda component, seed: StepBench(
            component, seed, bits=bits, shift=init["shift"], chance=init["probability"]
        ),
    )


def cases(module=hdl) -> list[Case]:
    """Return the rule's three parts; steps of the narrowest and of the widest weights."""
    return [
        Case("thinning", module.Thinning, ThinningBench),
        Case("coincidence", lambda: module.Coincidence(3), CoincidenceBench),
        *(step_case(bits, module) for bits in (2, 8, 16)),
    ]
