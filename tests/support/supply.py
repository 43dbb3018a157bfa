"""What the lock file names: its licences (`make licences`) and what is known against it."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from tests.campaigns.provenance import stamp
from tests.paths import ROOT

LOCK = ROOT / "requirements-ci.lock"
LICENCES = ROOT / "LICENCES.md"

NOT_AUDITED = (
    "NOT AUDITED: the advisory database cannot be reached from here, or knows none of these; run "
    "it where it can"
)
_NO_NETWORK = r"ConnectionError|ServiceError|Max retries|timed out|NameResolutionError"
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


def licences(stated: list[dict[str, str]]) -> str:
    """Return LICENCES.md from pip-licenses' JSON; ends the program where a version differs."""
    by_name = {canonical(each["Name"]): each for each in stated}
    lock = locked()
    if other := sorted(n for n, v in lock.items() if by_name.get(n, {}).get("Version") != v):
        sys.exit(f"not installed in the locked version: {', '.join(other)}; install {LOCK.name}")
    rows = [f"| {n} | {v} | {short(by_name[n]['License'])} |" for n, v in sorted(lock.items())]
    head = (
        "# Licences of the dependencies\n\nAs each distribution states it; written by `make "
        f"licences` from {LOCK.name}.\n\n| dependency | version | licence |\n|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def judged(report: Path, log: str) -> tuple[dict[str, int], str, int]:
    """Return what pip-audit found: counts, words, and the exit status that they are worth.

    Without its database nothing is known, which is no fault of the tree, and is said.

    Parameters
    ----------
    report : its JSON, which is not there where it broke off. log : what it printed.
    """
    if not report.is_file():
        if re.search(_NO_NETWORK, log):
            return {"audited": 0}, NOT_AUDITED, 0
        return {"audited": 0}, f"the audit broke off:\n{log[-2000:]}", 1
    every = json.loads(report.read_text())["dependencies"]
    audited = [each for each in every if "skip_reason" not in each]
    bad = {each["name"]: [found["id"] for found in each["vulns"]] for each in audited}
    bad = {name: found for name, found in bad.items() if found}
    counts = {
        "locked": len(every),
        "audited": len(audited),
        "advisories": sum(map(len, bad.values())),
    }
    if not audited:
        return counts, NOT_AUDITED, 0
    words = [f"{counts['audited']} of {len(every)} audited, {counts['advisories']} advisories"]
    words += [f"{name}: {', '.join(found)}" for name, found in bad.items()]
    return counts, "\n  ".join(words), int(bool(bad))


def audit(program: Path, results: Path | None) -> int:
    """Ask pip-audit about every locked version; write the counts where anything was audited."""
    report = ROOT / "build" / "supply" / "audit.json"
    report.unlink(missing_ok=True)
    command = [
        *(program, "--requirement", LOCK, "--require-hashes", "--disable-pip", "--timeout", "30"),
        *("--progress-spinner", "off", "--format", "json", "--output", report),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counts, words, status = judged(report, done.stdout + done.stderr)
    print(words)
    if results and counts["audited"]:
        values = stamp("make audit") | counts
        results.write_text(json.dumps(values, indent=1) + "\n")
    return status


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="supply", description=__doc__)
    parser.add_argument("what", choices=("licences", "audit"))
    parser.add_argument("--program", type=Path, help="pip-audit")
    parser.add_argument("--results", type=Path, metavar="FILE", help="write the audit's counts")
    chosen = parser.parse_args()
    if chosen.what == "audit":
        return audit(chosen.program, chosen.results)
    LICENCES.write_text(licences(json.load(sys.stdin)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
