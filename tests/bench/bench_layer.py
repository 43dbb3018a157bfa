"""Benches of `hdl.forward` and `hdl.feedback`: a layer's halves, with all around them played."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spikeloom.golden import crossbar, neuron
from spikeloom.golden.spec.machine import Machine, machine
from spikeloom.golden.spec.network import from_dict
from spikeloom.hdl import feedback as hdl_feedback
from spikeloom.hdl import forward as hdl_forward
from spikeloom.hdl.crossbar import LATENCY
from spikeloom.hdl.hardware import BuiltLayer, Hardware
from tests.bench.bench import Bench, Case, Driver, InOrder, Pins, Stalls, join, lanes, ready
from tests.bench.bench_neuron import could_wait
from tests.support import stimulus
from tests.support.configurations import LAYER, table

STEPS = 16


def drawn_weights(bench: Bench, layer: BuiltLayer) -> np.ndarray:
    """Return a crossbar's weights, int16[n_pre * n_post], a few of them at the rails."""
    count = layer.n_pre * layer.n_post
    return np.array([stimulus.edgy(bench.rng, layer.weight_max) for _ in range(count)], np.int16)


class ForwardBench(Bench):
    """Steps of random spikes, training; the bench is the crossbar, the rule and the next layer.

    Checked are every access with its error spikes and its note, and the spikes, by the word and one
    by one. A step's spikes may come before its grant; what is read then is not written, no row is
    read before its write, and where there are error spikes the step is read again. Latency: `fired`
    two clocks behind the sums. Throughput: `quick` stalls nowhere; then all but the last access
    are made before a late grant, and only that one after it where there are no error spikes.
    """

    def __init__(
        self, component, seed: int, *, machine: Machine, layer: BuiltLayer, quick: bool
    ) -> None:
        super().__init__(component, seed)
        self.layer, self.quick = layer, quick
        self.weights = drawn_weights(self, layer)
        self.p = np.array(neuron.forward_parameters(machine, layer, train=True), np.int64)
        self.v, self.pool = (np.zeros(layer.n_post, np.int32) for _ in range(2))
        neuron.start(self.p, self.v, self.pool)
        self.spike = np.zeros(layer.n_post, np.uint8)
        self.shape = self.shapes["sums__currents"]
        self.rows = [stimulus.subset(self.rng, layer.n_pre) for _ in range(STEPS)]  # by step
        self.notes: list[list[int]] = [[] for _ in range(STEPS)]
        self.errors = [(0, 0)] * layer.words
        self.learns = False
        self.place = 0  # of the word of error spikes that shows
        self.granted = self.read = self.word = 0  # steps granted and read; the word that is read
        self.open: list[int] = []  # notes seen of the rows of that word
        self.early = 0  # accesses before the grant
        self.made: dict[tuple[int, int], int] = {}  # clock of a row's last access that may write
        self.coming: dict[int, dict[str, int]] = {}  # by clock: sums
        self.fired_due: dict[int, int] = {}
        self.sent = InOrder(self, "spike or end of a step")
        self.steps_done = 0
        self.pause = False

    # what is played

    def drivers(self) -> Iterable[Driver]:
        yield self.sample()
        yield self.spikes()

    def background(self) -> Iterable[Driver]:
        stalls = Stalls(self.rng, (0.0,) if self.quick else (0.0, 0.5, 0.9))
        yield ready("out__ready", stalls)
        yield self.crossbar(Stalls(self.rng, (0.0,) if self.quick else (0.0, 0.0, 0.3)))
        yield self.error_words()
        yield self.note()

    def sample(self) -> Driver:
        yield {"sample__start": 1, "sample__train": 1}
        for step in range(STEPS):
            late = self.rng.choice((0, 0, self.layer.n_pre, 40))
            for _ in range(2 * self.layer.n_pre + LATENCY if self.quick else late):
                yield {"sample__train": 1, "learns": self.learns}
            learned = self.learns
            self.begin(step)
            yield {"sample__grant": 1, "sample__train": 1, "learns": learned}
            while self.steps_done == step:
                yield {"sample__train": 1, "learns": self.learns}

    def spikes(self) -> Driver:
        wait = Stalls(self.rng, (0.0,) if self.quick else (0.0, 0.5))
        yield {}
        for step, rows in enumerate(self.rows):
            ahead = 1 if self.quick else self.rng.choice((0, 1, 1, 2))
            while self.granted + ahead <= step:
                yield {}
            for k, row in enumerate(rows or [0]):
                while wait():
                    yield {}
                pins = {"spikes__push": bool(rows), "spikes__row": row}
                pins["spikes__close"] = k == max(len(rows), 1) - 1
                seen = yield pins
                while not seen["spikes__ready"]:
                    seen = yield pins
                if rows:
                    self.notes[step].append(seen["rule__note"])

    def begin(self, step: int) -> None:
        """Draw a step's error spikes; say what golden makes of it all."""
        layer, rows = self.layer, self.rows[step]
        self.granted, self.place = step + 1, 0
        self.learns = self.rng.random() < 0.5
        some = (1 << layer.lanes) - 1 if self.learns else 0
        self.errors = [
            (self.rng.getrandbits(layer.lanes) & some, self.rng.getrandbits(layer.lanes) & some)
            for _ in range(layer.words)
        ]
        current = np.zeros(layer.n_post, np.int32)
        crossbar.forward(self.weights, np.array(rows, np.int32), len(rows), current)
        none = np.zeros(layer.n_post, np.uint8)
        neuron.forward(self.p, current, self.v, self.pool, none, self.spike)
        for index in np.flatnonzero(self.spike).tolist():
            self.sent.expect(index)
        self.sent.expect("end")

    def note(self) -> Driver:
        while True:
            yield {"rule__note": self.rng.getrandbits(1)}

    def error_words(self) -> Driver:
        while True:
            positive, negative = self.errors[self.place]
            yield {"errors__positive": positive, "errors__negative": negative}

    def crossbar(self, wait: Stalls) -> Driver:
        """Take accesses, and give the sums of a word `LATENCY` clocks behind its last one."""
        while True:
            now = self.coming.pop(self.clock, {})
            soon = self.coming.get(self.clock + 1, now).get("sums__word", 0)
            pins = {"request__ready": not (wait() or self.pause), "sums__soon": soon}
            yield pins | now

    # what is checked

    def check(self, seen: Pins) -> None:
        if seen["spikes__push"] and seen["spikes__ready"]:
            self.expect("a spike for the rule", seen["rule__spike"], 1)
        self.pause = False
        if seen["request__asked"] and seen["request__ready"]:
            self.access(seen)
        if seen["errors__read"]:
            last = self.place == self.layer.words - 1
            self.expect("the end of the error spikes", seen["errors__end"], int(last))
            self.place = 0 if last else self.place + 1
        if seen["sums__valid"]:
            first = seen["sums__word"] * self.layer.lanes
            word = self.spike[first : first + self.layer.lanes]
            self.fired_due[self.clock + 2] = join(word.tolist(), 1)
        if self.layer.neurons == self.layer.lanes:
            due = self.fired_due.pop(self.clock, None)
            self.expect("fired, two clocks behind", seen["fired__valid"], int(due is not None))
            if due is not None:
                self.expect("a word of spikes", seen["fired__spikes"], due)
        if seen["out__ready"] and seen["out__push"]:
            self.sent.see(seen["out__row"])
        if seen["out__ready"] and seen["out__close"]:
            self.sent.see("end")
        self.expect("done", seen["done"], seen["out__ready"] & seen["out__close"])
        self.steps_done += seen["done"]

    def access(self, seen: Pins) -> None:
        """Look at one access; after a word's last one its sums are on their way."""
        got = self.fields("request__access", seen["request__access"])
        granted, place = self.read < self.granted, (got["word"], got["row"])
        self.expect("a step", self.read < STEPS, True)
        self.expect("the word that is read", got["word"], self.word)
        if got["first"] and self.open:
            self.expect("error spikes for a step read again", granted and self.learns, True)
            self.open = []
        self.expect("the first of a sum", got["first"], int(not self.open))
        if got["valid"]:
            rows = self.rows[self.read]
            self.expect("a row", [got["row"]], rows[len(self.open) : len(self.open) + 1])
            self.early += not granted
            written = self.clock - self.made.get(place, -LATENCY - 1)
            self.expect("a row read behind its write", written > LATENCY, True)
            self.open.append(seen["rule__noted"])
            if seen["rule__noted"]:
                shown = seen["rule__positive"], seen["rule__negative"]
                self.expect("a grant before a write", granted, True)
                self.expect("error spikes of the word", shown, self.errors[self.word])
                self.made[place] = self.clock
        if got["last"]:
            self.expect("a grant before the end", granted, True)
            self.last(got["word"])

    def last(self, word: int) -> None:
        """Check all accesses of a word, and send its sums."""
        layer, rows = self.layer, self.rows[self.read]
        self.expect("accesses of a word", len(self.open), len(rows))
        if self.learns:
            self.expect("notes of the rows", self.open, self.notes[self.read])
        elif self.quick and self.read and rows and not word:
            self.expect("accesses before the grant", self.early, len(rows) - 1)
        current = np.zeros(layer.n_post, np.int32)
        crossbar.forward(self.weights, np.array(rows, np.int32), len(rows), current)
        first, bits = word * layer.lanes, self.shape.elem_shape.width
        sums = join(current[first : first + layer.lanes].tolist(), bits)
        self.coming[self.clock + LATENCY] = {
            "sums__valid": 1,
            "sums__word": word,
            "sums__currents": sums,
        }
        self.pause = layer.neurons != layer.lanes
        self.open, self.early = [], 0
        self.word = (word + 1) % layer.words
        self.read += not self.word

    def finish(self) -> None:
        self.sent.finish()
        self.expect("steps", (self.read, self.steps_done), (STEPS, STEPS))


