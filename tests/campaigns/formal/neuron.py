"""Proofs about `hdl.neuron` and `hdl.error`: range, threshold, spikes, gate; of any word."""

from __future__ import annotations

import dataclasses
from functools import partial
from types import ModuleType

from amaranth import Mux, Signal, Value, signed

from spikeloom.golden.spec.neuron import NO_LEAK, Leak, Membrane
from spikeloom.hdl import error as hdl_error
from spikeloom.hdl import neuron as hdl
from tests.bench.bench_neuron import OTHER
from tests.campaigns.formal.proof import Harness, Proof, Watching, faults
from tests.support import stimulus

NEURONS, LANES, CURRENT = 3, 2, 9  # the last word is a short one
WIDE = (stimulus.MEMBRANE, OTHER)  # to train and to infer with
# with pools, whose sums are hard to search: fewer bits
TIGHT, NARROW = (Membrane(6, 3, -12, 6), Membrane(7, 4, -9, 8)), 5
FORWARD = faults("forward")
ERROR = faults("error")
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

    def __init__(self, block: hdl.ForwardNeurons | hdl_error.ErrorNeurons, first: Value) -> None:
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

    def contents(self, hardware: Watching, name: str) -> list[Value]:
        """Return the lanes of the word in a memory."""
        port = hardware.seen[name]
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


def left(v: Value, leak: Leak) -> Value:
    """Return what a leak leaves of a membrane, by the text; shifts round down."""
    return v - (v >> leak.first) - leak.sign * (v >> leak.second) if leak else v


def forward(
    module: ModuleType,
    *,
    claim: str,
    reset: str = "subtract",
    shift: int = 0,
    leak: Leak = NO_LEAK,
    excess: int = 0,
) -> Harness:
    """Compare one step of a neuron with the text of `golden.neuron`."""
    hardware = Watching()
    limits, bits = (TIGHT, NARROW) if shift else (WIDE, CURRENT)
    base, other = (dataclasses.replace(one, excess=excess) for one in limits)
    layer = stimulus.layer(
        1, NEURONS, lanes=NEURONS, train=base, infer=other, weight_bits=bits, leak=leak
    )
    machine = stimulus.machine((layer,), neuron__reset=reset, neuron__kernel_shift=shift)
    block = module.ForwardNeurons(
        machine, layer, lanes=LANES, current=signed(bits), hardware=hardware
    )
    h = Sweep(block, block.first)
    train = h.fixed(1, "training")
    h.m.d.comb += block.train.eq(train)

    def limit(name: str) -> Value:
        return Mux(train, getattr(base, name), getattr(other, name))

    held = h.contents(hardware, "neurons1.membranes")
    pools = h.contents(hardware, "neurons1.pools") if shift else [Signal(signed(1))] * LANES
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
        total = Mux(block.first, limit("start"), left(held[lane], leak)) + flow
        charge = h.before(largest(total, limit("floor")))
        fires = (charge >= limit("theta")) & ~block.dropped[lane]
        after_spike = charge - limit("drop") if reset == "subtract" else 0
        after = smallest(Mux(fires, after_spike, charge), limit("ceiling"))
        h.always(block.fired[lane] == h.before(fires) & h.there(lane), h.due)
        h.always(held[lane] == h.before(after), h.due)
        rest = limit("ceiling") - 1 if reset == "subtract" else 0
        h.reach(h.due & block.fired[lane] & (held[lane] == rest))
    h.always(block.fired_valid == h.before(block.valid, 2), h.before(h.started))
    h.always(block.fired_word == h.word, h.due)
    return h


