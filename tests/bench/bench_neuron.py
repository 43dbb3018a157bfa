"""Benches of `hdl.neuron` and `hdl.error`: forward and error neurons against `golden.neuron`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from amaranth import signed

from spikeloom.golden import neuron as golden
from spikeloom.golden.spec.machine import LayerMachine, Machine
from spikeloom.golden.spec.neuron import NO_LEAK, Leak, Membrane, NeuronConfig
from spikeloom.hdl import error as hdl_error
from spikeloom.hdl import neuron as hdl
from tests.bench.bench import Bench, Case, Driver, Pins, Stalls, join, lanes
from tests.support import stimulus
from tests.support.configurations import other_values

LATENCY = 2  # clocks from valid to the word's spikes
AGAIN = 3  # clocks after which a word may come back
STEPS = 36


class WordBench(Bench):
    """Sweeps over the words of a layer, in any order, as dense as the contract allows.

    `now` pins go with a word, `later` pins a clock behind it, `soon` a clock before it.
    """

    def __init__(self, component, seed: int, *, neurons: int, words: int, bits: int) -> None:
        super().__init__(component, seed)
        self.neurons, self.words, self.bits = neurons, words, bits
        self.lanes = -(-component.signature.members["currents"].shape.size // bits)
        self.wait = Stalls(self.rng, (0.0, 0.0, 0.0, 0.5))
        self.expected: deque[tuple[int, dict[str, int]]] = deque()
        self.sweeps = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.sweep()

    def steps(self) -> Iterator[tuple[int, dict[str, int], dict[str, int]] | None]:
        """Yield word after word with the pins of its clock and those of the next; None: a gap."""
        raise NotImplementedError

    def sweep(self) -> Driver:
        """Keep a plan of coming clocks: `soon` comes first, so a word is planned two ahead."""
        last: dict[int, int] = {}
        plan: deque[dict[str, int]] = deque([{}, {}])
        planned = 0
        for entry in self.steps():
            if entry is None:
                planned += 1
                plan.append({})
                continue
            word, now, later = entry
            while planned < last.get(word, -AGAIN) + AGAIN or self.wait():
                planned += 1
                plan.append({})
            last[word] = planned
            plan[-2]["soon"] = word
            plan[-1] |= {"valid": 1, "word": word} | now
            plan.append(dict(later))
            planned += 1
            while len(plan) > 2:
                yield plan.popleft()
        while plan:
            yield plan.popleft()

    def word_of(self, values: np.ndarray, word: int) -> np.ndarray:
        """Return the neurons of a word, a view."""
        return values[word * self.lanes : min((word + 1) * self.lanes, self.neurons)]

    def order(self) -> list[int]:
        """Return the words of a sweep, ascending as in the machine, or shuffled."""
        words = list(range(self.words))
        if self.rng.random() < 0.3:
            self.rng.shuffle(words)
        return words

    def currents(self) -> dict[str, int]:
        """Draw a word of currents, in lanes without a neuron too."""
        size = self.rng.choice((self.bits - 1, self.bits - 1, 3, self.bits // 2 + 1))
        limit = (1 << min(size, self.bits - 1)) - 1
        drawn = [stimulus.edgy(self.rng, limit) for _ in range(self.lanes)]
        if self.rng.random() < 0.2:  # drive all into one rail
            drawn = [self.rng.choice((limit, -limit))] * self.lanes
        return {"currents": join(drawn, self.bits)}

    def due(self) -> dict[str, int] | None:
        """Return what must come out in this clock."""
        if self.expected and self.expected[0][0] == self.clock:
            return self.expected.popleft()[1]
        return None

    def finish(self) -> None:
        self.expect("words that never came out", list(self.expected), [])


class ForwardBench(WordBench):
    """Samples of a few steps, training and inferring; dropped neurons; every current."""

    def __init__(self, component, seed: int, *, machine: Machine, layer: LayerMachine, bits: int):
        super().__init__(component, seed, neurons=layer.n_post, words=component.words, bits=bits)
        self.machine, self.layer = machine, layer
        n = layer.n_post
        self.v, self.pool = np.zeros(n, np.int32), np.zeros(n, np.int32)
        self.seen_before: Pins = dict.fromkeys(self.pins, 0)

    def steps(self):
        done = 0
        while done < STEPS:
            train = self.rng.randint(0, 1)
            drop = self.rng.getrandbits(self.words * self.lanes) if self.rng.random() < 0.3 else 0
            for step in range(self.rng.randint(1, 8)):
                for word in self.order():
                    now = {"first": step == 0, "train": train} | self.currents()
                    part = drop >> word * self.lanes & (1 << self.lanes) - 1
                    yield word, now, {"train": train, "dropped": part}
                done += 1
            yield None  # `train` holds for the sample, also behind the last word

    def check(self, seen: Pins) -> None:
        wanted = self.due()
        self.expect("fired_valid", seen["fired_valid"], int(wanted is not None))
        if wanted is not None:
            got = {name: seen[name] for name in wanted}
            self.expect("the word's spikes", got, wanted)
        if self.seen_before["valid"]:
            self.model(self.seen_before, seen["dropped"])
        self.seen_before = seen

    def model(self, seen: Pins, dropped: int) -> None:
        """Step the neurons of the word that came a clock ago."""
        word, layer = seen["word"], self.layer
        v, pool = self.word_of(self.v, word), self.word_of(self.pool, word)
        train = bool(seen["train"])
        p = np.array(golden.forward_parameters(self.machine, layer, train=train), np.int64)
        if seen["first"]:
            golden.start(p, v, pool)
        else:
            golden.lose(p, v)
        current = np.array(lanes(seen["currents"], self.bits, v.size, signed=True), np.int32)
        spike = np.zeros(v.size, np.uint8)
        silent = np.array([dropped >> i & 1 for i in range(v.size)], np.uint8)
        golden.forward(p, current, v, pool, silent, spike)
        fired = stimulus.bits_of(np.flatnonzero(spike).tolist())
        self.expected.append((self.clock - 1 + LATENCY, {"fired": fired, "fired_word": word}))


def could_wait(p: np.ndarray, m: np.ndarray, m_n: np.ndarray, gate: np.ndarray) -> bool:
    """Return whether a sweep too many is allowed: an open neuron lacks the cost, or less."""
    least = p[golden.ERROR_THETA] - p[golden.COST]
    return bool(p[golden.COST] and (np.maximum(m, m_n)[gate != 0] >= least).any())


class ErrorBench(WordBench):
    """Samples of a few sweeps; gates that open on the way; dropped neurons; every current.

    Where there is a cost, open neurons are charged at random.
    """

    def __init__(self, component, seed: int, *, machine: Machine, layer: LayerMachine, bits: int):
        super().__init__(component, seed, neurons=layer.n_post, words=component.words, bits=bits)
        self.machine, self.layer, self.output = machine, layer, layer.index == 2
        n = layer.n_post
        self.m, self.m_n, self.pool = (np.zeros(n, np.int32) for _ in range(3))
        self.seen_before: Pins = dict.fromkeys(self.pins, 0)

    def steps(self):
        done, size = 0, self.words * self.lanes
        every = (1 << self.lanes) - 1
        while done < STEPS:
            open_, drop = self.rng.getrandbits(size) & self.rng.getrandbits(size), 0
            if not self.output and self.rng.random() < 0.3:
                drop = self.rng.getrandbits(size)
            for step in range(self.rng.randint(1, 8)):
                silent = self.rng.random() < 0.3
                charged = self.rng.getrandbits(size) & open_ & ~drop if self.layer.cost else 0
                for word in self.order():
                    now = {"fresh": step == 0} | ({} if silent else self.currents())
                    shift = word * self.lanes
                    later = {"open": open_ >> shift & every, "dropped": drop >> shift & every}
                    if charged:
                        later["charged"] = charged >> shift & every
                    yield word, now, later
                open_ |= self.rng.getrandbits(size) & self.rng.getrandbits(size)
                done += 1

    def check(self, seen: Pins) -> None:
        wanted = self.due()
        self.expect("done", seen["done"], int(wanted is not None))
        if wanted is not None:
            got = {name: seen[name] for name in wanted}
            self.expect("the word's error spikes", got, wanted)
        if self.seen_before["valid"]:
            self.model(self.seen_before, seen["open"], seen["dropped"], seen.get("charged", 0))
        self.seen_before = seen

    def model(self, seen: Pins, open_: int, dropped: int, charged: int) -> None:
        """Step the neurons of the word that came a clock ago."""
        word, layer = seen["word"], self.layer
        m, m_n, pool = (self.word_of(a, word) for a in (self.m, self.m_n, self.pool))
        p = np.array(golden.error_parameters(self.machine, layer), np.int64)
        if seen["fresh"]:
            m[:], m_n[:], pool[:] = 0, 0, 0
        current = np.array(lanes(seen["currents"], self.bits, m.size, signed=True), np.int32)
        opened = (-1 if p[golden.GATE] == golden.OPEN else open_) & ~dropped
        gate, due = (
            np.array([bits >> i & 1 for i in range(m.size)], np.uint8) for bits in (opened, charged)
        )
        out = np.zeros(m.size, np.int8)
        waiting = golden.error(p, current, m, m_n, pool, gate, layer.cost, due, out)
        up, down = (stimulus.bits_of(np.flatnonzero(out == sign).tolist()) for sign in (1, -1))
        wanted = {"positive": up, "negative": down, "done_word": word}
        if waiting or not could_wait(p, m, m_n, gate):
            wanted["pending"] = int(waiting)
        self.expected.append((self.clock - 1 + LATENCY, wanted))


TIGHT = Membrane(theta=1, start=0, floor=0, ceiling=0)
LOOSE = Membrane(theta=1000, start=1000, floor=-1, ceiling=4000)
WIDE = Membrane(theta=32768, start=16384, floor=-131072, ceiling=32768)
LOW = Membrane(theta=200, start=10, floor=-10, ceiling=20)
BASE = stimulus.MEMBRANE
OTHER = Membrane(theta=57, start=29, floor=-228, ceiling=57)
MORE = Membrane(theta=40, start=20, floor=-10, ceiling=40, excess=22)  # to below the floor
LESS = Membrane(theta=57, start=29, floor=-228, ceiling=30, excess=-57)
LEAKS = (Leak(1), Leak(15), Leak(3, 5, -1), Leak(1, 2, 1), Leak(4, 15, 1))

# neurons, lanes, membranes to train and infer with, reset, kernel shift, bits of a current
FORWARD = (
    (1, 1, BASE, BASE, "subtract", 0, 9),
    (7, 3, BASE, OTHER, "zero", 0, 9),
    (10, 5, BASE, OTHER, "subtract", 2, 8),
    (5, 5, TIGHT, TIGHT, "subtract", 0, 4),
    (9, 1, LOOSE, BASE, "zero", 3, 12),
    (6, 4, WIDE, WIDE, "subtract", 1, 22),
    (3, 2, TIGHT, LOOSE, "zero", 8, 18),
    (8, 4, LOW, LOW, "subtract", 0, 9),
    (6, 3, MORE, LESS, "subtract", 0, 9),
)


OTHERS = other_values(NeuronConfig, ("reset", "kernel_shift", "floor", "ceiling", "start"))
"""Values of the keys that no case names."""


def forward_case(
    n, lanes_, train, infer, reset, shift, bits,
    *, name="", module=hdl, leak=NO_LEAK, **others,
) -> Case:  # fmt: skip
    """Return forward neurons with their bench; the crossbar may have other lanes than they."""
    # the layer's own sums are as wide as the currents
    layer = stimulus.layer(1, n, lanes=n, train=train, infer=infer, weight_bits=bits, leak=leak)
    machine = stimulus.machine((layer,), neuron__reset=reset, neuron__kernel_shift=shift, **others)
    told = "".join(f"_{key}_{value}" for key, value in others.items())
    told += f"_leak_{leak.first}_{leak.second}_{leak.sign + 1}" * bool(leak)
    return Case(
        name or f"forward_{n}_{lanes_}_{reset}_{shift}{told}",
        lambda: module.ForwardNeurons(machine, layer, lanes=lanes_, current=signed(bits)),
        lambda component, seed: ForwardBench(
            component, seed, machine=machine, layer=layer, bits=bits
        ),
    )


def forward_cases(module=hdl) -> list[Case]:
    """Return one lane, as many as neurons, and others; resets; kernels; odd membranes; leaks.

    And every other key of a neuron, at values that are not neutral.
    """
    cases = [forward_case(*fields, module=module) for fields in FORWARD]
    for fields, leak in zip(FORWARD[1:4] + FORWARD[5:6] + FORWARD[8:], LEAKS, strict=True):
        cases.append(forward_case(*fields, module=module, leak=leak))
    for key, values in OTHERS.items():
        for fields in FORWARD[1:3]:
            cases += [
                forward_case(*fields, module=module, **{f"neuron__{key}": value})
                for value in values
            ]
    return cases


# neurons, lanes, threshold, largest membrane, bits, membranes, gate, kernel, current, output layer;
# cost
ERROR = (
    (1, 1, 30, 511, 10, "shared", "hold", 0, 9, False),
    (7, 2, 30, 511, 10, "separate", "hold", 0, 11, False),
    (10, 4, 1, 511, 10, "shared", "discard", 0, 10, False),
    (6, 8, 511, 511, 10, "separate", "discard", 2, 9, False),
    (9, 4, 100, 131071, 18, "shared", "open", 3, 9, False),
    (10, 5, 512, 131071, 18, "shared", "discard", 0, 10, True),
    (3, 3, 256, 131071, 18, "separate", "hold", 1, 10, True),
    (5, 1, 77, 131071, 18, "separate", "open", 8, 20, False),
    (5, 2, 40, (1 << 29) - 1, 30, "shared", "hold", 0, 24, False),
    (10, 4, 60, 511, 10, "shared", "hold", 0, 9, False, 1),
    (7, 2, 60, 511, 10, "separate", "discard", 0, 10, False, 59),
    (3, 1, 511, 511, 10, "shared", "open", 0, 10, False, 511),
    (5, 1, 12, 511, 10, "separate", "open", 0, 8, False, 12),
)


def error_case(
    n, lanes_, theta, top, bits, membranes, gate, shift, current, output, cost=0,
    *, name="", module=hdl_error,
) -> Case:  # fmt: skip
    """Return error neurons with their bench."""
    layer = stimulus.layer(
        3, n, lanes=lanes_, index=1 + output, error_threshold=theta, error_max=top, cost=cost
    )
    machine = stimulus.machine(
        (layer,),
        error__membranes=membranes,
        error__gate=gate,
        error__kernel_shift=shift,
        error__bits=bits,
    )
    return Case(
        name
        or f"error_{n}_{lanes_}_{membranes}_{gate}_{shift}{'_output' * output}"
        f"{f'_cost_{cost}' if cost else ''}",
        lambda: module.ErrorNeurons(
            machine, layer, lanes=lanes_, current=signed(current), output=output
        ),
        lambda component, seed: ErrorBench(
            component, seed, machine=machine, layer=layer, bits=current
        ),
    )


def error_cases(module=hdl_error) -> list[Case]:
    """Return both membranes, all gates, kernels, more lanes than neurons, saturation, costs."""
    return [error_case(*fields, module=module) for fields in ERROR]


def random_cases(rng, count: int) -> list[Case]:
    """Return neurons of any size and setting."""
    found = []
    for k in range(count):
        n = rng.randint(1, 20)
        lanes_, shift, bits = rng.randint(1, 8), rng.choice((0, 0, 1, 4)), rng.randint(3, 20)
        theta = rng.choice((1, rng.randint(1, 1 << bits)))
        own = Membrane(
            theta, rng.randint(0, theta), -rng.randint(0, 4 * theta), rng.randint(0, 2 * theta)
        )
        reset = rng.choice(("subtract", "zero"))
        name = f"random_{k}"
        fields = (n, lanes_, own, rng.choice((own, BASE)), reset, shift, bits)
        others = {f"neuron__{key}": rng.choice(values) for key, values in OTHERS.items()}
        found.append(forward_case(*fields, name=f"{name}_forward", **others))
        wide = rng.randint(10, 30)
        top = (1 << wide - 1) - 1
        theta = rng.choice((1, top, rng.randint(1, top), rng.randint(1, 1 << bits - 1)))
        membranes = rng.choice(("shared", "separate"))
        gate, output = rng.choice(tuple(golden.GATES)), rng.random() < 0.3
        theta = min(theta, top)
        cost = 0 if output else rng.choice((0, 0, 1, rng.randint(1, theta), theta))
        fields = (n, lanes_, theta, top, wide, membranes, gate, shift, bits, output, cost)
        found.append(error_case(*fields, name=f"{name}_error"))
    return found
