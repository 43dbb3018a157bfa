"""Sweeps: many runs side by side on Dask, each kept as soon as it is done.

What is in the store already is not run again, so a stopped sweep goes on where it was. A run whose
worker is lost is given to another one; a run that fails leaves the others alone.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spikeloom.workers import cluster
from tests.paper import job as jobs_
from tests.paper.errors import PaperError, need
from tests.paper.job import Job, Place, Tell
from tests.paper.store import Done, Record, Store, made_by

if TYPE_CHECKING:  # Dask costs a second to import
    from distributed import Client

LOSSES = 3
"""How many workers a run may lose before it is given up."""

PATIENCE = "10s"
"""How long a scheduler may take to answer."""

BETWEEN = 1.0
"""Seconds between two messages of a run about how far it is."""

TOPIC = "spikeloom-run"

KEEPS_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "67108864",
}
"""Environment of local workers, in bytes, for glibc. It else gives every large array back at once
and takes the next one page by page, which was two fifths of a float run's time."""

Run = Callable[[Job, Place, Tell], dict[str, Any]]


@dataclass(frozen=True)
class Progress:
    """How far a sweep is; `done` of `total` in units of `Job.cost`, running runs counted in part.

    `finished` of `count` runs are done; `last` is the run that has just ended, where one has.
    """

    done: float
    total: float
    finished: int
    count: int
    last: Job | None = None


Show = Callable[[Progress], None]


def sweep(
    jobs: Iterable[Job],
    store: Store,
    place: Place,
    *,
    workers: int = 2,
    scheduler: str | None = None,
    show: Show = lambda progress: None,
    run: Run = jobs_.execute,
) -> dict[str, Record]:
    """Do every run that is not in the store yet; return the results by `Job.key`.

    Parameters
    ----------
    workers : local processes; 0 runs everything in this one, without Dask.
    scheduler : address of a Dask scheduler to use instead. Its workers must see the same folders
        of data; what they leave half done is not kept.
    show : is told of progress, in this thread or Dask's.
    run : does one run; must be importable on the workers.

    Raises
    ------
    PaperError
        A run failed (after all others were done and kept), or there is no scheduler.
    """
    wanted = {job.key: job for job in jobs}
    records = {key: found for key, job in wanted.items() if (found := store.load(job))}
    missing = [job for key, job in wanted.items() if key not in records]
    if not missing:
        return records
    store.prepare()
    tally = _Tally(missing, show)
    failures: dict[str, str] = {}
    ends = _here(missing, place, run, tally) if workers == 0 and scheduler is None else None
    connected = nullcontext(None) if ends is not None else _client(workers, scheduler)
    with connected as client:
        if client is not None:
            kept = place if scheduler is None else _without_partial(place)
            ends = _there(client, missing, kept, run, tally)
        for job, end in ends:
            if isinstance(end, Done):
                records[job.key] = store.save(job, end)
            else:
                failures[job.title or job.key] = f"{type(end).__name__}: {end}"
            tally.end(job)
    if failures:
        told = "; ".join(f"{title} ({why})" for title, why in failures.items())
        raise PaperError(
            f"{len(failures)} of {len(missing)} runs failed, the others are kept in "
            f"{store.folder}: {told}"
        )
    return records


class _Tally:
    """Adds up how far the runs of a sweep are; told by this thread and by Dask's."""

    def __init__(self, jobs: list[Job], show: Show) -> None:
        self._lock = threading.RLock()
        self._jobs = {job.key: job for job in jobs}
        self._parts = dict.fromkeys(self._jobs, 0.0)
        self._ended: set[str] = set()
        self._show = show
        self._tell(None)

    def tell(self, key: str, part: float) -> None:
        """Note that a run is done to `part`, 0 to 1; one that starts again falls back."""
        with self._lock:
            if key in self._parts and key not in self._ended:
                self._parts[key] = min(max(part, 0.0), 1.0)
                self._tell(None)

    def end(self, job: Job) -> None:
        """Note that a run has ended, well or not."""
        with self._lock:
            self._parts[job.key] = 1.0
            self._ended.add(job.key)
            self._tell(job)

    def _tell(self, last: Job | None) -> None:
        jobs = self._jobs
        self._show(
            Progress(
                done=sum(jobs[key].cost * part for key, part in self._parts.items()),
                total=sum(job.cost for job in jobs.values()),
                finished=len(self._ended),
                count=len(jobs),
                last=last,
            )
        )


def _do(job: Job, place: Place, run: Run, tell: Tell) -> Done:
    """Do a run, wherever this is called."""
    # Before the run: what is loaded is what runs, whatever is changed on the disk meanwhile.
    made = made_by() | {"arrays": place.xp, "device": place.device}
    started, last = time.perf_counter(), 0.0

    def now_and_then(part: float) -> None:
        nonlocal last
        if time.monotonic() - last >= BETWEEN:
            last = time.monotonic()
            tell(part)

    result = run(job, place, now_and_then)
    return Done(result, time.perf_counter() - started, made)


def _here(
    jobs: list[Job], place: Place, run: Run, tally: _Tally
) -> Iterator[tuple[Job, Done | Exception]]:
    """Do the runs one after the other in this process."""
    for job in jobs:

        def tell(part: float, key: str = job.key) -> None:
            tally.tell(key, part)

        try:
            yield job, _do(job, place, run, tell)
        except Exception as error:  # every failure is reported at the end
            yield job, error


def _do_there(job: Job, place: Place, run: Run) -> Done:
    """Do a run on a worker, which sends messages of how far it is."""
    from distributed import get_worker

    worker = get_worker()
    return _do(job, place, run, lambda part: worker.log_event(TOPIC, (job.key, part)))


def _there(
    client: Client, jobs: list[Job], place: Place, run: Run, tally: _Tally
) -> Iterator[tuple[Job, Done | Exception]]:
    """Do the runs on the workers of a scheduler, the longest first."""
    from distributed import as_completed

    client.subscribe_topic(TOPIC, lambda event: tally.tell(*event[1]))
    longest_first = sorted(jobs, key=lambda job: -job.cost)
    futures = {
        client.submit(
            _do_there, job, place, run, key=f"{job.key}-{os.urandom(4).hex()}", pure=False,
            priority=-number,
        ): job
        for number, job in enumerate(longest_first)
    }  # fmt: skip
    for future in as_completed(futures):
        error = future.exception()
        yield futures[future], future.result() if error is None else error


def _without_partial(place: Place) -> Place:
    return Place(data=place.data, xp=place.xp, device=place.device)


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    """Give a client of the scheduler at an address, or of one with new local processes."""
    dask, distributed = need("dask"), need("distributed")
    settings = {
        "distributed.scheduler.allowed-failures": LOSSES,
        # One run at a time on a worker: a run that only waits there is not to blame for its loss.
        "distributed.scheduler.worker-saturation": 1.0,
        **{f"distributed.nanny.pre-spawn-environ.{k}": v for k, v in KEEPS_MEMORY.items()},
    }
    with dask.config.set(settings):
        if scheduler is not None:
            try:
                client = distributed.Client(scheduler, timeout=PATIENCE)
            except (OSError, ValueError) as error:
                raise PaperError(
                    f"no Dask scheduler answers at {scheduler!r} ({error}): start one with 'dask "
                    "scheduler' and give the address that it prints"
                ) from error
            with client:
                yield client
            return
        with cluster(workers) as local, distributed.Client(local) as client:
            yield client
