"""The claims of the project, and a row of the page for each: its last result, and whether that
still says anything.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from spikeloom.errors import SpikeloomError
from tests.campaigns.evidence import found as readers
from tests.campaigns.evidence.found import Document, Found
from tests.campaigns.provenance import git

TESTS = "tests.json"
"""Summary of the last run of the tests, which ``make evidence`` writes."""

SHOWS_TESTS = (
    "make test PYTEST_ADDOPTS=--junit-xml=build/tests.xml; "
    'make evidence EVIDENCE="--tests build/tests.xml"'
)
_NAMED = 3  # results of one claim that are told one by one


class EvidenceError(SpikeloomError, ValueError):
    """Results that cannot be read, or a page that cannot be written; the message says why."""


@dataclass(frozen=True)
class Claim:
    """Something that the project says of itself; see claims.toml."""

    subject: str
    text: str
    read: str
    about: Sequence[str]
    of: str | Sequence[str] = ()
    command: str = SHOWS_TESTS
    results: str = TESTS

    def found(self, values: Document) -> Found | None:
        """Return what the JSON of a results file says of it."""
        return getattr(readers, self.read)(values, **({"of": self.of} if self.of else {}))


CLAIMS = tuple(
    Claim(**each)
    for each in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["claim"]
)


class State(StrEnum):
    """How a claim stands."""

    HOLDS = "holds"
    OLD = "held, not current"
    FAILS = "fails"
    MISSING = "not run yet"
    BROKEN = "unreadable"


@dataclass(frozen=True)
class Row:
    """A claim and what is known of it.

    Attributes
    ----------
    checks : how many there were; 0 where it was not run yet. result : in words, none there.
    made : commit and day. by : the command of then, where it was not the claim's.
    remark : why it may say nothing of the files as they are.
    """

    claim: Claim
    state: State
    checks: int = 0
    result: str = ""
    made: str = ""
    by: str = ""
    remark: str = ""

    @property
    def line(self) -> str:
        """The state with the result, or with the command that there is to run."""
        return f"{self.state}: {self.result or self.claim.command}"


class History:
    """What git knows of the repository that a folder lies in.

    Attributes
    ----------
    head : the commit that is checked out; None where there is no repository.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = Path(git(folder, "rev-parse", "--show-toplevel") or folder)
        self.head = git(self._folder, "rev-parse", "--short=12", "HEAD")

    def remark(self, made: Document, paths: Sequence[str]) -> str | None:
        """Say why a result may not be one of the files as they are now; None where it is."""
        commit, changed, _ = str(made.get("commit") or "").partition("+")
        if commit:
            asked, when = (f"{commit}..HEAD",), f"commit {commit[:12]}"
        elif when := made.get("date"):
            asked = (f"--since={when}", "HEAD")
        else:
            return "when it was made is not known"
        if self.head is None:
            return None
        count = git(self._folder, "rev-list", "--count", *asked, "--", *paths)
        if count is None:
            return f"made at {when}, which is not in this repository"
        if count == "0":
            return "made with changes that were not committed" if changed else None
        word = "commit" if count == "1" else "commits"
        files = ", ".join(path.removeprefix(":(glob)") for path in paths)
        return f"out of date: {count} {word} to {files} since {when}"


def row(claim: Claim, results: Path, history: History) -> Row:
    """Look up the last result of a claim in a folder of results.

    Where a file there is not what the claim's command writes, that is the result.
    """
    try:
        read = [_read(claim, path) for path in sorted(results.glob(claim.results))]
    except EvidenceError as error:
        return Row(claim, State.BROKEN, result=str(error))
    every = [found for found in read if found is not None]
    if not every:
        return Row(claim, State.MISSING)
    remarks = [note for found in every if (note := history.remark(found.made, claim.about))]
    state = State.OLD if remarks else State.HOLDS
    if not all(found.good for found in every):
        state = State.FAILS
    commands = (found.made.get("command") for found in every[:_NAMED])
    return Row(
        claim,
        state,
        sum(found.checks for found in every),
        _told(every),
        _joined(_when(found.made) for found in every[:_NAMED]),
        _joined(command for command in commands if command not in (None, claim.command)),
        _joined(list(dict.fromkeys(remarks))[:_NAMED]),
    )


def _read(claim: Claim, path: Path) -> Found | None:
    try:
        return claim.found(json.loads(path.read_text()))
    except OSError as error:
        raise EvidenceError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        raise EvidenceError(
            f"{path}: not the results of {claim.command!r} ({type(error).__name__}: {error}); "
            "remove it and run that again"
        ) from error


def _told(every: Sequence[Found]) -> str:
    if len(every) <= _NAMED:
        return "; ".join(found.result for found in every)
    kinds = Counter(found.result for found in every)
    return f"{len(every)} runs: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))


def _when(made: Document) -> str:
    commit, changed, _ = str(made.get("commit") or "").partition("+")
    parts = (commit[:12] + changed, str(made.get("date") or "")[:10])
    return ", ".join(part for part in parts if part)


def _joined(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))
