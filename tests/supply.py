"""What the lock file names, and LICENCES.md: `make licences` hands pip-licenses' JSON to it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-ci.lock"
LICENCES = ROOT / "LICENCES.md"

_TEXTS = {
    "GNU GENERAL PUBLIC LICENSE": "GPL-3.0-only",
    "Redistribution and use in source and binary forms": "BSD-2-Clause",
}


def canonical(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path = LOCK) -> dict[str, str]:
    """Return name to version of all that a lock file names."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE)
    return {canonical(name): version for name, version in found}


def short(licence: str) -> str:
    """Return a licence's name, where a distribution states its whole text."""
    if "\n" not in licence:
        return licence
    for mark, name in _TEXTS.items():
        if mark in licence:
            return name
    return licence.strip().splitlines()[0]


def main() -> None:
    """Write LICENCES.md from pip-licenses' JSON on the standard input."""
    stated = {canonical(each["Name"]): each for each in json.load(sys.stdin)}
    lock = locked()
    if other := sorted(n for n, v in lock.items() if stated.get(n, {}).get("Version") != v):
        sys.exit(f"not installed in the locked version: {', '.join(other)}; install {LOCK.name}")
    rows = [f"| {n} | {v} | {short(stated[n]['License'])} |" for n, v in sorted(lock.items())]
    head = (
        "# Licences of the dependencies\n\nAs each distribution states it; written by `make "
        f"licences` from {LOCK.name}.\n\n| dependency | version | licence |\n|---|---|---|\n"
    )
    LICENCES.write_text(head + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
