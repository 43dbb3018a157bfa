"""Counts per module, the survivors, and the file that keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from mutation_golden.explained import reason
from mutation_golden.subject import ROOT

if TYPE_CHECKING:
    from mutation_golden.session import Fate

GOAL = 0.97
"""Least share of the mutants that are not equivalent to be killed."""

FILE = ROOT / "results" / "mutants-golden.json"

Found = dict[str, Any]


def summary(module: str, fates: Iterable[Fate], stamped: Found) -> Found:
    """Return what the file holds of a module. stamped : command, commit and date of its run."""
    counts = {"mutants": 0, "killed": 0, "equivalent": 0, "survived": 0}
    alive: dict[str, list[Found]] = {"survived": [], "equivalent": []}
    for mutation, result in fates:
        counts["mutants"] += 1
        if result.is_killed:
            counts["killed"] += 1
            continue
        why = reason(module, result.diff or "")
        outcome = "equivalent" if why else "survived"
        counts[outcome] += 1
        listed = {
            "file": f"golden/{mutation.module_path.name}",
            "line": mutation.start_pos[0],
            "operator": mutation.operator_name.removeprefix("core/"),
            "diff": result.diff,
        }
        alive[outcome].append(listed | ({"reason": why} if why else {}))
    score = round(share(counts), 4)
    return {
        **stamped,
        **counts,
        "score": score,
        "survivors": alive["survived"],
        "equivalents": alive["equivalent"],
    }


def share(counts: Found) -> float:
    """Return the share of killed mutants among those that are not equivalent."""
    told = counts["killed"] + counts["survived"]
    return counts["killed"] / told if told else 1.0


def total(blocks: dict[str, Found]) -> Found:
    """Return the counts of all modules together."""
    names = ("mutants", "killed", "equivalent", "survived")
    return {name: sum(block[name] for block in blocks.values()) for name in names}


def save(module: str, found: Found, path: Path = FILE) -> None:
    """Put a module's summary into the file, in the place of an older one; add all up."""
    kept = json.loads(path.read_text())["blocks"] if path.is_file() else {}
    blocks = dict(sorted((kept | {module: found}).items()))
    sums = total(blocks)
    whole = {
        **{name: found[name] for name in ("command", "commit", "date")},
        **sums,
        "score": round(share(sums), 4),
        "goal": GOAL,
        "blocks": blocks,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=1) + "\n")


def tabulate(blocks: dict[str, Found]) -> Table:
    """Return a line per module and one for all of them."""
    names = ("mutants", "killed", "equivalent", "survived")
    table = Table(title="Mutants of the golden model")
    table.add_column("module")
    for name in (*names, "killed of the rest"):
        table.add_column(name, justify="right")
    for module, block in blocks.items():
        table.add_row(module, *(str(block[name]) for name in names), f"{share(block):.1%}")
    table.add_section()
    sums = total(blocks)
    table.add_row("all", *(str(sums[name]) for name in names), f"{share(sums):.1%}")
    return table
