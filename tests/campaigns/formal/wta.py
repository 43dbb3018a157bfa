"""Proofs about `hdl.wta`: which spikes count, by the text; at full strength one at most."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from amaranth import Array, Mux, Value, signed

from spikeloom.golden.spec.machine import SPIKE
from spikeloom.golden.spec.wta import CEILING, FLOOR, START
from spikeloom.hdl import wta as hdl
from tests.campaigns.formal.proof import Harness, Proof, faults
from tests.support import stimulus

CLASSES, CURRENT, STAGE = 3, 9, 12
FAULTS = faults("wta")


def dense(module: ModuleType, kind: str, strength: int) -> Harness:
    """Return a harness that steps as the contract allows: every two clocks, raw spikes held."""
    layer = stimulus.layer(3, CLASSES, lanes=2, index=2, inhibition=strength)
    machine = stimulus.machine((layer,), wta__kind=kind)
    block = module.Wta(machine, layer, signed(CURRENT), lanes=2)
    h = Harness(block)
    late = h.before(block.valid)
    h.given(~(late & block.valid))
    h.given(~late | (block.raw == h.before(block.raw)))
    h.given(~block.start | ~(late | block.valid))
    return h


def others(bits: Value, lane: int) -> Value:
    """Return how many bits beside `lane` are set."""
    return sum((bits[k] for k in range(CLASSES) if k != lane), start=bits[0] & 0)


def stage(module: ModuleType, kind: str, strength: int, claim: str) -> Harness:
    """Compare a step of the second stage with the text of `golden.wta`."""
    h = dense(module, kind, strength)
    block = h.block
    membranes = [h.register(f"stage{lane}", signed(STAGE)) for lane in range(CLASSES)]
    source = block.raw if kind == "feedforward" else block.counted
    count = sum((block.counted[lane] for lane in range(CLASSES)), start=block.counted[0] & 0)
    for lane, u in enumerate(membranes):
        h.always((u >= FLOOR) & (u <= CEILING))
        if claim == "one":
            h.always((u <= START) & (u[:7] == 0))  # nothing between 128 and a whole spike
            continue
        pushed = u + Mux(block.raw[lane], SPIKE, 0) - strength * others(source, lane)
        floored = Mux(pushed < FLOOR, FLOOR, pushed)
        fires = floored >= SPIKE
        left = floored - Mux(fires, SPIKE, 0)
        left = Mux(left > CEILING, CEILING, left)
        h.always(block.counted[lane] == h.before(fires, 2), block.done)
        h.always(u == h.before(left, 2), block.done)
        h.always(u == START, h.before(block.start))
    if claim == "one":
        h.always(count <= 1)
        h.reach(
            (count == 1) & h.before(count == 1, 4) & (block.counted != h.before(block.counted, 4))
        )
    else:
        h.reach(block.done & (count > 1) & (membranes[0] == FLOOR))
    h.always(block.done == h.before(block.valid, 2), h.before(h.started))
    return h


def lateral(module: ModuleType, strength: int) -> Harness:
    """Compare currents with the sums less the others' spikes of the step before."""
    h = dense(module, "lateral", strength)
    block = h.block
    last = [others(block.counted, lane) for lane in range(CLASSES)]
    padded = Array([*last, block.counted[0] & 0])
    h.given(block.word < 2)
    for lane in range(2):
        place = block.word * 2 + lane
        wanted = block.sums[lane] - strength * padded[place]
        h.always(block.currents[lane] == wanted, place < CLASSES)
    h.always(block.counted == h.before(block.raw), h.before(block.valid))
    h.always(block.counted == 0, h.before(block.start))
    h.reach(block.counted.all() & (block.currents[0] < -strength))
    return h


def proofs() -> list[Proof]:
    """Return the claims of each kind."""
    text, one = "spikes and membranes as the text has them", "one spike counts at most"
    second, itself = "second stage", "a neuron inhibits itself"
    rows = (
        (
            "feedforward.exclusive",
            one,
            "spikes of the wrong step inhibit",
            partial(stage, kind="feedforward", strength=SPIKE, claim="one"),
        ),
        (
            "feedforward.step",
            text,
            f"{itself} ({second})",
            partial(stage, kind="feedforward", strength=200, claim="step"),
        ),
        (
            "recurrent.step",
            text,
            "no floor",
            partial(stage, kind="recurrent", strength=200, claim="step"),
        ),
        (
            "lateral.currents",
            "currents less what the others' spikes take",
            f"{itself} (lateral)",
            partial(lateral, strength=37),
        ),
    )
    return [
        Proof("wta", case, claim, harness, hdl, FAULTS[why], depth=14, induction=6)
        for case, claim, why, harness in rows
    ]
