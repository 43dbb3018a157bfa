"""What results files say of a claim: how many checks there were, and how they ended.

A reader takes the JSON of one results file, and what of it the claim is about. It returns None
where the file holds nothing on that, and raises `KeyError`, `TypeError` or `ValueError` where it is
not what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tests.campaigns.mutation.report import GOAL

Document = dict[str, Any]


class Found(NamedTuple):
    """A result: how many checks, what came of them in words, whether that is as claimed.

    made : has the `commit`, `date` and `command` of it, as far as they were written down.
    """

    checks: int
    result: str
    good: bool
    made: Document


def fuzzed(values: Document, of: str) -> Found | None:
    """Read one target of ``make fuzz``."""
    if of not in values:
        return None
    entry = values[of]
    cases, failures = int(entry["cases"]), int(entry["failures"])
    text = f"{cases:,} cases in {_span(entry['seconds'])}, {failures} failed"
    return Found(cases, text, not failures, entry)


def proved(values: Document) -> Found:
    """Read the results of ``make formal``."""
    proofs = values["proofs"]
    held = [all(proof[part] == "ok" for part in ("proof", "mutant", "cover")) for proof in proofs]
    inductive = sum(proof["method"] == "induction" for proof in proofs)
    text = (
        f"{sum(held)} of {len(held)} as they must be ({inductive} by induction, the rest within a "
        "bound), each with a fault that breaks it and a case that is reached"
    )
    return Found(len(held), text, all(held), values)


def mutated(values: Document) -> Found:
    """Read the results of ``make mutants``, as old as the oldest of what was run one by one."""
    killed, survived, equal = (int(values[n]) for n in ("killed", "survived", "equivalent"))
    different = killed + survived
    share = killed / different if different else 0.0
    text = (
        f"{killed:,} of {different:,} killed ({100 * share:.1f} %, at least {100 * GOAL:g} % are "
        f"asked for); {equal:,} more change nothing"
    )
    parts = values.get("blocks", {})
    scores = sorted((float(part.get("score", 1)), name) for name, part in parts.items())
    if below := [f"{name} {100 * score:.1f} %" for score, name in scores if score < GOAL]:
        text += f"; alone below that: {', '.join(below)}"
    return Found(different + equal, text, share >= GOAL, _oldest(parts.values()) or values)


def upset(values: Document) -> Found:
    """Read a table of ``make upsets``."""
    every = next(row for row in values["kinds"] if row["kind"] == "all")
    reset, opened = int(every["cleared by RESET"]), int(every["cleared by OPEN"])
    flips = int(every["flips"])
    stuck = flips - int(every["masked"]) - reset - opened
    text = (
        f"{values['config']}: {flips:,} flips, {reset:,} cleared by RESET, {opened:,} by OPEN, "
        f"{stuck} that no reset clears"
    )
    shares = values["weighted_by_bits"].items()
    if words := [f"{name} {100 * share:.1f} %" for name, share in shares if share is not None]:
        text += f"; shares weighted by the bits of each kind of state: {', '.join(words)}"
    return Found(flips, text, not stuck, values)


def crashed(values: Document) -> Found:
    """Read the results of ``make crash``."""
    kills, loaded, equal = (int(values[name]) for name in ("kills", "loaded", "equal"))
    text = (
        f"{kills:,} kills, {int(values['before_first'])} before there was a checkpoint, "
        f"{int(values['writing'])} while one was written; {loaded:,} loaded, {equal:,} of them "
        "went on to the same bits"
    )
    return Found(kills, text, bool(values["good"]), values)


def read_files(values: Document) -> Found:
    """Read the results of ``python -m tests.campaigns.fuzz.files``."""
    targets = values["targets"].values()
    files, findings = (sum(int(each[name]) for each in targets) for name in ("files", "findings"))
    took = _span(sum(float(target["seconds"]) for target in targets))
    text = f"{files:,} files to {len(targets)} loaders in {took}, {findings} findings"
    return Found(files, text, not findings, _oldest(targets))


def suite(values: Document, of: Sequence[str] = ()) -> Found | None:
    """Read the summary of a run of tests: the modules that test something, all for nothing."""
    every = values["modules"]
    names = [f"test_{name}" for name in of] or list(every)
    chosen = [every[name] for name in names if name in every]
    if not chosen:
        return None
    passed, failed, skipped = (
        sum(int(module[name]) for module in chosen) for name in ("passed", "failed", "skipped")
    )
    text = f"{passed:,} tests passed, {failed} failed, {skipped} skipped"
    if broken := [name for name in names if every.get(name, {}).get("failed")]:
        text += f" (in {', '.join(broken)})"
    text += f"; installed: {values.get('installed') or 'not known'}"
    return Found(passed + failed, text, not failed, values)


def audited(values: Document) -> Found:
    """Read the results of ``make audit``."""
    count, advisories = int(values["audited"]), int(values["advisories"])
    text = f"{count} of {int(values['locked'])} versions audited, {advisories} advisories"
    return Found(count, text, not advisories, values)


def remade(values: Document) -> Found:
    """Read one run of ``make paper``."""
    return Found(1, str(values["kind"]), True, values["made_by"])


def _oldest(parts: Iterable[Document]) -> Document:
    """Return the part that was made first."""
    return min(parts, key=lambda part: str(part.get("date")), default={})


def _span(seconds: float) -> str:
    """Write a time as a reader does."""
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"
