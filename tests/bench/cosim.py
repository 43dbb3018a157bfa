"""Runs cocotb benches on Verilator: components side by side, built once per content, checked.

cocotb's runner works in a process of its own: it needs another environment than ours, and what it
prints and how it ends is judged here. A run without results, or with no test in them, has failed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from cocotb_tools import config
from cocotb_tools.runner import get_runner

from spikeloom import cache
from spikeloom.boards.tools import call
from spikeloom.sim.rtl import toolchain
from spikeloom.sim.rtl.verilate import BuildError, to_verilog
from tests.bench.bench import Case
from tests.paths import ROOT

TOP = "top"
SECONDS = 600
"""How long a build or a run may take."""

# A bench runs for a second, its build for twenty: no optimisation is the quicker whole, and one
# file of C++ needs no header compiled in advance, which costs more than all the rest.
_OPTIMISATION = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")
_ARGUMENTS = ("--output-split", "0", "-Wno-fatal", "-Wno-WIDTH", "-Wno-CASEINCOMPLETE")
_LAST_LINES = 15


class CosimError(AssertionError):
    """A bench failed, or nothing was checked: which tests, why, where the log is."""


class Blocks(wiring.Component):
    """Components side by side; the ports of each start with its case's name."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self._blocks = {case.name: case.component() for case in cases}
        super().__init__({name: Out(block.signature) for name, block in self._blocks.items()})

    def elaborate(self, platform: object) -> Module:
        """Connect every port to the one of the same name."""
        m = Module()
        for name, block in self._blocks.items():
            m.submodules[name] = block
            wiring.connect(m, wiring.flipped(getattr(self, name)), block)
        return m


def build(cases: Iterable[Case]) -> Path:
    """Return the simulator of components side by side, building it if the cache lacks it.

    Raises `BuildError` where a tool fails; otherwise as `spikeloom.cache.entry`.
    """
    verilog = to_verilog(Blocks(cases), TOP)
    settings = [*_OPTIMISATION, *_ARGUMENTS, *toolchain.versions(), version("cocotb")]
    place = cache.folder("cosim") / cache.digest([verilog, *settings])

    def make(work: Path) -> list[str]:
        (work / "top.v").write_text(verilog)
        log = _runner({"do": "build", "folder": str(work), "arguments": _ARGUMENTS}, work)
        if not (work / TOP).is_file():
            raise BuildError("cocotb's build", log, cache.keep_log(place, log))
        return [TOP]

    return cache.entry(place, make) / TOP


def run(
    simulator: Path,
    module: str,
    folder: Path,
    *,
    search: Path | None = None,
    plusargs: Iterable[str] = (),
    only: str | None = None,
) -> int:
    """Run the cocotb tests of a module; return how many ran and passed.

    Parameters
    ----------
    simulator : from `build`.
    module : name of the Python module that holds the tests.
    folder : an empty one, for the log and the results.
    search : folder in which the simulator finds the module, beside the tree.
    plusargs : reach the tests as `cocotb.plusargs`.
    only : regular expression of test names; None for all.

    Raises
    ------
    CosimError : a test failed, none ran, or the simulator ended without results.
    """
    results, log = folder / "results.xml", folder / "cosim.log"
    shutil.copy(simulator, folder / TOP)
    job = {
        "do": "test",
        "folder": str(folder),
        "module": module,
        "plusargs": list(plusargs),
        "only": only,
    }
    log.write_text(_runner(job, folder, search))
    if not results.is_file():
        raise CosimError(f"{module}: the simulator left no results:\n{_tail(log.read_text())}")
    tests = list(ElementTree.parse(results).iter("testcase"))
    failed = [test for test in tests if test.find("failure") is not None]
    failed += [test for test in tests if test.find("error") is not None]
    if failed:
        lines = [f"{test.get('name')}: {_reason(test)}" for test in failed]
        raise CosimError(
            f"{module}: {len(failed)} of {len(tests)} tests failed, all output in {log}\n  "
            + "\n  ".join(lines)
        )
    ran = [test for test in tests if test.find("skipped") is None]
    if not ran:
        raise CosimError(f"{module}: no test ran, so nothing was checked; see {log}")
    return len(ran)


def _reason(test: ElementTree.Element) -> str:
    """Return why a test failed, as its results say."""
    for kind in ("failure", "error"):
        if (found := test.find(kind)) is not None:
            return found.get("error_msg") or found.get("message") or (found.text or kind).strip()
    return "no reason given"


def _tail(log: str) -> str:
    return "\n".join(log.splitlines()[-_LAST_LINES:])


def _runner(job: dict[str, object], folder: Path, search: Path | None = None) -> str:
    """Run cocotb's runner in a process of its own; return all that it printed."""
    environment = toolchain.environment(toolchain.link_verilator(folder))
    environment["MAKEFLAGS"] = " ".join((environment["MAKEFLAGS"], *_OPTIMISATION))
    # Under pytest the runner judges results itself, and by the outer test's name.
    environment.pop("PYTEST_CURRENT_TEST", None)
    paths = [str(path) for path in (search, ROOT, os.environ.get("PYTHONPATH")) if path]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    # A simulator from the cache looks where cocotb was when it was linked, which is gone.
    libraries = [str(config.libs_dir), environment.get("LD_LIBRARY_PATH")]
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, libraries))
    try:
        command = [sys.executable, "-m", "tests.bench.cosim", json.dumps(job)]
        return call(command, folder, environment=environment, seconds=SECONDS)[1]
    except subprocess.TimeoutExpired as error:
        raise CosimError(f"cocotb did not end within {SECONDS} s: {json.dumps(job)}") from error


def _do(job: dict[str, object]) -> None:
    """Carry out one job of `_runner`."""
    folder = Path(str(job["folder"]))
    runner = get_runner("verilator")
    if job["do"] == "build":
        for name in ("libs_dir", "share_dir"):  # make takes no path with a space in it
            (folder / name).symlink_to(getattr(config, name))
            setattr(config, name, folder / name)
        runner.build(
            sources=[folder / "top.v"],
            hdl_toplevel=TOP,
            build_args=job["arguments"],
            build_dir=folder,
            timescale=("1ns", "1ps"),
        )
        return
    runner.test(
        test_module=str(job["module"]),
        hdl_toplevel=TOP,
        hdl_toplevel_lang="verilog",
        build_dir=folder,
        test_dir=folder,
        results_xml=str(folder / "results.xml"),
        plusargs=job["plusargs"],
        test_filter=job["only"],
    )


if __name__ == "__main__":
    _do(json.loads(sys.argv[1]))
