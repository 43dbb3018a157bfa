"""Runs the mutants of blocks of the RTL and of the core, size by size."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from amaranth.hdl import UnusedElaboratable

from tests.campaigns.arguments import at_least
from tests.campaigns.mutation.hdl import blocks, campaign
from tests.campaigns.mutation.hdl.campaign import Fate, Limits, Result
from tests.campaigns.mutation.hdl.explained import reason
from tests.campaigns.mutation.hdl.subject import Subject
from tests.campaigns.mutation.report import KILLED, OUTCOMES, SURVIVED, Ended

NAMES = blocks.NAMES

MUTANTS = 60
"""Of every size of a block."""
RUNS = 40
"""Of a bench that a mutant must survive."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what only these mutants have."""
    parser.add_argument(
        "--runs", type=at_least(1), default=RUNS, help="benches that a mutant must survive"
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


def bounded(chosen: argparse.Namespace) -> bool:
    """Say whether fewer benches run than a published result has."""
    return chosen.runs < RUNS or chosen.seconds < float("inf")


def limits(chosen: argparse.Namespace, subject: Subject, sizes: int) -> Limits:
    """Return the limits of one of a block's `sizes`, which share the block's mutants."""
    count = subject.mutants or MUTANTS
    if chosen.most is not None:
        count = max(1, chosen.most // sizes)
    return Limits(count, chosen.seed, chosen.runs, chosen.seconds, chosen.search)


@contextmanager
def running(chosen: argparse.Namespace, say: Callable[[str], object]) -> Iterator[Callable]:
    """Give what runs a block's mutants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)  # benches ask components for their pins
        yield partial(_run, chosen, say)


def _run(
    chosen: argparse.Namespace, say: Callable[[str], object], block: str
) -> tuple[list[Ended], dict[str, Any]]:
    """Return what became of a block's mutants, and the cells of each of its sizes."""
    subjects = blocks.subjects(block)
    ended: list[Ended] = []
    cells: dict[str, int] = {}
    for subject in subjects:
        result = campaign.run(subject, limits(chosen, subject, len(subjects)))
        show(result, say)
        cells[result.name] = sum(result.cells.values())
        ended += [told(fate, result) for fate in result.fates]
    return ended, {"cases": cells}


def show(result: Result, say: Callable[[str], object]) -> None:
    """Say how a size ended in a line, and a line for each survivor."""
    counts = ", ".join(f"{result.count(what)} {what}" for what in OUTCOMES)
    say(f"{result.block}, {result.name}: {len(result.fates)} mutants, {counts}")
    for fate in result.fates:
        if fate.outcome == SURVIVED:
            say(f"  {fate.mutant.mode} {fate.mutant.place}: {fate.by}; {reason(fate, result)}")


def told(fate: Fate, result: Result) -> Ended:
    """Return a mutant as the file lists it, with why nothing kills it where nothing is proved."""
    if fate.outcome == KILLED:
        return Ended(KILLED)
    mutant = fate.mutant
    listed: dict[str, Any] = {
        "case": result.name,
        "cell": mutant.cell,
        "port": mutant.port,
        "bit": mutant.bit,
        "wire": mutant.wire,
        "mode": mutant.mode,
        "verdict": fate.by,
    }
    if fate.outcome == SURVIVED:
        listed["reason"] = reason(fate, result)
    return Ended(fate.outcome, listed)
