"""Sweeps and their store: what is done is kept, whatever happens to workers and to the sweep."""

from __future__ import annotations

import json
import os
import platform
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.campaigns.provenance import commit
from tests.paper import store as stores
from tests.paper.errors import PaperError, need
from tests.paper.job import Job, Place, Tell
from tests.paper.store import Done, Record, Store
from tests.paper.sweep import Progress, sweep


def job(number: int, **more: Any) -> Job:
    return Job("test", {"number": number, **more}, title=f"run {number}")


def square(job: Job, place: Place, tell: Tell) -> dict[str, Any]:
    tell(0.5)
    if job.config.get("fails"):
        raise ValueError("seven is right out")
    return {"square": job.config["number"] ** 2}


def slow_square(job: Job, place: Place, tell: Tell) -> dict[str, Any]:
    """Leave a file that says which process started it; end when another file is there."""
    assert place.partial is not None
    name = f"{job.config['number']}-{time.monotonic_ns()}"
    (Path(place.partial) / name).write_text(str(os.getpid()))
    while not (Path(place.partial) / job.config["until"]).exists():
        time.sleep(0.02)
    return square(job, place, tell)


def suicide(job: Job, place: Place, tell: Tell) -> dict[str, Any]:
    if job.config.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    return square(job, place, tell)


def page_faults(job: Job, place: Place, tell: Tell) -> dict[str, Any]:
    """Take and leave 2 MB a hundred times, and count the pages that the kernel had to give."""
    for _ in range(3):
        np.ones(1 << 21, np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        np.ones(1 << 21, np.uint8)
    return {"faults": resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before}


def never(job: Job, place: Place, tell: Tell) -> dict[str, Any]:
    raise AssertionError("was run again")


def squares(records: dict[str, Record]) -> list[int]:
    return sorted(record.result["square"] for record in records.values())


def kept(folder: Path) -> int:
    return len(list(folder.glob("*")))


# The digest and the store


def test_the_digest_tells_configurations_apart_and_nothing_else():
    one = Job("ann", {"a": 1, "b": [1, 2]}, title="x", cost=1)
    assert one.digest == Job("ann", {"b": [1, 2], "a": 1}, title="y", cost=2).digest
    others = [
        Job("ann", {"a": 2, "b": [1, 2]}),
        Job("ann", {"a": 1, "b": [2, 1]}),
        Job("float", {"a": 1, "b": [1, 2]}),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_a_digest_never_changes_between_versions():
    # Worked out by: printf '["ann", {"a": 1}]' | sha256sum
    assert Job("ann", {"a": 1}).digest == "a9f2974c51062856"


def test_a_result_comes_back_as_it_was_saved(tmp_path: Path):
    store, done = Store(tmp_path / "new"), Done({"curve": [0.5, 0.75]}, 1.26, {"version": "1"})
    assert store.load(job(1)) is None
    store.prepare()
    saved = store.save(job(1), done)
    assert store.load(job(1)) == saved
    assert saved == Record("test", {"number": 1}, {"curve": [0.5, 0.75]}, 1.3, {"version": "1"})
    assert store.load(job(2)) is None
    assert kept(store.folder) == 1


def test_a_list_of_numbers_is_one_line_of_the_file(tmp_path: Path):
    curves = {"curves": [[1, 2, 3], [4, 5, 6]], "name": "a [1,  2] b", "none": []}
    store = Store(tmp_path)
    store.save(job(1), Done(curves, 0, {}))
    text = store.path(job(1)).read_text()
    assert "   [1, 2, 3],\n   [4, 5, 6]\n" in text
    assert json.loads(text)["result"] == curves


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read: .*; remove it, and the run is repeated"),
        ("[]", "is not the result of a run; keep other files elsewhere"),
        ('{"format": "spikeloom-run"}', "holds the result of another configuration"),
        (
            '{"format": "spikeloom-run", "kind": "test", "config": {"number": 1}, "result": {}}',
            "has no made_by, seconds; remove it",
        ),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, text: str, message: str):
    store = Store(tmp_path)
    store.path(job(1)).write_text(text)
    with pytest.raises(PaperError, match=message):
        store.load(job(1))


def test_a_folder_that_cannot_be_made_is_told_before_anything_runs(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PaperError, match=r"no results can be kept in .*file: .*; name another"):
        sweep([job(1)], Store(tmp_path / "file"), Place(), workers=0, run=never)


def test_a_result_that_cannot_be_written_is_told(tmp_path: Path):
    with pytest.raises(PaperError, match=r"cannot write .*gone/test-.*: No such file"):
        Store(tmp_path / "gone").save(job(1), Done({}, 0, {}))


def test_a_result_says_what_made_it():
    made = stores.made_by()
    assert made["version"] == "0.1.0"
    assert set(made["libraries"]) >= {"python", "numpy"}
    assert made["commit"] is None or len(made["commit"].removesuffix("+changes")) == 12


def test_a_folder_of_no_repository_has_no_commit(tmp_path: Path):
    assert commit(tmp_path) is None


# In this process


def test_a_sweep_keeps_every_result(tmp_path: Path):
    records = sweep([job(n) for n in range(4)], Store(tmp_path), Place(), workers=0, run=square)
    assert squares(records) == [0, 1, 4, 9]
    assert squares({str(n): Store(tmp_path).load(job(n)) for n in range(4)}) == [0, 1, 4, 9]


def test_what_is_kept_is_not_run_again(tmp_path: Path):
    jobs = [job(n) for n in range(3)]
    sweep(jobs, Store(tmp_path), Place(), workers=0, run=square)
    assert squares(sweep(jobs, Store(tmp_path), Place(), workers=0, run=never)) == [0, 1, 4]


def test_a_stopped_sweep_goes_on_where_it_was(tmp_path: Path):
    jobs = [job(n) for n in range(4)]

    def stop(progress: Progress) -> None:
        if progress.finished == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(jobs, Store(tmp_path), Place(), workers=0, run=square, show=stop)
    assert kept(tmp_path) == 2
    seen: list[Progress] = []
    sweep(jobs, Store(tmp_path), Place(), workers=0, run=square, show=seen.append)
    assert (seen[0].finished, seen[0].count) == (0, 2)
    assert kept(tmp_path) == 4


def test_the_same_run_asked_for_twice_is_run_once(tmp_path: Path):
    seen: list[Progress] = []
    sweep([job(1), job(1)], Store(tmp_path), Place(), workers=0, run=square, show=seen.append)
    assert seen[-1].count == 1


def test_progress_counts_costs_and_parts_of_runs(tmp_path: Path):
    jobs = [Job("test", {"number": n}, cost=c) for n, c in ((1, 3.0), (2, 1.0))]
    seen: list[Progress] = []
    sweep(jobs, Store(tmp_path), Place(), workers=0, run=square, show=seen.append)
    assert [p.done for p in seen] == [0, 1.5, 3, 3.5, 4]
    assert {p.total for p in seen} == {4}
    assert [p.finished for p in seen] == [0, 0, 1, 1, 2]
    assert [p.last and p.last.config["number"] for p in seen] == [None, None, 1, None, 2]


def test_a_run_that_fails_leaves_the_others_alone(tmp_path: Path):
    jobs = [job(1), job(7, fails=True), job(3)]
    message = r"1 of 3 runs failed, .*: run 7 \(ValueError: seven is right out\)"
    with pytest.raises(PaperError, match=message):
        sweep(jobs, Store(tmp_path), Place(), workers=0, run=square)
    assert kept(tmp_path) == 2


# On Dask


def start_files(folder: Path, count: int) -> list[Path]:
    """Wait until `count` runs have said that they started."""
    while True:
        found = [path for path in folder.glob("*-*") if path.read_text()]
        if len(found) >= count:
            return sorted(found, key=lambda path: int(path.name.split("-")[1]))
        time.sleep(0.02)


@pytest.mark.extra("paper")
def test_a_killed_worker_costs_a_repeated_run_and_nothing_else(tmp_path: Path):
    started, results = tmp_path / "started", tmp_path / "results"
    started.mkdir()
    jobs = [job(n, until="replaced") for n in range(4)]
    killed: list[str] = []

    def kill() -> None:
        newest = start_files(started, 2)[-1]  # the one with the most left to do
        killed.append(newest.name.split("-")[0])
        os.kill(int(newest.read_text()), signal.SIGKILL)
        start_files(started, 3)  # the survivor is busy: on a new worker
        (started / "replaced").touch()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    place = Place(partial=str(started))
    records = sweep(jobs, Store(results), place, workers=2, run=slow_square)
    thread.join()
    assert squares(records) == [0, 1, 4, 9]
    assert kept(results) == 4
    starts = [path.name.split("-")[0] for path in start_files(started, 5)]
    assert len(starts) == 5, "one run was repeated, no other"
    assert [n for n in "0123" if starts.count(n) == 2] == killed
    assert len({path.read_text() for path in started.glob("*-*")}) >= 3, "a new worker came"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="speaks of glibc's allocator")
