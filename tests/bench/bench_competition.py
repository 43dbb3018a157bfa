"""Bench of `hdl.competition` against `golden.neuron` and `golden.wta`: who wins each step, when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from amaranth import signed

from spikeloom.golden import neuron
from spikeloom.golden import wta as golden
from spikeloom.golden.lfsr import advance, parameters
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import LayerMachine, Machine
from spikeloom.golden.spec.neuron import NO_LEAK, Leak, Membrane
from spikeloom.golden.spec.wta import NOISE_BITS, NOISE_ONE, SOFTMAX, gains
from spikeloom.hdl import competition as hdl
from tests.bench.bench import Bench, Case, Driver, Pins, Stalls
from tests.support import stimulus

LATENCY = 4  # clocks from the last class to done
SAMPLES = 14
LFSR = CATALOG["lfsr32"]
P = parameters(LFSR)


class CompetitionBench(Bench):
    """Samples of some steps, classes one by one, as dense as allowed; ties, rails, every current.

    The bench is the stream: the words drawn are those that golden draws, in its order.
    """

    def __init__(
        self, component, seed: int, *, machine: Machine, layer: LayerMachine, bits: int
    ) -> None:
        super().__init__(component, seed)
        self.machine, self.layer, self.bits = machine, layer, bits
        n = layer.n_post
        self.current, self.v, self.pool = (np.zeros(n, np.int32) for _ in range(3))
        self.spike = np.zeros(n, np.uint8)
        self.stream = self.wanted_stream = stimulus.random_state(LFSR, self.rng)
        self.due: dict[int, int] = {}  # the winner, by the clock of its done
        self.step = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.samples()

    def background(self) -> Iterable[Driver]:
        yield self.words()

    def words(self) -> Driver:
        state = self.stream
        while True:
            following = int(advance(np.int64(state), P))
            seen = yield {"random__words": following & 0xFFFF}
            if seen["random__take"]:
                state = self.stream = following

    def samples(self) -> Driver:
        wait = Stalls(self.rng, (0.0, 0.0, 0.5))
        for _ in range(SAMPLES):
            train = self.rng.randint(0, 1)
            yield {"start": 1, "train": train}
            for step in range(self.rng.randint(1, self.machine.config.steps)):
                held = {"train": train, "first": step == 0}
                plan: list[dict[str, int]] = [{}]
                for word, current in enumerate(self.currents(held)):
                    while wait():
                        plan.append({})
                    plan[-1]["soon"] = word
                    plan.append({"valid": 1, "word": word, "currents": current})
                for pins in plan:
                    seen = yield held | pins
                while not seen["done"]:
                    seen = yield held
                # a new stream state may only be shown between steps
                self.expect("the stream", self.stream, self.wanted_stream)

    def currents(self, held: Pins) -> list[int]:
        """Draw currents: any, small ones, none, all into one rail, or such that sums nearly tie."""
        n, top = self.layer.n_post, (1 << self.bits - 1) - 1
        limit = self.rng.choice((top, top, 3, 1 << self.bits // 2))
        drawn = [stimulus.edgy(self.rng, limit) for _ in range(n)]
        kind = self.rng.random()
        if kind < 0.2:
            drawn = [0] * n
        elif kind < 0.4:
            drawn = [self.rng.choice((top, -top))] * n
        elif kind < 0.7:
            drawn = self.near(held)
        return [value & (1 << self.bits) - 1 for value in drawn]

    def near(self, held: Pins) -> list[int]:
        """Return currents that bring all sums, membrane and noise, to one number or one below."""
        top = (1 << self.bits - 1) - 1
        p, v = np.array(neuron.forward_parameters(self.machine, self.layer, train=True)), 0 * self.v
        if not held["first"]:
            v[:] = self.v
            neuron.lose(p, v)
        state, gain, sums = np.int64(self.stream), self.machine.noise_gain[self.step], []
        for left in v.tolist():
            state = advance(state, P)
            noise = int(golden.GUMBEL[state & ((1 << NOISE_BITS) - 1)]) * gain >> NOISE_ONE
            sums.append(left + noise * held["train"])
        goal = (min(sums) + max(sums)) // 2
        return [max(-top, min(top, goal - now - self.rng.randint(0, 1))) for now in sums]

    def check(self, seen: Pins) -> None:
        wanted = self.due.pop(self.clock, None)
        self.expect("done", seen["done"], int(wanted is not None))
        if wanted is not None:
            self.expect("the class that counts", seen["counted"], 1 << wanted)
        self.expect("a word is drawn", seen["random__take"], seen["valid"] & seen["train"])
        if seen["start"]:
            self.step = 0
        if seen["valid"]:
            self.take(seen)

    def take(self, seen: Pins) -> None:
        """Take a class's current; with the last one golden makes the step."""
        value, half = seen["currents"], 1 << self.bits - 1
        self.current[seen["word"]] = value - 2 * half if value >= half else value
        if seen["word"] < self.layer.n_post - 1:
            return
        train = bool(seen["train"])
        p = np.array(neuron.forward_parameters(self.machine, self.layer, train=train), np.int64)
        if seen["first"]:
            neuron.start(p, self.v, self.pool)
        else:
            neuron.lose(p, self.v)
        neuron.integrate(p, self.current, self.v, self.pool)
        gain = self.machine.noise_gain[self.step]
        self.wanted_stream = int(
            golden.compete(np.int64(self.wanted_stream), P, train, gain, self.v, self.spike)
        )
        self.due[self.clock + LATENCY] = int(self.spike.argmax())
        self.step += 1

    def finish(self) -> None:
        self.expect("steps that never were done", self.due, {})


def case(
    n: int, train: Membrane, infer: Membrane, strength: int, steps: int, bits: int,
    *, module=hdl, leak: Leak = NO_LEAK, **changes: Any,
) -> Case:  # fmt: skip
    """Return a competition of `n` classes with its bench."""
    layer = stimulus.layer(2, n, lanes=1, train=train, infer=infer, weight_bits=bits, leak=leak)
    machine = stimulus.machine(
        (layer,),
        wta__kind=SOFTMAX,
        steps=steps,
        noise_gain=gains(strength, "linear", steps),
        **changes,
    )
    told = "".join(f"_{value}" for value in changes.values()) + "_leaks" * bool(leak)
    return Case(
        f"competition_{n}_{strength}_{steps}{told}",
        lambda: module.Competition(machine, layer, current=signed(bits)),
        lambda component, seed: CompetitionBench(
            component, seed, machine=machine, layer=layer, bits=bits
        ),
    )


def reaching(theta: int, reach: int = 256) -> Membrane:
    """Return limits as the kind has them."""
    return Membrane(theta, 0, -reach * theta, reach * theta)


NEAR, FAR = reaching(40, 2), reaching(64)


def cases(module=hdl) -> list[Case]:
    """Return two classes to many, one step, no noise and the most, limits that are met, leaks."""
    return [
        case(10, NEAR, reaching(57, 2), 90, 8, 9, module=module),
        case(2, FAR, FAR, 300, 5, 9, module=module, leak=Leak(3, 4, 1)),
        case(3, NEAR, NEAR, 0, 4, 8, module=module),
        case(47, FAR, FAR, 640, 6, 12, module=module, neuron__kernel_shift=2),
        case(5, FAR, reaching(80), 1024, 1, 10, module=module),
        case(4, reaching(1 << 20), reaching(1 << 20), 16 << 20, 3, 25, module=module),
    ]
