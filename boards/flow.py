"""From a target and a network to the tools' steps: what each reads, how it is called.

Amaranth's platform writes the design, the pins and the command lines; what is added here is what it
has no word for: a report, a seed, a clock to reach that is judged by us, and Gowin's new names.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from spikeloom.boards import tools
from spikeloom.boards.clock import MHZ
from spikeloom.boards.devices import Family, Fpga
from spikeloom.boards.steps import Done, Log, Step, run
from spikeloom.boards.synthesis import prepare, synthesise
from spikeloom.boards.targets import Target
from spikeloom.golden.spec.network import NetworkConfig
from spikeloom.hdl.hardware import Hardware

TOP = "top"
REPORT, NETLIST, STATISTICS = "report.json", "top.json", "cells.json"
_CONSTRAINTS = (".pcf", ".lpf", ".cst")
_SCRIPT = "synthesis.ys"

# Same die, other package: the tools' data base knows it by one name.
_GOWIN_NAMES = {"GW2AR-18C": "GW2A-18C"}


@dataclass(frozen=True)
class Design:
    """What Amaranth made of a target: the text of a design, its pins, and how tools are called.

    Attributes
    ----------
    rtlil : the design. constraints : name and text of the file with its pins.
    commands : the platform's own command lines, the synthesis first.
    device : what it is for. clock_hz : frequency that its clock really has.
    """

    rtlil: str
    constraints: tuple[str, str]
    commands: tuple[tuple[str, ...], ...]
    device: Fpga
    clock_hz: int

    @property
    def placer(self) -> tuple[str, ...]:
        """The command line that places and routes."""
        return self.commands[1]

    @property
    def packers(self) -> tuple[tuple[str, ...], ...]:
        """The command lines after that."""
        return self.commands[2:]


def design(target: Target, config: NetworkConfig, hardware: Hardware, clock_hz: int) -> Design:
    """Elaborate a target; the text names no source file, so it depends on the design alone."""
    top = target.top(config, hardware, clock_hz)
    plan = target.platform().prepare(top, TOP, emit_src=False)
    (constraints,) = [name for name in plan.files if Path(name).suffix in _CONSTRAINTS]
    commands = json.loads(plan.files[f"build_{TOP}.json"])["commands"]
    return Design(
        rtlil=plan.files[f"{TOP}.il"],
        constraints=(constraints, plan.files[constraints]),
        commands=tuple(tuple(command) for command in commands),
        device=target.device,
        clock_hz=target.core_hz(clock_hz),
    )


def synthesis(made: Design, cache: Path, say: Log) -> Done:
    """Run Yosys; outputs `NETLIST` and `STATISTICS`."""
    script = (
        *prepare(f"{TOP}.il", TOP, check=False),
        synthesise(made.device, TOP),
        f"write_json {NETLIST}",
        f"tee -q -o {STATISTICS} stat -json",
    )
    step = Step(
        tools.find("yosys"),
        ("-s", _SCRIPT),
        {f"{TOP}.il": made.rtlil, _SCRIPT: "\n".join(script) + "\n"},
        (NETLIST, STATISTICS),
    )
    return run(step, cache, say, f"Yosys: {len(made.rtlil) / 1e6:.1f} MB of RTLIL to cells")


def _without(arguments: list[str], *names: str, values: int) -> list[str]:
    """Return arguments without some options and the `values` words after each."""
    kept, skip = [], 0
    for word in arguments:
        if word in names:
            skip = values + 1
        if skip:
            skip -= 1
        else:
            kept.append(word)
    return kept


def _value(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def _gowin(arguments: list[str]) -> list[str]:
    """Translate the options of Gowin's old placer to those of the new one."""
    family = _value(arguments, "--family")
    constraints = _value(arguments, "--cst")
    rest = _without(arguments, "--family", "--cst", values=1)
    chip = _GOWIN_NAMES.get(family, family)
    return [*rest, "--vopt", f"family={chip}", "--vopt", f"cst={constraints}"]


def place(made: Design, netlist: Path, seed: int, cache: Path, say: Log, watch: Log) -> Done:
    """Run nextpnr with one seed; outputs `REPORT` and what the packer reads."""
    name, *arguments = made.placer
    arguments = _without(_without(arguments, "--quiet", values=0), "--log", values=1)
    if made.device.family is Family.GOWIN:
        name, arguments = "nextpnr-himbaechel-gowin", _gowin(arguments)
    source = _value(arguments, "--json")
    outputs = [_value(arguments, o) for o in ("--asc", "--textcfg", "--write") if o in arguments]
    step = Step(
        tools.find(name),
        (
            *arguments,
            *("--report", REPORT),
            *("--freq", f"{made.clock_hz / MHZ:.6f}"),
            *("--seed", str(seed)),
            # A full ECP5 is routed in a known time by the newer router only.
            *(("--router", "router2") if made.device.family is Family.ECP5 else ()),
            # The clock is judged by us: a report is worth more than an error.
            "--timing-allow-fail",
        ),
        {source: netlist, made.constraints[0]: made.constraints[1]},
        (*outputs, REPORT),
    )
    return run(step, cache, say, f"{name}: placing and routing, seed {seed}", watch)


def pack(made: Design, placed: Done, cache: Path, say: Log) -> Path:
    """Make the bitstream of a routed design; return its file."""
    name, *arguments = made.packers[0]
    if name == "ecppack":
        arguments = _without(arguments, "--svf", values=1)
        source, output = _value(arguments, "--input"), _value(arguments, "--bit")
    elif name == "gowin_pack":
        chip = _value(arguments, "-d")
        arguments[arguments.index("-d") + 1] = _GOWIN_NAMES.get(chip, chip)
        source, output = arguments[-1], _value(arguments, "-o")
    else:
        source, output = arguments[-2:]
    step = Step(tools.find(name), tuple(arguments), {source: placed[source]}, (output,))
    return run(step, cache, say, f"{name}: the bitstream")[output]


def dfu_suffix(made: Design) -> tuple[int, int] | None:
    """Return vendor and product that a USB boot loader wants at a bitstream's end, if it does."""
    for name, *arguments in made.packers[1:]:
        if name == "dfu-suffix":
            return int(_value(arguments, "-v"), 16), int(_value(arguments, "-p"), 16)
    return None


def with_dfu_suffix(bitstream: bytes, vendor: int, product: int) -> bytes:
    """Return a bitstream with the suffix of USB DFU 1.1, which says whom it is for."""
    body = bitstream + struct.pack("<HHHH3sB", 0xFFFF, product, vendor, 0x0100, b"UFD", 16)
    return body + struct.pack("<I", zlib.crc32(body) ^ 0xFFFFFFFF)
