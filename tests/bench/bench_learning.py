"""Bench of `hdl.rules.ssnn_bp` against `golden.rules.ssnn_bp` and `golden.crossbar.write`."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np

from spikeloom.golden import crossbar
from spikeloom.golden.lfsr import parameters
from spikeloom.golden.rules import ssnn_bp as golden
from spikeloom.golden.spec.learning import CERTAIN, MAX_SHIFT, Update
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.hdl.rules import ssnn_bp as hdl
from tests.bench.bench import Bench, Case, Driver, Pins
from tests.support import stimulus

LFSR = CATALOG["lfsr16"]
P = parameters(LFSR)
CLOCKS = 150


COLUMNS = 3


class RuleBench(Bench):
    """Spikes and error spikes, training or not, while the host changes both registers.

    Words are often the probability itself, or one less. Latency: none; a register's write shows a
    clock later, in the step two.
    """

    def __init__(self, component: hdl.Coincidence, seed: int, *, bits: int, update: Update) -> None:
        super().__init__(component, seed)
        self.bits, self.shift, self.chance = bits, update.shift, update.probability
        self.step: int | None = None

    def drivers(self) -> Iterable[Driver]:
        yield self.host()
        yield self.spikes()

    def host(self) -> Driver:
        """Write registers, and choose the words."""
        for _ in range(CLOCKS):
            write, value = self.rng.choice((0, 0, 1, 2)), self.rng.getrandbits(32)
            if write == 1:
                value = self.rng.randint(0, MAX_SHIFT)
            if write == 2:
                value = self.rng.choice((0, 1, CERTAIN, CERTAIN - 1, self.rng.getrandbits(16)))
            yield {
                "settings__write": write,
                "settings__value": value,
                "settings__random__words": self.word(),
            }

    def word(self) -> int:
        """Return any word but 0, which no generator gives; often that of equality, or one less."""
        if self.rng.random() < 0.5:
            return self.rng.randrange(1, CERTAIN)
        return max(1, min(CERTAIN - 1, self.chance) - self.rng.randint(0, 1))

    def spikes(self) -> Driver:
        """Go through every combination of a note and of the error spikes of three columns."""
        for bits in range(1 << 2 * COLUMNS + 1):
            yield {
                "train": self.rng.random() < 0.8,
                "layer__spike": self.rng.random() < 0.7,
                "layer__noted": bits & 1,
                "layer__positive": bits >> 1 & 7,
                "layer__negative": bits >> 4,
            }

    def check(self, seen: Pins) -> None:
        drawn = seen["train"] & seen["layer__spike"]
        self.expect("take", seen["settings__random__take"], drawn)
        self.expect("note", seen["layer__note"], seen["train"] & self.kept(seen))
        self.expect("steps", self.asked(seen), self.wanted(seen))
        registers = self.fields("settings__registers", seen["settings__registers"])
        self.expect("registers", registers, {"shift": self.shift, "probability": self.chance})
        if self.step is not None:
            self.expect("step", seen["change__step"], self.step)
        self.step = min(1 << self.shift, 1 << self.bits)
        if seen["settings__write"] & 1:
            self.shift = seen["settings__value"]
        if seen["settings__write"] & 2:
            self.chance = seen["settings__value"]

    def kept(self, seen: Pins) -> int:
        """Return what golden makes of a spike that draws this word."""
        state = stimulus.state_before(LFSR, seen["settings__random__words"], self.rng)
        words, keep = np.zeros(1, np.uint16), np.zeros(1, np.uint8)
        golden.thin(state, P, self.chance, 1, words, keep)
        return int(keep[0])

    def asked(self, seen: Pins) -> list[int]:
        """Return the sign of each column's step."""
        up, down = (seen["change__keep"] * seen[f"change__{name}"] for name in ("up", "down"))
        return [(up >> j & 1) - (down >> j & 1) for j in range(COLUMNS)]

    def wanted(self, seen: Pins) -> list[int]:
        """Return the weights, 0 before, into which golden writes."""
        up, down = seen["layer__positive"], seen["layer__negative"]
        signs = np.array([(up >> j & 1) - (down >> j & 1) for j in range(COLUMNS)], np.int8)
        weights, row = np.zeros(COLUMNS, np.int16), np.zeros(1, np.int32)
        active = np.flatnonzero(signs).astype(np.int32)
        keep = np.array([seen["layer__noted"]], np.uint8)
        crossbar.write(weights, row, 1, keep, signs, active, len(active), 0, 127)
        return weights.tolist()


def case(bits: int, module=hdl, bench=RuleBench) -> Case:
    """Return the rule of a layer of `bits` weights with its bench."""
    layer = stimulus.layer(3, COLUMNS, lanes=COLUMNS, weight_bits=bits)
    update = Update(shift=bits % 5, probability=CERTAIN - bits)
    machine = SimpleNamespace(updates=lambda epoch: (update,))
    return Case(
        f"rule_{bits}",
        lambda: module.Coincidence(machine, layer),
        lambda component, seed: bench(component, seed, bits=bits, update=update),
    )


def cases(module=hdl) -> list[Case]:
    """Return rules of the narrowest and of the widest weights."""
    return [case(bits, module) for bits in (2, 8, 16)]
