"""Inputs that tell mutants which the benches' own seldom tell: currents that meet a limit exactly.

What a neuron does with the low bits of a sum shows only where the sum lies next to a limit, which
random currents hit once in a thousand words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from amaranth.lib import wiring

from spikeloom.golden.spec.learning import CERTAIN, Update
from tests.bench.bench import Bench, Case, join
from tests.bench.bench_encoder import DropoutBench, EncoderBench
from tests.bench.bench_learning import RuleBench
from tests.bench.bench_neuron import ErrorBench, ForwardBench

PLAIN = 0.3
"""Share of words whose currents stay as the bench drew them."""

ANYWHERE = 0.25
"""Share of the others that lead anywhere between the limits: bits of a sum carry there too."""


class AimedForward(ForwardBench):
    """Currents that lead a membrane to one of its limits, or one beside it."""

    def steps(self):
        """Replace most currents; what they lead to is known from a model that runs ahead."""
        ahead = ForwardBench(
            _Shape(self), 0, machine=self.machine, layer=self.layer, bits=self.bits
        )
        for entry in super().steps():
            if entry is None:
                yield entry
                continue
            word, now, later = entry
            if self.rng.random() >= PLAIN:
                membrane = self.layer.train if now["train"] else self.layer.infer
                limits = (membrane.theta, membrane.floor, membrane.ceiling)
                held = (
                    [membrane.start] * self.lanes if now["first"] else ahead.word_of(ahead.v, word)
                )
                pool = [0] * self.lanes if now["first"] else ahead.word_of(ahead.pool, word)
                shift = self.machine.config.neuron.kernel_shift
                marks = (*limits, membrane.theta + membrane.ceiling, membrane.start)
                now = now | {"currents": aim(self, marks, held, pool, shift)}
            ahead.model({"word": word, **now}, later["dropped"])
            yield word, now, later


class AimedError(ErrorBench):
    """Currents that lead an error membrane to its threshold, to twice it, or to its rail."""

    def steps(self):
        """Replace most currents; what they lead to is known from a model that runs ahead."""
        ahead = ErrorBench(_Shape(self), 0, machine=self.machine, layer=self.layer, bits=self.bits)
        shift = self.machine.config.error.kernel_shift
        theta, top = self.layer.error_threshold, self.layer.error_max
        marks = [sign * limit for sign in (-1, 1) for limit in (theta, 2 * theta, top, top + 1)]
        if cost := self.layer.cost:
            marks += [cost - theta, cost - 2 * theta]
        for word, now, later in super().steps():
            now = {"currents": 0, **now}
            if self.rng.random() >= PLAIN:
                fresh = now["fresh"]
                held = [0] * self.lanes if fresh else self._either(ahead, word)
                pool = [0] * self.lanes if fresh else ahead.word_of(ahead.pool, word)
                now = now | {"currents": aim(self, [*marks, 0], held, pool, shift)}
            given = later["open"], later["dropped"], later.get("charged", 0)
            ahead.model({"word": word, **now}, *given)
            yield word, now, later

    def _either(self, ahead: ErrorBench, word: int) -> Sequence[int]:
        """Return the membranes of a word, or where there are two kinds, now those, now these."""
        if self.rng.random() < 0.5:
            return ahead.word_of(ahead.m, word)
        return [-m for m in ahead.word_of(ahead.m_n, word)]


class _Shape:
    """What a bench asks of a component, from a bench that has asked it."""

    def __init__(self, bench: ForwardBench | ErrorBench) -> None:
        flow = {True: wiring.In, False: wiring.Out}
        members = {name: flow[name in bench.inputs](bench.shapes[name]) for name in bench.pins}
        self.signature = wiring.Signature(members)
        self.words = bench.words


class AimedRule(RuleBench):
    """Words that agree with the probability down to a bit, differ there, and are anything below."""

    def word(self) -> int:
        """Return such a word."""
        bit = self.rng.randrange(CERTAIN.bit_length() - 1)
        return max(1, (self.chance ^ 1 << bit ^ self.rng.getrandbits(bit)) % CERTAIN)


class _Words:
    """A stream of random words that are none; `state` is how many have been taken."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self.state = 0

    def next(self, count: int) -> list[int]:
        return (self.words[self.state :] + [0] * count)[:count]

    def take(self, count: int) -> None:
        self.state += count


