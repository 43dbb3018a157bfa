"""Mutates blocks of the RTL and the core, runs their benches, and tells what survived."""

from __future__ import annotations

import argparse
import sys
import warnings
from functools import partial

from amaranth.hdl import UnusedElaboratable
from rich.console import Console

from spikeloom import outputs
from spikeloom.interrupt import stoppable
from tests.campaigns.arguments import HelpWithDefaults, at_least
from tests.campaigns.mutation import blocks, campaign, report
from tests.campaigns.mutation.campaign import OUTCOMES, SURVIVED, Limits, Result
from tests.campaigns.mutation.explained import reason
from tests.campaigns.mutation.subject import Subject
from tests.support import mutant_counts

WIDTH = 120
"""Columns of the table where it goes into a file."""

MUTANTS = 60
"""Of every size of a block."""


def options(arguments: list[str]) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        prog="mutation",
        description=__doc__,
        formatter_class=HelpWithDefaults,
    )
    parser.add_argument(
        "--per-block",
        type=at_least(1),
        metavar="N",
        help="mutants of a block, over all of its sizes",
    )
    parser.add_argument(
        "--runs", type=at_least(1), default=40, help="benches that a mutant must survive"
    )
    parser.add_argument(
        "--seconds",
        type=at_least(0.0),
        default=float("inf"),
        help="after which survivors of one size get no more runs (each gets one)",
    )
    parser.add_argument(
        "--search", type=at_least(0), default=60, help="seconds that a proof may take; 0: none"
    )
    parser.add_argument("--seed", type=at_least(0), default=1, help="of the choice of mutants")
    parser.add_argument("--list", action="store_true", help="only the names of the blocks")
    parser.add_argument(
        "--out", type=outputs.file, default=str(report.FILE), help="file for the result"
    )
    parser.add_argument("blocks", nargs="*", help="names of blocks; all where none is given")
    return parser.parse_args(arguments)


def limits(chosen: argparse.Namespace, subject: Subject, sizes: int) -> Limits:
    """Return the limits of one of a block's `sizes`."""
    count = subject.mutants or MUTANTS
    if chosen.per_block is not None:
        count = max(1, chosen.per_block // sizes)
    return Limits(count, chosen.seed, chosen.runs, chosen.seconds, chosen.search)


def show(result: Result, console: Console) -> None:
    """Print a result in a line, and a line for each survivor."""
    counts = ", ".join(f"{result.count(what)} {what}" for what in OUTCOMES)
    lines = [f"{result.block}, {result.name}: {len(result.fates)} mutants, {counts}"]
    for fate in result.fates:
        if fate.outcome == SURVIVED:
            why = reason(fate, result)
            lines.append(f"  {fate.mutant.mode} {fate.mutant.place}: {fate.by}; {why}")
    console.print("\n".join(lines), soft_wrap=True, markup=False, highlight=False)


def main(arguments: list[str]) -> int:
    """Run the campaign; return 0 if enough is killed."""
    warnings.simplefilter("ignore", UnusedElaboratable)  # benches ask components for their pins
    chosen = options(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    if chosen.list:
        console.print("\n".join(blocks.NAMES))
        return 0
    if unknown := sorted(set(chosen.blocks) - set(blocks.NAMES)):
        console.print(f"no block {', '.join(unknown)}; there are: {', '.join(blocks.NAMES)}")
        return 2
    command = " ".join(["python -m tests.campaigns.mutation", *arguments])
    results = []
    for block in chosen.blocks or blocks.NAMES:
        subjects = blocks.subjects(block)
        for subject in subjects:
            results.append(campaign.run(subject, limits(chosen, subject, len(subjects))))
            show(results[-1], console)
            parts = [result for result in results if result.block == block]
            mutant_counts.save(block, report.summary(parts, command, reason), chosen.out)
    console.print(report.tabulate(results))
    reached = report.score(results)
    console.print(f"{reached:.1%} of what could be told is killed, goal {mutant_counts.GOAL:.0%}")
    return 0 if reached >= mutant_counts.GOAL else 1


if __name__ == "__main__":
    sys.exit(stoppable(partial(main, sys.argv[1:])))
