"""The mutated modules with the tests that pin each, and the copy that they are run in."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import sys
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from tests.paths import ROOT

MODEL = Path("spikeloom") / "golden"
"""Where the model lies in a copy."""

TESTS = "tests/unit/golden"

LOG = "tests.log"

SUBJECTS: dict[str, tuple[str, ...]] = {
    "lfsr": ("test_lfsr.py", "-k", "word and not uniform"),
    "crossbar": ("test_crossbar.py",),
    "neuron": ("test_neuron.py",),
    "wta": ("test_wta.py",),
    "learning": ("test_network.py", "-k", "not small_problem"),
    "rules/ssnn_bp": ("test_learning.py", "-k", "probability"),
    "rules/random_feedback": ("test_random_feedback.py",),
    "rules/rate": ("test_learning.py", "-k", "rate_form and not mean or probability or rules"),
    "encoder": ("test_encoder.py", "-k", "not _rate and not largest"),
    "stopping": ("test_stopping.py",),
    "initial": ("test_initial.py", "-k", "not floor and not 512"),
    "floor": ("test_initial.py", "-k", "floor"),
    "state": ("test_network.py", "-k", "not small_problem"),
    "sample": ("test_network.py", "-k", "not small_problem"),
    "network": ("test_network.py", "-k", "not small_problem"),
}
"""By module, what pytest is told: tests that take few seconds of plain Python."""


def copy(folder: Path) -> None:
    """Make the tree that mutants are put into: the model, with no Numba, and its tests."""
    unread = shutil.ignore_patterns("__pycache__", "paper", "datasets")
    shutil.copytree(ROOT / "golden", folder / MODEL, ignore=unread)
    shutil.copy(Path(__file__).with_name("plain.py"), folder / MODEL / "compiled.py")
    for part in ("spikeloom", "tests", "tests/support", "tests/unit", TESTS):
        (folder / part).mkdir(exist_ok=True)
        for path in (ROOT / part).glob("*.py"):
            shutil.copy(path, folder / part)
    shutil.copy(ROOT / "pyproject.toml", folder)


def digest(folder: Path, module: str) -> str:
    """Return what a verdict depends on, in a copy: the model, the module's tests, their help."""
    tests = (
        *("tests/conftest.py", "tests/support/configurations.py", "tests/support/plain_machine.py"),
        f"{TESTS}/{SUBJECTS[module][0]}",
    )
    told = hashlib.sha256(repr(SUBJECTS[module]).encode())
    for path in [*sorted((folder / MODEL).rglob("*.*")), *(folder / t for t in tests)]:
        if path.suffix != ".pyc":
            told.update(path.read_bytes())
    return told.hexdigest()[:12]


def run(module: str, seed: int, seconds: int) -> int:
    """Run a module's tests in the copy that is the working folder; return pytest's exit status.

    The process is a fork, so that nothing is loaded twice. It may use `seconds` of the processor;
    beyond them it ends by a signal, which the negative status tells. Its output is in `LOG`.
    """
    process = get_context("fork").Process(target=_tests, args=(SUBJECTS[module], seed, seconds))
    process.start()
    process.join()
    return process.exitcode or 0


def load_from(folder: Path) -> None:
    """Let this process find project and tests in a copy, whatever of them it has loaded."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("spikeloom", "tests")]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))


def _tests(told: Sequence[str], seed: int, seconds: int) -> None:
    import pytest

    with Path(LOG).open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True  # a mutant may be as old and as long as the one before
    load_from(Path.cwd())
    file, *rest = told
    # Without what pytest spends a quarter of the time on, which tells nothing of a mutant.
    options = [
        "-x",
        "-q",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:unraisableexception",
    ]
    sys.exit(int(pytest.main([*options, "--seed", str(seed), f"{TESTS}/{file}", *rest])))
