"""Counts, the list of survivors, and the file that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table

from tests.campaigns.mutation.campaign import EQUIVALENT, KILLED, OUTCOMES, SURVIVED, Fate, Result
from tests.campaigns.provenance import stamp
from tests.paths import ROOT
from tests.support.mutant_counts import share

FILE = ROOT / "results" / "mutants.json"


def score(results: Sequence[Result]) -> float:
    """Return the share of killed mutants among those that are not proved equivalent."""
    return share({what: sum(r.count(what) for r in results) for what in (KILLED, SURVIVED)})


def by_block(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the results of every block, in order."""
    blocks: dict[str, list[Result]] = {}
    for result in results:
        blocks.setdefault(result.block, []).append(result)
    return blocks


def tabulate(results: Sequence[Result]) -> Table:
    """Return a line per block and one for all of them."""
    table = Table(title="Mutants")
    table.add_column("block")
    for name in ("cells", "mutants", *OUTCOMES, "killed of the rest"):
        table.add_column(name, justify="right")
    for block, parts in by_block(results).items():
        table.add_row(block, *_numbers(parts))
    table.add_section()
    table.add_row("all", *_numbers(results))
    return table


def _numbers(results: Sequence[Result]) -> list[str]:
    counts = [
        sum(sum(r.cells.values()) for r in results),
        sum(len(r.fates) for r in results),
        *(sum(r.count(what) for r in results) for what in OUTCOMES),
    ]
    return [*map(str, counts), f"{score(results):.1%}"]


def described(fate: Fate, result: Result, reason: str | None = None) -> dict[str, Any]:
    """Return a mutant that was not killed as the file lists it."""
    mutant = fate.mutant
    found = {
        "case": result.name,
        "cell": mutant.cell,
        "port": mutant.port,
        "bit": mutant.bit,
        "wire": mutant.wire,
        "mode": mutant.mode,
        "verdict": fate.by,
    }
    return found | ({"reason": reason} if reason is not None else {})


def summary(
    parts: Sequence[Result], command: str, reason: Callable[[Fate, Result], str]
) -> dict[str, Any]:
    """Return what the file holds of one block.

    reason : says why nothing kills a survivor.
    """
    fates = [(fate, part) for part in parts for fate in part.fates]
    return {
        **stamp(command),
        "cases": {part.name: sum(part.cells.values()) for part in parts},
        "mutants": len(fates),
        **{what: sum(part.count(what) for part in parts) for what in OUTCOMES},
        "score": round(score(parts), 4),
        "survivors": [
            described(fate, part, reason(fate, part))
            for fate, part in fates
            if fate.outcome == SURVIVED
        ],
        "equivalents": [
            described(fate, part) for fate, part in fates if fate.outcome == EQUIVALENT
        ],
    }
