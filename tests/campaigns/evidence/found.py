"""What results files say of a claim: how many checks there were, and how they ended.

A reader takes the JSON of one results file. It returns None where the file holds nothing on the
claim, and raises `KeyError`, `TypeError` or `ValueError` where it is not what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
CHANGED = "+"


@dataclass(frozen=True)
class Made:
    """When a result was made.

    Attributes
    ----------
    commit : of the sources, None where nobody wrote it down. changed : they differed from it.
    date : ISO 8601, and command : by which; None where nobody wrote it down.
    """

    commit: str | None
    date: str | None
    changed: bool = False
    command: str | None = None

    @staticmethod
    def of(values: Document) -> Made:
        """Read them of a results file; a `+` behind the commit means changes."""
        commit, date, command = (
            None if (value := values.get(name)) is None else str(value)
            for name in ("commit", "date", "command")
        )
        plain = commit and commit.split(CHANGED)[0]
        return Made(plain, date, CHANGED in (commit or ""), command)


@dataclass(frozen=True)
class Found:
    """A result: how many checks, what came of them in words, whether that is as claimed."""

    checks: int
    result: str
    good: bool
    made: Made


Reader = Callable[[Document], Found | None]


def fuzzed(target: str, what: str) -> Reader:
    """Return the reader of one target of ``make fuzz``."""

    def read(values: Document) -> Found | None:
        if target not in values:
            return None
        entry = values[target]
        cases, failures = int(entry["cases"]), int(entry["failures"])
        text = f"{cases:,} {what} in {_span(entry['seconds'])}, {failures} failed"
        return Found(cases, text, not failures, Made.of(entry))

    return read


def proved(values: Document) -> Found:
    """Read the results of ``make formal``."""
    proofs = values["proofs"]
    parts = ("proof", "mutant", "cover")
    held = [all(proof[part] == "ok" for part in parts) for proof in proofs]
    inductive = sum(proof["method"] == "induction" for proof in proofs)
    text = (
        f"{sum(held)} of {len(held)} as they must be ({inductive} by induction, the rest within a "
        "bound), each with a fault that breaks it and a case that is reached"
    )
    return Found(len(held), text, all(held), Made.of(values))


def mutated(least: float) -> Reader:
    """Return the reader of a mutation run, of which a share of `least` must be killed.

    It is as old as the oldest of its blocks, where they were run one by one.
    """

    def read(values: Document) -> Found:
        names = ("killed", "survived", "equivalent")
        killed, survived, equivalent = (int(values[name]) for name in names)
        different = killed + survived
        share = killed / different if different else 0.0
        text = (
            f"{killed:,} of {different:,} killed ({100 * share:.1f} %, at least "
            f"{100 * least:g} % are asked for); {equivalent:,} more change nothing"
        )
        blocks = values.get("blocks", {})
        scores = sorted((float(block.get("score", 1)), name) for name, block in blocks.items())
        if below := [(share, name) for share, name in scores if share < least]:
            shares = ", ".join(f"{name} {100 * share:.1f} %" for share, name in below)
            text += f"; alone below that: {shares}"
        oldest = _oldest(blocks.values()) or values
        return Found(different + equivalent, text, share >= least, Made.of(oldest))

    return read


def upset(values: Document) -> Found:
    """Read a table of ``make upsets``."""
    every = next(row for row in values["kinds"] if row["kind"] == "all")
    flips = int(every["flips"])
    well = ("masked", "cleared by RESET", "cleared by OPEN")
    stuck = flips - sum(int(every[name]) for name in well)
    shares = values["weighted_by_bits"]
    words = [f"{name} {100 * share:.1f} %" for name, share in shares.items() if share is not None]
    told = f"{every['cleared by RESET']:,} cleared by RESET, {every['cleared by OPEN']:,} by OPEN"
    text = f"{values['config']}: {flips:,} flips, {told}, {stuck} that no reset clears"
    if words:
        text += f"; shares weighted by the bits of each kind of state: {', '.join(words)}"
    return Found(flips, text, not stuck, Made.of(values))


def crashed(values: Document) -> Found:
    """Read the results of ``make crash``."""
    kills, loaded, equal = (int(values[name]) for name in ("kills", "loaded", "equal"))
    text = (
        f"{kills:,} kills, {int(values['before_first'])} before there was a checkpoint, "
        f"{int(values['writing'])} while one was written; {loaded:,} loaded, {equal:,} of them "
        "went on to the same bits"
    )
    return Found(kills, text, bool(values["good"]), Made.of(values))


def read_files(values: Document) -> Found:
    """Read the results of ``python -m tests.campaigns.fuzz.files``."""
    targets = values["targets"]
    files = sum(int(target["files"]) for target in targets.values())
    findings = sum(int(target["findings"]) for target in targets.values())
    seconds = sum(float(target["seconds"]) for target in targets.values())
    text = f"{files:,} files to {len(targets)} loaders in {_span(seconds)}, {findings} findings"
    return Found(files, text, not findings, Made.of(_oldest(targets.values())))


def tested(modules: Sequence[str]) -> Reader:
    """Return the reader of the summary of a run of tests, for some of its modules; all for none."""

    def read(values: Document) -> Found | None:
        every = values["modules"]
        chosen = [every[name] for name in modules or every if name in every]
        if not chosen:
            return None
        passed, failed, skipped = (
            sum(int(module[name]) for module in chosen) for name in ("passed", "failed", "skipped")
        )
        text = f"{passed:,} tests passed, {failed} failed, {skipped} skipped"
        if broken := [name for name in modules or every if every.get(name, {}).get("failed")]:
            text += f" (in {', '.join(broken)})"
        return Found(passed + failed, text, not failed, Made.of(values))

    return read


def audited(values: Document) -> Found:
    """Read the results of ``make audit``."""
    count, advisories = int(values["audited"]), int(values["advisories"])
    text = f"{count} of {int(values['locked'])} versions audited, {advisories} advisories"
    return Found(count, text, not advisories, Made.of(values))


def remade(values: Document) -> Found:
    """Read one run of ``make paper``."""
    return Found(1, str(values["kind"]), True, Made.of(values["made_by"]))


def _oldest(parts: Iterable[Document]) -> Document:
    """Return the part that was made first."""
    return min(parts, key=lambda part: str(part.get("date")), default={})


def _span(seconds: float) -> str:
    """Write a time as a reader does."""
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"
