"""One run of a sweep: what decides its numbers, and the function that makes them.

A run's digest is that of its kind and configuration. Where it runs, where its data lie and which
array library computes it (`Place`) are no part of it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KINDS = {
    "product": "tests.paper.product",
    "activity": "tests.paper.activity",
    "ann": "tests.paper.ann",
    "float": "tests.paper.floating",
    "machine": "tests.paper.machine",
}
"""The module behind each kind of run; its `run(config, place, tell)` returns the result."""

Tell = Callable[[float], None]
"""Is told how much of a run is done, 0 to 1."""


@dataclass(frozen=True)
class Place:
    """Where a run finds its data and keeps what is half done, and what computes it.

    A digest does not know it: another array library draws other random numbers and gives another
    result of the same kind, and the record says which it was.

    Attributes
    ----------
    data : data set's name to its folder; "mnist" needs none.
    partial : folder for what a stopped run goes on from; None where nothing is kept.
    xp : array library of the float model. device : its device, where it has several.
    """

    data: dict[str, str] = field(default_factory=dict)
    partial: str | None = None
    xp: str = "numpy"
    device: str | None = None


@dataclass(frozen=True)
class Job:
    """A run to do.

    Attributes
    ----------
    kind : a key of `KINDS`.
    config : all that decides the result, as JSON knows it.
    title : for people. cost : about how many seconds it takes a core.
    """

    kind: str
    config: dict[str, Any]
    title: str = field(default="", compare=False)
    cost: float = field(default=1.0, compare=False)

    @property
    def digest(self) -> str:
        """16 hex digits that change whenever the result could change."""
        text = json.dumps([self.kind, self.config], sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def key(self) -> str:
        """Name of the run: its kind and digest."""
        return f"{self.kind}-{self.digest}"


def execute(job: Job, place: Place, tell: Tell) -> dict[str, Any]:
    """Do a run and return its result, as JSON knows it."""
    return importlib.import_module(KINDS[job.kind]).run(job.config, place, tell)