def near(rng: random.Random, limit: int) -> int:
    """Return a limit, one less, or what differs from it in one bit and any lower ones."""
    bit = rng.randrange(16)
    other = limit ^ 1 << bit ^ rng.getrandbits(bit)
    return rng.choice((limit, max(0, limit - 1), other, other))


class AimedDropout(DropoutBench):
    """Words that agree with the chance down to a bit, and are anything below."""

    def __init__(self, component: wiring.Component, seed: int, **shape: object) -> None:
        super().__init__(component, seed, **shape)
        self.source, self.state = _Words(), 0

    def meet_equality(self) -> None:
        """Leave the words as they will be."""

    def model(self) -> list[int]:
        """Choose the words, and say which are below."""
        words = [near(self.rng, self.chance) for _ in range(self.neurons)]
        self.source.words += words
        self.state += self.neurons
        return [place for place, word in enumerate(words) if word < self.chance]


class AimedEncoder(EncoderBench):
    """Words that agree with a product, or the chance, down to a bit, and are anything below."""

    def __init__(self, component: wiring.Component, seed: int, **shape: object) -> None:
        super().__init__(component, seed, **shape)
        self.input, self.dropout = _Words(), _Words()

    def meet_equality(self, train: int) -> None:
        """Leave the words as they will be."""

    def model(self, train: int, steps: int) -> None:
        """Choose the words, and say which are below."""
        machine, chance = self.machine, self.machine.input_dropout
        pixels = [(index, value) for index, value in enumerate(self.scanned) if value]
        silent = set()
        if train and chance:
            for index, _ in pixels:
                self.dropout.words.append(near(self.rng, chance))
                if self.dropout.words[-1] < chance:
                    silent.add(index)
        for ramp in (machine.ramp_train if train else machine.ramp_infer)[:steps]:
            fired = []
            for index, value in pixels:
                self.input.words.append(near(self.rng, value * ramp))
                if self.input.words[-1] < value * ramp and index not in silent:
                    fired.append(index)
            self.steps.append(fired)
        self.states = (len(self.input.words), len(self.dropout.words))


def aim(
    bench: ForwardBench | ErrorBench,
    marks: Sequence[int],
    held: Sequence[int],
    pool: Sequence[int],
    shift: int,
) -> int:
    """Return a word of currents that lead from `held` to one of `marks` or next to it.

    held, pool : of the lanes that have a neuron. shift : of the kernel.
    """
    limit = (1 << bench.bits - 1) - 1
    currents = []
    for lane in range(bench.lanes):
        if lane >= len(held):
            currents.append(bench.rng.randint(-limit, limit))
            continue
        mark = bench.rng.choice(marks) + bench.rng.choice((-2, -1, -1, 0, 0, 1, 2))
        if bench.rng.random() < ANYWHERE:
            mark = bench.rng.randint(min(marks), max(marks))
        current = ((mark - int(held[lane])) << shift) - int(pool[lane])
        if shift:
            current += bench.rng.randint(-(1 << shift), 1 << shift)
        currents.append(max(-limit - 1, min(limit, current)))
    return join(currents, bench.bits)


def aimed(case: Case) -> Case:
    """Return a case whose bench draws such inputs for every second seed."""

    def bench(component: wiring.Component, seed: int) -> Bench:
        plain = case.bench(component, seed)
        if seed % 2 == 0:
            return plain
        if isinstance(plain, RuleBench):
            update = Update(shift=plain.shift, probability=plain.chance)
            return AimedRule(component, seed, bits=plain.bits, update=update)
        if isinstance(plain, DropoutBench):
            return AimedDropout(component, seed, chance=plain.chance)
        if isinstance(plain, EncoderBench):
            return AimedEncoder(component, seed, machine=plain.machine, samples=plain.samples)
        kind = AimedForward if isinstance(plain, ForwardBench) else AimedError
        return kind(component, seed, machine=plain.machine, layer=plain.layer, bits=plain.bits)

    return Case(case.name, case.component, bench)
