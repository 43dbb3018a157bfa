"""Our models of iCE40's memories do what their maker documents, and nothing kinder.

A narrow word of a block RAM takes every second, fourth or eighth bit of a row of 16.
"""

from __future__ import annotations

import numpy as np

from spikeloom.boards.devices import Family
from tests.support.cell_bench import Cell, Cells

OPERATIONS = 1500

MODES = [(write, read) for write in range(4) for read in range(4)]
WDATA, MASK, SPRAM_DATA = 48, 64, 96


def ice40_cells() -> list[Cell]:
    cells = [
        Cell(
            "SB_RAM40_4K",
            {"WRITE_MODE": write, "READ_MODE": read},
            ("WCLK", "RCLK"),
            {"WE": (0, 1), "RE": (4, 1)},
            {"WCLKE": (1, 1), "RCLKE": (5, 1), "WADDR": (16, 11), "RADDR": (32, 11)}
            | {"MASK": (MASK, 16), "WDATA": (WDATA, 16)},
            {"RDATA": 16},
        )
        for write, read in MODES
    ]
    spram = Cell(
        "SB_SPRAM256KA",
        {},
        ("CLOCK",),
        {"CHIPSELECT": (0, 1), "STANDBY": (2, 1)},
        {"WREN": (1, 1), "ADDRESS": (16, 14), "DATAIN": (SPRAM_DATA, 16)} | {"MASKWREN": (MASK, 4)},
        {"DATAOUT": 16},
        constants={"SLEEP": 0, "POWEROFF": 1},
    )
    return [*cells, spram]


def row_bits(mode: int, address: int) -> list[tuple[int, int]]:
    """Return (bit of the row, data pin) of each bit of a word."""
    part = address >> 8 & ((1 << mode) - 1)
    first = (0, 0, 1, 3)[mode]
    return [(k * (1 << mode) + part, k * (1 << mode) + first) for k in range(16 >> mode)]


def test_ice40_block_ram_does_what_its_guide_says(rng: np.random.Generator, seed: int):
    cells = Cells(Family.ICE40, ice40_cells(), seed)
    memories: list[dict[int, int]] = [{} for _ in MODES]
    expected: list[dict[int, int | None]] = [{} for _ in MODES]
    collisions, lucky, compared = 0, 0, 0
    for _ in range(2 * OPERATIONS):
        flags = sum(int(rng.random() < p) << k for k, p in enumerate((0.6, 0.9, 0, 0, 0.7, 0.9)))
        row = int(rng.integers(3))
        write, read = (row | int(rng.integers(8)) << 8 for _ in range(2))
        data, mask = int(rng.integers(1 << 16)), int(rng.integers(1 << 16))
        fields = {"f0": flags, "f16": write, "f32": read, f"f{WDATA}": data, f"f{MASK}": mask}
        writes, reads = flags & 3 == 3, flags >> 4 & 3 == 3
        shown = cells.clock(**fields)
        for index, (write_mode, read_mode) in enumerate(MODES):
            into, out_of = row_bits(write_mode, write), row_bits(read_mode, read)
            memory = memories[index]
            rdata = shown[index]["RDATA"]
            if reads:
                meet = writes and {bit for bit, _ in into} & {bit for bit, _ in out_of}
                old = {pin: memory.get(row * 16 + bit) for bit, pin in out_of}
                expected[index] = dict.fromkeys(old) if meet else old
                for pin, bit in old.items() if meet else ():
                    if bit is not None:
                        collisions += 1
                        lucky += rdata >> pin & 1 == bit
            for pin, bit in expected[index].items():
                if bit is not None:
                    compared += 1
                    assert rdata >> pin & 1 == bit, (write_mode, read_mode, pin)
            if writes:
                for bit, pin in into:
                    if write_mode or not mask >> bit & 1:
                        memory[row * 16 + bit] = data >> pin & 1
    cells.close()
    assert compared > 20 * OPERATIONS
    assert collisions > 1000
    assert 0.45 < lucky / collisions < 0.55


def test_ice40_spram_does_what_its_guide_says(rng: np.random.Generator, seed: int):
    cells = Cells(Family.ICE40, ice40_cells(), seed)
    memory: dict[tuple[int, int], int] = {}
    expected: dict[int, int | None] = {}
    compared, after_write, kept = 0, 0, 0
    last = 0
    for _ in range(OPERATIONS):
        flags = sum(int(rng.random() < p) << k for k, p in enumerate((0.9, 0.4, 0.05)))
        select, write, standby = (flags >> k & 1 for k in range(3))
        address, data = int(rng.integers(4)) * 4097, int(rng.integers(1 << 16))
        mask = int(rng.integers(16))
        fields = {"f0": flags, "f16": address, f"f{SPRAM_DATA}": data, f"f{MASK}": mask}
        out = cells.clock(**fields)[-1]["DATAOUT"]
        if standby:
            expected = {}
        elif select and write:
            expected = {}
            after_write += 1
            kept += out in (last, data)
            for bit in range(16):
                if mask >> bit // 4 & 1:
                    memory[address, bit] = data >> bit & 1
        elif select:
            expected = {bit: memory.get((address, bit)) for bit in range(16)}
        for bit, value in expected.items():
            if value is not None:
                compared += 1
                assert out >> bit & 1 == value, (address, bit)
        last = out
    cells.close()
    assert compared > 5 * OPERATIONS
    assert after_write > 100
    assert kept < 5, "the word after a write is not to be relied on"
