"""A row per claim: its checks, the last result, and whether that still says anything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.campaigns.evidence.claims import Claim
from tests.campaigns.evidence.errors import EvidenceError
from tests.campaigns.evidence.found import Found, Made
from tests.campaigns.evidence.history import History

_NAMED = 3  # results of one claim that are told one by one


class State(StrEnum):
    """How a claim stands."""

    HOLDS = "holds"
    OLD = "held, not current"
    FAILS = "fails"
    MISSING = "not run yet"


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
    checks: int
    result: str
    made: str = ""
    by: str = ""
    remark: str = ""

    @property
    def line(self) -> str:
        """The state with the result, or with the command that there is to run."""
        return f"{self.state}: {self.result or self.claim.command}"


def row(claim: Claim, results: Path, history: History) -> Row:
    """Look up the last result of a claim in a folder of results.

    Raises `EvidenceError` where a file there is not what the claim's command writes.
    """
    every = [
        found
        for path in sorted(results.glob(claim.results))
        if (found := _read(claim, path)) is not None
    ]
    if not every:
        return Row(claim, State.MISSING, 0, "")
    remarks = [note for found in every if (note := history.remark(found.made, claim.about))]
    state = State.HOLDS if not remarks else State.OLD
    if not all(found.good for found in every):
        state = State.FAILS
    return Row(
        claim,
        state,
        sum(found.checks for found in every),
        _told(every),
        "; ".join(dict.fromkeys(_when(found.made) for found in every[:_NAMED])),
        "; ".join(
            dict.fromkeys(
                found.made.command
                for found in every[:_NAMED]
                if found.made.command not in (None, claim.command)
            )
        ),
        "; ".join(list(dict.fromkeys(remarks))[:_NAMED]),
    )


def _read(claim: Claim, path: Path) -> Found | None:
    try:
        return claim.read(json.loads(path.read_text()))
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


def _when(made: Made) -> str:
    parts = [made.commit[:12] + ("+" if made.changed else "")] if made.commit else []
    return ", ".join(parts + ([made.date[:10]] if made.date else []))
