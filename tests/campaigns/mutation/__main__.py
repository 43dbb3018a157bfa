"""Mutates the RTL or the golden model, runs their tests, and tells what survived."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

from rich.console import Console

from spikeloom import outputs
from spikeloom.errors import SpikeloomError
from spikeloom.interrupt import stoppable
from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.campaigns.mutation import report
from tests.campaigns.provenance import make, stamp
from tests.paths import ROOT

WIDTH = 120
"""Columns of the table where it goes into a file."""

KINDS = {
    "hdl": ("blocks of the RTL and the core, as Yosys' netlists", "mutants.json"),
    "golden": ("modules of the golden model, in a copy", "mutants-golden.json"),
}
"""What is mutated, and the file of results; a module `command` of this package runs each."""


def command(kind: str) -> ModuleType:
    """Return what runs a kind: NAMES of its parts, `add_options`, `bounded`, `running`."""
    return import_module(f"tests.campaigns.mutation.{kind}.command")


def options(arguments: list[str]) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    for kind, (what, file) in KINDS.items():
        words = kinds.add_parser(kind, help=what, formatter_class=HelpWithDefaults)
        words.add_argument("--most", type=at_least(1), metavar="N", help="mutants of each part")
        words.add_argument("--seed", type=at_least(0), default=1, help="of the choice of mutants")
        words.add_argument("--list", action="store_true", help="only the names of the parts")
        words.add_argument(
            "--out",
            type=outputs.file,
            help=f"file for the result; parts that it has and that are not run stay in it; by "
            f"default results/{file}, or build/{file} for a run with any limit",
        )
        words.add_argument("parts", nargs="*", help="names of parts; all where none is given")
        if kind in arguments[:1]:
            command(kind).add_options(words)
    return parser.parse_args(arguments)


def file(chosen: argparse.Namespace, kind: ModuleType) -> Path:
    """Return where a run is kept: a bounded one leaves the published file alone, unless asked."""
    bounded = chosen.most is not None or kind.bounded(chosen)
    unasked = ROOT / ("build" if bounded else "results") / KINDS[chosen.kind][1]
    return outputs.file(chosen.out or unasked).resolve()


def main(arguments: list[str]) -> int:
    """Run the mutants; return 0 if enough is killed."""
    chosen = options(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    say = partial(console.print, soft_wrap=True, markup=False, highlight=False)
    kind = command(chosen.kind)
    if chosen.list:
        say("\n".join(kind.NAMES))
        return 0
    if unknown := sorted(set(chosen.parts) - set(kind.NAMES)):
        say(f"no part {', '.join(unknown)} of {chosen.kind}; there are: {', '.join(kind.NAMES)}")
        return 2
    out = file(chosen, kind)
    found: dict[str, report.Found] = {}
    try:
        with kind.running(chosen, say) as run:
            for part in chosen.parts or kind.NAMES:
                stamped = stamp(make("mutants", arguments))
                ended, more = run(part)
                found[part] = report.summary(ended, stamped, **more)
                report.save(part, found[part], out)
    except SpikeloomError as error:
        say(f"error: {error}")
        return 2
    say(f"written to {out}")
    console.print(report.tabulate(found, f"Mutants, {chosen.kind}"))
    reached = report.share(report.total(found))
    say(f"{reached:.1%} of what could be told is killed, goal {report.GOAL:.0%}")
    return 0 if reached >= report.GOAL else 1


if __name__ == "__main__":
    sys.exit(stoppable(partial(main, sys.argv[1:])))
