"""Counts of mutants, whatever they mutate: the table, and the file that keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

GOAL = 0.97
"""Share of the mutants that are not equivalent that must be killed."""

KILLED, EQUIVALENT, SURVIVED = OUTCOMES = ("killed", "equivalent", "survived")
NAMES = ("mutants", *OUTCOMES)

Found = dict[str, Any]
"""What the file holds of a part, a block or a module: `NAMES`, and how and when it was run."""


@dataclass(frozen=True)
class Ended:
    """What became of a mutant: `outcome`, and what the file says of one that was not killed."""

    outcome: str
    listed: Found = field(default_factory=dict)


def summary(ended: Sequence[Ended], stamped: Found, **more: Any) -> Found:
    """Return what the file holds of a part.

    stamped : command, commit and date of its run. more : what only this kind of mutants has.
    """
    counts = {what: sum(one.outcome == what for one in ended) for what in OUTCOMES}
    counts = {"mutants": len(ended), **counts}
    lists = {
        name: [one.listed for one in ended if one.outcome == what]
        for name, what in (("survivors", SURVIVED), ("equivalents", EQUIVALENT))
    }
    return {**stamped, **more, **counts, "score": round(share(counts), 4), **lists}


def share(counts: Found) -> float:
    """Return the share of killed mutants among those that are not equivalent."""
    told = counts[KILLED] + counts[SURVIVED]
    return counts[KILLED] / told if told else 1.0


def total(parts: dict[str, Found]) -> Found:
    """Return the counts of all parts together."""
    return {name: sum(part[name] for part in parts.values()) for name in NAMES}


def tabulate(parts: dict[str, Found], title: str) -> Table:
    """Return a line per part and one for all of them."""
    table = Table("part", title=title)
    for name in (*NAMES, "killed of the rest"):
        table.add_column(name, justify="right")
    for part, counts in (*parts.items(), ("all", total(parts))):
        if part == "all":
            table.add_section()
        table.add_row(part, *(str(counts[name]) for name in NAMES), f"{share(counts):.1%}")
    return table


def save(name: str, found: Found, path: Path) -> None:
    """Put a part into the file, in the place of an older one; add all up."""
    kept = json.loads(path.read_text())["blocks"] if path.is_file() else {}
    parts = dict(sorted((kept | {name: found}).items()))
    sums = total(parts)
    whole = {
        **{key: found[key] for key in ("command", "commit", "date")},
        **sums,
        "score": round(share(sums), 4),
        "goal": GOAL,
        "blocks": parts,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=1) + "\n")
