"""What can come of an upset, and of one run with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.campaigns.upsets.accuracy import Ended


class Outcome(StrEnum):
    """What came of one inverted bit."""

    MASKED = "masked"
    LEARNED = "learned away"
    MISCOUNTED = "only miscounted"
    WRONG = "wrong result"
    DETECTED = "detected"
    HANG = "hang"


OUTCOMES = {
    Outcome.MASKED: "weights, counts, random states and event counters (but clocks and writes) "
    "are as without it",
    Outcome.LEARNED: "weights, counts or random states differ, the chip goes on as golden does "
    "from there, and at the end of training no more accuracy is lost than by luck, which stands "
    "below; it is no proof that this run lost nothing",
    Outcome.MISCOUNTED: "only event counters differ",
    Outcome.WRONG: "the chip goes on differing from golden, or more accuracy is lost than that",
    Outcome.DETECTED: "an error bit, an answer that cannot be, or the link's CRC tells the host",
    Outcome.HANG: "no byte moves any more",
}


class Cleared(StrEnum):
    """What it took until the same training gave the undisturbed result again, bit for bit."""

    NOTHING = "not needed"
    RESET = "RESET"
    OPEN = "OPEN"
    NEVER = "not cleared"


CLEARED = {
    Cleared.RESET: "the core's command RESET, then weights and streams anew",
    Cleared.OPEN: "the link's OPEN, which resets link and core, then weights and streams anew",
    Cleared.NEVER: "neither of them, stuck for good",
}
"""Meanings of all that is counted: what is masked needs none."""


@dataclass(frozen=True)
class Run:
    """One inverted bit and what came of it.

    Attributes
    ----------
    kind, bit : where. clock : after which clock of training. outcome, cleared : what came of it.
    end : of the training, where that was asked. note : what the host was told.
    """

    kind: str
    bit: str
    clock: int
    outcome: Outcome
    cleared: Cleared
    end: Ended | None = None
    note: str = ""
