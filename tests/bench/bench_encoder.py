"""Benches of `hdl.encoder` and `hdl.dropout` against `golden.encoder`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spikeloom.golden import encoder as golden
from spikeloom.golden.lfsr import advance, fill, parameters
from spikeloom.golden.spec.lfsr import CATALOG
from spikeloom.golden.spec.machine import Machine
from spikeloom.hdl import dropout as hdl_dropout
from spikeloom.hdl import encoder as hdl
from spikeloom.hdl.hardware import Hardware
from tests.bench.bench import Bench, Case, Driver, Held, InOrder, Pins, Stalls, join, ready
from tests.support import stimulus

LFSR = CATALOG["lfsr24"]
P = parameters(LFSR)
DROP_LFSR = CATALOG["lfsr16"]
DROP_P = parameters(DROP_LFSR)
JITTER_LFSR = CATALOG["lfsr31"]


class Source:
    """A stream of random words as the component sees it: the next ones, and how many it took."""

    def __init__(self, lfsr, state: int) -> None:
        self.p, self.state = parameters(lfsr), state

    def next(self, count: int) -> list[int]:
        words = np.zeros(count, np.uint16)
        fill(self.state, self.p, words, count)
        return words.tolist()

    def take(self, count: int) -> None:
        for _ in range(count):
            self.state = advance(self.state, self.p)


class EncoderBench(Bench):
    """Samples one after the other, the next image loading while one is scanned.

    The first pixel's word of a sample is often the very word of equality.
    """

    def __init__(
        self, component: hdl.Encoder, seed: int, *, machine: Machine, samples: int
    ) -> None:
        super().__init__(component, seed)
        self.machine, self.draws = machine, component.draws
        self.pixels = machine.config.sizes[0]
        self.input = Source(LFSR, stimulus.random_state(LFSR, self.rng))
        self.dropout = Source(DROP_LFSR, stimulus.random_state(DROP_LFSR, self.rng))
        self.jitter = Source(JITTER_LFSR, stimulus.random_state(JITTER_LFSR, self.rng))
        self.samples = samples
        self.loading: list[int] = []  # as the spare buffer holds it
        self.scanned: list[int] = []
        self.loaded = False
        self.wait = Stalls(self.rng)
        self.sent = InOrder(self, "spike or end of a step")
        self.held = Held(self, "spike or end")
        self.steps: list[list[int]] = []  # expected
        self.step: list[int] = []
        self.states = (0, 0)  # of input and dropout at the end of the sample
        self.jitter_state = self.jitter.state

    def drivers(self) -> Iterable[Driver]:
        yield self.load()
        yield self.scan()

    def background(self) -> Iterable[Driver]:
        yield self.words()
        yield ready("spikes__ready", Stalls(self.rng))

    def words(self) -> Driver:
        while True:
            seen = yield {
                "random__words": join(self.input.next(self.draws), 16),
                "drop__words": self.dropout.next(1)[0],
            } | ({"jitter__words": self.jitter.next(1)[0]} if "jitter__words" in self.pins else {})
            self.input.take(seen["random__take"])
            self.dropout.take(seen["drop__take"])
            self.jitter.take(seen.get("jitter__take", 0))

    def load(self) -> Driver:
        for _ in range(self.samples):
            while self.loaded:
                yield {}
            for again in range(self.rng.choice((1, 1, 2))):  # an image may replace another
                if again:
                    yield {"image__empty": 1}
                for index, value in enumerate(stimulus.image(self.rng, self.pixels)):
                    while value and self.wait():
                        yield {}
                    pixel = {"image__load": 1, "image__index": index, "image__value": value}
                    while value and not (yield pixel)["image__ready"]:
                        pass
            self.loaded = True

    def scan(self) -> Driver:
        machine = self.machine
        for _ in range(self.samples):
            while not self.loaded:
                yield {}
            yield {"swap": 1}
            self.loaded = False
            train, steps = self.rng.randint(0, 1), self.rng.randint(1, machine.config.steps)
            if self.rng.random() < 0.5:
                self.meet_equality(train)
            held = {"train": train, "steps": steps}
            seen = yield held | {"start": 1}
            while seen["start"] or seen["busy"]:
                seen = yield held
            self.expect("steps left out", self.steps, [])
            self.expect("input stream", self.input.state, self.states[0])
            self.expect("dropout stream", self.dropout.state, self.states[1])
            self.expect("jitter stream", self.jitter.state, self.jitter_state)

    def meet_equality(self, train: int) -> None:
        """Make the first words equal to the first product, the chance, a shift, or one less."""
        first = next((value for value in self.scanned if value), 0)
        ramp = (self.machine.ramp_train if train else self.machine.ramp_infer)[0]
        word = max(0, first * ramp - self.rng.randint(0, 1))
        self.input.state = stimulus.state_before(LFSR, word, self.rng)
        chance = self.machine.input_dropout
        if chance:
            word = chance - self.rng.randint(0, 1)
            self.dropout.state = stimulus.state_before(DROP_LFSR, word, self.rng)
        if radius := self.machine.config.input.jitter:
            span = 2 * radius + 1
            word = -(-(self.rng.randrange(1, span) << 16) // span) - self.rng.randint(0, 1)
            self.jitter.state = self.jitter_state = stimulus.state_before(
                JITTER_LFSR, word, self.rng
            )

    def check(self, seen: Pins) -> None:
        if seen["start"]:
            self.model(seen["train"], seen["steps"])
        if seen["image__empty"]:
            self.loading = []
        if seen["image__load"] and seen["image__ready"]:
            self.loading = self.loading or [0] * self.pixels
            self.loading[seen["image__index"]] = seen["image__value"]
        if seen["swap"]:
            self.scanned, self.loading = self.loading or [0] * self.pixels, []
        offered = (
            seen["spikes__push"] and seen["spikes__row"],
            seen["spikes__push"],
            seen["spikes__close"],
        )
        self.held.see(offered if offered[1] or offered[2] else None, bool(seen["spikes__ready"]))
        if seen["spikes__ready"] and seen["spikes__push"]:
            self.step.append(seen["spikes__row"])
        if seen["spikes__ready"] and seen["spikes__close"]:
            if not self.steps:
                raise AssertionError(f"clock {self.clock}: the end of a step that is not due")
            self.expect("spikes of a step", self.step, self.steps.pop(0))
            self.step = []

    def model(self, train: int, steps: int) -> None:
        """Run the golden encoder over the image that is scanned."""
        machine, n = self.machine, self.pixels
        index, value, spikes = (np.zeros(n, np.int32) for _ in range(3))
        words, dropped = np.zeros(n, np.uint16), np.zeros(n, np.uint8)
        count = golden.active_pixels(np.array(self.scanned, np.uint8), index, value)
        state, drop_state = self.input.state, self.dropout.state
        if train and (radius := machine.config.input.jitter):
            by = [golden.offset(word, radius) for word in self.jitter.next(2)]
            golden.shift(index, value, count, np.array(machine.config.image), *by)
            self.jitter_state = advance(advance(self.jitter.state, self.jitter.p), self.jitter.p)
        if train and machine.input_dropout:
            chance = machine.input_dropout
            drop_state = golden.drop(drop_state, DROP_P, chance, words, dropped, count)
            value[dropped != 0] = 0
        for ramp in (machine.ramp_train if train else machine.ramp_infer)[:steps]:
            state, fired = golden.encode(state, P, ramp, index, value, count, words, spikes)
            self.steps.append(spikes[:fired].tolist())
        self.states = (state, drop_state)


class DropoutBench(Bench):
    """Samples to train and to infer; the chance is met exactly by the first word."""

    def __init__(self, component: hdl_dropout.Dropout, seed: int, *, chance: int) -> None:
        super().__init__(component, seed)
        self.chance, self.neurons = chance, component.dropped.shape().width
        self.source = Source(DROP_LFSR, stimulus.random_state(DROP_LFSR, self.rng))
        self.wanted, self.left, self.state = 0, 0, self.source.state

    def drivers(self) -> Iterable[Driver]:
        yield self.samples()

    def background(self) -> Iterable[Driver]:
        yield self.word()

    def word(self) -> Driver:
        while True:
            seen = yield {"random__words": self.source.next(1)[0]}
            self.source.take(seen["random__take"])

    def samples(self) -> Driver:
        for _ in range(12):
            train = self.rng.random() < 0.6
            if self.rng.random() < 0.5:
                self.meet_equality()
            seen = yield {"start": 1, "train": train}
            while seen["start"] or seen["busy"]:
                seen = yield {"train": train}
            self.expect("stream", self.source.state, self.state)

    def check(self, seen: Pins) -> None:
        self.expect("busy", seen["busy"], int(self.left > 0))
        if not self.left:
            self.expect("dropped", seen["dropped"], self.wanted)
        self.left = max(0, self.left - 1)
        if seen["start"]:
            self.state, self.wanted = self.source.state, 0
            if seen["train"]:
                self.left = self.neurons
                self.wanted = stimulus.bits_of(self.model())

    def meet_equality(self) -> None:
        """Make the first word equal to the chance, or one less."""
        word = self.chance - self.rng.randint(0, 1)
        self.source.state = stimulus.state_before(DROP_LFSR, word, self.rng)

    def model(self) -> list[int]:
        """Run golden's dropout; return who is dropped."""
        n = self.neurons
        words, dropped = np.zeros(n, np.uint16), np.zeros(n, np.uint8)
        self.state = golden.drop(self.state, DROP_P, self.chance, words, dropped, n)
        return np.flatnonzero(dropped).tolist()


