"""Mutates the golden model's code in a copy, runs its tests, and tells what survived."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import chdir
from functools import partial
from pathlib import Path

import hypothesis  # noqa: F401  (loaded before the forks, as pytest and NumPy are)
import numpy as np  # noqa: F401
import pytest  # noqa: F401
from rich.console import Console

from spikeloom import outputs
from spikeloom.interrupt import stoppable
from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.campaigns.mutation.golden import report, session, subject
from tests.campaigns.provenance import stamp
from tests.support import mutant_counts

SESSIONS = subject.ROOT / "build" / "mutants-golden"


def options(arguments: list[str]) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        prog="mutation_golden",
        description=__doc__,
        formatter_class=HelpWithDefaults,
    )
    parser.add_argument("--per-module", type=at_least(1), metavar="N", help="mutants of a module")
    parser.add_argument("--seed", type=at_least(0), default=1, help="of the choice of mutants")
    parser.add_argument(
        "--sessions", type=outputs.folder, default=str(SESSIONS), help="folder of fates so far"
    )
    parser.add_argument(
        "--out", type=outputs.file, default=str(report.FILE), help="file for the result"
    )
    parser.add_argument("modules", nargs="*", help="names of modules; all where none is given")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the mutants; return 0 if enough is killed."""
    chosen = options(arguments)
    console = Console()
    modules = chosen.modules or list(subject.SUBJECTS)
    if unknown := sorted(set(modules) - set(subject.SUBJECTS)):
        names = ", ".join(subject.SUBJECTS)
        console.print(f"no module {', '.join(unknown)}; there are: {names}")
        return 2
    command = " ".join(["python -m tests.campaigns.mutation.golden", *arguments])
    sessions, out = chosen.sessions.resolve(), chosen.out.resolve()
    blocks = {}
    with tempfile.TemporaryDirectory(prefix="mutants-golden-") as folder, chdir(folder):
        stamped = stamp(command)
        subject.copy(Path(folder))
        for module in modules:
            file = sessions / f"{module}-{subject.digest(Path(), module)}.sqlite"
            found = session.fates(module, file, chosen.per_module, chosen.seed)
            blocks[module] = report.summary(module, found, stamped)
            mutant_counts.save(module, blocks[module], out)
            for one in blocks[module]["survivors"]:
                text = f"{one['file']}:{one['line']} survived\n{one['diff']}"
                console.print(text, soft_wrap=True, markup=False, highlight=False)
    console.print(report.tabulate(blocks))
    reached = mutant_counts.share(mutant_counts.total(blocks))
    console.print(f"{reached:.1%} of what could be told is killed, goal {mutant_counts.GOAL:.0%}")
    return 0 if reached >= mutant_counts.GOAL else 1


if __name__ == "__main__":
    sys.exit(stoppable(partial(main, sys.argv[1:])))
