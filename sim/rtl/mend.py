"""Yosys' Verilog mended for Verilator: what is slow to compile, and what no waveform needs."""

from __future__ import annotations

import re

# An array entry that is set, and the lines after it that set more of them to the same value.
_FILL = re.compile(
    r"^(?P<indent> *)(?P<array>\S+) ?\[0\] = (?P<value>\d+'h[0-9a-f]+);\n"
    r"(?:(?P=indent)(?P=array) ?\[(?P<last>\d+)\] = (?P=value);\n){3,}",
    re.MULTILINE,
)


def loop_fills(verilog: str) -> str:
    """Turn the lines that fill a memory with one value, one per word, into a loop.

    They are most of the text and most of the time that it takes to compile it.
    """

    def loop(match: re.Match[str]) -> str:
        indent, array, value = match["indent"], match["array"], match["value"]
        words = match[0].count("\n")
        if int(match["last"]) != words - 1:
            return match[0]  # words are left out
        return (
            f"{indent}begin : fill_{match.start()}\n"
            f"{indent}  integer word;\n"
            f"{indent}  for (word = 0; word < {words}; word = word + 1) {array} [word] = {value};\n"
            f"{indent}end\n"
        )

    return _FILL.sub(loop, verilog)


# A wire that Yosys made up, and a loop of `loop_fills`: nothing to look at in a waveform.
_UNNAMED = re.compile(
    r"^ *(?:wire|reg) (?:signed )?(?:\[\d+:\d+\] )?(?:\\\$|_\d+_)[^\n]*\n"
    r"|^ *begin : fill_\d+\n.*?\bend\n",
    re.MULTILINE | re.DOTALL,
)


def hide_unnamed(verilog: str) -> str:
    """Keep out of waveforms what has no name in the component."""

    def hide(match: re.Match[str]) -> str:
        return f"/*verilator tracing_off*/\n{match[0]}/*verilator tracing_on*/\n"

    return _UNNAMED.sub(hide, verilog)
