"""Work side by side: in this process, or on local processes that Dask looks after."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from spikeloom.errors import SpikeloomError, naming_extras

if TYPE_CHECKING:  # Dask costs a second to import
    from distributed import LocalCluster

Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[tuple[Any, Any]]]
"""Does a piece of work for each job; gives the job and what came of it, as they end."""


class WorkerError(SpikeloomError):
    """Processes that did the work are gone; the message says what to do."""


@contextmanager
def workers(count: int) -> Iterator[Map]:
    """Give a `Map` over `count` processes; 0: this one, without Dask."""
    if count == 0:
        yield lambda work, jobs: ((job, work(job)) for job in jobs)
        return
    with naming_extras():
        from distributed import Client, KilledWorker, as_completed
    with cluster(count) as local, Client(local) as client:

        def there(work: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
            jobs_of = {client.submit(work, job, pure=False): job for job in jobs}
            for future, found in as_completed(jobs_of, with_results=True):
                yield jobs_of[future], found

        try:
            yield there
        except KilledWorker as error:
            client.wait_for_workers(count)  # a cluster that starts one cannot be closed
            raise WorkerError(
                f"processes were lost again and again ({error}): most often memory has run out, "
                "take fewer workers"
            ) from None


@contextmanager
def cluster(count: int) -> Iterator[LocalCluster]:
    """Give a Dask cluster of local processes with one thread each."""
    from distributed import LocalCluster

    with _without_interrupts():
        made = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs="ERROR",
        )
    with made:
        yield made


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back from this thread; processes and threads started in it never see it.

    A terminal sends it to all of them, but it is the caller's to stop its workers.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    resource_tracker.ensure_running()  # its start would let Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
