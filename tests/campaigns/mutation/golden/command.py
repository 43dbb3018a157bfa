"""Runs the mutants of modules of the golden model, in a copy of it."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis  # noqa: F401  (loaded before the forks, as pytest and NumPy are)
import numpy as np  # noqa: F401
import pytest  # noqa: F401

from spikeloom import outputs
from spikeloom.errors import SpikeloomError
from tests.campaigns.mutation.golden import subject
from tests.campaigns.mutation.golden.explained import reason
from tests.campaigns.mutation.report import EQUIVALENT, KILLED, SURVIVED, Ended
from tests.paths import ROOT

if TYPE_CHECKING:  # cosmic-ray is of the extra `mutants`
    from tests.campaigns.mutation.golden.session import Fate

NAMES = tuple(subject.SUBJECTS)


class MissingError(SpikeloomError, RuntimeError):
    """The tool that makes the mutants is not installed."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only these mutants have."""
    sessions = ROOT / "build" / "mutants-golden"
    parser.add_argument(
        "--sessions", type=outputs.folder, default=str(sessions), help="folder of fates so far"
    )


def bounded(chosen: argparse.Namespace) -> bool:
    """Say whether less is done to a mutant than for a published result: never."""
    return False


@contextmanager
def running(chosen: argparse.Namespace, say: Callable[[str], object]) -> Iterator[Callable]:
    """Give what runs a module's mutants, in a copy that is the working folder meanwhile."""
    try:
        import cosmic_ray  # noqa: F401
    except ModuleNotFoundError:
        raise MissingError(
            "cosmic-ray is not installed: run pip install --editable '.[mutants]'"
        ) from None
    sessions = chosen.sessions.resolve()
    with tempfile.TemporaryDirectory(prefix="mutants-golden-") as folder, chdir(folder):
        subject.copy(Path(folder))
        yield partial(_run, chosen, sessions, say)


def _run(
    chosen: argparse.Namespace, sessions: Path, say: Callable[[str], object], module: str
) -> tuple[list[Ended], dict[str, Any]]:
    from tests.campaigns.mutation.golden import session

    file = sessions / f"{module}-{subject.digest(Path(), module)}.sqlite"
    ended = []
    for fate in session.fates(module, file, chosen.most, chosen.seed):
        ended.append(told(module, fate))
        if ended[-1].outcome == SURVIVED:
            listed = ended[-1].listed
            say(f"{listed['file']}:{listed['line']} survived\n{listed['diff']}")
    return ended, {}


def told(module: str, fate: Fate) -> Ended:
    """Return a mutant as the file lists it, with why it is equivalent where that was argued."""
    mutation, result = fate
    if result.is_killed:
        return Ended(KILLED)
    listed = {
        "file": f"golden/{mutation.module_path.name}",
        "line": mutation.start_pos[0],
        "operator": mutation.operator_name.removeprefix("core/"),
        "diff": result.diff,
    }
    if why := reason(module, result.diff or ""):
        return Ended(EQUIVALENT, listed | {"reason": why})
    return Ended(SURVIVED, listed)
