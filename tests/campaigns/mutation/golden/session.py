"""Mutants as cosmic-ray lists and makes them, with their fates, in a file that outlives a stop."""

from __future__ import annotations

import difflib
import random
import resource
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

from spikeloom.errors import SpikeloomError
from tests.campaigns.mutation.golden import subject
from tests.campaigns.mutation.golden.skipped import is_skipped, uncomputed

SEEDS = (1, 2, 3)
"""Of the random tests; a mutant must survive all."""

Fate = tuple[MutationSpec, WorkResult]


class SoundError(SpikeloomError, RuntimeError):
    """The tests fail without a mutant."""


def _listed(db: WorkDB, path: Path) -> None:
    """List the mutations of a module in a new session, those that are skipped as such."""
    init([path], db, {})
    spans = uncomputed(path.read_text())
    for item in db.work_items:
        mutation = item.mutations[0]
        if is_skipped(mutation.operator_name, mutation.start_pos, spans):
            db.set_result(item.job_id, WorkResult(WorkerOutcome.SKIPPED))


def fates(module: str, file: Path, most: int | None, seed: int) -> Iterator[Fate]:
    """Yield a module's mutants with what became of each; those of `file` are not run again.

    The working folder is a copy (`subject.copy`). most : mutants, chosen by `seed`; None: all.

    Raises
    ------
    SoundError : the tests fail without a mutant.
    """
    path = subject.MODEL / f"{module}.py"
    file.parent.mkdir(parents=True, exist_ok=True)  # a module may lie in a folder
    with use_db(file) as db:
        if not db.num_work_items:
            _listed(db, path)
        done = dict(db.results)
        items = sorted(
            (i for i in db.work_items if not _is(done.get(i.job_id), WorkerOutcome.SKIPPED)),
            key=lambda item: (item.mutations[0].operator_name, item.mutations[0].occurrence),
        )
        random.Random(seed).shuffle(items)
        seconds = None
        for item in items[:most]:
            if item.job_id not in done:
                seconds = seconds or _sound(module)
                done[item.job_id] = _tested(module, item.mutations[0], seconds)
                db.set_result(item.job_id, done[item.job_id])
            yield item.mutations[0], done[item.job_id]


def _is(result: WorkResult | None, outcome: WorkerOutcome) -> bool:
    return result is not None and result.worker_outcome == outcome


def _sound(module: str) -> int:
    """Run the tests on the model itself; return how many seconds a mutant may use."""
    used = []
    for seed in SEEDS:
        before = _used()
        if subject.run(module, seed, 600):
            said = Path(subject.LOG).read_text()[-2000:]
            raise SoundError(f"{module}, seed {seed}: its tests fail without a mutant:\n{said}")
        used.append(_used() - before)
    return 5 + int(5 * max(used))


def _used() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def _tested(module: str, mutation: MutationSpec, seconds: int) -> WorkResult:
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    with use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after):
        by = next((f"seed {s}: {c}" for s in SEEDS if (c := subject.run(module, s, seconds))), None)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    outcome = TestOutcome.SURVIVED if by is None else TestOutcome.KILLED
    return WorkResult(WorkerOutcome.NORMAL, by, outcome, "\n".join(list(lines)[3:]))
