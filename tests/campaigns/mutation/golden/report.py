"""Counts per module, the survivors, and the file that keeps them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table

from tests.campaigns.mutation.golden.explained import reason
from tests.campaigns.mutation.golden.subject import ROOT
from tests.support.mutant_counts import NAMES, Found, share, total

if TYPE_CHECKING:
    from tests.campaigns.mutation.golden.session import Fate

FILE = ROOT / "results" / "mutants-golden.json"


def summary(module: str, fates: Iterable[Fate], stamped: Found) -> Found:
    """Return what the file holds of a module. stamped : command, commit and date of its run."""
    counts = dict.fromkeys(NAMES, 0)
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


def tabulate(blocks: dict[str, Found]) -> Table:
    """Return a line per module and one for all of them."""
    table = Table(title="Mutants of the golden model")
    table.add_column("module")
    for name in (*NAMES, "killed of the rest"):
        table.add_column(name, justify="right")
    for module, block in blocks.items():
        table.add_row(module, *(str(block[name]) for name in NAMES), f"{share(block):.1%}")
    table.add_section()
    sums = total(blocks)
    table.add_row("all", *(str(sums[name]) for name in NAMES), f"{share(sums):.1%}")
    return table
