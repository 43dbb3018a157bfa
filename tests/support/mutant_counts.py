"""Counts of mutants, of the RTL or of golden, and the file that keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOAL = 0.97
"""Share of the mutants that are not equivalent that must be killed."""

NAMES = ("mutants", "killed", "equivalent", "survived")

Found = dict[str, Any]
"""What the file holds of a part, a block or a module: `NAMES`, and how and when it was run."""


def share(counts: Found) -> float:
    """Return the share of killed mutants among those that are not equivalent."""
    told = counts["killed"] + counts["survived"]
    return counts["killed"] / told if told else 1.0


def total(parts: dict[str, Found]) -> Found:
    """Return the counts of all parts together."""
    return {name: sum(part[name] for part in parts.values()) for name in NAMES}


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
