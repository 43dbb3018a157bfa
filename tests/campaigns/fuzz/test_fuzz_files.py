"""Files of every kind, broken in every way: refused by name, in bounded memory, and no more."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest

from tests.campaigns.fuzz.files import container, engines, guard, mutate
from tests.campaigns.fuzz.files.__main__ import KEPT, NAMES
from tests.campaigns.fuzz.files.known import KNOWN, Known
from tests.campaigns.fuzz.files.targets import TARGETS
from tests.paths import ROOT

PAIRS = [(path.parent.name, path) for path in sorted(KEPT.glob("*/*"))]


def outcome(name: str, data: bytes, folder: Path) -> str:
    try:
        return guard.check(TARGETS[name], data, folder)
    except guard.FindingError as finding:
        if finding.signature not in KNOWN:
            raise
        return finding.signature


FUZZ = (sys.executable, "-m", "tests.campaigns.fuzz.files")


def replay(name: str, path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = (
        sys.executable,
        "-m",
        "tests.campaigns.fuzz.files",
        "--target",
        name,
        "--replay",
        path,
        *more,
    )
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_knows_every_target():
    assert tuple(TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_sound_files_are_read(name: str, tmp_path: Path):
    assert {outcome(name, seed, tmp_path) for seed in TARGETS[name].seeds()} == {"loaded"}


@pytest.mark.parametrize(("name", "path"), PAIRS, ids=lambda x: x if isinstance(x, str) else x.name)
def test_what_was_once_found_is_refused(name: str, path: Path, tmp_path: Path):
    found = outcome(name, path.read_bytes(), tmp_path)
    if found in KNOWN:
        pytest.xfail(KNOWN[found].why)
    assert found == "refused"


def mended(known: dict[str, Known], folder: Path) -> list[str]:
    """Return the signatures that their kept inputs do not give."""
    return [
        signature
        for signature, fault in known.items()
        if outcome(fault.kept.split("/")[0], (KEPT / fault.kept).read_bytes(), folder) != signature
    ]


def test_every_known_fault_is_still_there(tmp_path: Path):
    assert mended(KNOWN, tmp_path) == [], "mended: take it out of fuzz/known.py"


def test_a_known_fault_that_was_mended_is_noticed(tmp_path: Path):
    (kept, *_) = (f"{name}/{path.name}" for name, path in PAIRS)
    assert mended({"x: OSError in y": Known("", kept)}, tmp_path) == ["x: OSError in y"]


@pytest.mark.parametrize("name", NAMES)
def test_a_mutated_file_is_read_or_refused_by_name(name: str, tmp_path: Path):
    target = TARGETS[name]
    # The same files every time: others are drawn by `python -m tests.campaigns.fuzz.files`.
    few = hypothesis.settings(max_examples=40, database=None, deadline=None, derandomize=True)
    inputs = mutate.inputs(target, target.seeds())
    outcomes = set()
    few(hypothesis.given(data=inputs)(lambda data: outcomes.add(outcome(name, data, tmp_path))))()
    assert outcomes


@pytest.mark.slow
def test_a_search_writes_its_counts(tmp_path: Path):
    results = tmp_path / "fuzz-files.json"
    results.write_text('{"targets": {"picture": {"files": 5}}}')
    words = ("--seconds", "10", "--target", "result", "--engine", "hypothesis")
    command = (
        sys.executable,
        "-m",
        "tests.campaigns.fuzz.files",
        *words,
        "--out",
        tmp_path,
        "--results",
        results,
    )
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    values = json.loads(results.read_text())
    assert {"command", "commit", "date", "engine"} < values["targets"]["result"].keys()
    assert values["targets"]["result"]["files"] > 0
    assert values["targets"]["result"]["findings"] == 0
    assert values["targets"]["picture"] == {"files": 5}, "the last run of what was left out"


def test_a_guided_search_begins_with_the_seeds_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    nothing = SimpleNamespace(Setup=lambda *_: None, Fuzz=lambda: None)
    monkeypatch.setitem(sys.modules, "atheris", nothing)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "old").write_text("an earlier search's")
    engines._guided(lambda data: None, 1, [b"new"], (), tmp_path, 1)
    assert [path.read_bytes() for path in (tmp_path / "corpus").iterdir()] == [b"new"]


class Planted:
    """Runs a command where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("name", ["checkpoint", "paper-checkpoint"])
def test_a_pickle_in_a_checkpoint_is_never_loaded(name: str, tmp_path: Path):
    mark, folder = tmp_path / "mark", tmp_path / "folder"
    folder.mkdir()
    plain = pickle.dumps(Planted(mark))
    buffer = io.BytesIO()
    np.savez(buffer, format=np.array([Planted(mark)], dtype=object))
    pickle.loads(plain)
    assert mark.exists(), "the trap itself works"
    mark.unlink()
    for content in (plain, buffer.getvalue()):
        assert guard.check(TARGETS[name], b"\0" + content, folder) == "refused"
    assert not mark.exists()


@pytest.mark.parametrize("name", ["idx-images", "dataset"])
def test_a_header_that_promises_a_million_million_images_is_refused(name: str, tmp_path: Path):
    promise = struct.pack(">4B3I", 0, 0, 8, 3, 10**6, 10**3, 10**3) + bytes(9)
    if name == "dataset":
        promise = container.pack(dict.fromkeys("abcd", promise))
    path = tmp_path / "promise"
    path.write_bytes(b"\0" + promise)
    done = replay(name, path, "--bound", "64")
    assert (done.stdout, done.returncode) == ("promise: refused\n", 0), done.stderr


def bomb() -> bytes:
    """Return a zip a thousandth the size of the 1 GiB in it."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("weights1.npy", "w") as member,
    ):
        for _ in range(64):
            member.write(bytes(1 << 24))
    return buffer.getvalue()


@pytest.mark.slow
def test_a_checkpoint_that_unpacks_to_a_gigabyte_is_refused_unread(tmp_path: Path):
    path = tmp_path / "bomb"
    path.write_bytes(b"\0" + bomb())
    done = replay("checkpoint", path, "--bound", "64")
    assert (done.stdout, done.returncode) == ("bomb: refused\n", 0), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("promise", [0, 9])
def test_a_gzip_that_unpacks_to_a_gigabyte_is_refused_in_bounded_memory(
    tmp_path: Path, promise: int
):
    path, head = tmp_path / "bomb", b"\0\0\x08\3" + struct.pack(">3I", 1, 1, promise)
    path.write_bytes(b"\1" + gzip.compress((head if promise else b"") + bytes(1 << 30), 1))
    done = replay("idx-images", path, "--bound", "64")
    assert (done.stdout, done.returncode) == ("bomb: refused\n", 0), done.stderr
