"""Runs of the paper's figures as if they had been done, for tests of what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.paper import stats
from tests.paper.exhibit import Plan, Records
from tests.paper.job import Job
from tests.paper.store import Record

QUICK = Plan(quick=True)


def places(folder: Path) -> list[object]:
    """Return the options that keep everything within a folder, and run it in this process."""
    return ["--results", folder / "results", "--out", folder / "out", "--workers", 0]


def record(job: Job, result: dict[str, Any]) -> Record:
    made_by = {"version": "0", "commit": "0123456789ab", "libraries": {}}
    return Record(job.kind, job.config, result, 1.0, made_by)


def trained(job: Job, *accuracy: float, images: int = 1000) -> Record:
    """Return what a training could have given: the first images of the test set are right."""
    right = np.arange(images) < accuracy[-1] * images
    result = {"accuracy": list(accuracy), "right": stats.pack(right), "images": images, "data": "0"}
    return record(job, result)


def found(jobs: list[Job], records: list[Record]) -> Records:
    return Records({job.key: each for job, each in zip(jobs, records, strict=True)})
