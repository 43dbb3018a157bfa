"""Proofs about `hdl.frames`: the finder of frames is back at the hunt after so many bytes."""

from __future__ import annotations

from types import ModuleType

from amaranth import Const, Module, Mux, Signal, Value

from spikeloom.hdl import frames as hdl
from spikeloom.hdl.frames import LENGTH, Field
from tests.campaigns.formal.proof import Harness, Proof
from tests.campaigns.mutation.planted import Mutant

CRC_BYTES = 4
LONGEST = 4 + (1 << LENGTH) + CRC_BYTES
"""Bytes after which any state is left, whatever came to be in the registers."""

ENDLESS = Mutant("frames", "with m.If(left[:2] == 1):", "with m.If(0):", "the CRC has no last byte")
SHORT = Mutant(
    "frames", "with m.If(left[:2] == 1):", "with m.If(left[:2] == 2):", "the CRC is a byte short"
)


def rest(m: Module, field: Value, left: Value) -> Signal:
    """Return how many bytes at most come before the next hunt."""
    wait = Signal(range(LONGEST + 1))
    crc = Mux(left[:2] == 0, CRC_BYTES, left[:2])
    payload = CRC_BYTES + Mux(left == 0, 1 << LENGTH, left)
    full = Const(CRC_BYTES + (1 << LENGTH))
    with m.Switch(field):
        for name, value in (
            (Field.CRC, crc),
            (Field.PAYLOAD, payload),
            (Field.LENGTH, full + 1),
            (Field.HIGH, full + 2),
            (Field.LOW, full + 3),
            (Field.KIND, full + 4),
        ):
            with m.Case(name):
                m.d.comb += wait.eq(value)
    return wait


def hunts_again(module: ModuleType) -> Harness:
    """Count down what is left of a frame, from every legal state of the registers."""
    block = module.FrameReceiver()
    h = Harness(block)
    field, left = h.register("field", 3), h.register("left", LENGTH)
    wait = rest(h.m, field, left)
    hunting = field == Field.SOF
    h.always(field <= Field.CRC)
    h.always(wait <= LONGEST)
    came = h.before(block.heard.valid & ~hunting)
    h.always(hunting | (wait < h.before(wait)), came & h.started)
    h.always(
        field == h.before(field),
        h.started & h.before(~block.heard.valid & ~block.drop & ~block.heard.error),
    )
    h.always(hunting, h.before(block.drop | block.heard.error))
    h.reach(block.found.done & h.before(block.found.push, CRC_BYTES))
    return h


def one_answer(module: ModuleType) -> Harness:
    """A good frame is one that began, whose CRC was good, and that nothing broke off."""
    block = module.FrameReceiver()
    h = Harness(block)
    field, left = h.register("field", 3), h.register("left", LENGTH)
    begun, sum_bytes = Signal(), Signal(3)
    with h.m.If(block.heard.valid):
        h.m.d.sync += sum_bytes.eq(Mux(block.heard.check, sum_bytes + 1, 0))
    with h.m.If(block.found.start):
        h.m.d.sync += begun.eq(1)
    with h.m.If(block.found.done | block.drop | block.heard.error):
        h.m.d.sync += begun.eq(0)
    h.given(~(block.heard.valid & block.heard.error))
    h.always(begun | (field == Field.SOF))
    checking = field == Field.CRC
    h.always(((left + sum_bytes)[:2] == 0) & (sum_bytes < CRC_BYTES), checking)
    h.always(begun & block.heard.valid & block.heard.good & ~block.drop, block.found.done)
    h.always(sum_bytes == CRC_BYTES - 1, block.found.done)
    h.reach(block.found.done & h.before(block.found.push, CRC_BYTES))
    return h


def proofs() -> list[Proof]:
    """Return the claims of the receiver."""
    return [
        Proof(
            "frames",
            "hunts_again",
            f"from any legal state back at the hunt within {LONGEST} bytes",
            hunts_again,
            hdl,
            ENDLESS,
            depth=16,
            induction=2,
        ),
        Proof(
            "frames",
            "one_answer",
            "good only if it began, unbroken, its CRC's four bytes good",
            one_answer,
            hdl,
            SHORT,
            depth=16,
            induction=8,
        ),
    ]