def case(
    pixels: int,
    draws: int,
    steps: int,
    *,
    dropout: float = 0.0,
    rows: int = 1,
    jitter: int = 0,
    registered=True,
    module=hdl,
) -> Case:
    """Return an encoder with its bench."""
    machine = stimulus.machine(
        image=(rows, pixels // rows),
        sizes=(pixels, 16, 10),
        input__jitter=jitter,
        steps=steps,
        ramp_train=tuple(max(0, 257 - 60 * t) for t in range(steps)),
        ramp_infer=tuple(max(0, 200 - 50 * t) for t in range(steps)),
        input_dropout=round(dropout * 65536),
    )
    return Case(
        f"encoder_{pixels}_{draws}_{steps}{'_drop' if dropout else ''}"
        f"{f'_{rows}_rows_jitter_{jitter}' if jitter else ''}"
        f"{'' if registered else '_direct'}",
        lambda: module.Encoder(machine, Hardware(draws=draws, registered=registered)),
        lambda component, seed: EncoderBench(
            component, seed, machine=machine, samples=20 if dropout or jitter else 6
        ),
    )


# pixels, draws, steps, rows, radius
JITTERS = (
    (12, 2, 3, 3, 1),
    (6, 4, 3, 2, 2),
    (7, 1, 4, 1, 1),
    (5, 3, 2, 5, 2),
    (35, 8, 2, 7, 3),
    (1, 2, 3, 1, 3),
)
SIZES = ((1, 1, 1), (1, 2, 3), (7, 1, 4), (7, 3, 4), (12, 4, 6), (19, 8, 5), (16, 2, 1))


def cases(module=hdl) -> list[Case]:
    """Return one pixel, draws that divide the pixels and that do not, one step, dropout.

    Some have no register behind their memories.
    """
    every = [case(*size, module=module) for size in SIZES]
    drop = [case(9, 2, 3, dropout=0.4, module=module), case(5, 8, 3, dropout=0.9, module=module)]
    sizes = ((7, 3, 4), (1, 1, 1), (9, 2, 3, 0.4))
    direct = [
        case(*size[:3], dropout=sum(size[3:]), registered=False, module=module) for size in sizes
    ]
    return [*drop, *every, *direct]


def jitter_cases(module=hdl) -> list[Case]:
    """Return jitter in images of one row, of one column and of several, and with dropout."""
    both = {"dropout": 0.4, "rows": 4, "jitter": 1, "module": module}
    return [
        *(case(*size, rows=rows, jitter=radius, module=module) for *size, rows, radius in JITTERS),
        case(20, 2, 3, **both),
        case(20, 3, 3, registered=False, **both),
    ]


def dropout_case(neurons: int, chance: int, module=hdl_dropout) -> Case:
    """Return a layer's dropout with its bench."""
    return Case(
        f"dropout_{neurons}",
        lambda: module.Dropout(neurons=neurons, chance=chance),
        lambda component, seed: DropoutBench(component, seed, chance=chance),
    )


def dropout_cases(module=hdl_dropout) -> list[Case]:
    """Return dropout of one neuron, of many."""
    return [dropout_case(n, chance, module) for n, chance in ((1, 30000), (7, 13107), (16, 58982))]
