"""Our models of FPGA cells do what their makers document, and nothing kinder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from amaranth import Const
from cell_bench import Cell, Cells

from spikeloom.boards.devices import Family

OPERATIONS = 1500

# Where two-port cells find their pins in the stimulus.
ENABLE_A, WRITE_A, RESET_A, OUT_A = 0, 1, 2, 3
ENABLE_B, WRITE_B, RESET_B, OUT_B = 4, 5, 6, 7
SELECT_A, SELECT_B = 8, 11
ADDRESS_A, ADDRESS_B = 16, 32
DATA_A, DATA_B = 48, 88


@dataclass(frozen=True)
class Form:
    """One setting of a two-port memory; widths as the guides count them, with ninth bits."""

    a: int
    b: int
    mode_a: int = 0
    mode_b: int = 0
    register: bool = False
    select: int = 0
    resets_at_once: bool = False


# Every width on every port, every write mode, output registers, a block selected by decoding.
TWO_PORTS = [
    *(Form(width, width) for width in (1, 2, 4, 9, 18)),
    *(Form(wide, narrow) for wide, narrow in ((18, 9), (18, 4), (9, 2), (4, 1), (1, 18), (9, 18))),
    *(Form(9, 18, mode, mode) for mode in (1, 2)),
    *(Form(18, 9, mode, mode) for mode in (1, 2)),
    Form(4, 4, 1, 1),
    Form(18, 18, register=True),
    Form(18, 18, 1, 1, register=True, select=5),
    Form(9, 9, select=3, resets_at_once=True),
    *(Form(36, width) for width in (1, 2, 4, 9, 18, 36)),
    Form(36, 36, register=True),
    Form(36, 18, select=6),
]


def dp16kd(form: Form) -> Cell:
    mode = ("NORMAL", "WRITETHROUGH", "READBEFOREWRITE")
    register = "OUTREG" if form.register else "NOREG"
    parameters: dict[str, object] = {"RESETMODE": "ASYNC" if form.resets_at_once else "SYNC"}
    strobes, held, outputs = {}, {}, {}
    for port, width, write_mode, first in (
        ("A", form.a, form.mode_a, (ENABLE_A, WRITE_A, RESET_A, OUT_A)),
        ("B", form.b, form.mode_b, (ENABLE_B, WRITE_B, RESET_B, OUT_B)),
    ):
        parameters |= {
            f"DATA_WIDTH_{port}": width,
            f"REGMODE_{port}": register,
            f"WRITEMODE_{port}": mode[write_mode],
            f"CSDECODE_{port}": f"0b{form.select:03b}",
        }
        names = (f"CE{port}", f"WE{port}", f"RST{port}", f"OCE{port}")
        strobes |= {name: (bit, 1) for name, bit in zip(names, first, strict=True)}
        if port == "B" and form.a == 36:
            del strobes["WEB"]  # port B only reads: its data pins are half of what is written
        held[f"CS{port}"] = (SELECT_A if port == "A" else SELECT_B, 3)
        held[f"AD{port}"] = (ADDRESS_A if port == "A" else ADDRESS_B, 14)
        outputs[f"DO{port}"] = 18
    # 36 bits come in through both ports.
    held["DIA"] = (DATA_A, 18)
    held["DIB"] = (DATA_A + 18, 18) if form.a == 36 else (DATA_B, 18)
    constants = {"WEB": 0} if form.a == 36 else {}
    clocks = ("CLKA", "CLKB")
    return Cell("DP16KD", parameters, clocks, strobes, held, outputs, True, constants)


def gowin(form: Form) -> Cell:
    """Return the narrowest Gowin cell of a form: with ninth bits or without, one writer or two."""
    nine = form.a >= 9 and form.b >= 9
    widths = [w if nine or w < 9 else w // 9 * 8 for w in (form.a, form.b)]
    bits = 18 if nine else 16
    parameters: dict[str, object] = {
        "BIT_WIDTH_0": widths[0],
        "BIT_WIDTH_1": widths[1],
        "BLK_SEL_0": form.select,
        "BLK_SEL_1": form.select,
        "RESET_MODE": "ASYNC" if form.resets_at_once else "SYNC",
    }
    strobes = {
        "CEA": (ENABLE_A, 1),
        "CEB": (ENABLE_B, 1),
        "RESETA": (RESET_A, 1),
        "RESETB": (RESET_B, 1),
    }
    held = {"BLKSELA": (SELECT_A, 3), "BLKSELB": (SELECT_B, 3)}
    held |= {"ADA": (ADDRESS_A, 14), "ADB": (ADDRESS_B, 14)}
    clocks = ("CLKA", "CLKB")
    if form.a == 36:
        held["DI"] = (DATA_A, 2 * bits)
        strobes["OCE"] = (OUT_B, 1)
        parameters["READ_MODE"] = int(form.register)
        name = "SDPX9B" if nine else "SDPB"
        return Cell(name, parameters, clocks, strobes, held, {"DO": 2 * bits})
    strobes |= {"WREA": (WRITE_A, 1), "WREB": (WRITE_B, 1)}
    strobes |= {"OCEA": (OUT_A, 1), "OCEB": (OUT_B, 1)}
    held |= {"DIA": (DATA_A, bits), "DIB": (DATA_B, bits)}
    parameters |= {"READ_MODE0": int(form.register), "READ_MODE1": int(form.register)}
    parameters |= {"WRITE_MODE0": form.mode_a, "WRITE_MODE1": form.mode_b}
    name = "DPX9B" if nine else "DPB"
    return Cell(name, parameters, clocks, strobes, held, {"DOA": bits, "DOB": bits})


class TwoPorts:
    """What the guides say of a block RAM; None is a bit of which they say nothing."""

    BITS = 36

    def __init__(self, family: Family, form: Form) -> None:
        self.form = form
        self._blocks = family == Family.ECP5 and not form.resets_at_once
        self._needs_write = family == Family.ECP5  # Gowin's port A writes whenever it is enabled
        self._memory: dict[int, int | None] = {}  # by byte * 9 + bit; absent: not written yet
        self.latch: list[list[int | None]] = [[None] * self.BITS, [None] * self.BITS]
        self._out: list[list[int | None]] = [[None] * self.BITS, [None] * self.BITS]
        self.collided = [False, False]  # in the last clock, on reading

    @property
    def shown(self) -> list[list[int | None]]:
        return self._out if self.form.register else self.latch

    def old(self, places: list[int]) -> list[int | None]:
        return [self._memory.get(place) for place in places]

    def places(self, port: int, address: int) -> list[int]:
        """Return the bits of the word at an address."""
        width = (self.form.a, self.form.b)[port]
        if width < 9:
            first = (address & 7) // width * width
            return [(address >> 3) * 9 + first + k for k in range(width)]
        count = width // 9
        return [(address >> 3) // count * count * 9 + k for k in range(width)]

    def clock(self, fields: dict[str, int]) -> None:
        flags = fields["f0"]
        widths = (self.form.a, self.form.b)
        modes = (self.form.mode_a, self.form.mode_b)
        addresses = (fields[f"f{ADDRESS_A}"], fields[f"f{ADDRESS_B}"])
        datas = (fields[f"f{DATA_A}"], fields[f"f{DATA_B}"])
        selects = (fields[f"f{SELECT_A}"], fields[f"f{SELECT_B}"])
        on, write, reset, out, enabled = [], [], [], [], []
        for port in (0, 1):
            bits = [flags >> (4 * port + k) & 1 for k in range(4)]
            if self.form.a == 36:
                bits[1] = (bits[1] or not self._needs_write) and port == 0
            count = max(1, widths[port] // 9)
            enables = [widths[port] < 18 or bool(addresses[port] >> k & 1) for k in range(count)]
            on.append(bool(bits[0]) and selects[port] == self.form.select)
            reset.append(bool(bits[2]))
            out.append(bool(bits[3]))
            enabled.append(enables)
            blocked = self._blocks and reset[port]
            write.append((on[port] and bool(bits[1]), any(enables) and not blocked))
        common = max((1, 2, 4, 9, 18, 36).index(width) for width in widths)
        same = all(on) and addresses[0] >> common == addresses[1] >> common
        before = [list(latch) for latch in self.latch]
        stores = []
        for port in (0, 1):
            other_writes = same and all(write[1 - port])
            places = self.places(port, addresses[port])
            old = [self._memory.get(place) for place in places]
            new = [
                datas[port] >> k & 1 if enabled[port][k // 9] else old[k]
                for k in range(len(places))
            ]
            reads = on[port] and (not write[port][0] or modes[port] != 0)
            self.collided[port] = reads and other_writes and not reset[port]
            if reset[port]:
                self.latch[port] = [0] * self.BITS
            elif reads:
                word = new if write[port][0] and modes[port] == 1 else old
                if other_writes:
                    word = [None] * len(places)
                self.latch[port] = word + [0] * (self.BITS - len(places))
            if reset[port]:
                self._out[port] = [0] * self.BITS
            elif out[port]:
                self._out[port] = before[port]
            if all(write[port]):
                stores += [
                    (place, None if other_writes else new[k])
                    for k, place in enumerate(places)
                    if enabled[port][k // 9]
                ]
        for place, bit in stores:
            self._memory[place] = bit


def dp16kd_word(form: Form, port: int, shown: dict[str, int]) -> int | None:
    if form.b == 36:
        return shown["DOB"] << 18 | shown["DOA"] if port else None
    return None if form.a == 36 and port == 0 else shown["DOB" if port else "DOA"]


def operations(rng: np.random.Generator, count: int) -> list[dict[str, int]]:
    """Draw operations that often meet: few places, all on the same bytes."""
    result = []
    for _ in range(count):
        flags = sum(int(rng.random() < p) << k for k, p in enumerate((0.9, 0.5, 0.04, 0.7) * 2))
        place = int(rng.integers(4)) << 5
        fields = {"f0": flags}
        for select, address in ((SELECT_A, ADDRESS_A), (SELECT_B, ADDRESS_B)):
            fields[f"f{select}"] = int(rng.choice([0, 0, 3, 5, 6]))
            fields[f"f{address}"] = place ^ int(rng.integers(64) if rng.random() < 0.5 else 0)
        fields[f"f{DATA_A}"] = int(rng.integers(1 << 36))
        fields[f"f{DATA_B}"] = int(rng.integers(1 << 18))
        result.append(fields)
    return result


def gowin_word(form: Form, port: int, shown: dict[str, int]) -> int | None:
    if form.a == 36:
        return shown["DO"] if port else None
    return shown["DOB" if port else "DOA"]


def gowin_has(form: Form) -> bool:
    """Say whether Gowin has a form: ninth bits on both ports or on none; no third write mode."""
    return (form.a >= 9) == (form.b >= 9) and 2 not in (form.mode_a, form.mode_b)


FORMS = {Family.ECP5: TWO_PORTS, Family.GOWIN: [form for form in TWO_PORTS if gowin_has(form)]}
CELL = {Family.ECP5: dp16kd, Family.GOWIN: gowin}
WORD = {Family.ECP5: dp16kd_word, Family.GOWIN: gowin_word}


@pytest.fixture(scope="module", params=list(FORMS))
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


def two_ports(family: Family, power_up: int) -> Cells:
    return Cells(family, [CELL[family](form) for form in FORMS[family]], power_up)


def test_block_ram_does_what_its_guide_says(family: Family, rng: np.random.Generator, seed: int):
    cells = two_ports(family, seed)
    models = [TwoPorts(family, form) for form in FORMS[family]]
    compared = np.zeros((len(models), 2), np.int64)
    for number, fields in enumerate(operations(rng, OPERATIONS)):
        for index, (model, shown) in enumerate(zip(models, cells.clock(**fields), strict=True)):
            model.clock(fields)
            for port in (0, 1):
                word = WORD[family](model.form, port, shown)
                if word is None:
                    continue
                for k, bit in enumerate(model.shown[port][: (model.form.a, model.form.b)[port]]):
                    if bit is not None:
                        compared[index, port] += 1
                        assert word >> k & 1 == bit, (number, model.form, port, k)
    cells.close()
    widths = [(form.a if form.a < 36 else 0, form.b) for form in FORMS[family]]
    assert (compared >= OPERATIONS // 8 * np.minimum(widths, 1)).all(), "hardly anything is said"


def test_a_word_read_and_written_at_once_is_worth_nothing(
    family: Family, rng: np.random.Generator, seed: int
):
    cells = two_ports(family, seed)
    models = [TwoPorts(family, form) for form in FORMS[family]]
    bits, as_before = np.zeros(len(models)), np.zeros(len(models))
    for fields in operations(rng, OPERATIONS):
        # What is stored is only known if both ports never write at once.
        fields["f0"] &= ~(1 << WRITE_B)
        answers = cells.clock(**fields)
        for index, (model, shown) in enumerate(zip(models, answers, strict=True)):
            old = model.old(model.places(1, fields[f"f{ADDRESS_B}"]))
            model.clock(fields)
            word = WORD[family](model.form, 1, shown)
            if not model.collided[1] or model.form.register:
                continue
            known = [k for k, bit in enumerate(old) if bit is not None]
            bits[index] += len(known)
            as_before[index] += sum(word >> k & 1 == old[k] for k in known)
    cells.close()
    tested = [index for index, form in enumerate(FORMS[family]) if not form.register]
    assert (bits[tested] > 0).all()
    assert bits[tested].sum() > 1500
    share = as_before[tested].sum() / bits[tested].sum()
    assert 0.45 < share < 0.55, f"{share:.1%} of the bits are as before"


def contents(family: Family, power_up: int) -> list[int]:
    """Return what a block starts with, 16 words of 18 bits."""
    cells = Cells(family, [CELL[family](Form(18, 18))], power_up)
    words = [
        cells.clock(f0=1 << ENABLE_B, **{f"f{ADDRESS_B}": 16 * k})[0]["DOB"] for k in range(16)
    ]
    cells.close()
    return words


def test_a_block_starts_with_what_its_seed_says(family: Family):
    first, again, other = (contents(family, power_up) for power_up in (7, 7, 8))
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))
    assert len(set(first)) > 12


# --- iCE40, where a narrow word takes every second, fourth or eighth bit of a row of 16

MODES = [(write, read) for write in range(4) for read in range(4)]
MASK, SPRAM_DATA = 64, 96


def ice40_cells() -> list[Cell]:
    cells = [
        Cell(
            "SB_RAM40_4K",
            {"WRITE_MODE": write, "READ_MODE": read},
            ("WCLK", "RCLK"),
            {"WE": (0, 1), "RE": (4, 1)},
            {"WCLKE": (1, 1), "RCLKE": (5, 1), "WADDR": (16, 11), "RADDR": (32, 11)}
            | {"MASK": (MASK, 16), "WDATA": (DATA_A, 16)},
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
        fields = {"f0": flags, "f16": write, "f32": read, f"f{DATA_A}": data, f"f{MASK}": mask}
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


# --- cells that only compute

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
