"""What a run of the fuzzer did, in a file of results: one entry per target, the last run of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.campaigns.fuzz.case import CaseError
from tests.campaigns.fuzz.hunt import Hunt


def entry(
    done: Hunt[Any], *, seed: int, stamp: dict[str, str | None], kept: Path | None
) -> dict[str, Any]:
    """Return what a run did as JSON has it, with `tests.campaigns.provenance`'s stamp."""
    return {
        **stamp,
        "seed": seed,
        "seconds": round(done.seconds, 1),
        "cases": done.counts["cases"],
        **dict(sorted(done.counts.items())),
        "stopped": done.stopped,
        "failures": int(done.failure is not None),
        "kept": kept and kept.name,
    }


def write(path: Path, target: str, values: dict[str, Any]) -> None:
    """Put a target's entry into a file of results, whose folder is there, for its last one."""
    every = check(path)
    every[target] = values
    path.write_text(json.dumps(every, indent=1, sort_keys=True) + "\n")


def check(path: Path) -> dict[str, Any]:
    """Return a file's entries, none where it is not there; `CaseError` if it is something else."""
    try:
        every = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CaseError(f"{path} cannot take results ({error}): name another file") from None
    if not isinstance(every, dict):
        raise CaseError(f"{path} holds no entries by target: name another file")
    return every