def error(
    module: ModuleType,
    *,
    claim: str,
    membranes: str = "shared",
    gate: str = "hold",
    output: bool = False,
    cost: int = 0,
) -> Harness:
    """Compare one sweep of error neurons with the text of `golden.neuron`."""
    hardware = Watching()
    layer = stimulus.layer(
        3, NEURONS, lanes=NEURONS, index=1 + output, error_threshold=THETA, error_max=TOP, cost=cost
    )
    machine = stimulus.machine(
        (layer,), error__membranes=membranes, error__gate=gate, error__bits=BITS
    )
    block = module.ErrorNeurons(
        machine, layer, lanes=LANES, current=signed(CURRENT), output=output, hardware=hardware
    )
    h = Sweep(block, block.fresh)
    name = f"errors{layer.index}"
    held = h.contents(hardware, f"{name}.membranes")
    other = h.contents(hardware, f"{name}.negative") if membranes == "separate" else None
    for lane in range(LANES):
        up, down = block.positive[lane], block.negative[lane]
        open_ = ~block.dropped[lane] & (block.open[lane] if gate != "open" and not output else 1)
        if cost:
            h.given(~block.charged[lane] | open_)
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
            due = Mux(block.charged[lane], cost, 0) if cost else 0
            kept = open_ if gate == "discard" and not output else 1
            _error_step(h, lane, open_, held[lane], other[lane] if other else None, due, kept)
    h.always(block.done == h.before(block.valid, 2), h.before(h.started))
    h.always(block.done_word == h.word, h.due)
    return h


def _error_step(
    h: Sweep, lane: int, open_: Value, held: Value, other: Value | None, due: Value, kept: Value
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
        left = [(held, x - Mux(up, THETA, 0) + Mux(down, THETA, 0) - due)]
    else:
        left = [(held, x - Mux(up, THETA, 0) - due), (other, y - Mux(down, THETA, 0) + due)]
    for charge, after in left:
        h.always(charge == h.before(Mux(kept, after, 0)), h.due & h.there(lane))
    h.always(block.positive[lane] == h.before(up) & h.there(lane), h.due)
    h.always(block.negative[lane] == h.before(down) & h.there(lane), h.due)
    h.reach(h.due & block.positive[lane] & (held == TOP - THETA))


CLAIMS = {
    "range": "the membrane stays in its range",
    "step": "fires iff at or over the threshold; what is left and charged",
    "one": "never both error spikes",
    "gate": "no error spike but through the open gate",
}
SEPARATE = {"membranes": "separate", "gate": "discard"}
# claim and case, settings, mutant
FORWARD_CASES = (
    ("range.subtract", {}, "no ceiling"),
    ("range.kernel", {"reset": "zero", "shift": 1}, "no floor"),
    ("step.subtract", {}, "a membrane at the threshold does not fire"),
    ("step.zero", {"reset": "zero"}, "dropout is ignored"),
    ("step.kernel", {"shift": 1}, "the kernel rounds negative charge down"),
    ("step.drop", {"excess": 3}, "a spike takes the threshold, whatever the drop"),
    ("step.leak", {"leak": Leak(2)}, "a leak without a second shift is none"),
    (
        "step.leak_two",
        {"leak": Leak(3, 5, -1)},
        "the second shift of a leak is added where it is to be taken",
    ),
)
ERROR_CASES = (
    ("one", {}, "the shared membrane never fires below 0"),
    ("gate.hold", {}, "the gate is ignored"),
    ("gate.discard", SEPARATE, "the gate is ignored"),
    ("range.shared", {}, "no saturation at the lower rail"),
    ("range.separate", SEPARATE, "no saturation at the upper rail"),
    ("step.shared", {}, "a negative spike's reset has the wrong sign"),
    ("step.separate", SEPARATE, "charge is kept where it is to be discarded"),
    ("step.cost", {"cost": 7}, "nothing is charged"),
    (
        "step.separate_cost",
        SEPARATE | {"cost": 7},
        "the negative membrane is charged as the positive one",
    ),
    ("step.output", {"output": True}, "the membrane of the sample before goes on"),
)


def proofs() -> list[Proof]:
    """Return the claims of forward and of error neurons."""
    return [
        Proof(
            "neuron",
            f"{kind}.{case}",
            CLAIMS[claim := case.partition(".")[0]],
            partial(harness, claim=claim, **settings),
            module,
            mutants[why],
            depth=10,
            induction=6,
        )
        for kind, harness, module, mutants, cases in (
            ("forward", forward, hdl, FORWARD, FORWARD_CASES),
            ("error", error, hdl_error, ERROR, ERROR_CASES),
        )
        for case, settings, why in cases
    ]
