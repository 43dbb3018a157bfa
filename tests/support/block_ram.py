"""Two-port block RAMs of ECP5 and Gowin: settings, the cells that have them, what guides say."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.boards.devices import Family
from tests.support.cell_bench import Cell

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
