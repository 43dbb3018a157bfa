"""Proofs about `hdl.neuron`: range, threshold, error spikes, gate; of one word, any word."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import stimulus
from amaranth import Mux, Signal, Value, signed
from bench_neuron import OTHER
from mutants import of

from formal.proof import Harness, Proof, Watching
from spikeloom.golden.spec.machine import Membrane
from spikeloom.hdl import neuron as hdl

NEURONS, LANES, CURRENT = 3, 2, 9  # the last word is a short one
WIDE = (stimulus.MEMBRANE, OTHER)  # to train and to infer with
# with pools, whose sums are hard to search: fewer bits
TIGHT, NARROW = (Membrane(6, 3, -12, 6), Membrane(7, 4, -9, 8)), 5
FORWARD = {mutant.why: mutant for mutant in of("forward")}
ERROR = {mutant.why: mutant for mutant in of("error")}
THETA, BITS = 30, 10  # of the error neurons
TOP = (1 << BITS - 1) - 1


class Sweep(Harness):
    """Words in any order, by the contract, and one of them, any, that is looked at.

    Attributes
    ----------
    word, taken : that word; it is taken in this clock. due : its spikes show in this clock.
    known : it was taken since power-up; before that it is taken with `first` only. swept : and its
    membranes were stored.
    """

    def __init__(self, block: hdl.ForwardNeurons | hdl.ErrorNeurons, first: Value) -> None:
        super().__init__(block)
        self.word = self.fixed(range(max(block.words, 2)), "which")
        self.given((self.word < block.words) & (block.word < block.words))
        self.given(~block.valid | (block.word == self.before(block.soon)) & self.started)
        for clocks in (1, 2):
            again = self.before(block.valid, clocks) & (
                self.before(block.word, clocks) == block.word
            )
            self.given(~(block.valid & again))
        self.taken = block.valid & (block.word == self.word)
        self.known = known = Signal()
        with self.m.If(self.taken):
            self.m.d.sync += known.eq(1)
        self.given(known | first | ~self.taken)
        self.due = self.before(self.taken, 2)
        self.swept = Signal()
        with self.m.If(self.before(self.taken)):
            self.m.d.sync += self.swept.eq(1)

    def contents(self, plan: Watching, name: str) -> list[Value]:
        """Return the lanes of the word in a memory."""
        port = plan.ports[name]
        self.m.d.comb += port.addr.eq(self.word)
        return [port.data[lane] for lane in range(LANES)]

    def there(self, lane: int) -> Value:
        """Return whether lane `lane` of the word holds a neuron."""
        return self.word * LANES + lane < NEURONS


def flow_of(charge: Value, shift: int) -> Value:
    """Return what leaves a pool, by the text: divided by a power of two, toward zero."""
    return Mux(charge < 0, -(-charge >> shift), charge >> shift)


def largest(a: Value, b: Value | int) -> Value:
    return Mux(a > b, a, b)


def smallest(a: Value, b: Value | int) -> Value:
    return Mux(a < b, a, b)


def forward(module: ModuleType, *, reset: str, shift: int, claim: str) -> Harness:
    """Compare one step of a neuron with the text of `golden.neuron`."""
    plan = Watching()
    (base, other), bits = (TIGHT, NARROW) if shift else (WIDE, CURRENT)
    layer = stimulus.layer(1, NEURONS, lanes=NEURONS, train=base, infer=other, weight_bits=bits)
    machine = stimulus.machine((layer,), neuron__reset=reset, neuron__kernel_shift=shift)
    block = module.ForwardNeurons(machine, layer, lanes=LANES, current=signed(bits), plan=plan)
    h = Sweep(block, block.first)
    train = h.fixed(1, "training")
    h.m.d.comb += block.train.eq(train)

    def limit(name: str) -> Value:
        return Mux(train, getattr(base, name), getattr(other, name))

    held = h.contents(plan, "neurons1.membranes")
    pools = h.contents(plan, "neurons1.pools") if shift else [Signal(signed(1))] * LANES
    for lane in range(LANES):
        if shift:
            most = ((1 << shift) - 1) << bits - 1  # where as much flows off as can come
            h.always((pools[lane] < most) & (pools[lane] >= -most), h.known)
        if claim == "range":
            inside = (held[lane] >= limit("floor")) & (held[lane] <= limit("ceiling"))
            h.always(inside, h.swept)
            h.reach(h.swept & (held[lane] == limit("ceiling")))
            continue
        flow = flow_of(Mux(block.first, 0, pools[lane]) + block.currents[lane], shift)
        total = Mux(block.first, limit("start"), held[lane]) + flow
        charge = h.before(largest(total, limit("floor")))
        fires = (charge >= limit("theta")) & ~block.dropped[lane]
        after_spike = charge - limit("theta") if reset == "subtract" else 0
        after = smallest(Mux(fires, after_spike, charge), limit("ceiling"))
        h.always(block.fired[lane] == h.before(fires) & h.there(lane), h.due)
        h.always(held[lane] == h.before(after), h.due)
        rest = limit("ceiling") - 1 if reset == "subtract" else 0
        h.reach(h.due & block.fired[lane] & (held[lane] == rest))
    h.always(block.fired_valid == h.before(block.valid, 2), h.before(h.started))
    h.always(block.fired_word == h.word, h.due)
    return h


def error(
    module: ModuleType, *, membranes: str, gate: str, claim: str, output: bool = False
) -> Harness:
    """Compare one sweep of error neurons with the text of `golden.neuron`."""
    plan = Watching()
    layer = stimulus.layer(
        3, NEURONS, lanes=NEURONS, index=1 + output, error_threshold=THETA, error_max=TOP
    )
    machine = stimulus.machine(
        (layer,), error__membranes=membranes, error__gate=gate, error__bits=BITS
    )
    block = module.ErrorNeurons(
        machine, layer, lanes=LANES, current=signed(CURRENT), output=output, plan=plan
    )
    h = Sweep(block, block.fresh)
    name = f"errors{layer.index}"
    held = h.contents(plan, f"{name}.membranes")
    other = h.contents(plan, f"{name}.negative") if membranes == "separate" else None
    for lane in range(LANES):
        up, down = block.positive[lane], block.negative[lane]
        open_ = ~block.dropped[lane] & (block.open[lane] if gate != "open" and not output else 1)
        if claim == "one":
            h.always(~(up & down))
            h.reach(h.due & down & h.before(h.due & up, 3))
        elif claim == "gate":
            h.always(~(up | down) | h.before(open_), block.done)
            h.reach(h.due & up & h.before(~open_ & h.before(h.taken), 4))
        elif claim == "range":
            for charge in (held[lane], *([other[lane]] if other else [])):
                h.always((charge >= -TOP) & (charge <= TOP), h.swept)
                h.reach(h.swept & (charge == -TOP))
        else:
            _error_step(h, lane, open_, held[lane], other[lane] if other else None, gate, output)
    h.always(block.done == h.before(block.valid, 2), h.before(h.started))
    h.always(block.done_word == h.word, h.due)
    return h


def _error_step(
    h: Sweep, lane: int, open_: Value, held: Value, other: Value | None, gate: str, output: bool
) -> None:
    """Claim spikes and membranes of a lane after a sweep."""
    block = h.block

    def integrated(charge: Value, flow: Value) -> Value:
        total = Mux(block.fresh, 0, charge) + flow
        return h.before(largest(smallest(total, TOP), -TOP))

    x = integrated(held, block.currents[lane])
    y = integrated(other, -block.currents[lane]) if other is not None else -x
    up, down = open_ & (x >= THETA), open_ & (y >= THETA)
    if other is None:
        left = [(held, x - Mux(up, THETA, 0) + Mux(down, THETA, 0))]
    else:
        left = [(held, x - Mux(up, THETA, 0)), (other, y - Mux(down, THETA, 0))]
    for charge, after in left:
        kept = open_ if gate == "discard" and not output else 1
        h.always(charge == h.before(Mux(kept, after, 0)), h.due & h.there(lane))
    h.always(block.positive[lane] == h.before(up) & h.there(lane), h.due)
    h.always(block.negative[lane] == h.before(down) & h.there(lane), h.due)
    h.reach(h.due & block.positive[lane] & (held == TOP - THETA))


RANGE, STEP = "the membrane stays in its range", "fires iff at or over the threshold; what is left"
ONE, GATE = "never both error spikes", "no error spike but through the open gate"
# case, claim in words, mutant, settings
FORWARD_CASES = (
    ("range.subtract", RANGE, "no ceiling", {"reset": "subtract", "shift": 0, "claim": "range"}),
    ("range.kernel", RANGE, "no floor", {"reset": "zero", "shift": 1, "claim": "range"}),
    (
        "step.subtract",
        STEP,
        "a membrane at the threshold does not fire",
        {"reset": "subtract", "shift": 0, "claim": "step"},
    ),
    (
        "step.zero",
        STEP,
        "dropout is ignored",
        {"reset": "zero", "shift": 0, "claim": "step"},
    ),
    (
        "step.kernel",
        STEP,
        "the kernel rounds negative charge down",
        {"reset": "subtract", "shift": 1, "claim": "step"},
    ),
)
SHARED = {"membranes": "shared", "gate": "hold"}
SEPARATE = {"membranes": "separate", "gate": "discard"}
ERROR_CASES = (
    ("one", ONE, "the shared membrane never fires below 0", {**SHARED, "claim": "one"}),
    ("gate.hold", GATE, "the gate is ignored", {**SHARED, "claim": "gate"}),
    ("gate.discard", GATE, "the gate is ignored", {**SEPARATE, "claim": "gate"}),
    ("range.shared", RANGE, "no saturation at the lower rail", {**SHARED, "claim": "range"}),
    ("range.separate", RANGE, "no saturation at the upper rail", {**SEPARATE, "claim": "range"}),
    (
        "step.shared",
        STEP,
        "a negative spike's reset has the wrong sign",
        {**SHARED, "claim": "step"},
    ),
    (
        "step.separate",
        STEP,
        "charge is kept where it is to be discarded",
        {**SEPARATE, "claim": "step"},
    ),
    (
        "step.output",
        STEP,
        "the membrane of the sample before goes on",
        {**SHARED, "claim": "step", "output": True},
    ),
)


def proofs() -> list[Proof]:
    """Return the claims of forward and of error neurons."""
    return [
        Proof(
            "neuron",
            f"{kind}.{case}",
            claim,
            partial(harness, **settings),
            hdl,
            mutants[why],
            depth=10,
            induction=6,
        )
        for kind, harness, mutants, cases in (
            ("forward", forward, FORWARD, FORWARD_CASES),
            ("error", error, ERROR, ERROR_CASES),
        )
        for case, claim, why, settings in cases
    ]
