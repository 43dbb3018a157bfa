"""Proofs about `hdl.crossbar`: one weight, any weight, changes when and as the text says."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from amaranth import Array, Cat, Mux, Signal, Value, signed

from spikeloom.golden.spec.machine import ceil_div, clog2
from spikeloom.hdl import crossbar as hdl
from spikeloom.hdl.hardware import BuiltLayer
from tests.campaigns.formal.proof import Harness, Proof, Watching, faults
from tests.campaigns.mutation.planted import Mutant
from tests.support import stimulus

ROWS, COLUMNS, LANES, BITS = 3, 3, 2, 3
REST = 4  # clocks after which a word of a row may be met again
FAULTS = faults("crossbar")
UNKEPT = Mutant(
    "crossbar",
    "& keep.replicate(width)",
    "",
    "a row that is not kept is written",
)


class OneWeight(Harness):
    """Accesses in any order, by the contract, and a weight, any, that is looked at.

    Attributes
    ----------
    weight : what its memory holds. up, down, poked : in this clock's write it is changed so.
    writes : a word is written in this clock. poke : the number to write.
    """

    def __init__(
        self, module: ModuleType, layer: BuiltLayer, *, transposed: bool, hardware: Watching
    ):
        super().__init__(module.Crossbar(layer, transposed=transposed, hardware=hardware))
        self.layer, self.hardware = layer, hardware
        self.row, self.word = self.fixed(range(ROWS), "the_row"), self.fixed(1, "the_word")
        self.lane = self.fixed(range(LANES), "the_lane")
        self.given((self.row < ROWS) & (self.word * LANES + self.lane < COLUMNS))
        self._contract(transposed)
        self.weight = Signal(signed(BITS))
        self.m.d.comb += self.weight.eq(self._stored(transposed))
        self.given(self.started | (self.weight >= -layer.weight_max))
        self._follow()

    def _contract(self, transposed: bool) -> None:
        """Suppose what the docstring of the crossbar asks of its caller."""
        block, access = self.block, self.block.access
        self.step = self.fixed(BITS + 1, "the_step")
        self.m.d.comb += block.change.step.eq(self.step)
        self.given(self.step.any() & ((self.step & (self.step - 1)) == 0))
        self.given((block.change.up & block.change.down) == 0)
        self.given((access.row < ROWS) & (access.column < LANES))
        self.given(access.word * LANES + access.column < COLUMNS)
        self.given(~access.poke | access.host & ~access.transposed & access.valid)
        self.given(block.poke >= -self.layer.weight_max)
        if not transposed:
            self.given(~access.transposed)
        self.meets = access.valid & ~access.transposed & (access.row == self.row)
        self.meets &= access.word == self.word
        # four clocks, but not those in which it waits for a write of a one-port memory
        held = Signal()
        with self.m.If(block.ready):
            self.m.d.sync += held.eq(self.meets)
        moves = held & block.ready
        resting = held | self.before(moves) | self.before(moves, 2)
        self.given(~(self.meets & block.ready & resting))

    def _stored(self, transposed: bool) -> Value:
        """Return the weight as it lies in its memory, by the layout of the module's text."""
        name, rows, ports = f"layer{self.layer.index}.weights", self.layer.n_pre, self.hardware.seen
        if not transposed:
            self.m.d.comb += ports[name].addr.eq(self.word * rows + self.row)
            return Array(ports[name].data)[self.lane]
        banks = self.layer.banks
        tile = self.word * ceil_div(rows, banks) + (self.row >> clog2(banks))
        for bank in range(banks):
            self.m.d.comb += ports[f"{name}{bank}"].addr.eq(tile * banks + self.lane)
        bank = (self.row + self.lane)[: clog2(banks)]
        return Array(ports[f"{name}{bank}"].data for bank in range(banks))[bank]

    def _follow(self) -> None:
        """Follow an access through the stages, to the clock in which it is written."""
        block, access = self.block, self.block.access
        learns = access.valid & ~access.host & ~access.transposed & block.change.keep
        asks = Cat(
            self.meets & learns & (block.change.up >> self.lane)[0],
            self.meets & learns & (block.change.down >> self.lane)[0],
            self.meets & access.poke & (access.column == self.lane),
            learns & (block.change.up | block.change.down).any() | access.poke,
        )
        waiting = Signal(4)
        with self.m.If(block.ready):
            self.m.d.sync += waiting.eq(asks)
        stages = 2 if self.hardware.registered else 1
        last = self.before(Mux(block.ready, waiting, 0), stages)
        self.up, self.down, self.poked, self.writes = self.before(last)
        self.poke = self.before(block.poke)


def written(
    module: ModuleType, *, transposed: bool = False, ports: int = 2, registered: bool = True
) -> Harness:
    """Compare the weight with what it was a clock ago, and what was asked of it."""
    layer = stimulus.layer(ROWS, COLUMNS, lanes=LANES, weight_bits=BITS, ports=ports)
    h = OneWeight(module, layer, transposed=transposed, hardware=Watching(registered=registered))
    block, top = h.block, layer.weight_max
    moved = h.weight + Mux(h.up, h.step, 0) - Mux(h.down, h.step, 0)
    held = Mux(moved > top, top, Mux(moved < -top, -top, moved))
    after = Mux(h.poked, h.poke, held)
    h.always(h.weight == h.before(after), h.started)
    h.always(h.weight >= -top)
    h.always(h.register("write", 1) == h.writes)
    h.always(block.ready == (~h.writes if ports == 1 else 1))
    again = REST + (ports == 1)  # its own first write holds the second up
    # twice, as soon as allowed; the second time to the rail
    h.reach((h.weight == -top) & h.before(h.down, 1) & h.before(h.down, again + 1))
    h.reach((h.weight == top) & h.before(h.up) & (h.step == 1))
    return h


CLAIM = "a weight changes by +-step or to the rail where row and error spike meet, else never"
TURNED = {"transposed": True}
# layout and case, settings, mutant
CASES = (
    ("plain", {}, FAULTS["the most negative code is used"]),
    ("plain.direct", {"registered": False}, FAULTS["no saturation at the upper rail"]),
    ("plain.one_port", {"ports": 1}, FAULTS["a one-port memory reads while it writes"]),
    ("transposed", TURNED, FAULTS["a signal is not turned to the banks"]),
    ("transposed.one_port", TURNED | {"ports": 1}, FAULTS["a row without coincidence is written"]),
    ("transposed.column", TURNED, FAULTS["a column access writes"]),
    ("plain.keep", {}, UNKEPT),
)


def proofs() -> list[Proof]:
    """Return the claims for both layouts, one and two ports, with and without a register."""
    return [
        Proof(
            "crossbar",
            f"write.{case}",
            CLAIM,
            partial(written, **settings),
            hdl,
            mutant,
            depth=14,
            # what waits for a one-port memory is not flushed within so few clocks
            induction=0 if settings.get("ports") == 1 else 8,
        )
        for case, settings, mutant in CASES
    ]
