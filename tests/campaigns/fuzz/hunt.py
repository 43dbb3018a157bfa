"""Tries what Hypothesis draws until the time is over, or until something fails and is shrunk."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

BATCH = 2
"""Examples that Hypothesis draws at a time; each batch has a seed of its own. The first is the
simplest there is, the second is drawn freely; most further ones would be variants of what was
drawn, and a core takes longer to build than to run."""

SHRINK_SECONDS = 180.0
"""How long a failure is made smaller, at most."""

Example = TypeVar("Example")


@dataclass(frozen=True)
class Failure(Generic[Example]):
    """The smallest example that failed, what it raised, and how many failed on the way to it."""

    example: Example
    error: Exception
    tries: int


@dataclass
class Hunt(Generic[Example]):
    """What was tried.

    Attributes
    ----------
    counts : of everything in the examples that passed; `cases` is their number.
    seconds : that it took, without shrinking. failure : None where all passed.
    stopped : by Ctrl-C, before the time was over or what failed was small.
    """

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    failure: Failure[Example] | None = None
    stopped: bool = False


class _Over(BaseException):
    """The time is over; no exception that Hypothesis would take for a failure."""


def hunt(
    strategy: st.SearchStrategy[Example],
    run: Callable[[Example], Counter[str]],
    *,
    size: Callable[[Example], int],
    seed: int = 0,
    seconds: float,
    shrink_seconds: float = SHRINK_SECONDS,
    progress: Callable[[Hunt[Example]], None] = lambda so_far: None,
) -> Hunt[Example]:
    """Try examples until the time is over, one fails or Ctrl-C comes.

    Parameters
    ----------
    strategy : draws examples; the same seed draws the same ones in the same order.
    run : tries one; what it counts is added up, whatever it raises is a failure.
    size : of an example: of two that fail the smaller one is kept.
    seconds : after which no new example is begun but the first. shrink_seconds : the same for
        smaller ones.
    progress : called after each example that passed.
    """
    done: Hunt[Example] = Hunt()
    began = time.monotonic()
    end = began + seconds
    passed: set[str] = set()

    def tried() -> bool:
        return bool(done.counts["cases"] or done.failure)

    def attempt(example: Example) -> None:
        nonlocal end
        if time.monotonic() >= end and tried():
            raise _Over
        before, text = done.failure, repr(example)
        if text in passed:
            return
        try:
            counted = run(example)
        except Exception as error:
            if before is None:
                end = time.monotonic() + shrink_seconds
                done.failure = Failure(example, error, 1)
            elif size(example) <= size(before.example):
                done.failure = Failure(example, error, before.tries + 1)
            raise
        passed.add(text)
        if before is None:
            done.counts += counted
            done.counts["cases"] += 1
            done.seconds = time.monotonic() - began
            progress(done)

    batch = 0
    while done.failure is None and (time.monotonic() < end or not tried()):
        try:
            _batch(strategy, attempt, seed + (batch << 32))()
        except _Over:
            break
        except KeyboardInterrupt:
            done.stopped = True
            break
        except Exception:
            if done.failure is None:  # it is Hypothesis that complains
                raise
        batch += 1
    return done


def _batch(
    strategy: st.SearchStrategy[Example], attempt: Callable[[Example], None], seed: int
) -> Callable[[], None]:
    """Return what tries a batch of examples, and shrinks the first one that fails."""
    settings = hypothesis.settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )

    # Hypothesis passes by name, and names the test in what it says of it.
    def fuzzed(first: int, example: Example) -> None:
        attempt(example)

    # Hypothesis sees to it that the first number that it draws was not drawn before: this one, or
    # what an example draws first would never be the simplest again.
    given = hypothesis.given(first=st.integers(0, 2**32 - 1), example=strategy)
    return hypothesis.seed(seed)(settings(given(fuzzed)))
