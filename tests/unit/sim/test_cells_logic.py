"""Our models of cells made of logic do what their makers document: tables, products, memories."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth import Const

from spikeloom.boards.devices import Family
from tests.support.cell_bench import Cell, Cells

TABLES = [0x0001, 0x8000, 0x6996, 0xCAFE, 0x1234]


def test_tables_look_up(seed: int):
    pins = {Family.ICE40: ("SB_LUT4", "LUT_INIT", ("I0", "I1", "I2", "I3"), "O")}
    pins[Family.ECP5] = ("LUT4", "INIT", ("A", "B", "C", "D"), "Z")
    pins[Family.GOWIN] = ("LUT4", "INIT", ("I0", "I1", "I2", "I3"), "F")
    for family, (name, table, inputs, output) in pins.items():
        held = {pin: (k, 1) for k, pin in enumerate(inputs)}
        made = [Cell(name, {table: Const(t, 16)}, (), {}, held, {output: 1}) for t in TABLES]
        cells = Cells(family, made, seed)
        for index in range(16):
            found = [shown[output] for shown in cells.clock(f0=index)]
            assert found == [t >> index & 1 for t in TABLES]
        cells.close()


def test_multipliers_multiply(rng: np.random.Generator, seed: int):
    held = {"A": (0, 18), "B": (18, 18)}
    ecp5 = [
        Cell("MULT18X18D", {}, (), {}, held, {"P": 36}, True, {"SIGNEDA": a, "SIGNEDB": b})
        for a in (0, 1)
        for b in (0, 1)
    ]
    gowin_cells = [
        Cell("MULT18X18", {}, (), {}, held, {"DOUT": 36}, constants={"ASIGN": a, "BSIGN": b})
        for a in (0, 1)
        for b in (0, 1)
    ]
    for family, made in ((Family.ECP5, ecp5), (Family.GOWIN, gowin_cells)):
        cells = Cells(family, made, seed)
        for a, b in [(0, 1), (131072, 131072), *rng.integers(1 << 18, size=(50, 2)).tolist()]:
            signed = [(a, a - (a >> 17 << 18)), (b, b - (b >> 17 << 18))]
            products = [x * y % (1 << 36) for x in signed[0] for y in signed[1]]
            assert [next(iter(s.values())) for s in cells.clock(f0=a, f18=b)] == products
        cells.close()


@pytest.mark.parametrize(
    ("family", "name", "pins"),
    [
        (Family.ECP5, "TRELLIS_DPR16X4", ("WCK", "WRE")),
        (Family.GOWIN, "RAM16SDP4", ("CLK", "WRE")),
    ],
)
def test_memories_of_tables_are_read_at_once(
    family: Family, name: str, pins: tuple[str, str], rng: np.random.Generator, seed: int
):
    held = {"WAD": (8, 4), "RAD": (16, 4), "DI": (24, 4)}
    cells = Cells(family, [Cell(name, {}, pins[:1], {pins[1]: (0, 1)}, held, {"DO": 4})], seed)
    memory: dict[int, int] = {}
    for _ in range(300):
        write, to, at, data = (int(rng.integers(n)) for n in (2, 16, 16, 16))
        shown = cells.clock(f0=write, f8=to, f16=at, f24=data)[0]["DO"]
        if write:
            memory[to] = data
        assert shown == memory.get(at, shown)
    assert len(memory) == 16
    cells.close()