class FeedbackBench(Bench):
    """Steps of random spikes and errors from above; the bench is the layer above and the columns.

    Checked are who is swept and who is not (where there is a cost, a sweep too many may be), every
    new error spike, the spikes that wait, and the columns that are asked for. Latency: a step
    without a sweep is over one clock behind the layer above, one with a sweep two clocks behind its
    last word of sums.
    """

    def __init__(self, component, seed: int, *, machine: Machine, layer: BuiltLayer) -> None:
        super().__init__(component, seed)
        self.layer, self.width = layer, component.lanes
        self.firsts = range(0, layer.n_post, self.width)
        self.words = len(self.firsts)
        self.p = np.array(neuron.error_parameters(machine, layer), np.int64)
        n = layer.n_post
        self.m, self.m_n, self.pool = (np.zeros(n, np.int32) for _ in range(3))
        self.gate, self.fired = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
        neuron.start_errors(self.p, self.m, self.m_n, self.pool, self.fired, self.gate)
        self.error = np.zeros(n, np.int8)
        self.owes = np.zeros(n, np.uint8)
        self.waiting = False  # error spikes above
        self.opened = self.pending = False  # gates since the last sweep; charge after it
        self.unsure = False  # a sweep too many is allowed
        self.swept = InOrder(self, "word of error spikes")
        self.columns = InOrder(self, "access of a column")
        self.asked = 0

    def drivers(self) -> Iterable[Driver]:
        yield self.sample()

    def background(self) -> Iterable[Driver]:
        yield self.above()
        if "request__ready" in self.pins:
            yield ready("request__ready", Stalls(self.rng, (0.0, 0.3)))

    def above(self) -> Driver:
        while True:
            yield {"above__waiting": self.waiting}

    def sample(self) -> Driver:
        yield {"sample__start": 1, "sample__train": 1}
        for _ in range(STEPS):
            yield from self.fire()
            yield from self.step()
            yield from self.read()
            yield from self.send_down()

    def fire(self) -> Driver:
        """Show the layer's spikes, a word of `neurons` after the other, with gaps."""
        size = self.layer.neurons
        spikes = stimulus.bits_of(stimulus.subset(self.rng, self.layer.n_post))
        if self.rng.random() < 0.5:
            spikes = 0
        words = -(-self.layer.n_post // size)
        places = np.flatnonzero([spikes >> j & 1 for j in range(self.layer.n_post)])
        self.opened |= bool((self.fired[places] == 0).any())
        self.fired[places] = self.owes[places] = 1
        places = places.astype(np.int32)
        neuron.open_gates(self.p, places, len(places), self.m, self.m_n, self.gate)
        for word in range(words):
            while self.rng.random() < 0.3:
                yield {}
            part = spikes >> word * size & (1 << size) - 1
            yield {"fired__valid": 1, "fired__last": word == words - 1, "fired__spikes": part}

    def step(self) -> Driver:
        """End the step of the layer above; send its sums where they are asked for."""
        seen = yield {"above__over": 1}
        self.expect("over too early", seen["below__over"], 0)
        self.waiting = waiting = self.rng.random() < 0.5
        seen = yield {}
        asked = seen["above__back"]
        needed = waiting or self.pending or self.opened
        if self.unsure and not needed:
            needed = bool(asked)
        self.expect("a sweep where one is needed", asked, int(needed))
        self.expect("over without a sweep", seen["below__over"], int(not needed))
        self.opened = False
        if not needed:
            self.error[:] = 0
            return
        bits = self.shapes["above__sums__currents"].elem_shape.width
        limit = min((1 << bits - 1) - 1, 4 * self.layer.error_threshold) if waiting else 0
        flow = np.array(
            [self.rng.randint(-limit, limit) for _ in range(self.layer.n_post)], np.int32
        )
        currents = [join(flow[k : k + self.width].tolist(), bits) for k in self.firsts]
        cost = self.layer.cost if waiting else 0
        self.pending = neuron.error(
            self.p, flow, self.m, self.m_n, self.pool, self.gate, cost, self.owes, self.error
        )
        self.unsure = could_wait(self.p, self.m, self.m_n, self.gate)
        if cost:
            self.owes[:] = 0
        for word in range(self.words):
            part = slice(word * self.width, (word + 1) * self.width)
            signs = self.error[part]
            self.swept.expect((join((signs > 0).tolist(), 1), join((signs < 0).tolist(), 1)))
            for _ in range(self.rng.choice((0, 0, 2))):
                yield {"above__sums__soon": word}
            yield {
                "above__sums__valid": 1,
                "above__sums__word": word,
                "above__sums__soon": min(word + 1, self.words - 1),
                "above__sums__currents": currents[word],
            }
        seen = yield {}
        self.expect("over a clock behind the sums", seen["below__over"], 0)
        seen = yield {}
        self.expect("over two clocks behind the sums", seen["below__over"], 1)

    def read(self) -> Driver:
        """Read the spikes that wait, as the forward half does."""
        size = self.layer.lanes
        yield {}
        for word in range(self.layer.words):
            while self.rng.random() < 0.3:
                yield {}
            seen = yield {"errors__read": 1, "errors__end": word == self.layer.words - 1}
            part = self.error[word * size : (word + 1) * size]
            got = lanes(seen["errors__positive"], 1, size), lanes(seen["errors__negative"], 1, size)
            count = len(part)
            shown = got[0][:count], got[1][:count]
            wanted = (part > 0).astype(int).tolist(), (part < 0).astype(int).tolist()
            self.expect(f"waiting spikes of word {word}", shown, wanted)
        yield {}

    def send_down(self) -> Driver:
        """Ask for the transposed sums: every error spike's column, once per word of rows."""
        if "below__back" not in self.pins:
            return
        groups = -(-self.layer.n_pre // self.layer.banks)
        spikes = [(j, self.error[j] < 0) for j in np.flatnonzero(self.error).tolist()]
        for group in range(groups):
            for k, (j, minus) in enumerate(spikes):
                place = divmod(j, self.layer.lanes)
                self.columns.expect((group, *place, int(minus), k == 0))
            self.columns.expect((group, "end"))
        self.asked += groups * (len(spikes) + 1)
        yield {"below__back": 1}
        while self.columns.count < self.asked:
            yield {}
        yield {}

    def check(self, seen: Pins) -> None:
        if seen["swept__valid"]:
            self.swept.see((seen["swept__positive"], seen["swept__negative"]))
        if seen.get("request__asked") and seen["request__ready"]:
            got = self.fields("request__access", seen["request__access"])
            self.expect("a transposed access", got["transposed"], 1)
            if got["valid"]:
                place = (got["row"], got["word"], got["column"], got["minus"])
                self.columns.see((*place, bool(got["first"])))
            if got["last"]:
                self.columns.see((got["row"], "end"))

    def finish(self) -> None:
        self.swept.finish()
        self.columns.finish()


def _network(*sizes: int, **changes) -> Machine:
    """Return a network of layers that spike often."""
    layers = [{**LAYER, "reach": 2.0, "error_threshold": 0.5} for _ in sizes[1:]]
    options = {"image": [1, sizes[0]], "sizes": [*sizes], "layer": layers} | changes
    return machine(from_dict(table(**options)))


def forward_case(
    rows: int,
    columns: int,
    lanes: int,
    *,
    neurons: int = 0,
    quick: bool = False,
    module=hdl_forward,
) -> Case:
    """Return the forward half of a hidden layer with its bench."""
    network = _network(rows, columns, 3)
    hardware = Hardware(lanes=(lanes,), neurons=neurons)
    built = hardware.of(network)[0]
    return Case(
        f"forward_half_{rows}x{columns}_{lanes}_{built.neurons}{'_quick' * quick}",
        lambda: module.Forward(network, 1, hardware),
        lambda component, seed: ForwardBench(
            component, seed, machine=network, layer=built, quick=quick
        ),
    )


def forward_cases(module=hdl_forward) -> list[Case]:
    """Return lanes that divide the columns and that do not, one word, neurons for some lanes."""
    return [
        forward_case(6, 7, 3, module=module),
        forward_case(5, 4, 4, module=module),
        forward_case(9, 8, 4, neurons=2, module=module),
        forward_case(6, 12, 4, neurons=1, module=module),
        forward_case(1, 1, 1, module=module),
        forward_case(6, 6, 2, quick=True, module=module),
    ]


def feedback_case(index: int, *, drums: bool = False, module=hdl_feedback, **changes) -> Case:
    """Return the feedback half of a hidden layer with its bench."""
    network = _network(5, 7, 6, 3, **changes)
    hardware = Hardware(lanes=(3, 4, 2), drums=drums)
    built = hardware.of(network)[index - 1]
    name = "_".join(map(str, (index, *changes.values()))).replace(".", "_")
    return Case(
        f"feedback_half_{name}{'_drums' * drums}",
        lambda: module.Feedback(network, index, hardware),
        lambda component, seed: FeedbackBench(component, seed, machine=network, layer=built),
    )


def feedback_cases(module=hdl_feedback) -> list[Case]:
    """Return the first and a middle layer, each kind of gate and of membranes, and a cost."""
    kinds = {"error__gate": "discard", "error__membranes": "separate"}
    return [
        feedback_case(1, module=module),
        feedback_case(2, module=module),
        feedback_case(2, module=module, **kinds),
        feedback_case(1, module=module, error__gate="open"),
        feedback_case(1, module=module, error__cost=0.3),
        feedback_case(2, module=module, error__cost=0.05, **kinds),
    ]