@pytest.mark.extra("paper")
def test_workers_keep_the_memory_that_a_run_takes_again(tmp_path: Path):
    (record,) = sweep([job(1)], Store(tmp_path), Place(), workers=1, run=page_faults).values()
    assert record.result["faults"] < 5120, "as many pages as ten of the hundred arrays have"


@pytest.mark.extra("paper")
def test_a_run_that_kills_every_worker_fails_alone(tmp_path: Path):
    jobs = [job(1), job(2, dies=True), job(3)]
    with pytest.raises(PaperError, match=r"1 of 3 runs failed.*run 2 \(KilledWorker"):
        sweep(jobs, Store(tmp_path), Place(), workers=1, run=suicide)
    assert kept(tmp_path) == 2


@pytest.mark.extra("paper")
def test_a_cluster_that_runs_already_is_used_by_its_address(tmp_path: Path):
    distributed = need("distributed")
    seen: list[Progress] = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        records = sweep(
            [job(2), job(3)],
            Store(tmp_path),
            Place(partial="not for others"),
            scheduler=cluster.scheduler_address,
            show=seen.append,
            run=square,
        )
    assert squares(records) == [4, 9]
    assert seen[-1].finished == 2


@pytest.mark.extra("paper")
def test_an_address_where_nobody_answers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.paper.sweep.PATIENCE", "1s")
    address = "tcp://127.0.0.1:9"
    with pytest.raises(PaperError, match=f"no Dask scheduler answers at '{address}'.*start one"):
        sweep([job(1)], Store(tmp_path), Place(), scheduler=address, run=square)


def test_a_library_that_is_missing_is_named_with_the_command():
    with pytest.raises(
        PaperError, match=r"nolib is not installed: run pip install --editable '.\[paper\]'"
    ):
        need("nolib.part")
